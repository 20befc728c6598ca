"""Sign up, confirm, choose, leave: rows, mails handed over and pages. Bob subscribes, Cy unsubscribes."""

from __future__ import annotations

import io
import logging
import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test import Client

from handbill.delivery.actions import hand_over, suppress
from handbill.delivery.address import AddressError
from handbill.delivery.models import Attempt, Body, Delivery, Mailing
from handbill.delivery.paths import Marks
from handbill.delivery.queries import progress
from handbill.delivery.records import READER_SLOT, LetterBody, Recipient
from handbill.kit.crypto import sign_token, unseal
from handbill.kit.errors import GiveUp
from handbill.subscribers import actions, consent, queries
from handbill.subscribers.errors import ExpiredLink, NotReading, TestLink, WrongLink
from handbill.subscribers.models import Consent, Cursor, Subscriber, Subscription
from handbill.topics.models import Topic

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
BOB, CY = "bob@readers.example", "cy@readers.example"


@pytest.fixture
def river() -> Topic:
    return Topic.objects.create(name="River", slug="river")


@pytest.fixture
def schools() -> Topic:
    return Topic.objects.create(name="Schools", slug="schools")


@pytest.fixture
def face() -> Client:
    return Client(enforce_csrf_checks=True, headers={"host": "paper.example"}, **{"handbill.face": "public"})


def confirm_token(now: datetime = NOW) -> str:
    return re.search(r"/confirm/([^/]+)/", Body.objects.order_by("-pk")[0].text)[1]


def begin(address: str, now: datetime = NOW) -> str:
    """A confirmed reader; gives their token."""
    actions.ask(address, now)
    return actions.confirm(confirm_token(), now).token


def everything() -> list[tuple]:
    """Each row of the room, to see that nothing changed."""
    return [
        tuple(model.objects.order_by("pk").values_list())
        for model in (Subscriber, Subscription, Consent, Mailing, Body)
    ]


class TestSigningUp:
    def test_a_new_address_is_sealed_and_gets_one_confirmation(self) -> None:
        assert actions.ask(f"  {BOB} ", NOW).state == "confirmation"
        bob = Subscriber.objects.get()
        assert unseal(settings.KEYS.address, bob.address_sealed, str(bob.pk)) == BOB
        assert bob.confirmed_at is None and bob.asked_at == NOW
        mailing = Mailing.objects.get()
        assert mailing.reference == f"confirm:{bob.pk}:{consent.unix_day(NOW)}" and mailing.kind == "confirmation"
        assert Delivery.objects.get().recipient == str(bob.pk)
        evidence = Consent.objects.get()
        assert (evidence.how, evidence.at) == ("asked", NOW) and "The Test Paper" in evidence.wording

    def test_asking_again_within_a_day_mails_nothing_and_after_it_once_more(self) -> None:
        actions.ask(BOB, NOW)
        assert actions.ask(BOB.upper().replace("EXAMPLE", "example"), NOW + timedelta(hours=23)).state == "nothing"
        assert Mailing.objects.count() == 1 and Subscriber.objects.count() == 1
        assert actions.ask(BOB, NOW + timedelta(hours=24)).state == "confirmation"
        assert Mailing.objects.count() == 2

    def test_a_reader_who_asks_again_is_reminded_once_a_day_with_links_of_their_own(self) -> None:
        token = begin(BOB)
        assert actions.ask(BOB, NOW + timedelta(hours=1)).state == "nothing"
        assert actions.ask(BOB, NOW + timedelta(days=1)).state == "reminder"
        copy = Delivery.objects.select_related("body", "mailing").order_by("-pk")[0]
        text = copy.body.text.replace(READER_SLOT, Marks().reader_token(copy.recipient))
        assert f"/preferences/{token}/" in text and f"/unsubscribe/{token}/" in text and "/confirm/" not in text
        assert Subscription.objects.filter(ended_at=None).count() == 1

    def test_no_table_holds_a_readers_token(self) -> None:
        token = begin(BOB)
        actions.ask(BOB, NOW + timedelta(days=1))
        for body in Body.objects.all():
            assert token not in body.text + body.html + body.one_click

    def test_an_address_that_must_not_be_mailed_looks_the_same(self) -> None:
        suppress(BOB, "complaint", NOW)
        assert actions.ask(BOB, NOW).state == "confirmation"

    @pytest.mark.parametrize("typed", ["", "bob", "bob@", "a b@c.example", "bob@x.example\r\nBcc: d@e.example"])
    def test_what_is_no_address_is_refused_and_leaves_nothing(self, typed: str) -> None:
        with pytest.raises(AddressError):
            actions.ask(typed, NOW)
        assert not Subscriber.objects.exists()

    def test_who_left_comes_back_by_confirming_again(self) -> None:
        token = begin(BOB)
        actions.leave(token, NOW + timedelta(hours=1))
        later = NOW + timedelta(days=2)
        assert actions.ask(BOB, later).state == "confirmation"
        assert queries.audiences(NOW) == {}
        actions.confirm(confirm_token(), later)
        assert queries.audiences(NOW) == {frozenset(): 1}
        assert list(Consent.objects.order_by("pk").values_list("how", flat=True)) == [
            "asked",
            "confirmed",
            "left",
            "asked",
            "confirmed",
        ]

    def test_no_table_holds_a_readable_address(self) -> None:
        begin(BOB)
        actions.ask(CY, NOW)
        with connection.cursor() as cursor:
            for table in connection.introspection.table_names(cursor):
                cursor.execute(f'SELECT * FROM "{table}"')
                for row in cursor.fetchall():
                    for value in row:
                        raw = bytes(value) if isinstance(value, (bytes, memoryview)) else str(value).encode()
                        assert b"@readers.example" not in raw, table
                        assert b"bob@" not in raw.lower(), table


