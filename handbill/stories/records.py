"""What passes between stories and the other rooms, and between its own pure parts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handbill.stories.models import Story
    from handbill.wire.models import Report


@dataclass(frozen=True, slots=True)
class SeriesMark:
    """A title that numbers itself: "Harbour Works Day 12: …" is part 12 of "Harbour Works". ``name`` may be empty."""

    name: str
    number: int


@dataclass(frozen=True, slots=True)
class Told:
    """A report as grouping sees it. ``story`` and ``copy_of`` are set for one that already has its place."""

    id: int
    outlet: str
    language: str
    title: str
    text: str
    published_at: datetime
    story: int | None = None
    copy_of: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a report goes: into the known ``story``, or else into a new one with all that share ``opens``.

    ``opens`` is the id of the new story's first report. ``why`` gives the reasons as sentences, strongest first.
    """

    report: int
    story: int | None
    opens: int | None
    copy_of: int | None
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grouped:
    """What one round did: reports that got their place, and stories that were opened."""

    reports: int
    stories: int


@dataclass(frozen=True, slots=True)
class TriagedMember:
    """One report of a story, as the desk shows it. ``copy_of`` is the id of the report whose text it repeats."""

    report_id: int
    outlet: str
    title: str
    address: str
    published_at: datetime
    copy_of: int | None
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TriagedStory:
    """A story ready to be chosen. ``outlets`` counts those with words of their own; ``copies`` the reports without."""

    story: Story
    lead: Report
    members: tuple[TriagedMember, ...]
    outlets: int
    copies: int
    all_backlog: bool
    taken: bool
