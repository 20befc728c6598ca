"""Read any document an outlet gives, and make it safe: what the sandbox does. Pure.

The document itself says what it is: a feed in any format, a news sitemap, or a page whose links are the entries.
"""

from __future__ import annotations

from collections.abc import Collection

from handbill.kit.text import plain_of_safe, shorten
from handbill.wire.identity import ID, identified
from handbill.wire.make import inert
from handbill.wire.page_links import links_by_selector, parse_page_links
from handbill.wire.parse import parse_feed
from handbill.wire.records import CleanEntry, Entry, Mark, ParsedFeed, Reading
from handbill.wire.sanitise import sanitise
from handbill.wire.tree import page_text

MAX_TEXT = 200_000  # characters


def read_document(
    data: bytes,
    *,
    address: str,
    content_type: str = "",
    page: bool = False,
    selector: str = "",
    known: Collection[Mark] = (),
    trust: str = ID,
) -> Reading:
    """Read what ``address`` gave as ``data``; entries whose mark is in ``known`` are not made safe again.

    ``trust`` says what an entry is known again by, as the feed's row does.

    ``page``: it is a web page and its links are the entries, those that ``selector`` picks, or where it is empty those
    found by the page's structure. Raises FeedError, and nothing else, when there is nothing to be read.
    """
    if page:
        markup = page_text(data, content_type)
        parsed = links_by_selector(markup, address, selector) if selector else parse_page_links(markup, address)
    else:
        parsed = parse_feed(data, address=address, content_type=content_type)
    return make_safe(parsed, address, known, trust)


def make_safe(parsed: ParsedFeed, address: str, known: Collection[Mark] = (), trust: str = ID) -> Reading:
    """The feed with its new entries sanitised; an entry with nothing in it is left out."""
    seen = frozenset(known)
    entries = identified((entry for entry in parsed.entries if not entry.empty), trust)
    marks = tuple(Mark(entry.identity, entry.fingerprint) for entry in entries)
    return Reading(
        title=parsed.title,
        language=parsed.language,
        site_address=parsed.site_address,
        kind=parsed.kind,
        marks=marks,
        entries=tuple(
            clean_entry(entry, address) for entry, mark in zip(entries, marks, strict=True) if mark not in seen
        ),
        hub=parsed.hub,
        topic=parsed.topic,
    )


def clean_entry(entry: Entry, address: str) -> CleanEntry:
    """The entry made safe; relative links of its markup start from its base, its own address or the feed's."""
    base = entry.base or entry.address or address
    summary, content = sanitise(entry.summary, base), sanitise(entry.content, base)
    body = max(content, summary, key=len)
    text = plain_of_safe(body)[:MAX_TEXT]
    return CleanEntry(
        id=entry.id,
        identity=entry.identity,
        fingerprint=entry.fingerprint,
        address=entry.address,
        title=entry.title or _first_words(text) or entry.address[:500],
        authors=entry.authors,
        language=entry.language,
        categories=entry.categories,
        summary_html=summary,
        content_html=content,
        body_html=body,
        text=text,
        published=entry.published,
        updated=entry.updated,
        media=entry.media,
        licence=entry.licence,
    )


def _first_words(text: str) -> str:
    """A title for an entry that has none, as short messages do."""
    return shorten(inert(text[:400]), 120)