class TestConfirming:
    def test_it_starts_the_whole_paper_once(self) -> None:
        actions.ask(BOB, NOW)
        token = confirm_token()
        first = actions.confirm(token, NOW)
        assert actions.confirm(token, NOW + timedelta(minutes=5)).token == first.token
        assert Subscription.objects.get().topic is None
        assert Subscriber.objects.get().confirmed_at == NOW
        assert Consent.objects.filter(how="confirmed").count() == 1
        assert first.first_issue == datetime(2026, 11, 23, 6, 0, tzinfo=UTC)

    def test_it_expires_after_72_hours(self) -> None:
        actions.ask(BOB, NOW)
        token = confirm_token()
        actions.confirmable(token, NOW + timedelta(hours=72, seconds=-1))
        with pytest.raises(ExpiredLink):
            actions.confirm(token, NOW + timedelta(hours=72))
        assert not Subscription.objects.exists()

    @pytest.mark.parametrize("token", ["", "x", "a.b", "..", "é.é"])
    def test_a_wrong_token_is_told_from_an_old_one(self, token: str) -> None:
        with pytest.raises(WrongLink):
            actions.confirm(token, NOW)

    def test_a_readers_token_confirms_nothing(self) -> None:
        token = begin(BOB)
        with pytest.raises(WrongLink):
            actions.confirm(token, NOW)

    def test_the_unconfirmed_are_forgotten_after_72_hours(self) -> None:
        begin(CY)
        actions.ask(BOB, NOW)
        assert actions.forget_unconfirmed(NOW + timedelta(hours=71)) == 0
        assert actions.forget_unconfirmed(NOW + timedelta(hours=72)) == 1
        assert Subscriber.objects.count() == 1
        with pytest.raises(ExpiredLink):
            actions.confirm(confirm_token(), NOW + timedelta(hours=73))


