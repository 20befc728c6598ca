"""Issues of several slots over their tables: who gets which when, told once, approved or held, and why not."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.conf import settings
from django.db import transaction

from handbill.articles.actions import add_note
from handbill.articles.models import Article
from handbill.delivery import actions as delivery
from handbill.delivery.models import Body, Delivery
from handbill.digest import actions, freeze, queries, reader_feed, schedule
from handbill.digest.models import Issue, IssueArticle, Place
from handbill.kit.crypto import read_token
from handbill.subscribers import actions as subscribers
from handbill.subscribers import feeds
from handbill.subscribers.models import Subscriber
from handbill.subscribers.wishes import Slot, Wishes
from handbill.topics.models import Topic

pytestmark = pytest.mark.django_db

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SEVEN = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)  # a Sunday, 07:00 in Berlin
SIX_PM = SEVEN + 11 * HOUR
SUNDAY = date(2026, 11, 22)


def publish(headline: str, at: datetime, *topics: Topic, **more) -> Article:
    slug = re.sub(r"\W+", "-", headline.lower())
    more = {"excerpt": "A line of news.", **more}
    article = Article(headline=headline, slug=slug, published_at=at, live=True, **more)
    article.topics = list(topics)
    article.save()
    return article


def reader(name: str, wishes: Wishes | None = None, begun: datetime = SEVEN - 20 * DAY) -> str:
    subscribers.ask(f"{name}@readers.example", begun)
    token = re.search(r"/confirm/([^/]+)/", Body.objects.order_by("-pk")[0].text)[1]
    welcome = subscribers.confirm(token, begun)
    if wishes:
        subscribers.wish(welcome.token, wishes, begun)
    return welcome.token


def who(token: str) -> str:
    return str(read_token(settings.KEYS.token, "reader", token))


def got(token: str) -> list[str]:
    """The subjects of a reader's issues, in the order they came."""
    rows = Delivery.objects.filter(recipient=who(token), mailing__kind="issue").order_by("mailing__created_at", "pk")
    return list(rows.values_list("body__subject", flat=True))


def text(token: str) -> str:
    """A reader's last letter."""
    return Delivery.objects.filter(recipient=who(token), mailing__kind="issue").order_by("-pk")[0].body.text


def days_of(token: str, until: datetime, every: timedelta = HOUR, since: datetime = SEVEN - HOUR) -> None:
    now = since
    while now <= until:
        actions.send_due(now)
        now += every


class TestLeading:
    """The mailed letter, and the private feed's, have the reader's first topics behind what an editor placed."""

    def test_the_letter_the_review_and_the_feed_have_the_readers_order(self) -> None:
        river, schools = (Topic.objects.create(name=name, slug=name.lower()) for name in ("River", "Schools"))
        plain, first = reader("ada"), reader("bob", Wishes(leading=(schools.pk,)))
        weekly = reader("cy", Wishes("weekly", 7, leading=(schools.pk,)))
        subscribers.choose(one := reader("dee", Wishes(leading=(schools.pk,))), ["schools"], SEVEN - DAY)
        publish("Tides", SEVEN - 5 * HOUR, river)
        publish("Exams", SEVEN - 6 * HOUR, schools)
        publish("Floods", SEVEN - 7 * HOUR, river)
        lead = publish("Fire", SEVEN - 8 * HOUR, river)
        Place.objects.create(article_id=lead.pk, position=0)
        feeds.begin(first, SEVEN - DAY)
        actions.send_due(SEVEN)
        names = "Fire|Tides|Exams|Floods"
        orders = {who: list(dict.fromkeys(re.findall(names, text(who)))) for who in (plain, first, weekly, one)}
        assert orders[plain] == ["Fire", "Tides", "Floods", "Exams"]
        assert orders[first] == ["Fire", "Exams", "Tides", "Floods"] == orders[weekly]
        assert orders[one] == ["Exams"] and Issue.objects.get(slot="daily").letters.count() == 3
        [entry] = reader_feed.read(feeds.standing(first, SEVEN).token).entries
        assert list(entry.headlines) == orders[first]

    def test_a_change_during_the_hand_over_gets_its_letter(self) -> None:
        topics = [Topic.objects.create(name=name, slug=name.lower()) for name in ("River", "Schools")]
        token = reader("bob")
        for number, topic in enumerate(topics):
            publish(topic.name + " news", SEVEN - (number + 5) * HOUR, topic)
        lead = publish("Fire", SEVEN - 8 * HOUR)
        Place.objects.create(article_id=lead.pk, position=0)
        issue = freeze.freeze(Slot(), SUNDAY, schedule.window(Slot(), SUNDAY, freeze.paper_clock()), SEVEN)
        assert issue is not None
        subscribers.wish(token, Wishes(leading=(topics[1].pk,)), SEVEN)
        actions.send_due(SEVEN)
        assert re.findall("River news|Schools news", text(token))[0] == "Schools news"


