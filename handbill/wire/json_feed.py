"""Read a JSON Feed. Pure. Source: https://www.jsonfeed.org/version/1.1/ (and version 1)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from handbill.kit.text import clean
from handbill.wire.dates import read_date
from handbill.wire.errors import FeedError
from handbill.wire.make import absolute, literal_line, make_entry, make_feed
from handbill.wire.records import Entry, Media, ParsedFeed

Values = Mapping[str, Any]


def parse_json_feed(text: str, address: str) -> ParsedFeed:
    """The feed that ``text`` holds; a value of a wrong kind counts as absent. Raises FeedError when it is none."""
    try:
        feed = json.loads(text)
    except (ValueError, RecursionError):
        raise FeedError(
            "This feed is meant to be JSON, but it is broken off or broken. Ask the outlet to mend it."
        ) from None
    items = feed.get("items")
    if not isinstance(items, list):
        raise FeedError("This address gives JSON, but no JSON Feed. Look for the outlet's feed address.")
    language = clean(_text(feed, "language"))
    authors = [*_authors(feed)]
    return make_feed(
        literal_line(_text(feed, "title")),
        language,
        absolute(address, _text(feed, "home_page_url")),
        (_entry(item, address, language, authors) for item in items if isinstance(item, dict)),
        hub=next((absolute(address, _text(hub, "url")) for hub in _objects(feed, "hubs")), ""),
        topic=absolute(address, _text(feed, "feed_url")),
        kind="json",
    )


def _entry(item: Values, address: str, language: str, authors: list[str]) -> Entry:
    written = _text(item, "url") or _text(item, "external_url")
    tags = item.get("tags")
    return make_entry(
        id=_text(item, "id"),
        address=absolute(address, written),
        title=literal_line(_text(item, "title")),
        authors=[*_authors(item)] or authors,
        language=clean(_text(item, "language")) or language,
        categories=[_plain(tag) for tag in tags] if isinstance(tags, list) else (),
        summary=escape(_text(item, "summary"), quote=False),
        content=_text(item, "content_html") or escape(_text(item, "content_text"), quote=False),
        published=read_date(_text(item, "date_published")),
        updated=read_date(_text(item, "date_modified")),
        media=_media(item, address),
    )


def _authors(item: Values) -> Iterator[str]:
    single = item.get("author")
    listed = [*_objects(item, "authors")] or ([single] if isinstance(single, dict) else [])
    return (name for author in listed if (name := clean(_text(author, "name"))))


def _media(item: Values, address: str) -> Iterator[Media]:
    for part in _objects(item, "attachments"):
        if (place := absolute(address, _text(part, "url"))).startswith(("http://", "https://")):
            size = part.get("size_in_bytes")
            known = isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 10**15
            yield Media(
                place, clean(_text(part, "mime_type"))[:100], size if known else None, clean(_text(part, "title"))[:300]
            )
    for name in ("image", "banner_image"):
        if (place := absolute(address, _text(item, name))).startswith(("http://", "https://")):
            yield Media(place, "image/*")


def _objects(item: Values, name: str) -> Iterator[Values]:
    listed = item.get(name)
    return (each for each in listed if isinstance(each, dict)) if isinstance(listed, list) else iter(())


def _text(item: Values, name: str) -> str:
    return _plain(item.get(name))


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""