class TestChoosingAndLeaving:
    def test_topics_replace_the_whole_paper_and_back(self, river: Topic, schools: Topic) -> None:
        token = begin(BOB)
        assert actions.choose(token, ["river", "schools"], NOW).topics == ("River", "Schools")
        assert queries.audiences(NOW) == {frozenset({river.pk, schools.pk}): 1}
        actions.choose(token, ["river"], NOW)
        assert queries.preferences(token).chosen == ("river",)
        actions.choose(token, [], NOW)
        assert queries.audiences(NOW) == {frozenset(): 1}
        reasons = Subscription.objects.exclude(ended_at=None).values_list("end_reason", flat=True)
        assert list(reasons) == ["changed"] * 3
        assert Subscription.objects.count() == 4

    def test_a_topic_that_is_gone_is_named_and_loses_nothing(self, river: Topic, schools: Topic) -> None:
        token = begin(BOB)
        actions.choose(token, ["schools"], NOW)
        river.retired = True
        river.save()
        kept = actions.choose(token, ["river", "nowhere"], NOW)
        assert kept.kept and kept.gone == ("nowhere", "river") and kept.topics == ("Schools",)
        assert queries.audiences(NOW) == {frozenset({schools.pk}): 1}
        assert actions.choose(token, ["river", "schools", "nul\0"], NOW).gone == ("nul\0", "river")

    def test_leaving_ends_all_at_once_and_again(self, river: Topic) -> None:
        token = begin(CY)
        actions.choose(token, ["river"], NOW)
        assert actions.leave(token, NOW) is True
        assert actions.leave(token, NOW) is False
        assert queries.audiences(NOW) == {} and list(queries.readers(NOW)) == []
        assert Subscription.objects.filter(end_reason="reader").count() == 1
        with pytest.raises(NotReading):
            actions.choose(token, ["river"], NOW)

    def test_leaving_calls_off_what_waits_but_no_other_readers_and_no_confirmation(self) -> None:
        cy, bob = begin(CY), begin(BOB)
        letter = LetterBody("main", "news@paper.example", "Today", "<p>Hi</p>", "Hi")
        people = [Recipient(one.id, one.address, "main") for one in queries.readers(NOW)]
        hand_over("issue:2026-11-22", "issue", [letter], people, NOW)
        actions.leave(cy, NOW)
        states = dict(Delivery.objects.filter(mailing__kind="issue").values_list("recipient", "state"))
        assert states == {str(queries.reader_id(cy)): "suppressed", str(queries.reader_id(bob)): "waiting"}
        assert Delivery.objects.filter(mailing__kind="confirmation", state="waiting").count() == 2
        assert progress("issue:2026-11-22").waiting == 1

    def test_leaving_succeeds_for_who_was_forgotten(self) -> None:
        token = begin(CY)
        Subscriber.objects.all().delete()
        assert actions.leave(token, NOW) is False

    def test_wrong_and_test_tokens_change_nothing(self) -> None:
        begin(CY)
        with pytest.raises(WrongLink):
            actions.leave("nobody.nothing", NOW)
        with pytest.raises(TestLink):
            actions.leave(sign_token(settings.KEYS.token, "reader", "test~1"), NOW)
        assert queries.audiences(NOW) == {frozenset(): 1}

    def test_readers_stream_page_by_page_with_their_audience(self, river: Topic, monkeypatch) -> None:
        monkeypatch.setattr(queries, "CHUNK", 2)
        addresses = {f"reader{number}@readers.example" for number in range(5)}
        tokens = [begin(address) for address in sorted(addresses)]
        actions.choose(tokens[0], ["river"], NOW)
        actions.ask("unconfirmed@readers.example", NOW)
        found = list(queries.readers(NOW))
        assert {reader.address for reader in found} == addresses and len(found) == 5
        assert queries.audiences(NOW) == {frozenset(): 4, frozenset({river.pk}): 1}
        assert "readers.example" not in repr(found)

    def test_a_row_that_does_not_open_leaves_out_nobody_else(self, caplog) -> None:
        tokens = [begin(f"reader{number}@readers.example") for number in range(3)]
        for broken, left in ((tokens[0], 2), (tokens[1], 1)):
            Subscriber.objects.filter(pk=queries.reader_id(broken)).update(address_sealed=b"\x01broken")
            assert len(list(queries.readers(NOW))) == left
            assert str(queries.reader_id(broken)) in caplog.text

    def test_with_the_wrong_key_nobody_is_passed_over(self) -> None:
        begin(BOB), begin(CY)
        Subscriber.objects.update(address_sealed=b"\x01broken")
        with pytest.raises(GiveUp):
            list(queries.readers(NOW))

    def test_nobody_unconfirmed_is_read_to_whatever_rows_there_are(self) -> None:
        actions.ask(BOB, NOW)
        Subscription.objects.create(subscriber=Subscriber.objects.get(), topic=None, started_at=NOW)
        assert queries.audiences(NOW) == {} and list(queries.readers(NOW)) == []


