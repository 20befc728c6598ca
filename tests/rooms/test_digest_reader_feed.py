"""A reader's private feed: exactly their issues, by mail or not, at an address that opens nothing else (ADR-0105)."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from django.conf import settings
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from lxml import etree
from test_digest_slots import DAY, HOUR, SEVEN, SUNDAY, got, publish, reader, who

from handbill.articles.models import Article
from handbill.delivery.models import Attempt, Delivery
from handbill.delivery.records import READER_SLOT
from handbill.digest import actions, queries, reader_feed
from handbill.digest.feed_formats import FORMATS
from handbill.digest.models import Issue
from handbill.kit.keys import Key
from handbill.subscribers import actions as subscribers
from handbill.subscribers import feeds, own_data, silence
from handbill.subscribers import queries as people
from handbill.subscribers.errors import WrongLink
from handbill.subscribers.models import Subscriber
from handbill.subscribers.wishes import Wishes
from handbill.topics.models import Topic

pytestmark = pytest.mark.django_db

ATOM, CONTENT = "{http://www.w3.org/2005/Atom}", "{http://purl.org/rss/1.0/modules/content/}"


def given_feed(token: str, **more) -> str:
    """The token of the feed that a reader has from now on."""
    feeds.begin(token, SEVEN - DAY, **more)
    return feed_token(token)


def feed_token(token: str) -> str:
    return feeds.standing(token, SEVEN).token


def shown(token: str) -> list[str]:
    """The subjects of a reader's feed, in the order they came."""
    return [one.subject for one in reversed(reader_feed.read(feed_token(token)).entries)]


@pytest.fixture
def public() -> Client:
    return Client(headers={"host": "paper.example"}, **{"handbill.face": "public"})


