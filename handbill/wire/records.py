"""What passes through the wire: entries as feeds gave them, and the sum of a round."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """An item as the feed gave it. All fields are clean plain text but ``body``.

    ``id`` is empty where the feed gives none or gives ids that can't be trusted; ``address`` is absolute http(s) or
    empty; ``body`` is markup as it came: hostile until ``wire.sanitise`` has seen it; ``published`` is what the feed
    claims, aware, in UTC. By ``identity`` (64 hexadecimal digits) the entry is known again.
    Relative links of the body start from ``base``, or where it is empty from ``address``.
    """

    id: str
    address: str
    title: str
    author: str
    language: str
    categories: tuple[str, ...]
    body: str
    published: datetime | None
    identity: str
    base: str = ""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to read or to follow."""
        return not (self.title or self.address or self.body.strip())


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """A feed read: its own title, language and site, and its entries in the feed's order."""

    title: str
    language: str
    site_address: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Round:
    """What a round of fetching did. ``fetched`` counts feeds that answered well, ``not_modified`` among them."""

    fetched: int = 0
    failed: int = 0
    not_modified: int = 0
    entries: int = 0
    filed: int = 0