class TestSlots:
    def test_each_at_their_hour_in_their_zone_and_what_came_in_between(self) -> None:
        morning, evening = reader("ada"), reader("bob", Wishes(hour=18))
        far = reader("cy", Wishes(zone="Asia/Kathmandu"))
        publish("Dawn", SEVEN - 8 * HOUR)
        assert actions.send_due(SEVEN - timedelta(hours=4, minutes=45)).readers == 1 and got(far) == ["Dawn"]
        assert actions.send_due(SEVEN).readers == 1 and got(morning) == ["Dawn"] and got(evening) == []
        publish("Noon", SEVEN + 5 * HOUR)
        sent = actions.send_due(SIX_PM)
        assert sent.reference == "issue:2026-11-22:daily:18" and sent.articles == 2
        assert got(evening) == ["Noon"] and got(morning) == ["Dawn"]

    def test_who_came_after_it_closed_begins_with_the_next(self) -> None:
        early, late = reader("ada"), reader("bob", begun=SEVEN + timedelta(minutes=1))
        publish("Dawn", SEVEN - 8 * HOUR)
        actions.send_due(SEVEN + timedelta(minutes=2))
        publish("Noon", SEVEN + 5 * HOUR)
        actions.send_due(SEVEN + DAY)
        assert got(early) == ["Dawn", "Noon"] and got(late) == ["Noon"]

    def test_weekdays_and_weekly(self) -> None:
        working, weekly = reader("ada", Wishes("weekdays")), reader("bob", Wishes("weekly", 2))
        publish("Saturday", SEVEN - DAY)
        days_of(working, SEVEN + 3 * DAY)
        assert got(working) == ["Saturday"] and Issue.objects.get(slot="weekdays").date == SUNDAY + DAY
        assert got(weekly) == ["The week: Saturday"] and Issue.objects.get(slot="weekly-2").date == SUNDAY + 2 * DAY

    def test_a_missed_week_is_folded_into_the_next(self) -> None:
        weekly = reader("bob", Wishes("weekly", 1))
        publish("Long ago", SEVEN - 5 * DAY)
        assert actions.send_due(SEVEN + 2 * DAY) is None, "a day late is too late"
        actions.send_due(SEVEN + 8 * DAY)
        assert got(weekly) == ["The week: Long ago"]

    def test_a_zone_that_is_no_more_is_the_papers_and_told(self) -> None:
        token = reader("ada")
        Subscriber.objects.update(zone="Europe/Atlantis")
        publish("Dawn", SEVEN - 8 * HOUR)
        assert "Europe/Atlantis" in queries.notices(SEVEN)[0]
        actions.send_due(SEVEN)
        assert got(token) == ["Dawn"]

    def test_form_language_and_text_alone(self) -> None:
        publish("Dawn", SEVEN - 8 * HOUR)
        german, short, bare = (
            reader("ada", Wishes(language="de")),
            reader("bob", Wishes(form="headlines")),
            reader("cy", Wishes(plain=True)),
        )
        assert actions.send_due(SEVEN).letters == 3
        assert "Sonntag, 22. November 2026" in text(german)
        assert "A line of news." not in text(short) and "A line of news." in text(bare)
        assert Body.objects.get(deliveries__recipient=who(bare), mailing__kind="issue").html == ""

    def test_one_slots_trouble_does_not_hold_up_another(self, monkeypatch) -> None:
        reader("ada")
        late = reader("bob", Wishes(hour=8, zone="Europe/Rome"))
        publish("Dawn", SEVEN - 8 * HOUR)
        real = actions._compose

        def fail(issue, now):
            if issue.slot == "daily":
                raise actions.NewAudience("Not now.")
            real(issue, now)

        monkeypatch.setattr(actions, "_compose", fail)
        with pytest.raises(actions.NewAudience):
            actions.send_due(SEVEN + HOUR)
        assert got(late) == ["Dawn"]


