"""Whom an alert reaches, and why not the others; how many the newsroom may send. Pure: no clock, database or Django.

What a reader is not reached with is not held for later: their next issue tells of it as of all else (ADR-0102).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from handbill.subscribers.records import Reachable
from handbill.subscribers.wishes import zone_named

DAY, WEEK = timedelta(days=1), timedelta(days=7)


class Why(StrEnum):
    """What decides on a reader, in the order in which it is asked."""

    ELSEWHERE = "elsewhere"  # follows other topics
    UNWANTED = "unwanted"  # did not ask for alerts, or wants the paper once a week
    TOLD = "told"  # an issue or an earlier alert told them of the article or its story
    ENOUGH = "enough"  # had as many as they should
    ASLEEP = "asleep"  # it is their quiet time
    REACHED = "reached"


@dataclass(frozen=True, slots=True)
class AlertLimits:
    """Most alerts in any 24 hours and 7 days, of the newsroom and for one reader. 0 a day: none at all.

    Nobody is reached from the hour ``quiet_from`` until ``quiet_until`` by their own clock; where both are the same
    there is no quiet time.
    """

    day: int = 3
    week: int = 7
    reader_day: int = 1
    reader_week: int = 3
    quiet_from: int = 22
    quiet_until: int = 7


@dataclass(frozen=True, slots=True)
class Rule:
    """All that decides whom an alert on ``topic`` reaches that goes at ``at`` (aware).

    ``told``: keys of the slots whose issues told of the article or its story; ``same``: ids of alerts that did;
    ``given``: when each of the last alerts went, by id.
    """

    topic: int
    at: datetime
    zone: ZoneInfo  # the paper's
    limits: AlertLimits = AlertLimits()
    told: frozenset[str] = frozenset()
    same: frozenset[int] = frozenset()
    given: Mapping[int, datetime] = field(default_factory=dict)


def verdict(one: Reachable, rule: Rule) -> Why:
    """Whether readers who have this in common are reached, or why not."""
    if one.audience and rule.topic not in one.audience:
        return Why.ELSEWHERE
    if not one.wants_alerts or one.slot.cadence == "weekly":
        return Why.UNWANTED
    if one.slot.key in rule.told or one.before in rule.told or one.alerts & rule.same:
        return Why.TOLD
    limits = rule.limits
    if _full((rule.given[pk] for pk in one.alerts if pk in rule.given), rule.at, limits.reader_day, limits.reader_week):
        return Why.ENOUGH
    return Why.ASLEEP if is_quiet(one.slot.zone, rule) else Why.REACHED


def is_quiet(zone: str, rule: Rule) -> bool:
    """Whether it is quiet time by the clock of a reader's zone, empty for the paper's."""
    hour = rule.at.astimezone(zone_named(zone, rule.zone)).hour
    start, end = rule.limits.quiet_from, rule.limits.quiet_until
    return start <= hour < end if start < end else start != end and (hour >= start or hour < end)


def counted(found: Mapping[Reachable, int], rule: Rule) -> Counter[Why]:
    """How many readers are reached, and how many are not for which reason."""
    total: Counter[Why] = Counter()
    for one, readers in found.items():
        total[verdict(one, rule)] += readers
    return total


def may_send(earlier: Iterable[datetime], now: datetime, limits: AlertLimits) -> bool:
    """Whether the newsroom may send another; ``earlier``: when each alert before was approved."""
    return not _full(earlier, now, limits.day, limits.week)


def _full(earlier: Iterable[datetime], now: datetime, day: int, week: int) -> bool:
    ages = [now - at for at in earlier]
    return sum(age < DAY for age in ages) >= day or sum(age < WEEK for age in ages) >= week
