"""Slots partition time: every article in one issue of each, nobody twice, over clock changes, moves and sleep."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from handbill.digest.errors import PlanError
from handbill.digest.plan import choose, reading_list
from handbill.digest.records import Candidate, Limits, Selection, Tellings
from handbill.digest.schedule import Clock, begun_day, clock_of, closing, due_day, over, window
from handbill.subscribers.wishes import Slot, Told, Wishes, due_on, move, next_issue, read_slot, slot_of

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"]
BERLIN = ZoneInfo("Europe/Berlin")
PAPER = Clock(7, BERLIN)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)

zones = st.sampled_from(ZONES).map(ZoneInfo)
days = st.dates(date(2010, 1, 1), date(2035, 1, 1))
clocks = st.builds(Clock, st.integers(0, 23), zones)
moments = st.datetimes(datetime(2010, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))
slots = st.builds(
    Slot,
    st.sampled_from(["daily", "weekdays", "weekly", "news"]),
    st.none() | st.integers(1, 7),
    st.none() | st.integers(0, 23),
    st.sampled_from(["", *ZONES]),
)


@given(days, slots, clocks)
def test_windows_of_following_issues_touch_and_never_overlap(day: date, slot: Slot, clock: Clock) -> None:
    due = [one for one in (day + DAY * step for step in range(16)) if due_on(slot, one)]
    for before, after in pairwise(due):
        assert window(slot, before, clock).closes == window(slot, after, clock).opens
        assert window(slot, after, clock).opens <= window(slot, after, clock).closes


@given(moments, slots, clocks)
def test_every_moment_falls_in_exactly_one_window(now: datetime, slot: Slot, clock: Clock) -> None:
    near = (now.astimezone(clock.zone).date() + DAY * step for step in range(-9, 10))
    found = [window(slot, day, clock) for day in near if due_on(slot, day)]
    assert sum(one.opens <= now < one.closes for one in found) == 1


@given(moments, slots, clocks)
def test_the_due_day_is_the_latest_whose_hour_has_come_and_none_when_it_has_no_issue(now, slot, clock) -> None:
    day = begun_day(now, clock)
    assert closing(day, clock) <= now < closing(day + DAY, clock)
    assert due_day(slot, now, clock) == (day if due_on(slot, day) else None)
    assert not over(day, now, clock) and over(day - DAY, now, clock)


@pytest.mark.parametrize(
    ("day", "hour", "length"),
    [
        (date(2026, 11, 22), 7, 24),
        (date(2026, 3, 29), 7, 23),
        (date(2026, 10, 25), 7, 25),
        (date(2026, 3, 29), 2, 24),  # 02:00 is skipped: the issue comes at 03:00 by the new clock
        (date(2026, 3, 30), 2, 23),
        (date(2026, 10, 25), 2, 24),  # 02:00 comes twice: the first counts
        (date(2026, 10, 26), 2, 25),
        (date(2028, 2, 29), 7, 24),
        (date(2028, 3, 1), 7, 24),
    ],
)
def test_a_day_has_23_24_or_25_hours(day: date, hour: int, length: int) -> None:
    found = window(Slot(), day, Clock(hour, BERLIN))
    assert found.closes - found.opens == timedelta(hours=length)


def test_a_day_that_a_country_left_out_has_an_empty_window() -> None:
    apia = Clock(7, ZoneInfo("Pacific/Apia"))
    found = [window(Slot(), date(2011, 12, day), apia) for day in (30, 31)]
    assert sorted(one.closes - one.opens for one in found) == [timedelta(0), timedelta(hours=24)]


def test_clocks_that_went_back_over_midnight_leave_the_issue_due() -> None:
    """In 2010 Newfoundland's clocks went from 00:01 back to 23:01 of the day before: the new day had begun already."""
    after, clock = datetime(2010, 11, 7, 2, 45, tzinfo=UTC), Clock(0, ZoneInfo("America/St_Johns"))
    assert after.astimezone(clock.zone).date() == date(2010, 11, 6)
    assert begun_day(after, clock) == date(2010, 11, 7)


def test_a_weekly_issue_takes_the_week_and_what_a_missed_one_left() -> None:
    found = window(Slot("weekly", 5), date(2026, 11, 27), PAPER)
    assert found.closes - found.opens == 7 * DAY and found.opens - found.since == 7 * DAY
    assert window(Slot("weekdays"), date(2026, 11, 23), PAPER).opens == closing(date(2026, 11, 20), PAPER)


def test_a_zone_that_is_no_more_is_the_papers_and_said_to_be_lost() -> None:
    gone = clock_of(Slot(hour=18, zone="Europe/Atlantis"), PAPER)
    assert gone == Clock(18, BERLIN, lost=True)
    assert next_issue(datetime(2026, 11, 22, tzinfo=UTC), Wishes(zone="Europe/Atlantis"), 7, BERLIN).hour == 7
    assert clock_of(Slot(), PAPER) == PAPER


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(PlanError):
        begun_day(datetime(2026, 11, 22), PAPER)


