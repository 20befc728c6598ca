"""Say what a document found at an outlet's address is: a feed, or a page and what can be gathered from it. Pure.

It runs in the sandbox, on a stranger's bytes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from statistics import median

from handbill.kit.text import word_count
from handbill.wire.discover import FoundFeed, discover_feeds
from handbill.wire.errors import FeedError
from handbill.wire.page_links import links_by_selector, parse_page_links, suggest_selectors
from handbill.wire.read import make_safe, read_document
from handbill.wire.records import CleanEntry, ParsedFeed, Reading
from handbill.wire.sitemap import read_sitemap
from handbill.wire.tree import page_text

SHOWN = 10  # entries of a preview
TEASER_WORDS = 150  # an entry of fewer is no whole article
FEWEST_DATES = 3  # that tell a rhythm


@dataclass(frozen=True, slots=True)
class Sample:
    """A reading in few words: how many entries it has, the newest, the usual minutes between two, the first ten.

    ``gap_minutes`` is None where fewer than three entries are dated. ``teasers``: the entries are no whole articles.
    """

    title: str
    language: str
    site_address: str
    format: str
    count: int
    newest: datetime | None
    gap_minutes: int | None
    teasers: bool
    entries: tuple[CleanEntry, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """What one document is. With ``feed`` it is a feed; else ``why`` says what is wrong with it as a feed, ``feeds``
    are addresses to try, ``links`` what its own links would give, and ``selectors`` pick lists of links on it.
    """

    feed: Sample | None = None
    why: str = ""
    feeds: tuple[FoundFeed, ...] = ()
    links: Sample | None = None
    selectors: tuple[str, ...] = ()


def survey_document(data: bytes, *, address: str, content_type: str = "") -> Survey:
    """Read what ``address`` gave, as a feed or else as a page. Never raises FeedError."""
    try:
        return Survey(feed=sample(read_document(data, address=address, content_type=content_type)))
    except FeedError as error:
        why = str(error)
    try:
        markup = page_text(data, content_type)
    except FeedError:
        return Survey(why=why)
    return Survey(
        why=why,
        feeds=discover_feeds(markup, address),
        links=_links(markup, address),
        selectors=suggest_selectors(markup, address),
    )


def survey_selector(data: bytes, *, address: str, content_type: str = "", selector: str = "") -> Survey:
    """What a page's links give, those that ``selector`` picks or those found by its structure.

    Without ``links``, ``why`` says what is wrong with the selector or the page. Never raises FeedError.
    """
    try:
        markup = page_text(data, content_type)
    except FeedError as error:
        return Survey(why=str(error))
    found, why = None, ""
    try:
        parsed = links_by_selector(markup, address, selector) if selector else parse_page_links(markup, address)
        found = _safe_sample(parsed, address)
    except FeedError as error:
        why = str(error)
    return Survey(why=why, links=found, selectors=suggest_selectors(markup, address))


def survey_sitemap(data: bytes, *, address: str, content_type: str = "") -> tuple[Sample | None, tuple[str, ...]]:
    """What a sitemap gives, where it tells of dated news, and the further sitemaps it names. Raises FeedError."""
    found = read_sitemap(data, address=address, content_type=content_type)
    told = [entry for entry in found.feed.entries if entry.title and entry.published]
    return (_safe_sample(found.feed, address) if len(told) >= FEWEST_DATES else None), found.more


def sample(reading: Reading) -> Sample:
    """The reading in few words."""
    dates = [entry.published for entry in reading.entries if entry.published]
    lengths = [word_count(entry.text[:5000]) for entry in reading.entries]
    return Sample(
        title=reading.title,
        language=reading.language or next((entry.language for entry in reading.entries if entry.language), ""),
        site_address=reading.site_address,
        format=reading.kind,
        count=len(reading.marks),
        newest=max(dates, default=None),
        gap_minutes=usual_gap(dates),
        teasers=bool(lengths) and median(lengths) < TEASER_WORDS,
        entries=reading.entries[:SHOWN],
    )


def usual_gap(moments: Iterable[datetime]) -> int | None:
    """The median of the minutes between one moment and the next; None for fewer than three different ones."""
    ordered = sorted(set(moments))
    if len(ordered) < FEWEST_DATES:
        return None
    gaps = [(later - earlier).total_seconds() / 60 for earlier, later in pairwise(ordered)]
    return max(1, round(median(gaps)))


def _links(markup: str, address: str) -> Sample | None:
    with contextlib.suppress(FeedError):
        return _safe_sample(parse_page_links(markup, address), address)
    return None


def _safe_sample(parsed: ParsedFeed, address: str) -> Sample:
    return sample(make_safe(parsed, address))
