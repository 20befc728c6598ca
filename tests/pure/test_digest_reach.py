"""Whom an alert reaches: nobody twice, nobody at night, nobody too often, and never who asked for quiet."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.digest.reach import AlertLimits, Rule, Why, counted, is_quiet, may_send, verdict
from handbill.subscribers.records import Reachable, Slot

NOON = datetime(2026, 11, 22, 11, tzinfo=UTC)  # 12:00 in Berlin
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
BERLIN = ZoneInfo("Europe/Berlin")
RIVER, ROADS = 1, 2
RULE = Rule(RIVER, NOON, BERLIN)
WHOLE = Reachable(Slot(), frozenset(), wants_alerts=True)


@pytest.mark.parametrize(
    ("one", "rule", "why"),
    [
        (WHOLE, RULE, Why.REACHED),
        (replace(WHOLE, audience=frozenset({RIVER, ROADS})), RULE, Why.REACHED),
        (replace(WHOLE, audience=frozenset({ROADS})), RULE, Why.ELSEWHERE),
        (replace(WHOLE, wants_alerts=False), RULE, Why.UNWANTED),
        (replace(WHOLE, slot=Slot("weekly", 2)), RULE, Why.UNWANTED),
        (replace(WHOLE, slot=Slot("news")), RULE, Why.REACHED),
        (WHOLE, replace(RULE, told=frozenset({"daily"})), Why.TOLD),
        (replace(WHOLE, slot=Slot(hour=18), before="daily"), replace(RULE, told=frozenset({"daily"})), Why.TOLD),
        (WHOLE, replace(RULE, told=frozenset({"daily 18"})), Why.REACHED),
        (replace(WHOLE, alerts=frozenset({7})), replace(RULE, same=frozenset({7})), Why.TOLD),
        (replace(WHOLE, alerts=frozenset({7})), replace(RULE, given={7: NOON - 23 * HOUR}), Why.ENOUGH),
        (replace(WHOLE, alerts=frozenset({7})), replace(RULE, given={7: NOON - 24 * HOUR}), Why.REACHED),
        (replace(WHOLE, alerts=frozenset({7})), RULE, Why.REACHED),
        (replace(WHOLE, slot=Slot(zone="Asia/Tokyo")), RULE, Why.REACHED),  # 20:00
        (replace(WHOLE, slot=Slot(zone="Pacific/Auckland")), RULE, Why.ASLEEP),  # midnight
        (replace(WHOLE, slot=Slot(zone="Europe/Atlantis")), RULE, Why.REACHED),  # a zone that is no more: the paper's
    ],
)
def test_what_decides(one: Reachable, rule: Rule, why: Why) -> None:
    assert verdict(one, rule) is why


def test_three_in_a_week_are_enough() -> None:
    one, given = replace(WHOLE, alerts=frozenset({1, 2, 3})), {n: NOON - n * 2 * DAY for n in (1, 2, 3)}
    assert verdict(one, replace(RULE, given=given)) is Why.ENOUGH
    assert verdict(one, replace(RULE, given=given | {3: NOON - 7 * DAY})) is Why.REACHED


@given(st.integers(0, 23), st.integers(0, 23), st.integers(0, 24 * 400))
def test_quiet_time_is_as_long_as_it_says_whatever_the_clock(start: int, end: int, hours: int) -> None:
    rule = replace(RULE, limits=AlertLimits(quiet_from=start, quiet_until=end))
    day = NOON + hours * HOUR
    quiet = sum(is_quiet("Asia/Kathmandu", replace(rule, at=day + n * HOUR)) for n in range(24))
    assert quiet == (end - start) % 24
    local = day.astimezone(ZoneInfo("Asia/Kathmandu"))
    assert not (local.hour == end and is_quiet("Asia/Kathmandu", replace(rule, at=day)))


def test_quiet_time_begins_and_ends_on_the_hour_of_the_readers_clock() -> None:
    ten_pm = datetime(2026, 11, 22, 21, tzinfo=UTC)
    minute = timedelta(minutes=1)
    said = [is_quiet("", replace(RULE, at=at)) for at in (ten_pm - minute, ten_pm, ten_pm + 9 * HOUR - minute)]
    assert said == [False, True, True] and not is_quiet("", replace(RULE, at=ten_pm + 9 * HOUR))


@given(st.lists(st.integers(0, 24 * 9), max_size=12), st.integers(0, 3), st.integers(0, 5))
def test_the_newsrooms_limits_hold_for_any_24_hours_and_7_days(ages: list[int], day: int, week: int) -> None:
    sent: list[datetime] = []
    for at in sorted(NOON + age * HOUR for age in ages):
        if may_send(sent, at, AlertLimits(day=day, week=week)):
            sent.append(at)
    for at in sent:
        assert sum(at - DAY < one <= at for one in sent) <= day
        assert sum(at - 7 * DAY < one <= at for one in sent) <= week


def test_everybody_is_counted_once() -> None:
    found = {WHOLE: 3, replace(WHOLE, audience=frozenset({ROADS})): 4, replace(WHOLE, wants_alerts=False): 5}
    counts = counted(found, RULE)
    assert (counts[Why.REACHED], counts[Why.ELSEWHERE], counts[Why.UNWANTED], sum(counts.values())) == (3, 4, 5, 12)
