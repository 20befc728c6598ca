"""Pause, leave and come back; and the row that says what a reader gets, whatever they did (ADR-0050)."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from test_subscribers_room import BOB, CY, NOW, begin

from handbill.delivery.actions import hand_over
from handbill.delivery.models import Delivery
from handbill.delivery.records import Feedback, LetterBody, Recipient
from handbill.subscribers import actions, queries
from handbill.subscribers.errors import NotReading
from handbill.subscribers.models import Consent, Subscriber, Subscription
from handbill.subscribers.wishes import write_audience
from handbill.topics.models import Topic

pytestmark = pytest.mark.django_db


@pytest.fixture
def river() -> Topic:
    return Topic.objects.create(name="River", slug="river")


@pytest.fixture
def schools() -> Topic:
    return Topic.objects.create(name="Schools", slug="schools")


class TestPausingAndComingBack:
    def test_a_pause_sends_nothing_until_it_ends(self) -> None:
        token, until = begin(BOB), NOW + timedelta(days=7)
        letter = LetterBody("main", "news@paper.example", "Today", "<p>Hi</p>", "Hi")
        people = [Recipient(one.id, one.address, "main") for one in queries.readers(NOW)]
        hand_over("issue:2026-11-22", "issue", [letter], people, NOW)
        assert actions.pause(token, until, NOW) == until
        assert Delivery.objects.get(mailing__kind="issue").state == "suppressed"
        assert queries.audiences(until - timedelta(seconds=1)) == {} and list(queries.readers(NOW)) == []
        assert queries.audiences(until) == {frozenset(): 1} and len(list(queries.readers(until))) == 1

    def test_a_pause_lasts_a_year_at_most_and_can_be_ended(self) -> None:
        token = begin(BOB)
        assert actions.pause(token, NOW + timedelta(days=9999), NOW) == NOW + timedelta(days=366)
        assert actions.pause(token, NOW - timedelta(days=1), NOW) == NOW
        actions.pause(token, NOW + timedelta(days=7), NOW)
        actions.resume(token, NOW)
        assert queries.audiences(NOW) == {frozenset(): 1}

    def test_who_left_has_nothing_to_pause(self) -> None:
        token = begin(BOB)
        actions.leave(token, NOW)
        for act in (lambda: actions.pause(token, NOW, NOW), lambda: actions.resume(token, NOW)):
            with pytest.raises(NotReading):
                act()

    def test_leaving_is_undone_with_the_same_topics_for_thirty_days(self, river: Topic, schools: Topic) -> None:
        token = begin(CY)
        actions.choose(token, ["river", "schools"], NOW - timedelta(hours=2))
        actions.choose(token, ["river"], NOW - timedelta(hours=1))
        actions.leave(token, NOW)
        assert actions.come_back(token, NOW + timedelta(days=30, seconds=1)) is False
        assert queries.audiences(NOW) == {}
        assert actions.come_back(token, NOW + timedelta(days=30)) is True
        assert actions.come_back(token, NOW + timedelta(days=30)) is False
        assert queries.audiences(NOW) == {frozenset({river.pk}): 1}
        assert list(Consent.objects.order_by("pk").values_list("how", flat=True)) == [
            "asked",
            "confirmed",
            "left",
            "back",
        ]

    def test_an_end_that_was_not_the_readers_is_not_undone(self) -> None:
        token = begin(CY)
        actions.leave(token, NOW)
        actions.come_back(token, NOW)
        Subscription.objects.filter(ended_at__isnull=True).update(
            ended_at=NOW + timedelta(hours=1), end_reason="complaint"
        )
        Subscriber.objects.update(audience=None)
        assert actions.come_back(token, NOW + timedelta(hours=2)) is False

    def test_still_reading_ends_the_pause_that_silence_led_to_and_no_other(self) -> None:
        token, until = begin(BOB), NOW + timedelta(days=7)
        actions.pause(token, until, NOW)
        actions.still_reading(token, NOW)
        assert Subscriber.objects.get().paused_until == until
        Subscriber.objects.update(silences=2, still_asked_at=NOW)
        actions.still_reading(token, NOW + timedelta(days=1))
        bob = Subscriber.objects.get()
        assert (bob.paused_until, bob.silences, bob.still_asked_at) == (None, 0, None)
        assert bob.seen_at == NOW + timedelta(days=1)


def told_twice() -> None:
    for person in Subscriber.objects.all():
        running = Subscription.objects.filter(subscriber=person, ended_at__isnull=True)
        assert person.audience == write_audience(running.values_list("topic_id", flat=True))


@hypothesis_settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(["leave", "back", "pause", "river", "schools", "river schools", "all", "gone"]), max_size=6
    )
)
def test_row_and_subscriptions_agree_after_any_order_of_acts(acts: list[str]) -> None:
    with transaction.atomic():
        for slug in ("river", "schools"):
            Topic.objects.get_or_create(slug=slug, defaults={"name": slug})
        token, now = begin("anyone@readers.example"), NOW
        for act in acts:
            now += timedelta(hours=1)
            do(act, token, now)
            told_twice()
        transaction.set_rollback(True)


def do(act: str, token: str, now: datetime) -> None:
    """One act of a reader, or a bounce that says they are gone; what can't be done is refused."""
    event = Feedback(1, str(queries.reader_id(token)), "refused", "", now, "gone")
    acts = {
        "leave": lambda: actions.leave(token, now),
        "back": lambda: actions.come_back(token, now),
        "pause": lambda: actions.pause(token, now, now),
        "gone": lambda: actions._heed(event, now),
    }
    with contextlib.suppress(NotReading):
        acts.get(act, lambda: actions.choose(token, [] if act == "all" else act.split(), now))()