class TestMoving:
    def test_to_a_later_hour_nothing_twice_and_nothing_missed(self) -> None:
        token, other = reader("ada"), reader("bob", Wishes(hour=18))
        publish("Dawn", SEVEN - 2 * HOUR)
        actions.send_due(SEVEN)
        publish("Noon", SEVEN + 5 * HOUR)
        subscribers.wish(token, Wishes(hour=18), SEVEN + 6 * HOUR)
        actions.send_due(SIX_PM)
        assert got(token) == ["Dawn"] and got(other) == ["Noon"], "one issue a day"
        publish("Monday", SEVEN + DAY)
        actions.send_due(SIX_PM + DAY)
        assert got(token) == ["Dawn", "Monday"] and got(other) == ["Noon", "Monday"]
        assert "Noon" in text(token) and "Dawn" not in text(token)
        assert "Noon" not in text(other)
        actions.send_due(SIX_PM + 2 * DAY)
        assert len(got(token)) == 2

    def test_before_their_first_issue_what_the_new_slot_told_since_they_came_is_in_it(self) -> None:
        early = Wishes(hour=7, zone="Asia/Kathmandu")  # 01:15 in UTC
        other, begun = reader("bob", early), SEVEN - 6 * HOUR
        publish("Before", SEVEN - 10 * HOUR)
        token = reader("ada", begun=begun)
        publish("Dawn", begun + timedelta(minutes=5))
        actions.send_due(SEVEN - 4 * HOUR)
        assert got(other) == ["Dawn"] and "Before" in text(other)
        subscribers.wish(token, early, SEVEN - 3 * HOUR)
        publish("Noon", SEVEN + 5 * HOUR)
        actions.send_due(SEVEN)
        actions.send_due(SEVEN + 20 * HOUR)
        assert len(got(token)) == 1 and "Dawn" in text(token) and "Noon" in text(token) and "Before" not in text(token)
        assert got(other) == ["Dawn", "Noon"] and "Dawn" not in text(other)

    def test_while_the_old_slots_issue_waits_they_still_get_it(self, settings) -> None:
        settings.HANDBILL = replace(settings.HANDBILL, digest_unapproved="hold")
        token = reader("ada")
        publish("Dawn", SEVEN - 2 * HOUR)
        assert "Nobody approved" in actions.send_due(SEVEN).waits
        subscribers.wish(token, Wishes(hour=18), SEVEN + HOUR)
        actions.approve(SUNDAY, SEVEN + HOUR, "Ada")
        actions.send_due(SEVEN + 2 * HOUR)
        assert got(token) == ["Dawn"]


class TestToldOnce:
    @pytest.fixture(autouse=True)
    def told(self) -> None:
        self.token = reader("bob")
        self.article = publish("Ferry returns", SEVEN - 2 * HOUR)
        actions.send_due(SEVEN)

    def next(self, days: int = 1) -> None:
        actions.send_due(SEVEN + days * DAY)

    def test_what_is_new_is_told_with_the_article_once(self) -> None:
        add_note(self.article, "The first boat sank.", SEVEN + HOUR)
        publish("Other news", SEVEN + HOUR)
        self.next()
        assert "The first boat sank." in text(self.token) and "Ferry returns" in text(self.token)
        publish("More news", SEVEN + DAY + HOUR)
        self.next(2)
        assert "Ferry" not in text(self.token) and len(got(self.token)) == 3

    def test_who_never_heard_of_it_gets_no_news_of_it(self) -> None:
        later = reader("ada", Wishes(hour=18))
        add_note(self.article, "The first boat sank.", SEVEN + HOUR)
        actions.send_due(SIX_PM)
        assert "Ferry returns" in text(later) and "sank" not in text(later)

    def test_a_correction_goes_to_who_was_told_even_alone(self) -> None:
        add_note(self.article, "It was nine years, not ten.", SEVEN + HOUR, correction=True)
        self.next()
        assert "It was nine years, not ten." in text(self.token)
        assert len(got(self.token)) == 2
        self.next(2)
        assert len(got(self.token)) == 2

    def test_an_article_withdrawn_and_written_anew_about_the_same_story_is_not_told_again(self) -> None:
        from handbill.stories.models import Story

        story = Story.objects.create(title="Ferry", opened_at=SEVEN, latest_at=SEVEN)
        IssueArticle.objects.update(story=story.pk)
        publish("Ferry, again", SEVEN + HOUR, story=story)
        self.next()
        assert got(self.token) == ["Ferry returns"]

    def test_published_late_under_an_earlier_date_it_is_told_still(self) -> None:
        publish("Backdated", SEVEN - 3 * HOUR)
        self.next()
        assert got(self.token) == ["Ferry returns", "Backdated"]


