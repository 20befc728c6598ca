"""What stories hands to the other rooms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handbill.stories.dated import Rhythm
    from handbill.stories.models import Member, Story
    from handbill.stories.rank import Standing
    from handbill.stories.reasons import Reason
    from handbill.stories.series import Run
    from handbill.topics.models import Topic
    from handbill.wire.models import Report


@dataclass(frozen=True, slots=True)
class Grouped:
    """What one round did: reports that got their place, and stories that were opened."""

    reports: int
    stories: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """An article whose topics (ids) an editor chose. ``day`` is the ordinal of its date; ``outlet`` may be empty."""

    article: int
    edition: int
    title: str
    text: str
    language: str
    outlet: str
    day: int
    topics: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SuggestedTopic:
    """A topic that the newsroom's own choices suggest: how likely (0..1), and the words that speak for it."""

    topic: Topic
    confidence: float
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Learning:
    """How far suggesting topics is: from so many articles it learns, of so many that it needs."""

    examples: int
    needed: int


@dataclass(frozen=True, slots=True)
class TriagedMember:
    """One report of a story, as the desk shows it. ``copy_of`` is the id of the report whose text it repeats.

    That one may be in another story: ``original_outlet`` had it at ``original_at``. ``moved_at`` is when an editor put
    the report here, ``moved_by`` who it was ("": nobody known any more).
    """

    report_id: int
    outlet: str
    title: str
    address: str
    published_at: datetime
    copy_of: int | None
    why: tuple[Reason, ...]
    outlet_id: int = 0
    original_outlet: str = ""
    original_at: datetime | None = None
    moved_by: str = ""
    moved_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PartOf:
    """A part of a series that is sure, as ``Member`` has it, the outlet, and what its reports make together."""

    counting: Member.Counting
    series: str
    number: int
    outlet: str
    run: Run | Rhythm


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
    standing: Standing
    part: PartOf | None