class TestWhatItHolds:
    def test_the_letters_they_got_by_mail_also_those_from_before_it(self) -> None:
        river, schools = (Topic.objects.create(name=name, slug=name.lower()) for name in ("River", "Schools"))
        token = reader("bob")
        subscribers.choose(token, ["river"], SEVEN - 10 * DAY)
        publish("Floods", SEVEN - HOUR, river)
        publish("Exams", SEVEN - 2 * HOUR, schools)
        actions.send_due(SEVEN)
        given_feed(token)
        assert shown(token) == ["Floods"] == got(token)
        subscribers.choose(token, ["schools"], SEVEN + HOUR)
        publish("Teachers", SEVEN + 2 * HOUR, schools, excerpt="Fewer of them.")
        actions.send_due(SEVEN + DAY)
        assert shown(token) == ["Floods", "Teachers"] == got(token), "what was chosen then"
        entry = reader_feed.read(feed_token(token)).entries[0]
        mailed = Delivery.objects.filter(recipient=who(token), mailing__kind="issue").order_by("-pk")[0].body.html
        assert "Fewer of them." in entry.html and entry.html in mailed
        assert entry.headlines == ("Teachers",) and entry.address == "https://paper.example/article/teachers/"

    def test_a_weekly_letter_is_the_review_that_was_mailed(self) -> None:
        river, schools = (Topic.objects.create(name=name, slug=name.lower()) for name in ("River", "Schools"))
        token = reader("bob", Wishes("weekly", 7))
        given_feed(token)
        for day in range(1, 7):
            publish(f"Day {day}", SEVEN - day * DAY, schools if day % 2 else river)
        actions.send_due(SEVEN)
        [entry] = reader_feed.read(feed_token(token)).entries
        mailed = Delivery.objects.filter(recipient=who(token), mailing__kind="issue").get().body.html
        assert [entry.subject] == got(token) and entry.html in mailed

    def test_instead_of_mail_an_issue_is_planned_for_them_alone(self) -> None:
        token = reader("bob", Wishes(hour=18))
        given_feed(token, instead=True)
        publish("Noon", SEVEN + 5 * HOUR)
        actions.send_due(SEVEN + 11 * HOUR)
        issue = Issue.objects.get(slot="daily 18")
        assert issue.state == "handed over" and got(token) == [] and shown(token) == ["Noon"]
        assert queries.dry_run_for("bob@readers.example", SEVEN + 12 * HOUR, SUNDAY + DAY).why == (
            "They read by feed, and no mail is sent to them."
        )
        assert {str(slot.key): count for slot, count in people.slots(SEVEN).items()} == {"daily 18": 0}

    def test_a_break_of_mail_is_none_of_the_feed(self) -> None:
        token = reader("bob")
        given_feed(token)
        subscribers.pause(token, SEVEN + 7 * DAY, SEVEN - HOUR)
        publish("Dawn", SEVEN - 8 * HOUR)
        actions.send_due(SEVEN)
        assert got(token) == [] and shown(token) == ["Dawn"]

    @pytest.mark.parametrize("ends", ["gone", "complaint"])
    def test_where_mail_ends_it_goes_on(self, ends: str) -> None:
        bob, cy = reader("bob"), reader("cy")
        given_feed(bob)
        publish("Dawn", SEVEN - 8 * HOUR)
        actions.send_due(SEVEN)
        for copy in Delivery.objects.filter(mailing__kind="issue"):
            Attempt.objects.create(delivery=copy, at=SEVEN + HOUR, relay="main", outcome="refused", ends=ends)
        assert subscribers.pull_feedback(SEVEN + 2 * HOUR) == 2
        publish("Noon", SEVEN + 5 * HOUR)
        actions.send_due(SEVEN + DAY)
        assert got(bob) == ["Dawn"] == got(cy) and shown(bob) == ["Dawn", "Noon"]
        assert not people.preferences(cy).reading and people.preferences(bob).reading

    def test_nothing_from_before_they_came_or_while_they_had_left_or_that_waits_for_an_editor(self) -> None:
        first = reader("ada")
        publish("Dawn", SEVEN - 8 * HOUR)
        actions.send_due(SEVEN)
        token = reader("bob", begun=SEVEN + HOUR)
        subscribers.leave(token, SEVEN + 2 * HOUR)
        publish("Noon", SEVEN + 5 * HOUR)
        actions.send_due(SEVEN + DAY)
        subscribers.come_back(token, SEVEN + DAY + HOUR)
        given_feed(token)
        publish("Dusk", SEVEN + 30 * HOUR)
        actions.hold(SUNDAY + 2 * DAY, "wait", SEVEN + DAY, "ada")
        actions.send_due(SEVEN + 2 * DAY)
        assert got(first) == ["Dawn", "Noon"] and shown(token) == []
        late = reader("cy", begun=SEVEN + 2 * DAY + timedelta(minutes=10))
        given_feed(late)
        actions.release(SUNDAY + 2 * DAY, SEVEN + 2 * DAY, "ada")
        actions.send_due(SEVEN + 2 * DAY + HOUR)
        assert shown(token) == ["Dusk"] == got(token) and shown(late) == [] == got(late)

    def test_what_was_withdrawn_is_gone_from_it_and_ids_stay(self) -> None:
        token = reader("bob")
        given_feed(token)
        publish("Dawn", SEVEN - 8 * HOUR)
        wrong = publish("Wrong", SEVEN - 9 * HOUR)
        actions.send_due(SEVEN)
        before = reader_feed.read(feed_token(token)).entries[0]
        assert before.headlines == ("Dawn", "Wrong")
        Article.objects.filter(pk=wrong.pk).update(live=False)
        feeds.renew(token, SEVEN)
        after = reader_feed.read(feed_token(token)).entries[0]
        assert after.headlines == ("Dawn",) and after.id == before.id and before.id.startswith("urn:uuid:")

    def test_the_last_two_weeks_in_a_number_of_queries_that_does_not_grow(self, django_assert_max_num_queries) -> None:
        token = reader("bob")
        given_feed(token)
        for day in range(17):
            publish(f"Day {day}", SEVEN + day * DAY - HOUR)
            actions.send_due(SEVEN + day * DAY)
        with django_assert_max_num_queries(12):
            found = reader_feed.read(feed_token(token))
        assert [one.subject for one in found.entries] == [f"Day {day}" for day in range(16, 2, -1)]


