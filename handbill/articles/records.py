"""What ``articles`` hands to other rooms: plain values, no rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: new articles, new topics, and one sentence for each part it couldn't take."""

    articles: int = 0
    topics: int = 0
    refused: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An article that may go into an issue. ``outlet``: whose report it is; empty for one of the newsroom's own."""

    id: int
    published_at: datetime
    topic_ids: frozenset[int]
    outlets: int = 0  # outlets that reported the story; 0: an article of the newsroom's own
    story: int | None = None
    outlet: str = ""


@dataclass(frozen=True, slots=True)
class NoteTold:
    """What came to an article after it was published: news of it, or a correction."""

    id: int
    article: int
    at: datetime
    correction: bool
    text: str


@dataclass(frozen=True, slots=True)
class LetterItem:
    """What a letter says of one article; plain text in every field, empty where there is nothing to say."""

    id: int
    headline: str
    excerpt: str
    credit: str
    also_reported: tuple[str, ...]
    source_address: str
    slug: str
    language: str
    series_name: str
    series_slug: str
    series_number: int | None
    series_previous_slug: str  # of the live article with the next lower number in the series
    topics: tuple[str, ...]
    own: bool  # has a body to read on the newsroom's own site


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the desk's home screen counts."""

    waiting: int  # stories neither taken nor dismissed
    published: int  # articles first published since the given moment
    drafts: int  # articles not public
    changed: int  # public articles with a newer draft
    scheduled: int
    altered: int  # articles whose report was rewritten, taken back or put back since the newsroom last looked
