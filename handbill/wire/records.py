"""What passes through the wire: entries as feeds gave them, made safe, and the sum of a round."""

from __future__ import annotations

import hashlib
from dataclasses import KW_ONLY, dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Media:
    """A file that comes with an entry: an enclosure or a media image. Never fetched, and never shown to a reader.

    ``address`` is absolute http(s); ``type`` is the media type as claimed, or ""; ``size`` is in bytes, None where the
    feed doesn't say.
    """

    address: str
    type: str = ""
    size: int | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """An item as the feed gave it. All fields are clean plain text but ``summary`` and ``content``.

    ``id`` is empty where the feed gives none or gives ids that can't be trusted; ``address`` is absolute http(s) or
    empty (relative only where the feed's own address is unknown). ``summary`` and ``content`` are markup as it came:
    hostile until ``wire.sanitise`` has seen it. ``published`` and ``updated`` are what the feed claims, aware, in UTC.
    By ``identity`` (64 hexadecimal digits) the entry is known again. Relative links of the markup start from ``base``,
    or where it is empty from ``address``. ``licence`` is an address or a few words.
    """

    id: str
    address: str
    title: str
    authors: tuple[str, ...]
    language: str
    categories: tuple[str, ...]
    summary: str
    content: str
    published: datetime | None
    identity: str
    updated: datetime | None = None
    base: str = ""
    media: tuple[Media, ...] = ()
    licence: str = ""

    @property
    def body(self) -> str:
        """The longer of content and summary, as markup."""
        return max(self.content, self.summary, key=len)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to read or to follow."""
        return not (self.title or self.address or self.body.strip())

    @property
    def fingerprint(self) -> str:
        """Changes whenever what the outlet wrote does: 16 hexadecimal digits."""
        written = "\0".join((self.address, self.title, self.summary, self.content))
        return hashlib.sha256(written.encode("utf-8", "replace")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """A feed read: its own title, language and site, and its entries in the feed's order.

    ``hub`` and ``topic`` are its WebSub addresses (rel="hub" and rel="self"), absolute or empty. ``kind`` says what it
    was: "rss", "atom", "json", "cdf", "sitemap" or "page".
    """

    title: str
    language: str
    site_address: str
    entries: tuple[Entry, ...]
    hub: str = ""
    topic: str = ""
    kind: str = "rss"


@dataclass(frozen=True, slots=True)
class CleanEntry:
    """An entry made safe to keep and to show: markup sanitised, all else plain text.

    ``body_html`` is the longer of the two bodies and ``text`` its plain text. ``fingerprint`` is that of the entry.
    """

    id: str
    identity: str
    fingerprint: str
    address: str
    title: str
    authors: tuple[str, ...]
    language: str
    categories: tuple[str, ...]
    summary_html: str
    content_html: str
    body_html: str
    text: str
    published: datetime | None
    updated: datetime | None
    media: tuple[Media, ...] = ()
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """One entry of a feed's last reading, in few bytes: who it is and what it said."""

    identity: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A document read and made safe in the sandbox.

    ``marks`` are all its entries in order; ``entries`` only those whose mark was not known before, so a re-fetch
    sanitises only what is new. The other fields are ParsedFeed's.
    """

    title: str
    language: str
    site_address: str
    kind: str
    marks: tuple[Mark, ...]
    entries: tuple[CleanEntry, ...]
    hub: str = ""
    topic: str = ""


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of mails: ``filed`` are new reports, ``held`` wait for a person, ``known`` had come before."""

    filed: int = 0
    held: int = 0
    known: int = 0

    @property
    def any(self) -> bool:
        """Whether there was a mail at all."""
        return bool(self.filed or self.held or self.known)

    def __add__(self, other: TakenIn) -> TakenIn:
        return TakenIn(self.filed + other.filed, self.held + other.held, self.known + other.known)


@dataclass(frozen=True, slots=True)
class Round:
    """What a round of fetching did. ``fetched`` counts feeds that answered well, ``not_modified`` among them.

    ``entries`` were read, ``filed`` are new reports, ``changed`` are reports whose outlet rewrote them.
    ``busy``: another round is running, so this one did nothing.
    """

    fetched: int = 0
    failed: int = 0
    not_modified: int = 0
    entries: int = 0
    filed: int = 0
    changed: int = 0
    _: KW_ONLY
    busy: bool = False

    def __add__(self, other: Round) -> Round:
        """Both together."""
        names = ("fetched", "failed", "not_modified", "entries", "filed", "changed")
        return Round(*(getattr(self, name) + getattr(other, name) for name in names))


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text in a difference, in reading order: "same" in both, "removed" from the old, "added" by the new."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Tally:
    """How two texts differ, in sentences: reworded, new, and gone."""

    changed: int = 0
    added: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """Something an outlet can be gathered from, as a look at its address found it.

    ``kind`` is Feed's ("feed" or "page"), ``format`` Reading's; ``why`` is a sentence. ``gap_minutes`` usually lie
    between two of its ``count`` entries, None where their dates don't tell. ``teasers``: they are no whole articles.
    ``entries`` are its first ten. ``known`` is the key of the Feed that has this address already.
    """

    address: str
    kind: str
    format: str
    why: str
    title: str
    language: str
    site_address: str
    count: int
    newest: datetime | None
    gap_minutes: int | None
    teasers: bool
    entries: tuple[CleanEntry, ...]
    selector: str = ""
    known: int | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at an outlet found: choices, best first, and selectors that pick lists of links on its page.

    ``address`` is the page's after redirects. ``sentence`` says why there is nothing, or not everything; else "".
    """

    address: str
    choices: tuple[Choice, ...]
    sentence: str = ""
    selectors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PageRound:
    """What a round of reading articles' pages did: pages asked for, and reports that got their whole text."""

    visited: int = 0
    kept: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """What a report's words were, and what became of them: the title's pieces, the text's, and the text's tally.

    ``number`` is the alteration that replaced the old words, ``at`` when it was seen.
    """

    number: int
    at: datetime
    title: tuple[Piece, ...]
    text: tuple[Piece, ...]
    tally: Tally
