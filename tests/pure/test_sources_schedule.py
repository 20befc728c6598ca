"""When a feed is fetched next: steady when it is well, less and less often when it fails, never never."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.sources.schedule import LEAST, MOST, SPREAD, next_poll

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def wait(failures: int, jitter: float = 0, retry_after: int | None = None, interval: int = 30) -> timedelta:
    at = next_poll(NOW, interval_minutes=interval, failures=failures, jitter=jitter, retry_after=retry_after)
    return at - NOW


@pytest.mark.parametrize(
    ("failures", "minutes"), [(0, 30), (1, 30), (2, 60), (3, 120), (5, 480), (6, 960), (7, 1440), (500, 1440)]
)
def test_the_wait_doubles_up_to_a_day(failures: int, minutes: int) -> None:
    assert wait(failures) == timedelta(minutes=minutes)


def test_feeds_are_spread_by_a_tenth() -> None:
    assert wait(0, jitter=1) == timedelta(minutes=33)
    assert wait(0, jitter=0.5) == timedelta(minutes=31.5)


@pytest.mark.parametrize(
    ("asked", "minutes"), [(0, 30), (-5, 30), (60, 30), (7200, 120), (86_400, 1440), (10**9, 1440)]
)
def test_what_a_server_asks_for_is_honoured_up_to_a_day(asked: int, minutes: int) -> None:
    assert wait(1, retry_after=asked) == timedelta(minutes=minutes)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(-1, 2), st.none() | st.integers(-(10**9), 10**12))
def test_a_feed_is_always_fetched_again(interval: int, failures: int, jitter: float, asked: int | None) -> None:
    assert LEAST <= wait(failures, jitter, asked, interval) <= MOST * (1 + SPREAD)


@pytest.mark.parametrize(("gap", "hours"), [(60, 2.0), (20, 40 / 60), (600, 6.0), (None, 2.0)])
def test_a_feed_whose_hub_tells_is_visited_four_times_less_but_every_six_hours(gap: int | None, hours: float) -> None:
    at = next_poll(NOW, interval_minutes=None, failures=0, jitter=0.0, gap_minutes=gap, told=True)
    assert at - NOW == timedelta(hours=hours)