@given(slots)
def test_a_slots_name_reads_back(slot: Slot) -> None:
    assert read_slot(slot.key) == slot


@dataclass
class Paper:
    """A newsroom whose machine wakes each hour, but for the hours it sleeps through; only the pure rules decide."""

    published: list[datetime]
    asleep: list[tuple[datetime, datetime]] = field(default_factory=list)
    issues: dict[tuple[str, date], list] = field(default_factory=dict)
    told: dict[str, dict[int, date]] = field(default_factory=dict)

    def wake(self, slot: Slot, now: datetime, moved: Told | None) -> tuple[date, tuple[int, ...]] | None:
        """The slot's issue, if it is due and not there: its day and what a reader (who moved) has in it."""
        clock = clock_of(slot, PAPER)
        day = due_day(slot, now, clock)
        if day is None or (slot.key, day) in self.issues:
            return None
        span, told = window(slot, day, clock), self.told.setdefault(slot.key, {})
        back = min(span.since, moved.until) if moved else span.since
        found = [
            Candidate(number, at, frozenset()) for number, at in enumerate(self.published) if back <= at < span.closes
        ]
        tellings = {one: Tellings(span.opens, span.opens) for one in told}
        chosen = choose(reversed(found), told=tellings, since=span.since)
        assert chosen == choose(found, told=tellings, since=span.since)
        self.issues[slot.key, day] = chosen
        told.update({one.id: day for one in chosen if not one.extra})
        return day, self.read(chosen, moved)

    def first_since(self, slot: Slot, first: date, now: datetime) -> bool:
        """Whether the slot's issue that is due is its first on or after a day."""
        day = due_day(slot, now, clock_of(slot, PAPER))
        later = (made for key, made in self.issues if key == slot.key)
        return day is not None and first <= day and not any(first <= made for made in later)

    def read(self, chosen: list, moved: Told | None) -> tuple[int, ...]:
        elsewhere = {pk for pk, day in self.told.get(moved.by, {}).items() if day <= moved.day} if moved else set()
        selection = Selection(tuple(chosen), limits=Limits(1000, 0, 0), told={moved: elsewhere} if moved else {})
        return reading_list(selection, frozenset(), moved).articles


BEGIN = datetime(2027, 9, 1, tzinfo=UTC)
SPAN = 400
hour_of_span = st.integers(0, SPAN * 24)
moves = st.lists(
    st.tuples(
        hour_of_span,
        st.builds(
            Wishes,
            cadence=st.sampled_from(["daily", "weekdays", "weekly"]),
            hour=st.none() | st.integers(0, 23),
            zone=st.sampled_from(ZONES),
        ),
    ),
    max_size=5,
)
naps = st.lists(st.tuples(hour_of_span, st.integers(1, 30)), max_size=3)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(0, SPAN * 24 * 60), max_size=60), moves, naps, st.sampled_from(ZONES))
@example([], [(0, Wishes(zone="UTC"))], [], "Australia/Lord_Howe")  # whose issue of the day closed before they came
@example([0], [(5, Wishes(zone="Europe/Berlin"))], [], "UTC")  # to where the issue was just sent, before their first
def test_over_400_days_every_article_once_and_nobody_twice(minutes, moves, naps, zone: str) -> None:
    """One reader among their slots, who moves as they like while the machine sleeps now and then. The span has a leap
    day and the clock changes of two autumns and a spring, on both halves of the globe."""
    paper = Paper([BEGIN + timedelta(minutes=minute) for minute in sorted(minutes)])
    wishes, told, had, days = Wishes(zone=zone), None, list[int](), list[date]()
    awake_at, naps, moves = 0, dict(naps), sorted(moves, key=lambda one: one[0])
    for hour in range(SPAN * 24 + 24 * 16):
        now = BEGIN + HOUR * hour
        awake_at = max(awake_at, hour + naps.get(hour, 0) + 1 if hour in naps else 0)
        if hour < awake_at - 1:
            continue
        slots_at = {slot_of(wishes), *(slot_of(one) for _, one in moves), Slot(zone=zone)}
        for slot in sorted(slots_at, key=lambda slot: slot.key):
            mine = slot == slot_of(wishes)
            got = paper.wake(slot, now, told if mine and told and paper.first_since(slot, told.first, now) else None)
            came = got and window(slot, got[0], clock_of(slot, PAPER)).closes >= BEGIN
            if got and came and mine and (told is None or told.first <= got[0]):
                days.append(got[0])
                had += got[1]
        while moves and moves[0][0] <= hour:
            new = moves.pop(0)[1]
            told, wishes = move(wishes, new, told, BEGIN, now, PAPER.hour, PAPER.zone), new
    assert days == sorted(set(days))
    assert sorted(had) == list(range(len(paper.published)))