CHOICES = st.lists(
    st.one_of(
        st.none(),
        st.lists(st.sampled_from(["river", "schools", "roads"]), unique=True),
        st.sampled_from([Wishes(form="headlines"), Wishes(language="de"), Wishes(plain=True)]),
    ),
    min_size=3,
    max_size=6,
)


@pytest.mark.long
@given(
    CHOICES,
    st.integers(0, 6),
    st.sampled_from(
        [Wishes(hour=18), Wishes("weekdays"), Wishes("weekly", 3), Wishes("news"), Wishes(zone="Asia/Tokyo")]
    ),
)
@hypothesis_settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_reader_chooses_the_feed_is_what_was_mailed(choices, moves_on: int, to: Wishes) -> None:
    """Topics, form, language, and one move to another slot; every day has news of some of the topics."""
    with transaction.atomic():
        token = reader("bob", begun=SEVEN - HOUR)
        given_feed(token)
        live(token, choices, moves_on, to)
        assert shown(token) == got(token)
        transaction.set_rollback(True)


def live(token: str, choices: list, moves_on: int, to: Wishes) -> None:
    """Some days of a newsroom and of a reader who chooses at noon."""
    topics = [Topic.objects.create(name=name, slug=name) for name in ("river", "schools", "roads")]
    held = Wishes()
    for day, choice in enumerate(choices):
        noon = SEVEN + day * DAY + 5 * HOUR
        for number, topic in enumerate(topics[: day % 3 + 1]):
            publish(f"News {day} {number}", noon - HOUR, topic)
        if day == moves_on:
            held = replace(to, form=held.form, language=held.language, plain=held.plain)
        if isinstance(choice, Wishes):
            held = replace(held, form=choice.form, language=choice.language, plain=choice.plain)
        subscribers.wish(token, held, noon)
        if isinstance(choice, list):
            subscribers.choose(token, choice, noon)
        for hour in range(6, 30, 3):
            actions.send_due(SEVEN + day * DAY + hour * HOUR)


