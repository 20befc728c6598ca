"""Sign-ups: written down alike, answered in turn, braked, held up in a rush, and never lost. Dee's address bounces."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.apps import apps
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from handbill.delivery import actions as delivery
from handbill.delivery.actions import suppress
from handbill.delivery.address import AddressError, address_hash
from handbill.delivery.models import Body, Delivery
from handbill.subscribers import actions, brakes, proof, rush, signups
from handbill.subscribers.models import Asking, Consent, Rush, SignUp, Subscriber, Subscription, Turn
from handbill.subscribers.records import Shown, Slip, Taken
from handbill.topics.models import Topic

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BOB, CY, DEE = "bob@readers.example", "cy@readers.example", "dee@readers.example"


@pytest.fixture
def face() -> Client:
    return Client(enforce_csrf_checks=True, headers={"host": "paper.example"}, **{"handbill.face": "public"})


def mailed() -> list[str]:
    return list(Body.objects.order_by("pk").values_list("subject", flat=True))


def crowd(count: int, network: str = "", now: datetime = NOW, start: int = 0) -> None:
    """Each with a domain of its own."""
    for number in range(start, start + count):
        signups.take(f"r{number}@m{number}.example", now, network=network and network.format(number))


def confirmed(address: str, now: datetime = NOW) -> None:
    actions.ask(address, now)
    actions.confirm(re.search(r"/confirm/([^/]+)/", Body.objects.order_by("-pk")[0].text)[1], now)


class TestTheSameForAll:
    def test_a_new_a_known_and_a_suppressed_address_cost_and_get_the_same(self, face: Client) -> None:
        confirmed(CY, NOW - 9 * DAY)
        suppress(DEE, "gone", NOW)
        seen = []
        for address in (BOB, CY, DEE, BOB):
            with CaptureQueriesContext(connection) as queries, time_machine.travel(NOW):
                answer = face.post("/subscribe/", {"address": address})
            kinds = [re.sub(r"'[^']*'|x'[^']*'|[0-9a-f-]{32,}", "…", query["sql"])[:60] for query in queries]
            seen.append((answer.status_code, answer.content, dict(answer.headers), kinds))
        assert seen[0][0] == 200 and all(one == seen[0] for one in seen)
        writes = [kind for kind in seen[0][3] if not kind.startswith("SELECT")]
        assert len(writes) == 1 and 'INSERT INTO "subscribers_signup"' in writes[0]
        assert SignUp.objects.count() == 4 and mailed().count("Confirm: The Test Paper by mail") == 1  # Cy's, before

    def test_the_turn_tells_them_apart_and_only_who_may_be_mailed_is(self) -> None:
        confirmed(CY, NOW - 9 * DAY)
        suppress(DEE, "gone", NOW)
        Delivery.objects.all().delete()
        Body.objects.all().delete()
        for address in (BOB, CY, DEE, BOB):
            signups.take(address, NOW)
        assert signups.answer(NOW) == 3 and not SignUp.objects.exists()
        assert sorted(mailed()) == ["Confirm: The Test Paper by mail"] * 2 + ["You already get The Test Paper"]
        assert signups.answer(NOW) == 0

    def test_evidence_is_what_was_shown_when_it_was_and_what_was_wished_begins(self) -> None:
        river = Topic.objects.create(name="River", slug="river")
        shown = Shown(NOW - HOUR, "Tick here for River", "2025-01")
        signups.take(BOB, NOW, topics=["river", "no-such"], shown=shown)
        signups.answer(NOW)
        told = Consent.objects.get()
        assert (told.at, told.wording, told.version) == (shown.at, shown.wording, shown.version)
        actions.confirm(re.search(r"/confirm/([^/]+)/", Body.objects.get().text)[1], NOW)
        assert Subscription.objects.get().topic == river and Subscriber.objects.get().audience == str(river.pk)

    def test_a_topic_retired_meanwhile_leaves_the_whole_paper(self) -> None:
        Topic.objects.create(name="River", slug="river")
        signups.take(BOB, NOW, topics=["river"])
        signups.answer(NOW)
        Topic.objects.update(retired=True)
        actions.confirm(re.search(r"/confirm/([^/]+)/", Body.objects.get().text)[1], NOW)
        assert Subscriber.objects.get().audience == ""

    def test_a_round_that_breaks_off_loses_nobody_and_mails_nobody_twice(self, monkeypatch) -> None:
        crowd(5)
        whole, count = delivery.hand_over, 0

        def killed_at_the_third(*args, **more):
            nonlocal count
            count += 1
            if count == 3:
                raise KeyboardInterrupt
            return whole(*args, **more)

        monkeypatch.setattr(delivery, "hand_over", killed_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            signups.answer(NOW)
        assert SignUp.objects.count() == 5 and not Asking.objects.exists() and not Subscriber.objects.exists()
        monkeypatch.setattr(delivery, "hand_over", whole)
        assert signups.answer(NOW) == 5
        assert Delivery.objects.count() == Subscriber.objects.count() == 5

    def test_one_that_cannot_be_opened_stops_no_other_and_stays(self, caplog) -> None:
        crowd(3)
        SignUp.objects.filter(pk=SignUp.objects.first().pk).update(address_sealed=b"\1broken")
        assert signups.answer(NOW) == 2
        assert SignUp.objects.count() == 1 and "@" not in caplog.text and "is not answered" in caplog.text

    def test_erasing_oneself_takes_back_a_sign_up_that_waits(self) -> None:
        from handbill.subscribers import own_data

        confirmed(BOB)
        signups.take(BOB, NOW)
        own_data.forget(Subscriber.objects.get(), "erased", NOW)
        assert not SignUp.objects.exists()


class TestAtRest:
    def test_neither_address_nor_network_nor_domain_stands_in_any_table(self) -> None:
        signups.take("bob@tiny.example", NOW, network="192.0.2.0/24")
        for step in range(2):
            for model in apps.get_models():
                for row in model.objects.values_list():
                    told = "".join(
                        bytes(one).decode("latin1") if isinstance(one, bytes | memoryview) else str(one) for one in row
                    )
                    assert not re.search(r"192\.0\.2|tiny\.example|bob@", told), (step, model)
            signups.answer(NOW)
        turn = Turn.objects.get()
        assert len(turn.network) == len(turn.domain) == 32
        signups.take("bob@tiny.example", NOW + DAY, network="192.0.2.0/24")
        tomorrow = SignUp.objects.get()
        assert tomorrow.network != turn.network and tomorrow.domain != turn.domain


class TestBrakes:
    def test_a_network_has_ten_turns_an_hour_and_thirty_a_day(self) -> None:
        crowd(45, "192.0.2.0/24")
        crowd(2, "198.51.100.0/24", start=100)
        assert [signups.answer(NOW + step * HOUR) for step in range(5)] == [12, 10, 10, 0, 0]
        assert SignUp.objects.count() == 15

    def test_a_domain_as_well_but_not_a_large_provider(self) -> None:
        for number in range(12):
            signups.take(f"r{number}@tiny.example", NOW, network=f"10.0.{number}.0/24")
            signups.take(f"r{number}@gmail.com", NOW, network=f"10.1.{number}.0/24")
        assert signups.answer(NOW) == 22
        assert signups.answer(NOW + HOUR) == 2

    def test_one_address_typed_again_and_again_takes_one_turn_and_is_mailed_once(self) -> None:
        for _ in range(20):
            signups.take(BOB, NOW, network="192.0.2.0/24")
        assert signups.answer(NOW) == 1 and len(mailed()) == 1 and not SignUp.objects.exists()

    def test_at_most_three_confirmations_in_a_month_by_whatever_way(self) -> None:
        days = []
        for day in range(33):
            signups.take(BOB, NOW + day * DAY)
            before = len(mailed())
            signups.answer(NOW + day * DAY)
            days += [day] * (len(mailed()) - before)
        assert days == [0, 1, 2, 30, 31, 32]


class TestRush:
    @pytest.fixture(autouse=True)
    def small(self, monkeypatch) -> None:
        """A third of what is answered at least, for the time's sake."""
        monkeypatch.setitem(brakes.LEAST, HOUR, 20)
        monkeypatch.setitem(brakes.LEAST, DAY, 100)

    def test_it_holds_begins_once_and_ends_an_hour_after_the_last_of_it(self) -> None:
        crowd(33)
        assert signups.answer(NOW) == 20 and len(mailed()) == 20
        told = rush.standing()
        assert (told.waiting, told.networks, told.rush.came, told.rush.allowed) == (13, 1, 33, 20)
        assert signups.answer(NOW + HOUR / 2) == 0
        assert signups.answer(NOW + HOUR) == 13
        signups.answer(NOW + HOUR * 1.4)
        assert rush.is_on()
        signups.answer(NOW + HOUR * 1.5)
        assert not rush.is_on() and Rush.objects.count() == 1

    def test_usual_days_have_none(self) -> None:
        for hour in range(6):
            crowd(13, now=NOW + hour * HOUR, start=hour * 13)
            signups.answer(NOW + hour * HOUR)
        assert Subscriber.objects.count() == 78 and not Rush.objects.exists()

    def test_a_large_newsroom_is_used_to_more(self) -> None:
        Subscriber.objects.bulk_create(
            Subscriber(address_hash=f"{number}", created_at=NOW, confirmed_at=NOW - 3 * DAY) for number in range(700)
        )
        crowd(25)
        assert signups.answer(NOW) == 25 and not Rush.objects.exists()

    def test_a_crowd_that_presses_the_button_opens_it_by_itself(self) -> None:
        crowd(70)
        signups.answer(NOW)
        for body in Body.objects.order_by("pk")[:13]:
            actions.confirm(re.search(r"/confirm/([^/]+)/", body.text)[1], NOW)
        assert signups.answer(NOW) == 32  # four for each of thirteen, less the twenty that went

    def test_a_day_has_its_allowance_too(self) -> None:
        crowd(130)
        assert sum(signups.answer(NOW + hour * HOUR) for hour in range(12)) == 100

    def test_in_an_attack_from_one_network_others_wait_for_nothing(self) -> None:
        crowd(100, "192.0.2.0/24")
        crowd(5, "10.{0}.0.0/24", start=900)
        assert signups.answer(NOW) == 15
        assert {row.network for row in SignUp.objects.all()} == {SignUp.objects.first().network}

    def test_an_editor_lets_them_go_or_throws_them_away(self) -> None:
        crowd(120)
        signups.answer(NOW)
        assert signups.let_go("ada", NOW) == 100
        crowd(30, start=1000)
        assert signups.answer(NOW) == 100
        assert SignUp.objects.count() == 30, "only those who waited pass the brakes"
        assert signups.throw_away("ada", NOW) == 30
        assert signups.answer(NOW + HOUR / 2) == 0 and len(mailed()) == 120
        acts = [(act["who"], act["what"], act["count"]) for act in rush.standing().rush.acts]
        assert acts == [("ada", "let go", 100), ("ada", "thrown away", 30)]

    def test_the_busiest_network_alone_is_thrown_away(self) -> None:
        crowd(50, "192.0.2.0/24")
        crowd(20, "198.51.100.0/24", start=100)
        assert signups.throw_away("ada", NOW, busiest=True) == 50 and SignUp.objects.count() == 20

    def test_who_waited_for_three_days_is_forgotten_and_not_more_is_kept_than_fits(self, monkeypatch) -> None:
        crowd(30)
        crowd(25, "192.0.2.0/24", start=100)
        monkeypatch.setattr(signups, "MOST_WAITING", 20)
        signups.answer(NOW)
        assert SignUp.objects.count() == 20
        monkeypatch.setattr(rush, "room", lambda now: 0)
        signups.answer(NOW + 3 * DAY)
        assert not SignUp.objects.exists()

    def test_a_proof_of_work_goes_ahead_and_none_is_asked_for_on_usual_days(self, face: Client) -> None:
        assert b"<script" not in face.post("/subscribe/", {"address": BOB}).content
        crowd(33)
        signups.answer(NOW)
        for address in (CY, DEE):
            answer = face.post("/subscribe/", {"address": address})
            task = re.search(r'data-task="([^"]+)"', answer.content.decode())[1]
            assert "script-src 'sha256-" in answer["Content-Security-Policy"]
        number = next(str(each) for each in range(10**7) if proof.is_solved(task, str(each)))
        assert face.post("/subscribe/proof/", {"task": task, "answer": "0"}).status_code == 400
        assert face.post("/subscribe/proof/", {"task": task, "answer": number}).status_code == 204
        assert SignUp.objects.get(proved=True).address_hash == address_hash(DEE)
        Turn.objects.all().delete()
        assert signups._whose_turn(NOW, set())[0] == SignUp.objects.get(proved=True).pk


