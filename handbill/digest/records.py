"""Plain values of the digest: what is planned, what is composed, what was sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias

Audience: TypeAlias = frozenset[int]  # topic ids chosen together; empty: the whole paper
ReadingList: TypeAlias = tuple[int, ...]  # article ids, lead first, never empty


@dataclass(frozen=True, slots=True)
class Window:
    """Half-open span ``opens <= t < closes``: an article falls in exactly one."""

    opens: datetime  # aware, UTC, at the local closing hour of the day before: 24 h before ``closes``,
    closes: datetime  # or 23 h / 25 h when the clocks change


@dataclass(frozen=True, slots=True)
class Candidate:
    """An article that may go into the issue. ``outlets``: how many reported the story."""

    id: int
    published_at: datetime
    topics: frozenset[int]
    outlets: int = 1


@dataclass(frozen=True, slots=True)
class Chosen:
    """An article in its issue, with the topics it had when the issue was planned."""

    id: int
    topics: frozenset[int]


@dataclass(frozen=True, slots=True)
class SeriesPart:
    """Where an article stands in its series; ``previous`` is the address of the part before, or empty."""

    name: str
    number: int | None
    previous: str = ""


@dataclass(frozen=True, slots=True)
class LetterArticle:
    """What the letter says of one article: plain text and two addresses. An empty ``excerpt``: the headline alone.

    ``new`` is set where readers of this letter were told of the article before: what has come to it since, in a
    sentence or two of the article's language. It stands before the excerpt, or instead of it.
    """

    headline: str
    excerpt: str
    address: str  # on the newsroom's own site
    credit: str = ""
    also_reported: tuple[str, ...] = ()
    source_address: str = ""  # http(s), or empty
    language: str = ""  # empty: the paper's
    topics: tuple[str, ...] = ()
    series: SeriesPart | None = None
    new: str = ""


@dataclass(frozen=True, slots=True)
class LetterCorrection:
    """A mistake in what readers of this letter were mailed: of which article, what is right, when it was mailed."""

    headline: str
    text: str
    address: str  # of the article on the newsroom's own site
    mailed: date
    language: str = ""  # of headline and text; empty: the paper's


@dataclass(frozen=True, slots=True)
class LetterModel:
    """All that a letter says, frozen: made by ``letters`` from what ``plan`` decided, put into words by ``compose``.

    The articles stand in the order to be shown, lead first, already chosen and capped. Never empty, but for a letter
    of corrections alone. The reader's own links hold delivery's slot. Articles come without excerpts where the reader
    wishes headlines.
    """

    paper: str
    address: str
    postal_address: str
    language: str  # of the words around the news: the reader's wish, or the paper's
    day: date  # the reader's local date
    articles: tuple[LetterArticle, ...]
    preferences: str
    unsubscribe: str
    pause: str = ""
    web: str = ""  # where the issue stands on the newsroom's site, or empty
    other_addresses: tuple[str, ...] = ()  # where else the newsroom is found
    more: int = 0  # articles of the issue on the same topics that the letter has no room for
    corrections: tuple[LetterCorrection, ...] = ()
    plain: bool = False  # the reader wishes text alone: no HTML part is composed


@dataclass(frozen=True, slots=True)
class Cut:
    """What a letter had no room for: ``what`` is "headline" or "excerpt" (shortened), "headline only" or "left out".

    ``place``: that of the article in the letter, 0 for the lead.
    """

    place: int
    what: str


@dataclass(frozen=True, slots=True)
class ComposedLetter:
    """Both parts as they are mailed, in pieces; ``html`` is empty in a letter of text alone.

    What letters of one issue have in common, such as an article, is a piece of its own, the same in each of them
    (``delivery.records.Written``).
    """

    subject: str
    html_pieces: tuple[str, ...]
    text_pieces: tuple[str, ...]
    cuts: tuple[Cut, ...] = ()

    @property
    def html(self) -> str:
        return "".join(self.html_pieces)

    @property
    def text(self) -> str:
        return "".join(self.text_pieces)


@dataclass(frozen=True, slots=True)
class Sent:
    """An issue that delivery has; no letters where there was nothing to say or nobody to read.

    ``already``: delivery had it before this call, which repeated nothing.
    """

    date: date
    reference: str
    articles: int
    letters: int
    readers: int
    already: bool = False


@dataclass(frozen=True, slots=True)
class DryLetter:
    """One letter that would go, and to how many."""

    subject: str
    articles: int
    readers: int
    headlines: tuple[str, ...]
    topics: tuple[str, ...]  # one entry an audience: its topics' names, or "the whole paper"
    html_bytes: int


@dataclass(frozen=True, slots=True)
class DryRun:
    """What today's issue would be. ``why``: a sentence when no letter would go, else empty."""

    date: date
    opens: datetime
    closes: datetime
    articles: int
    readers: int
    readers_without: int
    letters: tuple[DryLetter, ...]
    why: str = ""