class TestFeedback:
    def refuse(self, token: str, ends: str, reason: str = "gone") -> None:
        bob = Subscriber.objects.get(pk=queries.reader_id(token))
        copy = Delivery.objects.filter(recipient=str(bob.pk)).first()
        Attempt.objects.create(
            delivery=copy, at=NOW, relay="main", outcome=Delivery.State.REFUSED, code=550, reason=reason, ends=ends
        )

    @pytest.mark.parametrize(
        ("ends", "reason", "runs"),
        [("gone", "domain", 0), ("complaint", "abuse", 0), ("", "gone", 1), ("", "blocked", 1), ("", "", 1)],
    )
    def test_only_what_is_proven_ends_a_subscription(self, ends: str, reason: str, runs: int) -> None:
        token = begin(BOB)
        self.refuse(token, ends, reason)
        assert actions.pull_feedback(NOW) == 1 - runs
        assert Subscription.objects.filter(ended_at=None).count() == runs
        assert actions.pull_feedback(NOW) == 0
        assert Cursor.objects.get().position == Attempt.objects.get().pk

    def test_what_was_refused_before_it_began_ends_no_subscription(self) -> None:
        token = begin(BOB, NOW + timedelta(hours=1))
        self.refuse(token, "gone")
        assert actions.pull_feedback(NOW + timedelta(hours=2)) == 0
        assert queries.preferences(token).reading

    def test_the_reason_is_kept(self) -> None:
        self.refuse(begin(BOB), "gone")
        actions.pull_feedback(NOW)
        assert Subscription.objects.get().end_reason == "gone"


