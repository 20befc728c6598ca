"""Where a story stands in its series, in words for the list: which part, what is missing, what is to come, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import NamedTuple

from django.utils.dates import WEEKDAYS
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from handbill.stories.dated import EVERY_DAY, MONDAY_TO_FRIDAY, Rhythm
from handbill.stories.models import Member
from handbill.stories.records import PartOf

MOST_SPANS = 6  # of what is missing, the last


class PartFacts(NamedTuple):
    """Each in words; ``missing`` and ``next`` may be empty."""

    what: str
    missing: str
    next: str
    why: str


def part_facts(part: PartOf) -> PartFacts:
    """The facts of a part of a sure series."""
    if isinstance(part.run, Rhythm):
        return _dated(part, part.run)
    count = len(part.run.numbers)
    if part.counting == Member.Counting.UNNAMED:
        what = _("Part %(n)s of a series of %(outlet)s without a name (“%(count)s”)")
    else:
        what = _("Part %(n)s of the series “%(name)s”")
    why = ngettext(
        "Its title gives the number, and the numbers of %(n)s part rise with their dates.",
        "Its title gives the number, and the numbers of %(n)s parts rise with their dates.",
        count,
    )
    words = {"n": part.number, "outlet": part.outlet, "count": part.series, "name": part.series}
    return PartFacts(what % words, spans(part.run.missing), str(part.run.next), why % {"n": count})


def _dated(part: PartOf, run: Rhythm) -> PartFacts:
    words = {"name": part.series, "date": date_format(date.fromordinal(part.number), _("j F Y"))}
    what = _("“%(name)s” of %(date)s, of a series that dates itself") % words
    why = ngettext(
        "Its title gives the date, and the dates of %(n)s part rise as they come.",
        "Its title gives the date, and the dates of %(n)s parts rise as they come.",
        len(run.dates),
    ) % {"n": len(run.dates)}
    missing = spans([day.toordinal() for day in run.missing], _day)
    coming = date_format(run.next, _("l, j F")) if run.next else ""
    return PartFacts(what, missing, coming, f"{why} {_rhythm(run.days)}".strip())


def _rhythm(days: frozenset[int]) -> str:
    if not days:
        return ""
    if days == EVERY_DAY:
        return _("It comes every day.")
    if days == MONDAY_TO_FRIDAY:
        return _("It comes from Monday to Friday.")
    return _("It comes every week: %s.") % ", ".join(str(WEEKDAYS[day]) for day in sorted(days))


def _day(ordinal: int) -> str:
    return date_format(date.fromordinal(ordinal), _("j F"))


def spans(numbers: Sequence[int], said: Callable[[int], str] = str) -> str:
    """Ascending numbers in words: "3, 5–8"; of many the last, behind an ellipsis."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    left_out = ["…"] if len(runs) > MOST_SPANS else []
    return ", ".join([*left_out, *("–".join(map(said, run)) for run in runs[-MOST_SPANS:])])
