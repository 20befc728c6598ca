"""What a reader wants: audiences as text, days that are due, and the next issue."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.subscribers.wishes import Wishes, due_on, next_issue, read_audience, write_audience

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Kiritimati", "UTC"]
wishes = st.builds(
    Wishes,
    cadence=st.sampled_from(["daily", "weekdays", "weekly", "news"]),
    weekday=st.none() | st.integers(1, 7),
    hour=st.none() | st.integers(0, 23),
    zone=st.sampled_from(["", *ZONES]),
)


@given(st.sets(st.integers(1, 10**9), min_size=1))
def test_an_audience_reads_back_whatever_the_order(topics: set[int]) -> None:
    assert read_audience(write_audience(topics) or "") == topics
    assert write_audience(sorted(topics, reverse=True)) == write_audience(topics)


def test_the_whole_paper_is_empty_and_nothing_running_is_none() -> None:
    assert write_audience([None]) == write_audience([None, 3]) == ""
    assert read_audience("") == frozenset()
    assert write_audience([]) is None


@pytest.mark.parametrize(
    ("cadence", "weekday", "days"),
    [
        ("daily", None, "1234567"),
        ("news", None, "1234567"),
        ("weekdays", None, "12345"),
        ("weekly", None, "1"),
        ("weekly", 6, "6"),
    ],
)
def test_the_days_of_a_cadence(cadence, weekday, days: str) -> None:
    monday = date(2026, 11, 23)
    due = [str(day) for day in range(1, 8) if due_on(Wishes(cadence, weekday), monday + timedelta(days=day - 1))]
    assert "".join(due) == days


@given(wishes, st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1)))
def test_the_next_issue_is_ahead_on_a_day_that_is_due_and_none_was_passed_over(wish: Wishes, naive: datetime) -> None:
    now = naive.replace(tzinfo=UTC)
    found = next_issue(now, wish, 7, BERLIN)
    assert found.astimezone(UTC) > now
    assert due_on(wish, found.date())
    assert found.tzinfo == ZoneInfo(wish.zone or "Europe/Berlin")
    earlier = next_issue(now - timedelta(days=8), wish, 7, BERLIN)
    while (following := next_issue(earlier, wish, 7, BERLIN)).astimezone(UTC) <= now:
        assert following.date() > earlier.date()
        earlier = following
    assert following == found


@pytest.mark.parametrize(
    ("now", "first"),
    [
        (datetime(2026, 11, 22, 5, 59, tzinfo=UTC), "2026-11-22T07:00:00+01:00"),
        (datetime(2026, 11, 22, 6, 0, tzinfo=UTC), "2026-11-23T07:00:00+01:00"),
        (datetime(2026, 3, 28, 6, 0, tzinfo=UTC), "2026-03-29T07:00:00+02:00"),
        (datetime(2026, 10, 24, 5, 0, tzinfo=UTC), "2026-10-25T07:00:00+01:00"),
    ],
)
def test_the_first_issue(now: datetime, first: str) -> None:
    assert next_issue(now, Wishes(), 7, BERLIN).isoformat() == first


def test_a_skipped_hour_is_said_as_the_clock_will_show_it() -> None:
    assert next_issue(datetime(2026, 3, 29, 0, 0, tzinfo=UTC), Wishes(), 2, BERLIN).isoformat() == (
        "2026-03-29T03:00:00+02:00"
    )