class TestItsAddress:
    def test_every_format_is_whole_and_says_nothing_of_the_reader(self, public: Client) -> None:
        assert FORMATS.keys() == feeds.FORMATS.keys()
        bob, token = "bob@readers.example", reader("bob")
        publish("Ferries & <b>more</b> \x0b", SEVEN - HOUR, excerpt="A line]]> of \x1f news.")
        actions.send_due(SEVEN)
        opens = given_feed(token)
        answers = {name: public.get(f"/private-feed/{opens}/{name}") for name in FORMATS}
        for answer in answers.values():
            text = unescape(answer.content.decode())
            assert answer.status_code == 200 and "Ferries" in text
            assert bob not in text and token not in text and READER_SLOT not in text
            assert not any(f"/{page}/" in text for page in ("preferences", "unsubscribe", "pause", "still"))
            assert answer["Cache-Control"].startswith("private") and answer["X-Robots-Tag"] == "noindex"
            assert answer["Referrer-Policy"] == "no-referrer"
            assert "default-src 'none'" in answer["Content-Security-Policy"]
        rss = etree.fromstring(answers["rss.xml"].content).find("channel")
        atom, made = etree.fromstring(answers["atom.xml"].content), json.loads(answers["feed.json"].content)
        item, entry, [one] = rss.find("item"), atom.find(f"{ATOM}entry"), made["items"]
        html = one["content_html"]
        assert item.findtext(f"{CONTENT}encoded") == entry.findtext(f"{ATOM}content") == html
        assert "Ferries &amp; " in html and "]]&gt;" in html
        assert item.findtext("guid") == entry.findtext(f"{ATOM}id") == one["id"]
        assert item.findtext("title") == entry.findtext(f"{ATOM}title") == one["title"] == got(token)[0]
        [own] = [link.get("href") for link in rss.findall(f"{ATOM}link") if link.get("rel") == "self"]
        assert (own, made["feed_url"]) == (feeds.address(opens, "rss.xml"), feeds.address(opens, "feed.json"))
        assert answers["atom.xml"]["Content-Type"] == "application/atom+xml; charset=utf-8"

    def test_an_empty_one_is_a_feed_and_the_same_bytes_again(self, public: Client) -> None:
        opens = given_feed(reader("bob"))
        for name in FORMATS:
            with time_machine.travel(SEVEN, tick=False):
                before = public.get(f"/private-feed/{opens}/{name}").content
            with time_machine.travel(SEVEN + DAY, tick=False):
                assert public.get(f"/private-feed/{opens}/{name}").content == before

    def test_unchanged_it_is_304_and_changed_it_is_not(self, public: Client) -> None:
        token = reader("bob")
        path = f"/private-feed/{given_feed(token)}/atom.xml"
        etag = public.get(path)["ETag"]
        again = public.get(path, headers={"if-none-match": f'"other", W/{etag}'})
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", etag)
        assert again["Cache-Control"].startswith("private") and again["X-Robots-Tag"] == "noindex"
        assert public.head(path)["ETag"] == etag and public.head(path).content == b""
        publish("Dawn", SEVEN - HOUR)
        actions.send_due(SEVEN)
        assert public.get(path, headers={"if-none-match": etag}).status_code == 200

    def test_fetching_it_changes_nothing_and_is_no_sign_of_life(self, public: Client) -> None:
        token = reader("bob")
        path = f"/private-feed/{given_feed(token)}/rss.xml"
        before = Subscriber.objects.values().get()
        with time_machine.travel(SEVEN + 300 * DAY, tick=False):
            assert public.get(path).status_code == 200
        assert Subscriber.objects.values().get() == before
        assert public.post(path).status_code == 405

    def test_it_opens_only_itself_and_a_readers_link_opens_no_feed(self, public: Client) -> None:
        token = reader("bob")
        opens = given_feed(token)
        with pytest.raises(WrongLink):
            people.reader_id(opens)
        assert public.get(f"/private-feed/{token}/rss.xml").status_code == 404
        assert public.post(f"/data/{opens}/").status_code == 404

    def test_unknown_renewed_ended_and_left_are_one_answer(self, public: Client, caplog) -> None:
        def answer(opens: str):
            found = public.get(f"/private-feed/{opens}/rss.xml")
            headers = {name: value for name, value in found.items() if name != "Content-Length"}
            return found.status_code, found.content.replace(opens.encode(), b""), headers

        token = reader("bob")
        over = [given_feed(token)]
        subject, _, mac = over[0].partition(".")
        feeds.renew(token, SEVEN)
        over.append(feed_token(token))
        assert answer(over[1])[0] == 200
        feeds.end(token, SEVEN)
        feeds.begin(token, SEVEN)
        over.append(feed_token(token))
        subscribers.leave(token, SEVEN)
        subscribers.come_back(token, SEVEN)
        assert feeds.standing(token, SEVEN).token == "", "who comes back chooses it anew"
        feeds.begin(token, SEVEN)
        over.append(feed_token(token))
        own_data.erase(token, SEVEN)
        never = answer(f"{subject[:-1]}9.{mac}")
        assert never[0] == 404 and len(set(over)) == 4
        with caplog.at_level(logging.WARNING):
            assert [answer(one) for one in over] == [never] * 4
        for strange in ("x", "~.", f"{subject}~2.{mac}", "9" * 400):
            assert answer(strange)[0] == 404

    def test_it_outlives_a_change_of_keys(self, monkeypatch) -> None:
        token = reader("bob")
        opens = given_feed(token)
        old = settings.KEYS.token
        newer = Key(current=9, by_id={**old.by_id, 9: b"n" * 32})
        monkeypatch.setattr(settings, "KEYS", replace(settings.KEYS._now(), token=newer))
        assert reader_feed.read(opens).id == reader_feed.read(feed_token(token)).id and feed_token(token) != opens

    def test_who_reads_by_feed_alone_is_not_asked_whether_they_still_read(self) -> None:
        by_feed, by_mail = reader("bob"), reader("cy")
        given_feed(by_feed, instead=True)
        assert silence.heed_silence(SEVEN + timedelta(days=400)) == 1
        assert Subscriber.objects.get(pk=who(by_mail)).still_asked_at is not None
