"""Waits double to a limit, and end."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from handbill.delivery.engine.retry import LONGEST_WAIT, MOST_DOUBTS, next_try

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_five_minutes_doubling_to_four_hours():
    waits = [(next_try(tries, NOON, NOON) or NOON) - NOON for tries in range(1, 9)]
    assert [wait / timedelta(minutes=1) for wait in waits] == [5, 10, 20, 40, 80, 160, 240, 240]


def test_a_copy_in_doubt_goes_soon_then_ever_later_and_is_given_up():
    dates = [next_try(doubts, NOON, NOON, doubts=doubts) for doubts in range(1, 7)]
    assert [date and (date - NOON) / timedelta(minutes=1) for date in dates] == [1, 8, 64, 240, 240, None]


def test_after_three_days_and_a_fair_number_of_tries_it_ends():
    late = NOON + timedelta(days=3)
    assert next_try(4, NOON, late) is None
    assert next_try(3, NOON, late) is not None
    assert next_try(40, NOON, late - timedelta(seconds=1)) is not None


@given(tries=st.integers(1, 60_000), hours=st.integers(0, 71), doubts=st.integers(0, MOST_DOUBTS - 1))
def test_the_wait_is_never_none_and_never_too_long(tries: int, hours: int, doubts: int):
    now = NOON + timedelta(hours=hours)
    due = next_try(tries, NOON, now, doubts=doubts)
    assert due is not None and timedelta(0) < due - now <= LONGEST_WAIT
