"""A reader's own data: taken along, moved, erased; and what link scanners do to each mailed link, which is nothing."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from test_subscribers_room import BOB, CY, NOW, begin, everything

from handbill.delivery.actions import hand_over
from handbill.delivery.address import AddressError, address_hash
from handbill.delivery.models import Body, Delivery
from handbill.delivery.records import Feedback, LetterBody, Recipient
from handbill.kit.crypto import unseal
from handbill.subscribers import actions, own_data, queries
from handbill.subscribers.errors import AddressTaken, ExpiredLink, NotReading, WrongLink
from handbill.subscribers.models import Consent, Former, Move, Subscriber

pytestmark = pytest.mark.django_db

NEW = "bob@elsewhere.example"


@pytest.fixture
def face() -> Client:
    return Client(enforce_csrf_checks=True, headers={"host": "paper.example"}, **{"handbill.face": "public"})


def mailed(what: str) -> str:
    """The token of the newest mail's link to a page."""
    return re.search(rf"/{what}/([^/\s]+)/", Body.objects.order_by("-pk")[0].text)[1]


def addresses() -> list[str]:
    return sorted(unseal(settings.KEYS.address, one.address_sealed, str(one.pk)) for one in Subscriber.objects.all())


class TestMoving:
    def test_a_new_address_is_mailed_and_takes_over_when_its_button_is_pressed(self) -> None:
        token = begin(BOB)
        own_data.ask_move(token, f" {NEW} ", NOW)
        assert addresses() == [BOB]
        link = mailed("moved")
        assert own_data.movable(link, NOW).subscriber_id == queries.reader_id(token)
        assert own_data.confirm_move(link, NOW) == token
        assert addresses() == [NEW] and Subscriber.objects.get().address_hash == address_hash(NEW)
        assert list(Consent.objects.values_list("how", flat=True)) == ["asked", "confirmed", "moved"]
        notice = Body.objects.order_by("-pk")[0]
        assert "another address" in notice.subject and NEW not in notice.text + notice.html
        with pytest.raises(ExpiredLink):
            own_data.confirm_move(link, NOW)

    def test_what_becomes_of_mail_to_an_address_that_is_not_the_readers_says_nothing_of_them(self) -> None:
        token = begin(BOB)
        own_data.ask_move(token, NEW, NOW)
        other = Delivery.objects.order_by("-pk")[0].recipient
        assert other != str(queries.reader_id(token))
        assert actions._heed(Feedback(1, other, "refused", "gone", NOW, "gone"), NOW) is False
        assert queries.audiences(NOW) == {frozenset(): 1}

    def test_a_link_works_for_three_days_and_only_the_latest_does(self) -> None:
        token = begin(BOB)
        own_data.ask_move(token, NEW, NOW)
        first = mailed("moved")
        with pytest.raises(ExpiredLink):
            own_data.movable(first, NOW + timedelta(hours=72))
        own_data.ask_move(token, "bob@third.example", NOW + timedelta(days=1))
        with pytest.raises(ExpiredLink):
            own_data.movable(first, NOW + timedelta(days=1))
        own_data.confirm_move(mailed("moved"), NOW + timedelta(days=1))
        assert addresses() == ["bob@third.example"]
        with pytest.raises(WrongLink):
            own_data.movable(first[:-1] + "x", NOW)

    def test_an_address_that_reads_already_gets_a_note_and_nothing_else(self) -> None:
        token = begin(BOB)
        begin(CY)
        own_data.ask_move(token, CY, NOW + timedelta(days=1))
        assert Move.objects.count() == 0 and "already" in Body.objects.order_by("-pk")[0].text
        assert "/moved/" not in Body.objects.order_by("-pk")[0].text

    def test_somebody_who_began_to_read_there_meanwhile_keeps_the_address(self) -> None:
        token = begin(BOB)
        own_data.ask_move(token, NEW, NOW)
        link = mailed("moved")
        begin(NEW, NOW + timedelta(days=1))
        with pytest.raises(AddressTaken):
            own_data.confirm_move(link, NOW + timedelta(days=1))
        assert addresses() == [NEW, BOB]

    def test_somebody_who_left_there_becomes_one_with_the_reader(self) -> None:
        old = begin(NEW)
        actions.leave(old, NOW)
        token = begin(BOB)
        own_data.ask_move(token, NEW, NOW + timedelta(days=1))
        own_data.confirm_move(mailed("moved"), NOW + timedelta(days=1))
        assert addresses() == [NEW] and queries.audiences(NOW) == {frozenset(): 1}

    def test_no_address_is_mailed_more_often_than_by_sign_ups(self) -> None:
        token = begin(BOB)
        for day in range(10):
            own_data.ask_move(token, NEW, NOW + timedelta(days=day))
            own_data.ask_move(token, NEW, NOW + timedelta(days=day, hours=1))
            actions.ask(NEW, NOW + timedelta(days=day, hours=2))
        assert Delivery.objects.filter(address_hash=address_hash(NEW)).count() == 3

    def test_what_cannot_be_done_is_refused(self) -> None:
        token = begin(BOB)
        with pytest.raises(AddressError):
            own_data.ask_move(token, "bob@@readers", NOW)
        own_data.ask_move(token, BOB, NOW)
        assert Move.objects.count() == 0
        actions.leave(token, NOW)
        with pytest.raises(NotReading):
            own_data.ask_move(token, NEW, NOW)


