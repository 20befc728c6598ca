"""Windows partition time; a plan depends on nothing but what is planned."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.digest.errors import PlanError
from handbill.digest.plan import (
    MAX_ARTICLES,
    choose,
    closing,
    due_day,
    issue_window,
    letter_key,
    matching,
    order,
    plan_letters,
    reading_list,
)
from handbill.digest.records import Candidate

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"]
BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)

zones = st.sampled_from(ZONES).map(ZoneInfo)
days = st.dates(date(2010, 1, 1), date(2035, 1, 1))
hours = st.integers(0, 23)
topics = st.frozensets(st.integers(1, 5), max_size=3)
candidates = st.lists(
    st.builds(
        Candidate,
        id=st.integers(1, 40),
        published_at=st.integers(0, 3).map(lambda hours: NOON + timedelta(hours=hours)),
        topics=topics,
        outlets=st.integers(0, 4),
    ),
    max_size=25,
    unique_by=lambda one: one.id,
)
audiences = st.sets(topics, max_size=8)


@given(days, hours, zones)
def test_windows_of_following_days_touch_and_never_overlap(day: date, hour: int, zone: ZoneInfo) -> None:
    today, tomorrow = issue_window(day, hour, zone), issue_window(day + timedelta(days=1), hour, zone)
    assert today.opens <= today.closes == tomorrow.opens <= tomorrow.closes


@given(st.datetimes(datetime(2010, 1, 1), datetime(2035, 1, 1)), hours, zones)
def test_every_moment_falls_in_exactly_one_window(moment: datetime, hour: int, zone: ZoneInfo) -> None:
    now = moment.replace(tzinfo=UTC)
    near = (now.astimezone(zone).date() + timedelta(days=step) for step in range(-3, 4))
    windows = [issue_window(day, hour, zone) for day in near]
    assert sum(window.opens <= now < window.closes for window in windows) == 1


@given(st.datetimes(datetime(2010, 1, 1), datetime(2035, 1, 1)), hours, zones)
def test_the_due_day_is_the_latest_whose_hour_has_come(moment: datetime, hour: int, zone: ZoneInfo) -> None:
    now = moment.replace(tzinfo=UTC)
    day = due_day(now, hour, zone)
    assert closing(day, hour, zone) <= now < closing(day + timedelta(days=1), hour, zone)


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
    ],
)
def test_a_day_has_23_24_or_25_hours(day: date, hour: int, length: int) -> None:
    window = issue_window(day, hour, BERLIN)
    assert window.closes - window.opens == timedelta(hours=length)


def test_a_day_that_a_country_left_out_has_an_empty_window() -> None:
    apia = ZoneInfo("Pacific/Apia")
    windows = [issue_window(date(2011, 12, day), 7, apia) for day in (30, 31)]
    assert sorted(window.closes - window.opens for window in windows) == [timedelta(0), timedelta(hours=24)]


def test_clocks_that_went_back_over_midnight_leave_the_issue_due() -> None:
    """In 2010 Newfoundland's clocks went from 00:01 back to 23:01 of the day before: the new day had begun already."""
    after = datetime(2010, 11, 7, 2, 45, tzinfo=UTC)
    zone = ZoneInfo("America/St_Johns")
    assert after.astimezone(zone).date() == date(2010, 11, 6)
    assert due_day(after, 0, zone) == date(2010, 11, 7)


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(PlanError):
        due_day(datetime(2026, 11, 22), 7, BERLIN)


def test_what_most_report_leads_then_the_newest() -> None:
    rows = [
        Candidate(1, NOON, frozenset(), 1),
        Candidate(2, NOON + timedelta(hours=1), frozenset(), 1),
        Candidate(3, NOON - timedelta(hours=9), frozenset(), 4),
        Candidate(4, NOON, frozenset(), 1),
    ]
    assert [one.id for one in order(rows)] == [3, 2, 1, 4]


def test_an_article_listed_twice_is_a_bug() -> None:
    with pytest.raises(PlanError):
        order([Candidate(1, NOON, frozenset()), Candidate(1, NOON, frozenset({1}))])


@given(candidates, audiences, st.randoms())
def test_the_order_of_arguments_changes_nothing(rows, who, random) -> None:
    shuffled, crowd = list(rows), list(who)
    random.shuffle(shuffled)
    random.shuffle(crowd)
    assert plan_letters(choose(shuffled), crowd) == plan_letters(choose(rows), who)


@given(candidates, audiences)
def test_each_audience_is_in_one_letter_or_has_nothing_to_read(rows, who) -> None:
    plan = plan_letters(choose(rows), who)
    placed = [audience for group in plan.values() for audience in group]
    assert len(placed) == len(set(placed))
    for audience in who - set(placed):
        assert not [one for one in rows if not audience or one.topics & audience]
    for listed, group in plan.items():
        assert 0 < len(listed) <= MAX_ARTICLES and len(set(listed)) == len(listed)
        for audience in group:
            by_id = {one.id: one for one in rows}
            assert all(not audience or by_id[pk].topics & audience for pk in listed)
            assert listed == reading_list(choose(rows), audience)


@given(candidates, audiences)
def test_the_same_list_is_one_letter(rows, who) -> None:
    plan = plan_letters(choose(rows), who)
    assert len({letter_key(listed) for listed in plan}) == len(plan)


def test_a_letter_holds_twelve_and_knows_the_rest() -> None:
    rows = [Candidate(number, NOON + timedelta(minutes=number), frozenset({1})) for number in range(1, 16)]
    chosen = choose(rows)
    assert reading_list(chosen, frozenset({1})) == tuple(range(15, 3, -1))
    assert len(matching(chosen, frozenset({1}))) == 15
    assert matching(chosen, frozenset({2})) == []
