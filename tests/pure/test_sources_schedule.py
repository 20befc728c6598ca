"""When a feed is fetched next: steady when it is well, less and less often when it fails, never never."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.sources.schedule import BUSIEST, LEAST, MOST, SLEEPIEST, SPREAD, interval, learn_gap, newest, next_poll

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


GAPS = st.none() | st.integers(1, 10**6)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 11, 22)).map(lambda at: at.replace(tzinfo=UTC))


@given(
    st.none() | st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.floats(-1, 2),
    st.none() | st.integers(-(10**9), 10**12),
    GAPS,
    st.none() | MOMENTS,
    st.integers(-5, 10**9),
)
def test_a_feed_is_always_fetched_again(
    chosen: int | None,
    failures: int,
    jitter: float,
    asked: int | None,
    gap: int | None,
    newest_at: datetime | None,
    fresh: int,
) -> None:
    at = next_poll(
        NOW,
        interval_minutes=chosen,
        failures=failures,
        jitter=jitter,
        retry_after=asked,
        gap_minutes=gap,
        newest_at=newest_at,
        fresh_seconds=fresh,
    )
    least = max(LEAST, min(timedelta(seconds=min(asked or 0, 10**6)), MOST))
    assert least <= at - NOW <= MOST * (1 + SPREAD)
    if chosen is None and not failures and asked is None:
        assert BUSIEST <= at - NOW <= SLEEPIEST * (1 + SPREAD)


def adaptive(gap: int | None, silent: timedelta = timedelta(0), fresh: int = 0) -> timedelta:
    known = {"gap_minutes": gap, "newest_at": NOW - silent, "fresh_seconds": fresh}
    return next_poll(NOW, interval_minutes=None, failures=0, jitter=0, **known) - NOW  # type: ignore[arg-type]


@pytest.mark.parametrize(("gap", "minutes"), [(None, 30), (1, 10), (20, 10), (60, 30), (300, 150), (10**5, 360)])
def test_a_feed_is_visited_by_its_own_rhythm(gap: int | None, minutes: int) -> None:
    assert adaptive(gap) == timedelta(minutes=minutes)


def test_a_silent_feed_is_visited_less_often_and_four_times_a_day_at_least() -> None:
    assert adaptive(10, timedelta(hours=8)) == timedelta(minutes=30)
    assert adaptive(10, timedelta(days=4)) == adaptive(10, timedelta(days=400)) == SLEEPIEST


def test_a_fresh_answer_is_not_asked_for_again_unless_a_person_wants_it() -> None:
    assert adaptive(10, fresh=3600) == timedelta(hours=1)
    assert adaptive(10, fresh=10**8) == SLEEPIEST
    at = next_poll(NOW, interval_minutes=10, failures=0, jitter=0, fresh_seconds=3600)
    assert at == NOW + timedelta(minutes=10)


@given(GAPS, GAPS, st.timedeltas(timedelta(0), timedelta(days=99)), st.timedeltas(timedelta(0), timedelta(days=9)))
def test_rarer_news_and_longer_silence_never_mean_more_visits(
    gap: int | None, more: int | None, silence: timedelta, longer: timedelta
) -> None:
    assert interval(gap, silence) <= interval(gap, silence + longer)
    if gap is not None and more is not None:
        assert interval(gap, silence) <= interval(gap + more, silence)


def test_the_dates_tell_the_rhythm_first() -> None:
    hourly = [NOW - timedelta(hours=hours) for hours in range(1, 11)]
    future = [NOW + timedelta(days=900)]
    assert learn_gap(None, hourly + future, NOW, new=10, newest_at=None) == 60
    assert learn_gap(None, hourly[:1], NOW, new=1, newest_at=None) is None
    assert learn_gap(None, [], NOW, new=2, newest_at=NOW - timedelta(hours=1)) == 30


def test_what_comes_moves_the_rhythm_and_one_night_does_not_break_it() -> None:
    assert learn_gap(30, [], NOW, new=0, newest_at=NOW - timedelta(hours=8)) == 30
    night = learn_gap(30, [], NOW, new=1, newest_at=NOW - timedelta(hours=8))
    assert night == 60
    assert learn_gap(night, [], NOW, new=4, newest_at=NOW - timedelta(hours=1)) == 42


@given(GAPS, st.lists(MOMENTS, max_size=30), st.integers(0, 50), st.none() | MOMENTS)
def test_a_rhythm_is_at_least_a_minute(
    gap: int | None, dates: list[datetime], new: int, newest_at: datetime | None
) -> None:
    learned = learn_gap(gap, dates, NOW, new=new, newest_at=newest_at)
    assert learned is None or learned >= 1


def test_the_newest_is_what_came_last_and_the_first_visit_believes_dates() -> None:
    old = NOW - timedelta(days=3)
    assert newest([old, NOW + timedelta(days=1)], NOW, new=2, newest_at=None) == old
    assert newest([], NOW, new=1, newest_at=None) == NOW
    assert newest([old], NOW, new=1, newest_at=old) == NOW
    assert newest([old], NOW, new=0, newest_at=old) == old