SLIP = "bob@gmial.com"


class TestSlips:
    def test_it_is_asked_about_and_nothing_is_kept_until_it_is_answered(self, face: Client) -> None:
        answer = face.post("/subscribe/", {"address": SLIP})
        text = answer.content.decode()
        assert answer.status_code == 200 and not SignUp.objects.exists()
        assert re.findall(r'name="address" value="([^"]+)"', text) == [SLIP, "bob@gmail.com"]
        assert face.post("/subscribe/", {"address": SLIP, "sure": "1"}).status_code == 200
        assert SignUp.objects.get().address_hash == address_hash(SLIP)

    def test_whoever_is_sure_is_not_asked(self) -> None:
        assert signups.take(SLIP, NOW) == Slip(SLIP, "bob@gmail.com")
        assert isinstance(signups.take(SLIP, NOW, sure=True), Taken)


HOSTILE = [
    "",
    "no address",
    "two@at@readers.example",
    f"{'a' * 65}@readers.example",
    f"bob@{'a' * 64}.example",
    f"bob@{'a.' * 130}example",
    "bob@readers.example.",
    "bob.@readers.example",
    "bob..b@readers.example",
    '"bob b"@readers.example',
    "bob(comment)@readers.example",
    "Bob <bob@readers.example>",
    "bob@[192.0.2.1]",
    "bob@readers.example\r\nBcc: cy@readers.example",
    "bob@readers.example\nSubject: x",
    "bob\0@readers.example",
    "bob@readers.example\0",
    "bob\u202e@readers.example",
    "bob@readers.example, cy@readers.example",
    "bob@localhost",
    "\ufffdbob@readers.example\ud800".encode("utf-8", "replace").decode(),
]


