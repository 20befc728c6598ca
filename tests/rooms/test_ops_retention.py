"""Each kind of personal data goes when its time is over, not before; and doctor says what is kept and what is late."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from axes.models import AccessAttempt
from django.contrib.sessions.models import Session
from test_subscribers_room import BOB, CY, NOW, begin

from handbill.delivery.actions import hand_over
from handbill.delivery.address import address_hash
from handbill.delivery.models import Delivery, Feedback, Mailing, Proof
from handbill.delivery.records import LetterBody, Recipient
from handbill.ops import retention
from handbill.ops.doctor_privacy import examine_privacy
from handbill.subscribers import actions, lists_out, own_data, signups
from handbill.subscribers.api import tokens
from handbill.subscribers.lists_in import uploads
from handbill.subscribers.lists_in.actions import bring_in
from handbill.subscribers.lists_in.records import Wanted
from handbill.subscribers.models import (
    ApiToken,
    ApiUse,
    Asking,
    Consent,
    Export,
    Former,
    Move,
    SignUp,
    Subscriber,
    Subscription,
    Turn,
    Upload,
)

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
LETTER = LetterBody("main", "The Paper <news@paper.example>", "Today", "<p>Hi</p>", "Hi")


def night(days: float) -> datetime:
    """The night's work, so many days later."""
    now = NOW + days * DAY
    for room in retention._ROOMS:
        room.enforce(now)
    return now


def bring(addresses: str, confirmed: str = "") -> None:
    table = "email,confirmed\n" + "".join(f"{one},{confirmed}\n" for one in addresses.split())
    bring_in(io.BytesIO(table.encode()), "l.csv", Wanted(), "Ada", NOW)


def late(now: datetime) -> dict[str, int]:
    return {one.what: one.late for one in retention.kept(now) if one.late}


def leave(address: str) -> None:
    actions.leave(begin(address), NOW)


def take_out() -> None:
    lists_out.take_out(io.StringIO(), "csv", "Ada", NOW)


def log_in_wrongly() -> None:
    AccessAttempt.objects.create(username="x", ip_address="192.0.2.1", failures_since_start=1)
    AccessAttempt.objects.update(attempt_time=NOW)


def mail_an_issue() -> None:
    hand_over("issue-1", "issue", [LETTER], [Recipient("x", "x@readers.example", "main")], NOW)
    Delivery.objects.update(state="accepted", next_at=None, settled_at=NOW)


def say_gone() -> None:
    mail_an_issue()
    Proof.objects.create(address_hash=address_hash(BOB), mailing=Mailing.objects.get(), at=NOW)


def use_the_api() -> None:
    tokens.make("shop", ["topics:read"], "Ada", NOW)
    tokens.begin_use(ApiToken.objects.get(), "listTopics", NOW)


KINDS = {
    "lists given in at the desk": (Upload, lambda: uploads.give_in("x", "l.csv", "", "", "Ada", NOW), 1),
    "uses of the API": (ApiUse, use_the_api, 90),
    "sign-ups that wait their turn": (SignUp, lambda: signups.take(BOB, NOW), 3),
    "networks that sign-ups came from": (Turn, lambda: Turn.objects.create(at=NOW, network="x"), 1),
    "sign-ups without a confirmation": (Subscriber, lambda: actions.ask(BOB, NOW), 3),
    "readers of a list without proof of consent": (Subscriber, lambda: bring(BOB), 90),
    "readers who left": (Subscriber, lambda: leave(BOB), 365),
    "addresses that were typed": (Asking, lambda: actions.ask(BOB, NOW), 30),
    "new addresses without a confirmation": (Move, lambda: own_data.ask_move(begin(BOB), CY, NOW), 3),
    "records of lists taken out": (Export, take_out, 1095),
    "copies of letters": (Delivery, mail_an_issue, 14),
    "notes on mails that came back": (Feedback, lambda: Feedback.objects.create(identity="x", at=NOW), 14),
    "words that an address is gone": (Proof, say_gone, 60),
    "failed log-ins, with their network address": (AccessAttempt, log_in_wrongly, 30),
    "sessions at the desk": (Session, lambda: Session.objects.create(session_key="x", expire_date=NOW + DAY), 1),
}


