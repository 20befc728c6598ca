"""What is inside a document, as plain values for ``handbill inspect``: what the sandbox does for it. Pure.

Each function imports its tools when it runs: the command itself starts fast, and a child that reads feeds never loads
what reads pages.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

MAX_BYTES = 15 * 1024 * 1024
BEGINNING = 2_000  # bytes in which a page says that it is one
_PAGE = re.compile(rb"<(?:!doctype html|html|body)\b", re.IGNORECASE)


def inspect_feed(data: bytes, *, address: str = "", content_type: str = "") -> dict[str, Any]:
    """The feed's title and all its entries in order, sanitised, with what it claims of them. Raises FeedError."""
    from handbill.wire.parse import parse_feed
    from handbill.wire.read import clean_entry

    feed = parse_feed(inflate(data), address=address, content_type=content_type)
    entries = []
    for entry in feed.entries:
        clean = clean_entry(entry, address)
        entries.append(
            {
                "id": entry.id,
                "url": entry.address or None,
                "title": entry.title,
                "published": _rfc3339(entry.published),
                "updated": _rfc3339(entry.updated),
                "authors": list(entry.authors),
                "language": entry.language,
                "categories": list(entry.categories),
                "summary_html": clean.summary_html,
                "content_html": clean.content_html,
                "media": [asdict(item) for item in entry.media],
                "licence": entry.licence,
            }
        )
    return {"title": feed.title, "language": feed.language, "kind": feed.kind, "entries": entries}


def inspect_page(data: bytes, *, address: str = "") -> dict[str, Any]:
    """The article on a page. Raises PageError."""
    from handbill.wire.extract import extract_page

    page = extract_page(inflate(data), address=address)
    return {**asdict(page), "published": _rfc3339(page.published)}


def inspect_difference(old: bytes, new: bytes) -> dict[str, Any]:
    """The pieces that lead from one text to the other, either of which may be empty; of markup, its plain text counts.

    Raises FeedError.
    """
    from handbill.wire.difference import difference

    before, after = (_whole_text(data) if data.strip() else "" for data in (old, new))
    return {"changes": [asdict(piece) for piece in difference(before, after)]}


def prose(data: bytes) -> str:
    """The plain text of a document: a whole page's article, if it has one, or all that a text or markup says.

    Raises FeedError.
    """
    from handbill.wire.extract import PageError, extract_page

    data = inflate(data)
    if _PAGE.search(data[:BEGINNING]):
        with suppress(PageError):
            return extract_page(data).text
    return _whole_text(data)


def inflate(data: bytes) -> bytes:
    """The document, unpacked if it is packed with gzip. Raises FeedError when it is broken or over MAX_BYTES."""
    import gzip
    import io
    import zlib

    from handbill.wire.errors import FeedError

    if data.startswith(b"\x1f\x8b"):
        try:
            data = gzip.GzipFile(fileobj=io.BytesIO(data)).read(MAX_BYTES + 1)
        except (OSError, EOFError, zlib.error):
            raise FeedError(
                "This file is packed with gzip and broken. Take it again from where it came from."
            ) from None
    if len(data) > MAX_BYTES:
        raise FeedError(f"This file is larger than {MAX_BYTES // 1048576} MiB. Look for a shorter one.")
    return data


def _whole_text(data: bytes) -> str:
    from handbill.kit.text import plain
    from handbill.wire.errors import FeedError
    from handbill.wire.mend import is_text
    from handbill.wire.tree import page_text

    data = inflate(data)
    if not is_text(data):
        raise FeedError("This is no text: it holds a picture, an archive or the like. Name a text or a page.")
    text = page_text(data, "")
    return plain(text) if text.startswith("<") else text.replace("\r\n", "\n")


def _rfc3339(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None