class TestBadInput:
    @pytest.mark.parametrize("typed", HOSTILE)
    def test_what_is_no_address_gets_a_page_that_says_so_and_leaves_nothing(self, face: Client, typed: str) -> None:
        answer = face.post("/subscribe/", {"address": typed})
        assert answer.status_code == 400 and "Check it for a slip" in answer.content.decode()
        assert not SignUp.objects.exists()
        with pytest.raises(AddressError):
            signups.take(typed, NOW)

    @pytest.mark.parametrize(
        "typed", ["björn@readers.example", "bob@bücher.example", "用户@例子.example", "o'bob+x@readers.example"]
    )
    def test_what_is_one_in_any_writing_is_taken(self, face: Client, typed: str) -> None:
        assert face.post("/subscribe/", {"address": f"  {typed} "}).status_code == 200
        assert SignUp.objects.count() == 1

    @pytest.mark.parametrize(
        ("body", "kind", "status"),
        [
            ("address=a@readers.example&address=b@readers.example", "application/x-www-form-urlencoded", 400),
            ("", "application/x-www-form-urlencoded", 400),
            ("address=" + "a" * 70_000, "application/x-www-form-urlencoded", 413),
            ("x=1&" * 2000, "application/x-www-form-urlencoded", 400),
            ("address=%ff%fe@readers.example", "application/x-www-form-urlencoded", 400),
            ("--x\r\nContent-Disposition: form-data; name=address\r\n\r\nbob", "multipart/form-data; boundary=x", 400),
            ("nonsense", "multipart/form-data", 400),
            ("nonsense", "multipart/form-data; boundary=\xff", 400),
            ('{"address": "bob@readers.example"}', "application/json", 400),
        ],
    )
    def test_a_body_that_is_no_form_of_ours_is_answered_in_words(
        self, face: Client, body: str, kind: str, status: int
    ) -> None:
        face.raise_request_exception = True
        answer = face.generic("POST", "/subscribe/", body, content_type=kind)
        assert answer.status_code == status and len(answer.content) > 50
        assert not SignUp.objects.exists()

    @hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.text(max_size=80)
        | st.from_regex(r"[ -~]{1,70}@[ -~]{1,70}", fullmatch=True)
        | st.from_regex(r"\S{1,20}@[a-zà-ÿ.-]{1,30}\.[a-z]{2,5}", fullmatch=True)
    )
    def test_whatever_is_typed_is_refused_in_words_asked_about_or_taken_whole(self, face: Client, typed: str) -> None:
        SignUp.objects.all().delete()
        answer = face.post("/subscribe/", {"address": typed})
        held = SignUp.objects.count()
        assert (answer.status_code, held) in {(400, 0), (200, 1), (200, 0)}
        if (answer.status_code, held) == (200, 0):
            assert b'name="sure"' in answer.content

    def test_no_text_of_the_form_stands_in_the_mail(self, face: Client) -> None:
        fields = {"address": "viagra.offer@readers.example", "name": "http://evil.example", "topics": "<b>Buy</b>"}
        assert face.post("/subscribe/", fields).status_code == 200
        signups.answer(NOW + 9000 * DAY) or signups.answer(datetime.now(UTC))
        body = Body.objects.get()
        told = f"{body.subject}{body.html}{body.text}"
        assert not re.search(r"viagra|evil|Buy|readers\.example", told)


class TestOnAnotherSite:
    def test_the_answer_can_be_neither_framed_nor_read_and_keeps_no_window(self, face: Client) -> None:
        foreign = {"origin": "https://other.example", "referer": "https://other.example/page"}
        answer = face.post("/subscribe/", {"address": BOB}, headers=foreign)
        own = face.post("/subscribe/", {"address": BOB})
        assert answer.status_code == 200 and answer.content == own.content and answer.headers == own.headers
        assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["Cross-Origin-Opener-Policy"] == answer["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in answer and "Set-Cookie" not in answer