@pytest.mark.parametrize("kind", KINDS)
def test_it_goes_when_its_time_is_over_and_not_before(kind: str) -> None:
    model, make, days = KINDS[kind]
    make()
    night(days - 0.01)
    assert model.objects.exists() and kind not in late(NOW + days * DAY)
    assert kind in late(NOW + (days + 3) * DAY)
    night(days + 0.01)
    assert not model.objects.exists() and kind not in late(NOW + (days + 3) * DAY)


def test_every_kind_that_ends_is_tried_here() -> None:
    for_good = {"readers", "who must not be brought back", "addresses that must not be mailed"}
    assert {one.what for one in retention.kept(NOW)} == {*KINDS, *for_good}


def test_who_left_long_ago_is_a_hash_that_no_list_revives() -> None:
    leave(BOB)
    night(366)
    assert not Consent.objects.exists() and not Subscription.objects.exists()
    assert Former.objects.get().address_hash == address_hash(BOB)
    bring(BOB, confirmed="2020-01-02")
    assert not Subscriber.objects.exists()


def test_who_reads_or_came_back_stays() -> None:
    begin(BOB)
    token = begin(CY)
    actions.leave(token, NOW)
    actions.come_back(token, NOW + DAY)
    night(4000)
    assert Subscriber.objects.count() == 2


def test_each_setting_is_heeded(settings) -> None:
    settings.HANDBILL = replace(settings.HANDBILL, left_days=40, export_days=40, login_days=2, held_days=10)
    leave(BOB)
    take_out()
    log_in_wrongly()
    bring(CY)
    night(11)
    assert AccessAttempt.objects.count() == 0 and Subscriber.objects.count() == 1 and Export.objects.count() == 1
    night(41)
    assert not Subscriber.objects.exists() and not Export.objects.exists()


def test_it_is_done_once_a_night_in_the_papers_zone_and_made_up_for_after_a_pause() -> None:
    assert retention.enforce(NOW) and not retention.enforce(NOW + timedelta(hours=1))
    assert retention.last_enforced() == NOW
    assert retention.next_night(NOW) == datetime(2026, 11, 23, 2, tzinfo=UTC)  # 03:00 in Berlin
    assert not retention.enforce(datetime(2026, 11, 23, 1, 59, tzinfo=UTC))
    assert retention.enforce(datetime(2026, 11, 30, 12, tzinfo=UTC))


def test_a_night_that_failed_is_not_called_done(monkeypatch) -> None:
    def fail(now: datetime) -> None:
        raise RuntimeError

    monkeypatch.setattr(retention.desk, "enforce", fail)
    with pytest.raises(RuntimeError):
        retention.enforce(NOW)
    assert retention.last_enforced() is None


def said(now: datetime = NOW) -> dict[str, str]:
    return {finding.what: finding.level for finding in examine_privacy(now)}


def test_doctor_says_what_is_kept_and_what_is_wrong() -> None:
    retention.enforce(NOW)
    begin(BOB)
    assert {"ok"} == set(said().values())
    assert said()["readers: 1, kept until they leave"] == "ok"
    assert said()["readers who left: 0, kept 365 days (left_days), then a keyed hash"] == "ok"
    actions.ask(CY, NOW)
    assert said(NOW + 6 * DAY)["sign-ups without a confirmation: 1, kept 72 hours; 1 should be gone"] == "wrong"
    assert said(NOW + 3 * DAY)["what is old was forgotten last on 2026-11-22 09:00 UTC"] == "warning"
    bring("held@readers.example")
    assert said()["held, since their list had no proof of consent: 1"] == "warning"
    Consent.objects.filter(how="confirmed").delete()
    assert said()["readers of whose consent nothing is written down: 1"] == "wrong"
    take_out()
    assert said()["Ada took out 3 rows (csv) on 2026-11-22 09:00 UTC"] == "ok"
    assert BOB not in str(said())


def test_doctor_says_how_old_the_keys_are() -> None:
    assert [level for what, level in said(NOW + 800 * DAY).items() if " key is of " in what] == ["warning"] * 2
