"""What sources tells other rooms."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from handbill.sources.models import Feed


@dataclass(frozen=True, slots=True)
class Visit:
    """How a visit to a leased feed went: the fields it changes, and when the feed is due again."""

    feed: Feed
    next_at: datetime
    changes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class OpmlImport:
    """Feeds added, feeds that were there already, and a sentence for each outline that was refused."""

    added: int
    known: int
    refused: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FeedTrouble:
    """A feed that fails: what goes wrong, in words, and since when."""

    feed: Feed
    source: str
    sentence: str
    since: datetime


@dataclass(frozen=True, slots=True)
class FeedHealth:
    """How a feed does: ``level`` is "trouble", "notice", "new", "well" or "off"; sentences say what is to be told.

    ``fixes`` name what may be done, the likeliest first (``sources.health.FIXES``). ``since``: when trouble began.
    """

    feed: Feed
    level: str
    sentences: tuple[str, ...]
    fixes: tuple[str, ...]
    since: datetime | None = None

    @property
    def text(self) -> str:
        """All sentences as one text."""
        return " ".join(self.sentences)