class TestOwnData:
    def test_all_that_is_kept_is_given_and_nothing_of_others(self) -> None:
        token = begin(BOB)
        begin(CY)
        found = own_data.own_data(token, NOW)
        assert found["address"] == BOB and CY not in json.dumps(found)
        assert [one["how"] for one in found["consents"]] == ["asked", "confirmed"]
        assert found["subscriptions"] == [{"topic": None, "from": NOW.isoformat(), "to": None, "ended": ""}]
        assert [one["kind"] for one in found["letters"]] == ["confirmation"]

    def test_every_column_of_a_reader_is_given_or_known_to_be_left_out(self) -> None:
        left_out = {"id", "address_sealed", "address_hash", "asked_at", "audience", "still_asked_at", "silences"}
        left_out |= {"feed_since", "feed_number"}  # given as "feed"
        given = own_data.own_data(begin(BOB), NOW)
        names = {field.name for field in Subscriber._meta.concrete_fields} - left_out
        assert names <= given.keys() | given["wishes"].keys()


class TestErasing:
    def test_nothing_readable_stays_and_no_list_brings_them_back(self) -> None:
        token = begin(BOB)
        identity = str(queries.reader_id(token))
        letter = LetterBody("main", "news@paper.example", "Today", "<p>Hi</p>", "Hi")
        hand_over("issue:1", "issue", [letter], [Recipient(identity, BOB, "main")], NOW)
        Delivery.objects.filter(mailing__kind="confirmation").update(next_at=None, state="accepted")
        assert own_data.erase(token, NOW) is True
        assert own_data.erase(token, NOW) is False
        assert Subscriber.objects.count() == Consent.objects.count() == 0
        assert {bytes(one) for one in Delivery.objects.values_list("address_sealed", flat=True)} == {b""}
        assert Delivery.objects.get(mailing__kind="issue").state == "suppressed"
        former = Former.objects.get()
        assert (former.address_hash, former.reason) == (address_hash(BOB), "erased")
        with pytest.raises(ExpiredLink):
            own_data.own_data(token, NOW)

    def test_they_may_come_back_by_their_own_sign_up(self) -> None:
        own_data.erase(begin(BOB), NOW)
        begin(BOB, NOW + timedelta(days=1))
        assert queries.audiences(NOW) == {frozenset(): 1} and Former.objects.count() == 0


class TestPages:
    def test_link_scanners_change_nothing(self, face: Client) -> None:
        token = begin(BOB)
        own_data.ask_move(token, NEW, NOW)
        links = [f"/moved/{mailed('moved')}/"]
        names = ("preferences", "unsubscribe", "back", "pause", "resume", "still", "move", "data", "erase")
        links += [f"/{name}/{token}/" for name in names]
        actions.ask(CY, NOW)
        links.append(f"/confirm/{mailed('confirm')}/")
        with time_machine.travel(NOW, tick=False):
            before = everything()
            for link in links:
                assert face.get(link).status_code == 200, link
                assert face.head(link).status_code == 200, link
            assert everything() == before
            assert BOB not in str([face.get(link).content for link in links])

    def test_pausing_by_each_button(self, face: Client) -> None:
        token = begin(BOB)
        with time_machine.travel(NOW, tick=False):
            for choice, days in (
                ({"for": "week"}, 7),
                ({"for": "month"}, 30),
                ({"for": "date", "until": "2026-12-24"}, 32),
            ):
                answer = face.post(f"/pause/{token}/", choice)
                until = Subscriber.objects.get().paused_until.astimezone(settings.HANDBILL.zone)
                assert answer.status_code == 200 and until.hour == 0
                assert (until.date() - NOW.date()).days == days
                assert str(until.day) in answer.content.decode()
            for wrong in ({}, {"for": "date", "until": "yesterday"}, {"for": "date", "until": "2026-11-22"}):
                assert face.post(f"/pause/{token}/", wrong).status_code == 400
            assert "No issue until" in face.get(f"/preferences/{token}/").content.decode()
            face.post(f"/resume/{token}/")
        assert Subscriber.objects.get().paused_until is None

    def test_leaving_offers_the_way_back(self, face: Client) -> None:
        token = begin(BOB)
        with time_machine.travel(NOW, tick=False):
            assert f"/back/{token}/" in face.post(f"/unsubscribe/{token}/").content.decode()
            assert face.post(f"/back/{token}/").status_code == 200
        assert queries.audiences(NOW) == {frozenset(): 1}
        actions.leave(token, NOW)
        with time_machine.travel(NOW + timedelta(days=31), tick=False):
            assert "/back/" not in face.get(f"/unsubscribe/{token}/").content.decode()
            assert b"nothing to bring back" in face.post(f"/back/{token}/").content

    def test_the_file_and_erasing(self, face: Client) -> None:
        token = begin(BOB)
        with time_machine.travel(NOW, tick=False):
            answer = face.post(f"/data/{token}/")
            assert answer.json()["address"] == BOB and "attachment" in answer["Content-Disposition"]
            assert face.post(f"/erase/{token}/").status_code == 200
            for name in ("data", "pause", "move", "still", "resume"):
                assert face.post(f"/{name}/{token}/").status_code in (409, 410), name
            for name in ("unsubscribe", "erase", "back"):
                assert face.post(f"/{name}/{token}/").status_code == 200, name

    def test_moving_by_the_pages(self, face: Client) -> None:
        token = begin(BOB)
        with time_machine.travel(NOW, tick=False):
            assert face.post(f"/move/{token}/", {"address": "no address"}).status_code == 400
            asked = face.post(f"/move/{token}/", {"address": NEW})
            assert asked.status_code == 200 and NEW not in asked.content.decode()
            assert face.post(f"/moved/{mailed('moved')}/").status_code == 200
        assert addresses() == [NEW]
