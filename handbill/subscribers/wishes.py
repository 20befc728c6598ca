"""What a reader wants: which topics, how often, when and in what form. Pure: no clock, database or Django.

An *audience* is written as text in the reader's row: topic ids in order, joined by commas; "" is the whole paper.
*Leading* topics, which a reader wants before the others, are written the same way, in the order that was chosen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Cadence = Literal["daily", "weekdays", "weekly", "news"]
Form = Literal["excerpts", "headlines"]
SATURDAY = 6  # ISO: Monday is 1
_DAY = timedelta(days=1)
_MOST_DAYS = 9  # a week, a day already begun, and a clock change
MOST_LEADING = 3


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
    wants_alerts: bool = False
    leading: tuple[int, ...] = ()  # ids of the topics to come first, in this order


@dataclass(frozen=True, slots=True)
class Slot:
    """When readers with the same wishes get their issues, as their rows have it: one issue a slot and local day.

    ``hour`` None and ``zone`` empty are the paper's own, whatever those come to be.
    """

    cadence: Cadence = "daily"
    weekday: int | None = None
    hour: int | None = None
    zone: str = ""

    @property
    def key(self) -> str:
        """Its name: ``daily`` is the paper's own, ``weekly-5 18 Asia/Kathmandu`` one with everything."""
        cadence = self.cadence if self.weekday is None else f"{self.cadence}-{self.weekday}"
        hour = "" if self.hour is None else f"{self.hour:02}"
        return " ".join(part for part in (cadence, hour, self.zone) if part)


@dataclass(frozen=True, slots=True)
class Told:
    """What a reader was told before they moved to another slot: by which (its key), of which local day, until when.

    ``first``: the local day of their first issue in the new slot. Until then they get none; from then on the slot's.
    ``by`` is empty where they had none yet: then ``until`` is when they came.
    """

    by: str
    day: date
    until: datetime
    first: date


def read_slot(key: str) -> Slot:
    """The slot of that name."""
    cadence, _, rest = key.partition(" ")
    cadence, _, weekday = cadence.partition("-")
    hour, _, zone = rest.partition(" ") if rest[:1].isdigit() else ("", "", rest)
    return Slot(cadence, int(weekday) if weekday else None, int(hour) if hour else None, zone)  # type: ignore[arg-type]


def zone_named(name: str, paper: ZoneInfo) -> ZoneInfo:
    """The reader's zone; the paper's where they named none, or one that is no more."""
    try:
        return ZoneInfo(name) if name else paper
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return paper


def write_audience(topics: Iterable[int | None]) -> str | None:
    """Running subscriptions' topic ids, None among them for the whole paper, as the row's text; None when none runs."""
    chosen = set(topics)
    if not chosen:
        return None
    return "" if None in chosen else ",".join(map(str, sorted(chosen)))  # type: ignore[type-var]


def read_audience(text: str) -> frozenset[int]:
    """The topic ids of a row's text; the empty set is the whole paper."""
    return frozenset(map(int, text.split(","))) if text else frozenset()


def write_leading(topics: Iterable[int]) -> str:
    """Topic ids as the row's text: each once, three at most."""
    return ",".join(map(str, [*dict.fromkeys(topics)][:MOST_LEADING]))


def read_leading(text: str) -> tuple[int, ...]:
    """The topic ids of a row's text, in the order that was chosen."""
    return tuple(map(int, text.split(","))) if text else ()


def leading_among(leading: Iterable[int], audience: frozenset[int]) -> tuple[int, ...]:
    """What of it makes a difference to a letter: nothing of topics that aren't followed, nor of the last that is left.

    So who follows one topic shares a letter with all who do (ADR-0112).
    """
    if not audience:
        return tuple(leading)
    return tuple(topic for topic in leading if topic in audience)[: len(audience) - 1]


def write_alerts(alerts: Iterable[int]) -> str:
    """Ids of alerts as the row's text: a comma stands around each, so that one is found by itself."""
    found = sorted(set(alerts))
    return f",{','.join(map(str, found))}," if found else ""


def read_alerts(text: str) -> frozenset[int]:
    """The ids of a row's text."""
    return frozenset(int(part) for part in text.split(",") if part)


def slot_of(wishes: Wishes) -> Slot:
    """The slot that a reader's wishes put them in."""
    return Slot(wishes.cadence, wishes.weekday, wishes.hour, wishes.zone)


def due_on(slot: Wishes | Slot, day: date) -> bool:
    """Whether a cadence asks for an issue on the local ``day``. A weekly one without a day is Monday's."""
    if slot.cadence == "weekly":
        return day.isoweekday() == (slot.weekday or 1)
    return slot.cadence != "weekdays" or day.isoweekday() < SATURDAY


def next_issue(now: datetime, wishes: Wishes | Slot, hour: int, zone: ZoneInfo, after: date | None = None) -> datetime:
    """When the next issue is due after ``now``, in the reader's zone; ``hour`` and ``zone`` are the paper's own.

    It is of a later day than ``after``. An hour that the clocks skip comes an hour later by the new clock.
    """
    zone = zone_named(wishes.zone, zone)
    hour = hour if wishes.hour is None else wishes.hour
    today = now.astimezone(zone).date()
    start = today if after is None else max(today, after + _DAY)
    days = (start + _DAY * step for step in range(_MOST_DAYS))
    moments = (datetime.combine(day, time(hour), zone) for day in days if due_on(wishes, day))
    return next(moment for moment in moments if moment.astimezone(UTC) > now).astimezone(UTC).astimezone(zone)


def last_issue(now: datetime, wishes: Wishes | Slot, hour: int, zone: ZoneInfo) -> tuple[date, datetime]:
    """The latest local day whose issue was due by ``now``, and when, in UTC."""
    zone = zone_named(wishes.zone, zone)
    hour = hour if wishes.hour is None else wishes.hour
    tomorrow = now.astimezone(zone).date() + _DAY
    days = (tomorrow - _DAY * step for step in range(_MOST_DAYS + 1))
    moments = ((day, datetime.combine(day, time(hour), zone).astimezone(UTC)) for day in days if due_on(wishes, day))
    return next((day, moment) for day, moment in moments if moment <= now)


def move(
    old: Wishes, new: Wishes, told: Told | None, since: datetime, now: datetime, hour: int, zone: ZoneInfo
) -> Told | None:
    """What is to be kept of a reader who goes from ``old`` to ``new`` at ``now``, reading ``since``; None for nothing.

    Their first issue in the new slot is of a later day than the last they had, and goes back to where that ended: so
    nobody has two issues of a day, or an article twice, and no article is passed over. ``told`` is what was kept of an
    earlier move: it still holds until the first issue after that one. Who had no issue yet gets, by the first, all that
    came since they did, though the new slot may have told it before.
    """
    if slot_of(old) == slot_of(new):
        return told
    day, until = last_issue(now, old, hour, zone)
    if told and day < told.first:
        by, day, until = told.by, told.day, told.until
    elif until < since:
        by, day, until = "", (since - 2 * _DAY).date(), since  # in every zone before the day of any they may have
    else:
        by = slot_of(old).key
    return Told(by, day, until, next_issue(now, new, hour, zone, after=day).date())
