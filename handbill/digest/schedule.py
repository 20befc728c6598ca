"""When a slot's issues are cut: which local day is due, and from when to when its articles were published.

Pure: no clock, database or Django. A *slot* is what readers with the same cadence, hour and zone share; its issues
partition time, so an article is in exactly one of each slot's (ADR-0003, ADR-0090).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from handbill.digest.errors import PlanError
from handbill.digest.records import Window
from handbill.subscribers.records import Slot
from handbill.subscribers.wishes import due_on, zone_named

FOLD_BACK = timedelta(days=2)  # before it opens, an issue takes what was left over; a weekly one, a whole week
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Clock:
    """By which clock a slot is cut. ``lost``: the zone its readers named is no more, so the paper's stands in."""

    hour: int
    zone: ZoneInfo
    lost: bool = False


def clock_of(slot: Slot, paper: Clock) -> Clock:
    """The slot's own hour and zone where its readers named them, else the paper's."""
    zone = zone_named(slot.zone, paper.zone)
    hour = paper.hour if slot.hour is None else slot.hour
    return Clock(hour, zone, lost=bool(slot.zone) and zone.key != slot.zone)


def closing(day: date, clock: Clock) -> datetime:
    """When the issue of the local ``day`` closes: the first moment its clock shows the hour, in UTC.

    An hour the clocks skip counts as if they had not been changed yet: the issue comes an hour later by the new clock.
    """
    return datetime.combine(day, time(clock.hour), clock.zone).astimezone(UTC)


def window(slot: Slot, day: date, clock: Clock) -> Window:
    """From the closing of the slot's day before to that of ``day``.

    A daily one has 24 hours, or 23 or 25 when clocks change; Monday's of a slot of weekdays has the weekend in it.
    """
    before = _due_before(slot, day)
    opens, missed = closing(before, clock), closing(_due_before(slot, before), clock)
    return Window(opens, closing(day, clock), min(missed, opens - FOLD_BACK))


def _due_before(slot: Slot, day: date) -> date:
    return next(one for one in (day - _DAY * step for step in range(1, 8)) if due_on(slot, one))


def begun_day(now: datetime, clock: Clock) -> date:
    """The latest local day whose closing has come. Raises PlanError for a naive ``now``."""
    if now.tzinfo is None:
        raise PlanError("A moment without a zone can't be placed in a day. Pass an aware datetime.")
    today = now.astimezone(clock.zone).date()
    days = (today + _DAY * step for step in (1, 0, -1, -2))
    return next(day for day in days if closing(day, clock) <= now)


def due_day(slot: Slot, now: datetime, clock: Clock) -> date | None:
    """The local day whose issue is to be sent now, if it was not; None on a day the slot has none.

    A missed hour is caught up until the next day's; then what it had is folded into the slot's next issue.
    """
    day = begun_day(now, clock)
    return day if due_on(slot, day) else None


def over(day: date, now: datetime, clock: Clock) -> bool:
    """Whether an issue of ``day`` would be an old one by now."""
    return now >= closing(day + _DAY, clock)
