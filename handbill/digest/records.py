"""Plain values of the digest: what is planned, what is composed, what was sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from handbill.subscribers.wishes import Told

Audience: TypeAlias = frozenset[int]  # topic ids chosen together; empty: the whole paper


@dataclass(frozen=True, slots=True)
class Window:
    """Half-open span ``opens <= t < closes``: an article falls in exactly one of a slot's."""

    opens: datetime  # aware, UTC, when the slot's issue before closed
    closes: datetime
    since: datetime  # so far back it takes what none of the slot's issues had: a missed one's, or what came in late


@dataclass(frozen=True, slots=True)
class Candidate:
    """An article that may go into the issue. ``rank``: higher stands first; ``place``: where an editor put it.

    ``outlet`` whose report it is; empty for the newsroom's own.
    """

    id: int
    published_at: datetime
    topics: frozenset[int]
    rank: float = 0.0
    outlet: str = ""
    story: int | None = None
    place: int | None = None


@dataclass(frozen=True, slots=True)
class Carried:
    """Where an article stood in an issue of the paper's own, 0 for the lead; ``placed``: an editor put it there."""

    position: int
    placed: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """What came to an article after it was published: news of it, or a correction."""

    id: int
    article: int
    at: datetime
    correction: bool = False


@dataclass(frozen=True, slots=True)
class Tellings:
    """What a slot's issues said of an article: when the first and the last of them closed, and which notes they had."""

    first: datetime
    last: datetime
    notes: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Chosen:
    """An article in its issue, as it was when the issue was planned.

    ``note``: for readers who know the article, what is new or, with ``correction``, what was wrong; with ``alert`` only
    for those who know it from an alert. ``extra``: only for readers who moved here from another slot and were not told
    of it there.
    """

    id: int
    topics: frozenset[int]
    outlet: str = ""
    story: int | None = None
    placed: bool = False
    published_at: datetime | None = None
    note: int | None = None
    correction: bool = False
    extra: bool = False
    alert: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """How many articles a letter has at most: in all, of one outlet, and of one topic beside others. 0: no such cap."""

    articles: int = 12
    outlet: int = 4
    topic: int = 6


class Left(StrEnum):
    """Why a letter leaves an article out."""

    ROOM = "room"  # it has as many as it may
    OUTLET = "outlet"  # as many of this outlet
    TOPIC = "topic"  # as many under this topic
    TOLD = "told"  # the paper's readers were told of it, or of its story
    UNMAILED = "unmailed"  # it was published without being meant for an issue


@dataclass(frozen=True, slots=True)
class AlertTold:
    """Of what an alert told: an article, and its story if it has one."""

    article: int
    story: int | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """An issue's articles in order, and what its letters go by.

    ``topics`` in the paper's order; ``told``: the articles that readers who moved were told of where they were before.
    ``news_only``: the slot's readers wish nothing but news. ``alerted``: of which article and story alerts told, by id.
    ``by_topic``: behind the lead, what a letter shows is grouped by topics.
    """

    articles: tuple[Chosen, ...]
    topics: tuple[int, ...] = ()
    limits: Limits = Limits()
    told: Mapping[Told, frozenset[int]] = field(default_factory=dict)
    fold_back: timedelta = timedelta(days=2)
    news_only: bool = False
    alerted: Mapping[int, AlertTold] = field(default_factory=dict)
    by_topic: bool = False


@dataclass(frozen=True, slots=True)
class ReadingList:
    """What a letter shows: article ids, lead first; ids of the notes that say what is new or was wrong; what is left.

    False where it is empty.
    """

    articles: tuple[int, ...] = ()
    updates: tuple[int, ...] = ()
    corrections: tuple[int, ...] = ()
    more: int = field(default=0, compare=False)

    def __bool__(self) -> bool:
        return bool(self.articles or self.corrections)


@dataclass(frozen=True, slots=True)
class Draft:
    """A letter to be composed: what it shows, in which language and form."""

    listed: ReadingList
    language: str
    form: str = "excerpts"
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Review:
    """What makes a weekly issue's letters reviews of their week: its first day, and each article's."""

    since: date
    days: Mapping[int, date]


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
    subject: str = ""  # of a letter it leads, as an editor wrote it; empty: the headline
    day: date | None = None  # when it was published, where the letter is about a week


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
    alert: str = ""  # the topic, where this is no issue but an alert to its readers
    web: str = ""  # where the issue stands on the newsroom's site, or empty
    other_addresses: tuple[str, ...] = ()  # where else the newsroom is found
    more: int = 0  # articles of the issue on the same topics that the letter has no room for
    corrections: tuple[LetterCorrection, ...] = ()
    plain: bool = False  # the reader wishes text alone: no HTML part is composed
    since: date | None = None  # the first day that it is about, where it is a week's


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
    news: tuple[str, ...] = ()  # the HTML pieces of articles and corrections alone, without what stands around them

    @property
    def html(self) -> str:
        return "".join(self.html_pieces)

    @property
    def text(self) -> str:
        return "".join(self.text_pieces)


@dataclass(frozen=True, slots=True)
class Sent:
    """An issue that delivery has; no letters where there was nothing to say or nobody to read.

    ``already``: delivery had it before this call, which repeated nothing. ``waits``: for what, where an editor's word
    is missing. Of several slots' issues the sums.
    """

    date: date
    reference: str
    articles: int
    letters: int
    readers: int
    already: bool = False
    waits: str = ""


@dataclass(frozen=True, slots=True)
class DryLetter:
    """One letter that would go, and to how many."""

    subject: str
    articles: int
    readers: int
    headlines: tuple[str, ...]
    topics: tuple[str, ...]  # one entry an audience: its topics' names, or "the whole paper"
    html_bytes: int
    slot: str = "daily"
    language: str = ""
    html: str = ""
    cuts: tuple[Cut, ...] = ()


@dataclass(frozen=True, slots=True)
class DryIssue:
    """What a slot's issue would be. ``why``: a sentence when no letter would go, else empty.

    ``notices``: what an editor should know of it. ``readers_without``: they are in the slot, and get nothing.
    """

    date: date
    slot: str
    opens: datetime
    closes: datetime
    articles: int
    readers: int
    readers_without: int
    letters: tuple[DryLetter, ...] = ()
    why: str = ""
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a day's issues would be, the paper's own first. ``why``: when nothing would go at all."""

    date: date
    issues: tuple[DryIssue, ...]
    why: str = ""

    @property
    def articles(self) -> int:
        return max((one.articles for one in self.issues), default=0)

    @property
    def readers(self) -> int:
        return sum(one.readers for one in self.issues)

    @property
    def readers_without(self) -> int:
        return sum(one.readers_without for one in self.issues)

    @property
    def letters(self) -> tuple[DryLetter, ...]:
        rows = [letter for one in self.issues for letter in one.letters]
        return tuple(sorted(rows, key=lambda letter: (-letter.readers, letter.subject)))


@dataclass(frozen=True, slots=True)
class DryReader:
    """What one reader would get, or why not."""

    letter: DryLetter | None
    why: str = ""
    due: datetime | None = None  # their next issue, in their zone
