"""What a reader wants: which topics, how often, when and in what form. Pure: no clock, database or Django.

An *audience* is written as text in the reader's row: topic ids in order, joined by commas; "" is the whole paper.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Cadence = Literal["daily", "weekdays", "weekly", "news"]
Form = Literal["excerpts", "headlines"]
SATURDAY = 6  # ISO: Monday is 1
_DAY = timedelta(days=1)
_MOST_DAYS = 9  # a week, a day already begun, and a clock change


@dataclass(frozen=True, slots=True)
class Wishes:
    """How often, when and in what form. ``hour`` None, ``zone`` and ``language`` empty: as the paper has them."""

    cadence: Cadence = "daily"
    weekday: int | None = None  # of a weekly issue, 1 is Monday
    hour: int | None = None
    zone: str = ""
    language: str = ""
    form: Form = "excerpts"
    plain: bool = False


def write_audience(topics: Iterable[int | None]) -> str | None:
    """Running subscriptions' topic ids, None among them for the whole paper, as the row's text; None when none runs."""
    chosen = set(topics)
    if not chosen:
        return None
    return "" if None in chosen else ",".join(map(str, sorted(chosen)))  # type: ignore[type-var]


def read_audience(text: str) -> frozenset[int]:
    """The topic ids of a row's text; the empty set is the whole paper."""
    return frozenset(map(int, text.split(","))) if text else frozenset()


def due_on(wishes: Wishes, day: date) -> bool:
    """Whether a reader's cadence asks for an issue on their local ``day``. A weekly one without a day is Monday's."""
    if wishes.cadence == "weekly":
        return day.isoweekday() == (wishes.weekday or 1)
    return wishes.cadence != "weekdays" or day.isoweekday() < SATURDAY


def next_issue(now: datetime, wishes: Wishes, hour: int, zone: ZoneInfo) -> datetime:
    """When the next issue is due after ``now``, in the reader's zone; ``hour`` and ``zone`` are the paper's own.

    An hour that the clocks skip comes an hour later by the new clock.
    """
    zone = ZoneInfo(wishes.zone) if wishes.zone else zone
    hour = hour if wishes.hour is None else wishes.hour
    today = now.astimezone(zone).date()
    days = (today + _DAY * step for step in range(_MOST_DAYS))
    moments = (datetime.combine(day, time(hour), zone) for day in days if due_on(wishes, day))
    return next(moment for moment in moments if moment.astimezone(UTC) > now).astimezone(UTC).astimezone(zone)
