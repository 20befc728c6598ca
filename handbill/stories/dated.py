"""Tell from a title whether it is a dated part of a series, and from such dates when the next is to come. Pure.

A title is dated by a whole date: at its end, before a colon or dash ("Morning briefing, 26 November 2026: rain"), or
in front of a short name ("2026-11-26 Newsletter"). Months are read in some forty languages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from handbill.kit.calendar_names import MONTHS, WEEKDAYS, bare
from handbill.kit.text import clean
from handbill.stories.series import EDGES, MOST_KNOWN, READ_CHARACTERS, Moment, follow, western

NEAR = timedelta(days=3)  # a part is dated about when it is published; other dates are what the news is of
RECENT = timedelta(days=60)  # a rhythm is that of the last parts
SETTLED = timedelta(days=14)  # so long it takes to see which days of the week have a part
LEAST = 3  # dates make a rhythm
KEPT = 0.6  # of the days that should have a part, and more, had one
EVERY_DAY, MONDAY_TO_FRIDAY = frozenset(range(7)), frozenset(range(5))
_MOST_NAME_BEHIND = 4  # words of a name that stands behind its date

_MONTH = r"(?P<month>(?:كانون|تشرين)\s\S+|[^\s\d.,;:|/()\[\]–—-]{3,20})"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_END = r"(?:\s?[гр]\.?|\sr\.|\s?(?:року|года)|\s?[日일])?(?P<tail>\s*[)\]»”）】]?\s*(?:$|[:|–—]|\s-\s).*)"
_FORMS = [
    re.compile(rf"(?P<lead>^.*?)(?<![\d.,-]){form}(?![\d.,-]\d|\d){_END}", re.IGNORECASE | re.DOTALL)
    for form in (
        rf"{_YEAR}-(?P<month>\d\d)-(?P<day>\d\d)",
        rf"{_YEAR}\s?[年년]\s?(?P<month>\d{{1,2}})\s?[月월]\s?(?P<day>\d{{1,2}})",
        rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|\.|º|ª|-го)?\s+(?:(?:de|of)\s|d')?{_MONTH}\.?,?\s+(?:(?:de|del)\s)?{_YEAR}",
        rf"\b{_MONTH}\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+{_YEAR}",
        rf"{_YEAR}\.\s{_MONTH}\s(?P<day>\d{{1,2}})\.?",
        rf"(?P<day>\d{{1,2}})[./](?P<month>\d{{1,2}})[./]{_YEAR}",
    )
]
_ANY_YEAR = re.compile(r"(?:19|20)\d\d")
_ISO_FIRST = re.compile(rf"(?P<lead>){_YEAR}-(?P<month>\d\d)-(?P<day>\d\d)[\s:|–—,]+(?P<tail>.+)")
_BEFORE_DATE = re.compile(
    r"(?:^|\s+)(?:of|for|from|vom|von|du|del|de|dal|della|van|fra|från|z|за|от|від|ليوم|يوم)$", re.I
)
_RUNNING = re.compile(
    r"(?:^|\s)(?:on|by|until|till|since|before|after|through|to|in|am|bis|seit|ab|ends?|le|el|il|em|dès|depuis|desde|hasta"
    r"|fino|op|sinds|tot|den|do|od|с|до|по|после|в|منذ|حتى|في|بعد|قبل)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class DatedMark:
    """A title that dates itself. ``name`` is never empty."""

    name: str
    date: date


@dataclass(frozen=True, slots=True)
class Rhythm:
    """A dated series that is sure: its ``dates`` ascending, and the days of the week (0 is Monday) that have a part.

    ``days`` is empty while no rhythm is seen; then nothing is ``missing``, and ``next`` is None, as it is where the
    next day of a new series may be its first free one.
    """

    dates: tuple[date, ...]
    days: frozenset[int]
    missing: tuple[date, ...]
    next: date | None


@lru_cache(maxsize=MOST_KNOWN)
def dated_of(title: str) -> DatedMark | None:
    """The series a title belongs to by a whole date ("Harbour diary, 12 May 2026"), and the date; or None.

    "12/05/2026" is read day first, unless only month first makes a date.
    """
    text = western(clean(title[:READ_CHARACTERS]))
    if _ANY_YEAR.search(text) is None:
        return None  # as nearly all
    if (match := _ISO_FIRST.match(text)) is not None and len(match.group("tail").split()) <= _MOST_NAME_BEHIND:
        return _mark(match.group("tail"), match)
    for form in _FORMS:
        match = form.match(text)
        if match is not None and (mark := _mark(match.group("lead"), match)) is not None:
            return mark
    return None


def _mark(before: str, match: re.Match[str]) -> DatedMark | None:
    at = _date(match["year"], match["month"], match["day"])
    name = before.strip(EDGES)
    head, _, last = name.rpartition(" ")
    if bare(last.strip(EDGES)) in WEEKDAYS:
        name = head.strip(EDGES)
    if at is None or _RUNNING.search(name):
        return None
    name = _BEFORE_DATE.sub("", name).strip(EDGES)
    return DatedMark(name, at) if name else None


def _date(year: str, month: str, day: str) -> date | None:
    if not month.isdigit():
        number = MONTHS.get(bare(month.rstrip(".")), 0)
        orders = [(number, int(day))]
    else:
        orders = [(int(month), int(day)), (int(day), int(month))]
    for one, other in orders:
        try:
            return date(int(year), one, other)
        except ValueError:
            continue
    return None


def rhythm(parts: Iterable[tuple[Moment, date]]) -> Rhythm | None:
    """What dated parts of one name (when published, date told) make together; None while fewer than two rise.

    The order of the parts is irrelevant.
    """
    run = follow((published, told.toordinal()) for published, told in parts)
    if run is None:
        return None
    dates = tuple(map(date.fromordinal, run.numbers))
    late = [day for day in dates if day >= dates[-1] - RECENT]
    days = _days(late)
    should = [day for day in _between(late[0], late[-1]) if day.weekday() in days]
    if len(late) < LEAST or len(late) < KEPT * len(should):
        return Rhythm(dates, frozenset(), (), None)
    return Rhythm(dates, days, tuple(sorted(set(should) - set(late))), _next(late, days))


def _days(dates: list[date]) -> frozenset[int]:
    """The days of the week that have a part: those seen; in a young series Monday to Friday, unless more were seen."""
    seen = frozenset(day.weekday() for day in dates)
    if dates[-1] - dates[0] >= SETTLED:
        return seen
    return MONDAY_TO_FRIDAY if seen <= MONDAY_TO_FRIDAY else EVERY_DAY


def _next(dates: list[date], days: frozenset[int]) -> date | None:
    """The next day with a part; None where it is not known yet whether the coming weekend is free."""
    first = dates[-1] + timedelta(days=1)
    weekend_met = any(day.weekday() > max(MONDAY_TO_FRIDAY) for day in _between(dates[0], dates[-1]))
    if not weekend_met and first.weekday() not in days:
        return None
    return next(day for day in _between(first, first + timedelta(days=6)) if day.weekday() in days)


def _between(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
