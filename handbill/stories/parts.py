"""Which reports are parts of a series: what titles say is kept with each report, and is sure once several agree.

A series that dates its parts, and one without a name, are an outlet's own; a numbered one may be told by several.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import NamedTuple, TypeAlias

from handbill.stories.dated import NEAR, Rhythm, dated_of, rhythm
from handbill.stories.models import Member
from handbill.stories.records import PartOf
from handbill.stories.series import Run, follow, follow_closely, series_of

MOST_PARTS = 2_000  # of the series shown at once, the newest
MOST_NAME = 200  # characters
NUMBERED, DATED, UNNAMED = Member.Counting.NUMBERED, Member.Counting.DATED, Member.Counting.UNNAMED


class Said(NamedTuple):
    """What a title says of its series; the columns of ``Member``. ``number`` is None where it says nothing."""

    counting: int
    series: str
    number: int | None


Key: TypeAlias = tuple[int, str, int]
"""A series: how it counts, its name, and the outlet; 0 where it may be any."""


def said_of(title: str, published: date) -> Said:
    """What a report's title says of a series. A date that is not about that of its publication is none."""
    if (mark := series_of(title)) is not None:
        counting, name = (NUMBERED, mark.name) if mark.name else (UNNAMED, mark.count.casefold())
        return Said(counting, name[:MOST_NAME], mark.number)
    if (dated := dated_of(title)) is not None and abs(dated.date - published) <= NEAR:
        return Said(DATED, dated.name[:MOST_NAME], dated.date.toordinal())
    return Said(NUMBERED, "", None)


def parts_of(leads: Mapping[int, Member]) -> dict[int, PartOf]:
    """By story the part that its lead's title says it is, where the series is sure. One query."""
    told = {story: lead for story, lead in leads.items() if lead.number is not None}
    runs = sure(map(_key, told.values()))
    return {
        story: PartOf(Member.Counting(lead.counting), lead.series, lead.number or 0, lead.report.source.name, run)
        for story, lead in told.items()
        if (run := runs.get(_key(lead))) is not None
    }


def _key(lead: Member) -> Key:
    return lead.counting, lead.series, 0 if lead.counting == NUMBERED else lead.report.source_id


def sure(keys: Collection[Key] | map[Key]) -> dict[Key, Run | Rhythm]:
    """The series among these that are sure, with what their parts make together."""
    wanted = set(keys)
    if not wanted:
        return {}
    rows = Member.objects.filter(series__in={name for _, name, _ in wanted}, number__isnull=False)
    fields = ("counting", "series", "report__source", "number", "report__published_at")
    found: dict[Key, list[tuple[date, int]]] = defaultdict(list)
    for counting, name, outlet, number, published_at in rows.order_by("-report__published_at").values_list(*fields)[
        :MOST_PARTS
    ]:
        key = (counting, name, 0 if counting == NUMBERED else outlet)
        if key in wanted:
            found[key].append((published_at.date(), number or 0))
    runs = {key: _together(key[0], parts) for key, parts in found.items()}
    return {key: run for key, run in runs.items() if run is not None}


def _together(counting: int, parts: Sequence[tuple[date, int]]) -> Run | Rhythm | None:
    if counting == DATED:
        return rhythm((published, date.fromordinal(number)) for published, number in parts)
    return follow(parts) if counting == NUMBERED else follow_closely(parts)