class TestOrder:
    def test_what_the_editor_placed_leads_and_an_outlet_has_its_share(self, settings) -> None:
        settings.HANDBILL = replace(settings.HANDBILL, digest_per_outlet=2)
        source = {"source_address": "https://monitor.example/1", "credit": "Monitor"}
        made = [publish(f"Story {number}", SEVEN - number * HOUR, **source) for number in range(1, 6)]
        own = publish("Our own", SEVEN - 9 * HOUR)
        token = reader("bob")
        actions.arrange([own.pk, made[4].pk], SUNDAY, SEVEN - HOUR, "Ada")
        actions.send_due(SEVEN)
        assert got(token) == ["Our own"]
        shown = re.findall(r"Story \d", text(token))
        assert list(dict.fromkeys(shown)) == ["Story 5", "Story 1"]
        assert "3 more stories" in text(token)


class TestDecisions:
    @pytest.fixture(autouse=True)
    def day(self, settings) -> None:
        settings.HANDBILL = replace(settings.HANDBILL, digest_unapproved="hold")
        self.token = reader("bob")
        self.article = publish("Dawn", SEVEN - 2 * HOUR)

    def test_approved_it_goes_at_its_hour(self) -> None:
        actions.approve(SUNDAY, SEVEN - HOUR, "Ada")
        assert actions.send_due(SEVEN).waits == "" and got(self.token) == ["Dawn"]
        assert Issue.objects.get().handed_over_at == SEVEN

    def test_undo_within_ten_minutes_stops_it_whole(self) -> None:
        actions.approve(SUNDAY, SEVEN - timedelta(minutes=5), "Ada")
        assert "can be undone" in actions.send_due(SEVEN).waits
        assert actions.undo(SUNDAY, SEVEN + timedelta(minutes=4), "Ada") is True
        assert "Nobody approved" in actions.send_due(SEVEN + HOUR).waits and got(self.token) == []
        actions.approve(SUNDAY, SEVEN + HOUR, "Ada")
        assert actions.undo(SUNDAY, SEVEN + HOUR + timedelta(minutes=10), "Ada") is False
        actions.send_due(SEVEN + 2 * HOUR)
        assert got(self.token) == ["Dawn"]

    def test_a_hold_is_over_all_else_until_it_is_released(self) -> None:
        actions.approve(SUNDAY, SEVEN - HOUR, "Ada")
        actions.hold(SUNDAY, "The court has not ruled", SEVEN - HOUR, "Ada")
        assert "The court has not ruled" in actions.send_due(SEVEN).waits
        assert "The court has not ruled" in actions.send_now(SEVEN + HOUR).waits
        assert "The court has not ruled" in queries.dry_run(SEVEN + HOUR).why
        assert actions.release(SUNDAY, SEVEN, "Ada") is True and actions.release(SUNDAY, SEVEN, "Ada") is False
        actions.send_due(SEVEN + 2 * HOUR)
        assert got(self.token) == ["Dawn"]

    def test_what_nobody_approved_by_the_next_days_hour_is_in_the_next(self) -> None:
        actions.send_due(SEVEN)
        publish("Monday", SEVEN + HOUR)
        actions.approve(SUNDAY + DAY, SEVEN + 20 * HOUR, "Ada")
        actions.send_due(SEVEN + DAY)
        assert got(self.token) == ["Monday"] and "Dawn" in text(self.token)

    def test_withdrawn_between_approval_and_sending_it_is_left_out(self) -> None:
        publish("Noon", SEVEN - 3 * HOUR)
        actions.send_due(SEVEN)
        actions.approve(SUNDAY, SEVEN, "Ada")
        Article.objects.filter(pk=self.article.pk).update(live=False)
        actions.send_due(SEVEN + HOUR)
        assert got(self.token) == ["Noon"] and "Dawn" not in text(self.token)

    def test_with_everything_withdrawn_nothing_goes(self) -> None:
        actions.send_due(SEVEN)
        actions.approve(SUNDAY, SEVEN, "Ada")
        Article.objects.update(live=False)
        actions.send_due(SEVEN + HOUR)
        assert got(self.token) == []

    def test_a_restored_newsroom_stands_still_and_tells_nothing_it_told_before(self, settings) -> None:
        settings.HANDBILL = replace(settings.HANDBILL, digest_unapproved="send")
        actions.stand_still("Restored from a backup of 21 November.", SEVEN - HOUR)
        assert actions.send_due(SEVEN) is None and actions.send_now(SEVEN).letters == 0
        assert "Restored" in queries.dry_run(SEVEN).why
        assert actions.go_on(SEVEN, told_until=SEVEN - HOUR) is True
        publish("After", SEVEN - timedelta(minutes=30))
        actions.send_due(SEVEN + HOUR)
        assert got(self.token) == ["After"] and "Dawn" not in text(self.token)