class TestPages:
    @pytest.fixture(autouse=True)
    def still(self):
        with time_machine.travel(NOW, tick=False):
            yield

    def test_no_page_sets_a_cookie_and_each_forbids_keeping_and_foreign_parts(self, face: Client) -> None:
        token = begin(BOB)
        for path in ("/subscribe/", f"/preferences/{token}/", f"/unsubscribe/{token}/", f"/confirm/{confirm_token()}/"):
            answer = face.get(path)
            assert answer.status_code == 200, path
            assert not answer.cookies and "Set-Cookie" not in answer.headers
            assert answer["Cache-Control"] == "no-store" and answer["X-Robots-Tag"] == "noindex"
            assert answer["Referrer-Policy"] == "no-referrer"
            assert "default-src 'none'" in answer["Content-Security-Policy"]
            html = answer.content.decode()
            assert "<script" not in html and "csrfmiddlewaretoken" not in html
            assert re.search(r'<a[^>]+href="#content"', html).start() == html.index("<a ")

    def test_the_same_page_for_new_known_and_suppressed(self, face: Client) -> None:
        suppress("dee@readers.example", "gone", NOW)
        begin(BOB)
        pages = {face.post("/subscribe/", {"address": one}).content for one in (BOB, CY, "dee@readers.example", CY)}
        assert len(pages) == 1

    def test_a_slip_is_said_and_kept(self, face: Client) -> None:
        answer = face.post("/subscribe/", {"address": 'bob@"><b>nowhere'})
        assert answer.status_code == 400
        html = answer.content.decode()
        assert 'role="alert"' in html and "bob@&quot;&gt;&lt;b&gt;nowhere" in html

    def test_get_and_head_change_nothing(self, face: Client) -> None:
        token = begin(BOB)
        actions.ask(CY, NOW)
        before = everything()
        for path in ("/subscribe/", f"/preferences/{token}/", f"/unsubscribe/{token}/", f"/confirm/{confirm_token()}/"):
            for method in (face.get, face.head):
                assert method(path).status_code == 200
        assert everything() == before

    def test_the_button_confirms_and_topics_are_offered(self, face: Client, river: Topic) -> None:
        actions.ask(BOB, NOW)
        html = face.post(f"/confirm/{confirm_token()}/").content.decode()
        assert "tomorrow 07:00 (Berlin time)" in html
        action = re.search(r'action="(/preferences/[^"]+)"', html)[1]
        assert "checked" not in html
        saved = face.post(action, {"topics": ["river"]}).content.decode()
        assert "You follow: River." in saved
        assert queries.audiences(NOW) == {frozenset({river.pk}): 1}

    def test_one_click_acts_at_once_and_may_be_repeated(self, face: Client) -> None:
        token = begin(CY)
        for _ in range(2):
            answer = face.post(f"/unsubscribe/{token}/", {"List-Unsubscribe": "One-Click"})
            assert answer.status_code == 200 and not answer.cookies
        assert queries.audiences(NOW) == {}

    @pytest.mark.parametrize("path", ["confirm", "preferences", "unsubscribe"])
    def test_a_wrong_token_says_what_to_do(self, face: Client, path: str) -> None:
        for method in (face.get, face.post):
            answer = method(f"/{path}/no.token/")
            assert answer.status_code == 404
            assert 'action="/subscribe/"' in answer.content.decode()

    def test_an_old_confirmation_says_so(self, face: Client) -> None:
        actions.ask(BOB, NOW - timedelta(days=4))
        answer = face.post(f"/confirm/{confirm_token()}/")
        assert answer.status_code == 410 and "sign up once more" in answer.content.decode()

    def test_no_log_holds_a_link_that_works(self, face: Client) -> None:
        token = begin(CY)
        actions.leave(token, NOW)
        (handler,) = [one for one in logging.getLogger().handlers if type(one) is logging.StreamHandler]
        said = io.StringIO()
        before = handler.setStream(said)
        try:
            assert face.get(f"/preferences/{token}/").status_code == 409
        finally:
            handler.setStream(before)
        assert "/preferences/…/" in said.getvalue() and token not in said.getvalue()

    @pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
    def test_more_than_a_form_needs_is_not_read(self, face: Client, kind: str) -> None:
        for path in ("/subscribe/", "/unsubscribe/x/", "/search/"):
            answer = face.post(path, b"address=" + b"x" * 64 * 1024, content_type=kind)
            assert answer.status_code == 413, path

    def test_a_test_letters_links_do_nothing(self, face: Client) -> None:
        token = sign_token(settings.KEYS.token, "reader", "test~1")
        for path in ("preferences", "unsubscribe"):
            assert face.post(f"/{path}/{token}/").status_code == 200

    def test_who_left_finds_nothing_to_change(self, face: Client, river: Topic) -> None:
        token = begin(CY)
        actions.leave(token, NOW)
        assert face.get(f"/preferences/{token}/").status_code == 409
        assert face.get(f"/unsubscribe/{token}/").status_code == 200

    def test_the_pages_exist_only_on_the_public_face(self) -> None:
        desk = Client(headers={"host": "desk.paper.example"})
        assert desk.get("/subscribe/").status_code != 200
