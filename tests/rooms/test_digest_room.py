"""The day's issue over its tables: what it takes, who gets which letter, and a kill between any two steps."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.conf import settings

from handbill.articles.models import Article
from handbill.delivery import actions as delivery
from handbill.delivery.models import Body, Delivery, Mailing
from handbill.delivery.records import READER_SLOT
from handbill.digest import actions, freeze, queries
from handbill.digest.errors import NothingToTest
from handbill.digest.models import Issue, IssueArticle, Letter
from handbill.kit.crypto import read_token
from handbill.subscribers import actions as subscribers
from handbill.topics.models import Topic
from handbill.work.models import Job

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 22)
SEVEN = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)  # 07:00 in Berlin
NOON = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)


@pytest.fixture
def topics() -> list[Topic]:
    return [Topic.objects.create(name=name, slug=name.lower()) for name in ("River", "Schools", "Roads")]


def publish(headline: str, at: datetime, *topics: Topic, **more) -> Article:
    slug = re.sub(r"\W+", "-", headline.lower())
    article = Article(headline=headline, slug=slug, excerpt="A line of news.", published_at=at, live=True, **more)
    article.topics = list(topics)
    article.save()
    return article


def reader(name: str, *slugs: str) -> str:
    """A confirmed reader; gives their token."""
    begun = SEVEN - timedelta(days=3)
    subscribers.ask(f"{name}@readers.example", begun)
    token = re.search(r"/confirm/([^/]+)/", Body.objects.order_by("-pk")[0].text)[1]
    welcome = subscribers.confirm(token, begun)
    if slugs:
        subscribers.choose(welcome.token, list(slugs), begun)
    return welcome.token


def got(reference: str) -> dict[str, str]:
    """Recipient → subject of a mailing."""
    rows = Delivery.objects.filter(mailing__reference=reference)
    return dict(rows.values_list("recipient", "body__subject"))


def who(token: str) -> str:
    return str(read_token(settings.KEYS.token, "reader", token))


class TestAnIssueADay:
    def test_each_reader_gets_the_letter_of_their_topics(self, topics: list[Topic]) -> None:
        river, schools, roads = topics
        publish("River ferry returns", SEVEN - timedelta(hours=3), river)
        publish("School roof mended", SEVEN - timedelta(hours=2), schools)
        ada, bob, cy, dee = (
            reader("ada"),
            reader("bob", "river"),
            reader("cy", "river", "roads"),
            reader("dee", "roads"),
        )
        sent = actions.send_due(SEVEN)
        assert (sent.date, sent.articles, sent.letters, sent.readers) == (DAY, 2, 2, 3)
        letters = got("issue:2026-11-22")
        assert letters == {
            who(ada): "School roof mended",
            who(bob): "River ferry returns",
            who(cy): "River ferry returns",
        }
        assert who(dee) not in letters
        body = Body.objects.get(mailing__reference="issue:2026-11-22", subject="School roof mended")
        assert body.one_click == f"https://paper.example/unsubscribe/{READER_SLOT}/"
        assert "https://paper.example/article/river-ferry-returns/" in body.html and body.language == "en"
        assert Letter.objects.get(subject="River ferry returns").audiences == [[river.pk], [river.pk, roads.pk]]

    def test_the_hour_comes_once(self) -> None:
        reader("bob")
        publish("Early news", SEVEN - timedelta(hours=1))
        assert actions.send_due(SEVEN - timedelta(seconds=1)) is None
        publish("Later news", SEVEN - timedelta(minutes=30))
        assert actions.send_due(SEVEN).articles == 2
        publish("Noon news", NOON)
        assert actions.send_due(NOON + timedelta(hours=1)) is None
        assert actions.send_due(SEVEN + timedelta(days=1)).articles == 1
        assert IssueArticle.objects.count() == 3 and Issue.objects.count() == 2

    def test_half_open_to_the_instant(self) -> None:
        reader("bob")
        publish("In", SEVEN - timedelta(microseconds=1))
        publish("Out", SEVEN)
        assert actions.send_due(SEVEN).articles == 1

    def test_a_missed_hour_is_caught_up_and_a_missed_day_folded_in(self) -> None:
        reader("bob")
        publish("Two days old", SEVEN - timedelta(hours=40))
        publish("Ancient", SEVEN - timedelta(days=4))
        sent = actions.send_due(SEVEN + timedelta(hours=9))
        assert (sent.date, sent.articles) == (DAY, 1)

    def test_no_issue_without_news_or_readers(self) -> None:
        reader("bob", *[])
        assert actions.send_due(SEVEN) is None
        assert actions.send_now(NOON).letters == 0
        assert not Issue.objects.exists() and not Mailing.objects.filter(kind="issue").exists()
        publish("Imported", NOON, in_digest=False)
        publish("Draft", NOON).__class__.objects.filter(headline="Draft").update(live=False)
        assert actions.send_now(NOON).letters == 0

    def test_a_tick_with_nothing_to_say_reads_no_reader(self, monkeypatch) -> None:
        def never(*args) -> None:
            raise AssertionError("every reader was read though nothing waits")

        monkeypatch.setattr(actions.subscribers, "groups", never)
        assert actions.send_due(SEVEN) is None

    def test_news_waits_for_the_first_reader(self) -> None:
        publish("Early news", SEVEN - timedelta(hours=1))
        assert actions.send_due(SEVEN) is None
        reader("bob")
        assert actions.send_due(SEVEN + timedelta(hours=1)).readers == 1

    def test_by_hand_takes_all_up_to_now_and_the_rest_goes_tomorrow(self) -> None:
        reader("bob")
        publish("Dawn", SEVEN - timedelta(hours=4))
        early = SEVEN - timedelta(hours=2)
        publish("This moment", early)
        sent = actions.send_now(early)
        assert (sent.date, sent.articles, sent.already) == (DAY, 2, False)
        publish("After", SEVEN - timedelta(hours=1))
        again = actions.send_now(NOON)
        assert again.already and again.articles == 2
        assert actions.send_due(SEVEN) is None
        assert actions.send_due(SEVEN + timedelta(days=1)).articles == 1
        assert Delivery.objects.filter(mailing__kind="issue").count() == 2

    def test_the_tick_leaves_it_to_a_worker_at_it_and_a_hand_does_not(self) -> None:
        reader("bob")
        publish("Dawn", SEVEN - timedelta(hours=4))
        Job.objects.create(name="digest", next_at=SEVEN, lease_until=NOON + timedelta(hours=1), lease_token="x")
        assert actions.send_due(NOON) is None
        assert actions.send_now(NOON).readers == 1
        assert Job.objects.get().lease_token == "x"

    def test_two_at_once_freeze_one_issue(self, monkeypatch) -> None:
        reader("bob")
        publish("Dawn", SEVEN - timedelta(hours=4))
        real, window = freeze._write_down, actions.by_hand(NOON)

        def raced(*planned):
            monkeypatch.setattr(freeze, "_write_down", real)
            real(*planned)
            return real(*planned)

        monkeypatch.setattr(freeze, "_write_down", raced)
        assert freeze.freeze(actions.PAPER, DAY, window, NOON) == Issue.objects.get()
        assert IssueArticle.objects.count() == 1


class Killed(BaseException):
    """As good as kill -9: nothing may catch it."""


class TestCutOff:
    """Each step dies once; the next call takes it up. The lease of the dead is let run out."""

    AFTER = SEVEN + timedelta(minutes=10)

    @pytest.fixture(autouse=True)
    def day(self, topics: list[Topic]) -> None:
        publish("River ferry returns", SEVEN - timedelta(hours=3), topics[0])
        publish("School roof mended", SEVEN - timedelta(hours=2), topics[1])
        self.tokens = [reader("ada"), reader("bob", "river"), reader("cy")]

    def die_in(self, monkeypatch, module, name: str) -> None:
        def die(*args, **kwargs):
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(module, name, die)
            with pytest.raises(Killed):
                actions.send_due(SEVEN)

    def whole(self) -> None:
        letters = got("issue:2026-11-22")
        assert set(letters) == {who(token) for token in self.tokens}
        assert letters[who(self.tokens[1])] == "River ferry returns"
        assert Issue.objects.get().state == Issue.State.HANDED_OVER
        assert actions.send_due(self.AFTER + timedelta(minutes=10)) is None

    def test_before_composing_the_plan_stays_though_topics_changed(self, monkeypatch, topics: list[Topic]) -> None:
        self.die_in(monkeypatch, actions, "_compose")
        article = Article.objects.get(slug="school-roof-mended")
        article.topics = [topics[0]]
        article.save()
        publish("Too late", SEVEN - timedelta(minutes=5), topics[0])
        assert actions.send_due(self.AFTER).articles == 2
        self.whole()

    def test_while_composing(self, monkeypatch) -> None:
        self.die_in(monkeypatch, actions, "_advance")
        assert not Letter.objects.exists()
        actions.send_due(self.AFTER)
        self.whole()

    def test_before_handing_over_letters_stay_as_written(self, monkeypatch) -> None:
        self.die_in(monkeypatch, actions, "_hand_over")
        written = {(body.key, body.html) for body in Body.objects.filter(mailing__kind="issue")}
        Article.objects.update(excerpt="Changed meanwhile.")
        actions.send_due(self.AFTER)
        assert {(body.key, body.html) for body in Body.objects.filter(mailing__kind="issue")} == written
        self.whole()

    def test_the_dry_run_says_that_it_would_be_finished(self, monkeypatch) -> None:
        self.die_in(monkeypatch, actions, "_hand_over")
        assert "would be finished" in queries.dry_run(self.AFTER).why
        actions.send_due(self.AFTER)
        assert "nothing is sent twice" in queries.dry_run(self.AFTER).why

    def test_in_the_middle_of_the_readers(self, monkeypatch) -> None:
        monkeypatch.setattr(delivery, "CHUNK", 1)
        real, taken = delivery._delivery, []

        def some(*args):
            if len(taken) == 2:
                raise Killed
            taken.append(args)
            return real(*args)

        with monkeypatch.context() as patch:
            patch.setattr(delivery, "_delivery", some)
            with pytest.raises(Killed):
                actions.send_due(SEVEN)
        assert Delivery.objects.filter(mailing__kind="issue").count() == 2
        actions.send_now(self.AFTER)
        self.whole()

    def test_withdrawn_before_composing_leaves_the_issue(self, monkeypatch) -> None:
        self.die_in(monkeypatch, actions, "_compose")
        Article.objects.filter(slug="school-roof-mended").update(live=False)
        assert actions.send_due(self.AFTER).articles == 1
        assert set(got("issue:2026-11-22").values()) == {"River ferry returns"}

    def test_a_reader_who_chooses_anew_during_the_hand_over_is_not_left_out(self, monkeypatch) -> None:
        self.die_in(monkeypatch, actions, "_hand_over")
        subscribers.choose(self.tokens[2], ["schools"], self.AFTER)
        assert actions.send_due(self.AFTER).letters == 3
        assert got("issue:2026-11-22")[who(self.tokens[2])] == "School roof mended"

    def test_a_late_choice_of_what_was_withdrawn_holds_up_nobody(self, monkeypatch) -> None:
        self.die_in(monkeypatch, actions, "_hand_over")
        Article.objects.filter(slug="school-roof-mended").update(live=False)
        subscribers.choose(self.tokens[2], ["schools"], self.AFTER)
        actions.send_due(self.AFTER)
        assert set(got("issue:2026-11-22")) == {who(token) for token in self.tokens[:2]}
        assert Issue.objects.get().state == Issue.State.HANDED_OVER

    def test_a_plan_whose_day_is_over_is_dissolved_into_the_next(self, monkeypatch) -> None:
        self.die_in(monkeypatch, actions, "_compose")
        sent = actions.send_due(SEVEN + timedelta(hours=25))
        assert (sent.date, sent.articles, Issue.objects.count()) == (DAY + timedelta(days=1), 2, 1)


class TestTestLetter:
    def test_it_is_marked_and_touches_no_issue(self) -> None:
        publish("River ferry returns", NOON - timedelta(hours=1))
        reference = actions.send_test("dee@elsewhere.example", NOON)
        copy = Delivery.objects.get(mailing__reference=reference)
        assert copy.mailing.kind == "test" and copy.body.subject == "[Test] River ferry returns"
        assert copy.recipient.startswith("test~") and not Issue.objects.exists()
        assert actions.send_test("dee@elsewhere.example", NOON) != reference

    def test_it_shows_todays_issue_once_that_is_sent(self) -> None:
        reader("bob")
        publish("Morning", SEVEN - timedelta(hours=1))
        actions.send_due(SEVEN)
        publish("Noon", NOON)
        reference = actions.send_test("dee@elsewhere.example", NOON + timedelta(hours=1))
        assert Delivery.objects.get(mailing__reference=reference).body.subject == "[Test] Morning"

    def test_nothing_to_show(self) -> None:
        with pytest.raises(NothingToTest):
            actions.send_test("dee@elsewhere.example", NOON)


class TestDryRun:
    def test_it_counts_and_writes_nothing(self, topics: list[Topic]) -> None:
        publish("River ferry returns", NOON - timedelta(hours=3), topics[0])
        publish("School roof mended", NOON - timedelta(hours=2), topics[1])
        reader("ada"), reader("bob", "river"), reader("cy"), reader("dee", "roads")
        run = queries.dry_run(NOON)
        assert (run.date, run.articles, run.readers, run.readers_without, run.why) == (DAY, 2, 3, 1, "")
        assert [(one.subject, one.readers, one.articles, one.topics) for one in run.letters] == [
            ("School roof mended", 2, 2, ("the whole paper",)),
            ("River ferry returns", 1, 1, ("River",)),
        ]
        assert not Issue.objects.exists()
        assert actions.send_now(NOON).letters == 2
        assert "already" in queries.dry_run(NOON).why

    def test_it_says_why_there_is_nothing(self, topics: list[Topic]) -> None:
        assert "No published article" in queries.dry_run(NOON).why
        publish("River ferry returns", NOON - timedelta(hours=3), topics[0])
        assert "Nobody has confirmed" in queries.dry_run(NOON).why
        reader("dee", "roads")
        assert "No reader follows" in queries.dry_run(NOON).why