class TestWhyNot:
    def why(self, now: datetime = SEVEN, day: date | None = None) -> str:
        return queries.dry_run_for("bob@readers.example", now, day).why

    def test_each_reason(self) -> None:
        river = Topic.objects.create(name="River", slug="river")
        assert "Nobody with this address" in self.why()
        token = reader("bob")
        assert "No published article" in self.why()
        publish("Dawn", SEVEN - HOUR)
        found = queries.dry_run_for("Bob@readers.example", SEVEN)
        assert found.letter.headlines == ("Dawn",) and found.due.isoformat() == "2026-11-23T07:00:00+01:00"
        subscribers.choose(token, ["river"], SEVEN)
        assert "No reader follows" in self.why()
        Article.objects.get().topics.add(river)
        subscribers.wish(token, Wishes("weekdays"), SEVEN - 20 * DAY)
        assert "None is due on Sunday" in self.why()
        subscribers.wish(token, Wishes(), SEVEN - 20 * DAY)
        subscribers.pause(token, SEVEN + 7 * DAY, SEVEN)
        assert "pause until 2026-11-29" in self.why()
        subscribers.resume(token, SEVEN)
        subscribers.leave(token, SEVEN)
        assert "have left" in self.why()
        delivery.suppress("bob@readers.example", "complaint", SEVEN)
        assert "must not be mailed (complaint)" in self.why()

    def test_had_already(self) -> None:
        reader("bob")
        publish("Dawn", SEVEN - HOUR)
        actions.send_due(SEVEN)
        assert "already" in self.why(SEVEN + HOUR)

    def test_another_day(self) -> None:
        reader("bob")
        publish("Dawn", SEVEN - HOUR)
        run = queries.dry_run(SEVEN, SUNDAY + DAY)
        assert run.date == SUNDAY + DAY and run.issues[0].closes == SEVEN + DAY and run.readers == 1
        assert not Issue.objects.exists()

    def test_slot_by_slot(self) -> None:
        reader("bob")
        reader("ada", Wishes(hour=18))
        publish("Dawn", SEVEN - HOUR)
        assert [(one.slot, one.readers) for one in queries.dry_run(SEVEN).issues] == [("daily", 1), ("daily 18", 1)]


def test_a_topic_that_is_retired_or_gone_brings_nothing() -> None:
    river = Topic.objects.create(name="River", slug="river")
    token = reader("bob")
    subscribers.choose(token, ["river"], SEVEN - DAY)
    publish("Dawn", SEVEN - HOUR)
    with transaction.atomic():
        Topic.objects.filter(pk=river.pk).update(retired=True)
    Subscriber.objects.update(audience=f"{river.pk},9999")
    assert actions.send_due(SEVEN) is None
    assert "No reader follows" in queries.dry_run(SEVEN).why
