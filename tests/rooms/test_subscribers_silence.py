"""Still reading? Asked after a long silence, a month later once more, then a pause: never an end."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from django.conf import settings as paper
from django.test import Client
from test_subscribers_room import BOB, CY, NOW, begin

from handbill.delivery.models import Body, Delivery, Mailing
from handbill.delivery.records import READER_SLOT
from handbill.subscribers import actions, own_data, queries, silence
from handbill.subscribers.consent import Step, after_silence
from handbill.subscribers.models import Asking, Move, Subscriber, Subscription

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def test_who_was_brought_in_by_a_list_is_asked_as_well() -> None:
    begin(BOB)
    Subscriber.objects.update(seen_at=None)
    assert [silence.heed_silence(NOW + days * DAY) for days in (179, 180)] == [0, 1]


@pytest.mark.parametrize(
    ("seen", "asked", "silences", "days", "step"),
    [
        (179, None, 0, 180, Step.NOTHING),
        (180, None, 0, 180, Step.ASK),
        (9999, None, 0, 0, Step.NOTHING),
        (200, 29, 0, 180, Step.NOTHING),
        (210, 30, 0, 180, Step.ASK),
        (240, 29, 1, 180, Step.NOTHING),
        (240, 30, 1, 180, Step.PAUSE),
    ],
)
def test_what_silence_leads_to(seen: int, asked: int | None, silences: int, days: int, step: Step) -> None:
    asked_at = None if asked is None else NOW - asked * DAY
    assert after_silence(NOW - seen * DAY, asked_at, silences, days, NOW) is step


def questions() -> int:
    return Delivery.objects.filter(mailing__kind="notice").count()


def test_two_silences_pause_and_one_press_brings_it_back() -> None:
    token = begin(BOB)
    assert silence.heed_silence(NOW + 179 * DAY) == 0 and questions() == 0
    assert [silence.heed_silence(NOW + 180 * DAY) for _ in range(2)] == [1, 0] and questions() == 1
    letter = Body.objects.order_by("-pk")[0]
    assert f"/still/{READER_SLOT}/" in letter.html and READER_SLOT in letter.one_click
    silence.heed_silence(NOW + 210 * DAY)
    assert questions() == 2 and queries.audiences(NOW + 210 * DAY) == {frozenset(): 1}
    silence.heed_silence(NOW + 240 * DAY)
    assert questions() == 2 and queries.audiences(NOW + 240 * DAY) == {}
    assert silence.heed_silence(NOW + 999 * DAY) == 0
    assert Subscription.objects.filter(ended_at__isnull=True).count() == 1
    shown = Client(headers={"host": "paper.example"}, **{"handbill.face": "public"}).get(f"/preferences/{token}/")
    assert "No issue until you ask for it." in shown.content.decode()
    actions.still_reading(token, NOW + 400 * DAY)
    assert queries.audiences(NOW + 400 * DAY) == {frozenset(): 1}
    assert silence.heed_silence(NOW + 579 * DAY) == 0
    assert silence.heed_silence(NOW + 580 * DAY) == 1


def test_an_answer_begins_the_wait_anew() -> None:
    token = begin(BOB)
    silence.heed_silence(NOW + 180 * DAY)
    actions.still_reading(token, NOW + 181 * DAY)
    assert silence.heed_silence(NOW + 211 * DAY) == 0
    bob = Subscriber.objects.get()
    assert (bob.silences, bob.still_asked_at) == (0, None)


def test_a_large_list_is_asked_in_parts_and_each_reader_once(monkeypatch) -> None:
    monkeypatch.setattr(silence, "BATCH", 2)
    for number in range(5):
        begin(f"reader{number}@readers.example")
    later = NOW + 180 * DAY
    assert [silence.heed_silence(later) for _ in range(4)] == [2, 2, 1, 0]
    assert questions() == 5 and Mailing.objects.filter(kind="notice").count() == 3
    assert len(set(Delivery.objects.filter(mailing__kind="notice").values_list("recipient", flat=True))) == 5


def test_who_left_or_pauses_is_not_asked_and_nobody_where_it_is_switched_off(settings) -> None:
    left, paused = begin(BOB), begin(CY)
    actions.leave(left, NOW)
    actions.pause(paused, NOW + 300 * DAY, NOW)
    assert silence.heed_silence(NOW + 200 * DAY) == 0
    settings.HANDBILL = dataclasses.replace(paper.HANDBILL, still_reading_days=0)
    assert silence.heed_silence(NOW + 900 * DAY) == 0


def test_what_kept_mails_few_is_forgotten_in_time() -> None:
    token = begin(BOB)
    own_data.ask_move(token, "bob@elsewhere.example", NOW)
    actions.forget_asking(NOW + timedelta(hours=71))
    assert (Asking.objects.count(), Move.objects.count()) == (2, 1)
    actions.forget_asking(NOW + 3 * DAY)
    assert (Asking.objects.count(), Move.objects.count()) == (2, 0)
    actions.forget_asking(NOW + 30 * DAY)
    assert Asking.objects.count() == 0
