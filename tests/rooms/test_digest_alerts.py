"""Alerts over their tables: who gets one, once; what issues tell its readers then; a kill between any two steps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from test_digest_room import Killed
from test_digest_slots import got, publish, reader, text, who

from handbill.articles.actions import add_note
from handbill.articles.models import Article
from handbill.delivery import actions as delivery
from handbill.delivery.journal import Journal
from handbill.delivery.letters import sample
from handbill.delivery.models import Body, Delivery, Mailing
from handbill.digest import actions, alerts, notes
from handbill.digest.alerts import Refused
from handbill.digest.errors import NoAlert
from handbill.digest.models import Alert, Issue
from handbill.digest.reach import Why
from handbill.stories.models import Story
from handbill.subscribers import actions as subscribers
from handbill.subscribers.models import Subscriber
from handbill.subscribers.wishes import Wishes
from handbill.topics.models import Topic

pytestmark = pytest.mark.django_db

DAY, HOUR, TEN = timedelta(days=1), timedelta(hours=1), timedelta(minutes=10)
SEVEN = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)  # a Sunday, 07:00 in Berlin
NOON = SEVEN + 5 * HOUR


@pytest.fixture
def river() -> Topic:
    return Topic.objects.create(name="River", slug="river")


@pytest.fixture
def roads() -> Topic:
    return Topic.objects.create(name="Roads", slug="roads")


@pytest.fixture
def flood(river, roads) -> Article:
    return publish("River floods", NOON - HOUR, river, roads)


def follow(name: str, *slugs: str, wishes: Wishes | None = None, alerts: bool = True) -> str:
    token = reader(name, replace(wishes or Wishes(), wants_alerts=alerts))
    if slugs:
        subscribers.choose(token, list(slugs), SEVEN - 19 * DAY)
    return token


def alerted(token: str) -> list[str]:
    rows = Delivery.objects.filter(recipient=who(token), mailing__kind="alert").order_by("pk")
    return list(rows.values_list("body__subject", flat=True))


def send(article: Article, topic: Topic, at: datetime = NOON, subject: str = "") -> Alert:
    """Approve it, and let its ten minutes go by."""
    alert = alerts.approve(article, topic, at, "ada", subject)
    assert alerts.send_due(at + TEN) == 1
    alert.refresh_from_db()
    return alert


class TestSending:
    def test_it_goes_after_ten_minutes_to_the_topics_readers_and_no_others(self, river, flood) -> None:
        whole, rivers, roads_alone = follow("ada"), follow("bob", "river"), follow("cy", "roads")
        weekly, quiet = follow("dee", wishes=Wishes("weekly", 1)), follow("eve", alerts=False)
        night = follow("fay", wishes=Wishes(zone="Pacific/Auckland"))
        shown = alerts.preview(flood, river, NOON)
        assert shown.readers == 2 and shown.goes_at == NOON + TEN and shown.why_not is None
        assert {why: n for why, n in shown.counts.items() if n} == {
            Why.REACHED: 2, Why.ELSEWHERE: 1, Why.UNWANTED: 2, Why.ASLEEP: 1,
        }  # fmt: skip
        assert not Alert.objects.exists() and not Subscriber.objects.exclude(alerted="").exists()
        alert = alerts.approve(flood, river, NOON, "ada")
        assert alerts.send_due(NOON + TEN - timedelta(seconds=1)) == 0 and not Delivery.objects.filter(
            mailing__kind="alert"
        )
        assert alerts.send_due(NOON + TEN) == 1 and alerts.send_due(NOON + TEN) == 0
        assert [alerted(token) for token in (whole, rivers)] == [["River floods"]] * 2
        assert not any(alerted(token) for token in (roads_alone, weekly, quiet, night))
        alert.refresh_from_db()
        assert (alert.state, alert.approved_by) == ("handed over", "ada")

    def test_it_is_a_letter_as_issues_are_with_one_click_to_leave(self, river, flood) -> None:
        bob = follow("bob", "river", wishes=Wishes(language="de", plain=True))
        send(flood, river, subject="The river is\r\nBcc: x@y.example over")
        body = Body.objects.get(mailing__kind="alert", deliveries__recipient=who(bob))
        assert body.subject == "The river is Bcc: x@y.example over" and body.html == ""
        assert "Eilmeldung: River" in body.text and "ohne Eilmeldungen" in body.text and "unsubscribe" in body.one_click
        copy = sample(body.pk, "alert").copy("bob@readers.example", "x", NOON, "nobody")
        assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in copy and b"List-Id:" in copy
        assert b"Auto-Submitted" not in copy

    def test_undone_within_ten_minutes_nothing_went(self, river, flood) -> None:
        bob = follow("bob")
        alert = alerts.approve(flood, river, NOON, "ada")
        assert alerts.undo(alert.pk, NOON + TEN - HOUR / 3600, "ben") and not alerts.undo(alert.pk, NOON, "ben")
        assert alerts.send_due(NOON + TEN) == 0 and not alerted(bob)
        late = alerts.approve(flood, river, NOON + HOUR, "ada")
        assert not alerts.undo(late.pk, NOON + HOUR + TEN, "ben"), "it may be on its way"
        assert alerts.send_due(NOON + HOUR + TEN) == 1
        assert alerted(bob) == ["River floods"] and not alerts.undo(Alert.objects.latest("pk").pk, NOON + HOUR, "ben")

    def test_who_left_or_must_not_be_mailed_gets_none(self, river, flood) -> None:
        bob, cy = follow("bob"), follow("cy")
        delivery.suppress("cy@readers.example", "complaint", NOON)
        alert = alerts.approve(flood, river, NOON, "ada")
        alerts.send_due(NOON + TEN)
        subscribers.leave(bob, NOON + TEN)
        states = dict(
            Delivery.objects.filter(mailing__reference=alerts.reference(alert)).values_list("recipient", "state")
        )
        assert states == {who(bob): "suppressed", who(cy): "waiting"}
        claimed = Journal().claim(NOON + TEN, 60, 100)
        assert {row.recipient: row.state for row in claimed}[who(cy)] == "suppressed", "asked at the last moment"

    @pytest.mark.parametrize("what", ["withdrawn", "retired", "late", "nobody"])
    def test_what_came_in_between_drops_it_and_is_told(self, river, flood, what) -> None:
        bob = follow("bob")
        alert = alerts.approve(flood, river, NOON, "ada")
        at = NOON + TEN
        if what == "withdrawn":
            Article.objects.update(live=False)
        elif what == "retired":
            Topic.objects.update(retired=True)
        elif what == "late":
            at += alerts.LATEST + timedelta(seconds=1)
        else:
            subscribers.leave(bob, NOON)
        assert alerts.send_due(at) == 0
        alert.refresh_from_db()
        assert (alert.state, alert.dropped) == ("dropped", what) and not Mailing.objects.filter(kind="alert").exists()


class TestLimits:
    def test_a_reader_gets_one_a_day_and_the_others_are_told_by_their_issue(self, river, roads, flood) -> None:
        bob, cy = follow("bob"), follow("cy", "roads")
        send(flood, river)
        closed = publish("Road closed", NOON, roads)
        assert alerts.preview(closed, roads, NOON + HOUR).counts[Why.ENOUGH] == 1
        send(closed, roads, NOON + HOUR)
        assert (alerted(bob), alerted(cy)) == (["River floods"], ["Road closed"])
        actions.send_due(SEVEN + DAY)
        assert got(bob) == ["Road closed"] and "River floods" not in text(bob)
        assert got(cy) == ["River floods"] and "Road closed" not in text(cy)
        later = publish("Road open", NOON + DAY, roads)
        send(later, roads, NOON + DAY + TEN)
        assert alerted(bob) == ["River floods", "Road open"] and alerted(cy) == ["Road closed"]

    def test_the_newsroom_sends_no_more_than_it_may(self, river, roads, flood, settings) -> None:
        settings.HANDBILL = replace(settings.HANDBILL, alerts_a_day=1, alerts_a_reader_a_day=9)
        follow("bob")
        send(flood, river)
        other = publish("Road closed", NOON, roads)
        with pytest.raises(NoAlert, match="limit"):
            alerts.approve(other, roads, NOON + HOUR, "ada")
        assert alerts.preview(other, roads, NOON + DAY).why_not is None
        settings.HANDBILL = replace(settings.HANDBILL, alerts_a_day=0)
        assert alerts.preview(other, roads, NOON + 2 * DAY).why_not is Refused.LIMIT

    def test_what_can_not_be_approved_says_why(self, river, roads, flood) -> None:
        def why(article: Article = flood, topic: Topic = river, at: datetime = NOON) -> Refused | None:
            return alerts.preview(article, topic, at).why_not

        assert why() is Refused.NOBODY
        follow("bob")
        assert why() is None
        assert why(at=NOON + 3 * DAY) is Refused.OLD
        assert why(at=SEVEN + 16 * HOUR) is Refused.NOBODY, "at night, everybody sleeps"
        assert why(publish("Elsewhere", NOON, roads)) is Refused.OFF_TOPIC
        private = publish("Private", NOON, river)
        private.live = False
        assert why(private) is Refused.PRIVATE
        alerts.approve(flood, river, NOON, "ada")
        assert why() is Refused.SENT and why(topic=roads) is Refused.PENDING
        with pytest.raises(NoAlert):
            alerts.approve(flood, river, NOON, "ben")
        actions.stand_still("Restored.", NOON)
        assert why(topic=roads) is Refused.STILL and alerts.send_due(NOON + TEN) == 0
        Topic.objects.update(retired=True)
        actions.go_on(NOON)
        river.refresh_from_db()
        assert why(topic=river) is Refused.RETIRED


class TestToldOnce:
    def test_who_was_told_by_an_issue_or_an_alert_is_not_alerted(self, river, roads, flood) -> None:
        bob = follow("bob")
        morning = publish("Dawn", SEVEN - HOUR, river)
        actions.send_due(SEVEN)
        assert alerts.preview(morning, river, NOON).counts[Why.TOLD] == 1
        send(flood, river)
        assert alerts.preview(flood, roads, NOON + 2 * DAY).counts[Why.TOLD] == 1
        assert got(bob) == ["Dawn"] and alerted(bob) == ["River floods"]

    def test_its_readers_issue_leaves_it_out_and_its_story(self, river, flood) -> None:
        story = Story.objects.create(title="Flood", opened_at=NOON, latest_at=NOON)
        Article.objects.filter(pk=flood.pk).update(story=story)
        flood.refresh_from_db()
        bob, cy = follow("bob", "river"), follow("cy", "roads")
        send(flood, river)
        Article.objects.filter(pk=flood.pk).update(story=None)
        again = publish("River floods, again", NOON + HOUR, river, Topic.objects.get(slug="roads"), story=story)
        assert alerts.preview(again, river, NOON + 2 * DAY).counts[Why.TOLD] == 1
        publish("Other news", NOON + HOUR, river)
        actions.send_due(SEVEN + DAY)
        assert "Other news" in text(bob) and "River floods" not in text(bob)
        assert "River floods" in text(cy)

    def test_withdrawn_and_written_anew_its_story_is_not_told_again(self, river, flood) -> None:
        story = Story.objects.create(title="Flood", opened_at=NOON, latest_at=NOON)
        Article.objects.update(story=story)
        flood.refresh_from_db()
        bob, cy = follow("bob", "river"), follow("cy", "roads")
        send(flood, river)
        Article.objects.update(live=False, story=None)
        publish("The flood", NOON + HOUR, river, Topic.objects.get(slug="roads"), story=story)
        actions.send_due(SEVEN + DAY)
        assert got(bob) == [] and got(cy) == ["The flood"]

    def test_with_nothing_else_there_is_no_letter(self, river, flood) -> None:
        bob = follow("bob")
        send(flood, river)
        assert actions.send_due(SEVEN + DAY) is None and got(bob) == []

    def test_what_is_new_and_corrections_go_to_who_was_alerted(self, river, flood) -> None:
        bob, cy = follow("bob", "river"), follow("cy", "roads")
        send(flood, river)
        add_note(flood, "The dyke holds.", NOON + HOUR)
        add_note(flood, "It was the mill dyke.", NOON + HOUR, correction=True)
        found = notes.notes_of(flood.pk)
        assert found.mailed is None and found.alerted == NOON + TEN
        assert {str(one.fate) for one in found.notes} == {"next"}
        actions.send_due(SEVEN + DAY)
        assert "The dyke holds." in text(bob) and "It was the mill dyke." in text(bob)
        assert "River floods" in text(cy) and "dyke" not in text(cy)
        assert "22 November 2026" in text(bob).partition("mailed this on")[2][:40]
        publish("Other news", SEVEN + DAY + HOUR, river)
        actions.send_due(SEVEN + 2 * DAY)
        assert "dyke" not in text(bob) and "River floods" not in text(bob)

    def test_old_and_only_alerted_its_notes_are_told_once_all_the_same(self, river, flood) -> None:
        bob = follow("bob", "river")
        send(flood, river)
        for day in (1, 2, 3):
            actions.send_due(SEVEN + day * DAY)
        late = reader("cy", begun=NOON + 3 * DAY)
        add_note(flood, "It was the mill dyke.", NOON + 3 * DAY, correction=True)
        actions.send_due(SEVEN + 4 * DAY)
        actions.send_due(SEVEN + 5 * DAY)
        assert len(got(bob)) == 1 and "It was the mill dyke." in text(bob)
        add_note(flood, "And it held.", NOON + 5 * DAY)
        actions.send_due(SEVEN + 6 * DAY)
        assert len(got(bob)) == 2 and "And it held." in text(bob)
        assert got(late) == [], "who never heard of it needs no correction"

    def test_an_issue_that_is_written_is_written_anew_for_who_was_alerted_meanwhile(self, river, flood) -> None:
        bob, cy = follow("bob", "river"), follow("cy")
        publish("Other news", NOON, river)
        alerts.approve(flood, river, NOON, "ada")
        actions.hold((SEVEN + DAY).date(), "", NOON, "ada")
        alerts.send_due(NOON + TEN)
        actions.send_due(SEVEN + DAY)
        Subscriber.objects.filter(pk=who(cy)).update(alerted="")  # as if the alert had not reached them
        actions.release((SEVEN + DAY).date(), SEVEN + DAY, "ada")
        actions.send_due(SEVEN + DAY + HOUR)
        assert "River floods" not in text(bob) and "River floods" in text(cy)
        assert Issue.objects.get().state == "handed over"


class TestCutOff:
    """Each step dies once; the next call takes it up with the same plan."""

    AFTER = NOON + TEN + TEN

    @pytest.fixture(autouse=True)
    def begun(self, river, flood, monkeypatch) -> None:
        monkeypatch.setattr(subscribers, "ALERT_CHUNK", 1)
        monkeypatch.setattr(delivery, "CHUNK", 1)
        self.tokens = [follow(name, "river") for name in ("ada", "bob", "cy")]
        self.alert = alerts.approve(flood, river, NOON, "ada")

    def die(self, monkeypatch, module, name: str, after: int = 0) -> None:
        real, calls = getattr(module, name), []

        def some(*args, **more):
            if len(calls) == after:
                raise Killed
            calls.append(args)
            return real(*args, **more)

        with monkeypatch.context() as patch:
            patch.setattr(module, name, some)
            with pytest.raises(Killed):
                alerts.send_due(NOON + TEN)

    def whole(self) -> None:
        assert alerts.send_due(self.AFTER) == 1
        assert [alerted(token) for token in self.tokens] == [["River floods"]] * 3
        assert alerts.send_due(self.AFTER + TEN) == 0
        assert Delivery.objects.filter(mailing__kind="alert").count() == 3

    @pytest.mark.parametrize(
        ("module", "name", "after"),
        [
            (subscribers, "_give", 0),
            (subscribers, "_give", 2),
            (alerts, "_hand_over", 0),
            (alerts, "_letters", 0),
            (delivery, "_delivery", 0),
            (delivery, "_delivery", 2),
        ],
    )
    def test_at_any_step_nobody_is_left_out_or_twice(self, monkeypatch, module, name, after) -> None:
        self.die(monkeypatch, module, name, after)
        self.whole()

    def test_whom_it_reaches_is_as_it_was_when_it_went(self, monkeypatch) -> None:
        Subscriber.objects.update(zone="Asia/Tokyo")  # 20:10 there
        self.die(monkeypatch, subscribers, "_give", 1)
        assert alerts.send_due(NOON + TEN + HOUR + 55 * TEN / 10) == 1  # 22:05 there by now
        assert [alerted(token) for token in self.tokens] == [["River floods"]] * 3

    def test_an_issue_that_goes_between_two_thousands_is_seen(self, monkeypatch) -> None:
        real, given = subscribers._give, []

        def give(*args) -> int:
            count = real(*args)
            if count and not given:
                actions.send_now(NOON + TEN)
            given.append(count)
            return count

        monkeypatch.setattr(subscribers, "_give", give)
        assert alerts.send_due(NOON + TEN) == 1 and given == [1, 0, 0]
        assert sorted((len(alerted(token)), len(got(token))) for token in self.tokens) == [(0, 1), (0, 1), (1, 0)]

    def test_an_issue_that_goes_meanwhile_tells_who_was_not_reached_yet_and_they_get_no_alert(
        self, monkeypatch
    ) -> None:
        self.die(monkeypatch, subscribers, "_give", 1)
        (first,) = Subscriber.objects.exclude(alerted="").values_list("pk", flat=True)
        actions.send_now(self.AFTER)
        alerts.send_due(self.AFTER)
        for token in self.tokens:
            assert (alerted(token), got(token)) == (
                (["River floods"], []) if who(token) == str(first) else ([], ["River floods"])
            )
