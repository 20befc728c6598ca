"""Read a feed that is no XML any more: feedparser reads it tag by tag, and makes something of nearly anything. Pure.

It is slow (up to 7 s for a million characters) and is asked only where the document's tree can't be trusted.
"""

from __future__ import annotations

import io
from calendar import timegm
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any

import feedparser

from handbill.kit.text import clean
from handbill.wire.dates import EARLIEST_YEAR, read_date
from handbill.wire.errors import FeedError
from handbill.wire.make import absolute, literal_line, make_entry, make_feed, one_line
from handbill.wire.mend import Document, whole_entries
from handbill.wire.records import Entry, Media, ParsedFeed

MAX_CHARACTERS = 1_000_000


def repair_feed(document: Document, address: str) -> ParsedFeed:
    """Only the first million characters of a feed that is both large and broken: new entries come first.

    Raises FeedError when not one whole entry is left.
    """
    text = document.text
    if len(text) > MAX_CHARACTERS:
        text = whole_entries(document, MAX_CHARACTERS)
    headers = {"content-type": "application/xml; charset=utf-8"}  # no location: it would make addresses of ids
    found = feedparser.parse(
        io.BytesIO(text.encode("utf-8", "ignore")),
        response_headers=headers,
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    if not found.entries and (document.truncated or found.bozo):
        raise FeedError("This feed is broken off or broken beyond repair: not one whole entry is left in it.")
    head = found.feed
    language, licence = _text(head, "language"), _licence(head)
    return make_feed(
        one_line(_text(head, "title")),
        language,
        absolute(address, _text(head, "link")),
        (_entry(raw, address, language, licence) for raw in found.entries),
        hub=_related(head, "hub", address),
        topic=_related(head, "self", address),
        kind="atom" if str(found.version).startswith("atom") else "rss",
    )


def _entry(raw: Mapping[str, Any], address: str, language: str, licence: str) -> Entry:
    written, content = _link(raw), [*(raw.get("content") or ())]
    summary = raw.get("summary_detail") or {}
    own = content[0] if content else summary
    copied = bool(content) and "summary_detail" not in raw  # it repeats the content as the summary
    return make_entry(
        id=_text(raw, "id"),
        address=absolute(address, written),
        link=clean(written),
        title=_title(raw),
        authors=[_text(author, "name") or _text(author, "email") for author in raw.get("authors") or ()]
        or [_text(raw, "author")],
        language=_text(own, "language") or _text(raw, "language") or language,
        categories=[_text(tag, "label") or _text(tag, "term") for tag in raw.get("tags") or ()],
        summary="" if copied else _markup(summary or {"value": _text(raw, "summary")}),
        content=_markup(content[0]) if content else "",
        published=_moment(raw, "published") or _moment(raw, "created"),
        updated=_moment(raw, "updated"),
        base=absolute(address, _text(own, "base")) if _text(own, "base") else "",
        media=_media(raw, address),
        licence=_licence(raw) or licence,
    )


def _title(raw: Mapping[str, Any]) -> str:
    """Markup is read as markup, unless the feed says that the title is plain text."""
    text = _text(raw, "title")
    return literal_line(text) if (raw.get("title_detail") or {}).get("type") == "text/plain" else one_line(text)


def _link(raw: Mapping[str, Any]) -> str:
    link = _text(raw, "link")
    return "" if raw.get("guidislink") and "/" not in link else link  # it makes a link of any id


def _markup(part: Mapping[str, Any]) -> str:
    value = _text(part, "value")
    return escape(value, quote=False) if part.get("type") == "text/plain" else value


def _media(raw: Mapping[str, Any], address: str) -> Iterator[Media]:
    parts = [link for link in raw.get("links") or () if link.get("rel") == "enclosure"]
    for part in [*parts, *(raw.get("media_content") or ()), *(raw.get("media_thumbnail") or ())]:
        place = absolute(address, _text(part, "href") or _text(part, "url"))
        size = _text(part, "length") or _text(part, "filesize")
        if place.startswith(("http://", "https://")):
            known = size.isascii() and size.isdigit() and len(size) < 16
            yield Media(place, clean(_text(part, "type"))[:100], int(size) if known else None)


def _licence(raw: Mapping[str, Any]) -> str:
    linked = [_text(link, "href") for link in raw.get("links") or () if link.get("rel") == "license"]
    return clean(next(filter(None, linked), "")) or one_line(_text(raw, "rights"))


def _related(head: Mapping[str, Any], relation: str, address: str) -> str:
    links = head.get("links") or ()
    found = (absolute(address, _text(link, "href")) for link in links if link.get("rel") == relation)
    return next(filter(None, found), "")


def _moment(raw: Mapping[str, Any], name: str) -> datetime | None:
    """Our own reading of the date comes first; what it adds are forms that no one else writes."""
    written, parts = dict(raw).get(name), dict(raw).get(f"{name}_parsed")  # its own get mistakes one date for another
    if isinstance(written, str) and (moment := read_date(written)):
        return moment
    try:
        moment = datetime.fromtimestamp(timegm(parts), UTC) if parts else None
    except (ValueError, TypeError, OverflowError, OSError):
        return None
    return moment if moment and moment.year >= EARLIEST_YEAR else None


def _text(raw: Mapping[str, Any], name: str) -> str:
    value = raw.get(name)
    return value if isinstance(value, str) else ""
