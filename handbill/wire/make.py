"""Make entries of what is no feed, by the same measures as ``wire.parse`` makes them of feeds. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from handbill.kit.text import clean, plain, shorten
from handbill.wire.parse import (
    EARLIEST_YEAR,
    MAX_AUTHOR,
    MAX_BODY,
    MAX_CATEGORIES,
    MAX_CATEGORY,
    MAX_ENTRIES,
    MAX_ID,
    MAX_TITLE,
)
from handbill.wire.records import Entry, ParsedFeed

MAX_FEED_TITLE = 300

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,4}")


def make_entry(
    *,
    address: str,
    title: str,
    id: str = "",
    authors: Iterable[str] = (),
    language: str = "",
    categories: Iterable[str] = (),
    summary: str = "",
    content: str = "",
    published: datetime | None = None,
    base: str = "",
) -> Entry:
    """An entry of plain values: they are cleaned and cut here. It is known again by its id, or address, or title."""
    own_id, title = clean(id)[:MAX_ID], shorten(title, MAX_TITLE)
    names = (shorten(plain(name), MAX_CATEGORY) for name in categories)
    return Entry(
        id=own_id,
        address=address,
        title=title,
        authors=tuple(dict.fromkeys(name for author in authors if (name := shorten(author, MAX_AUTHOR)))),
        language=language_code(language),
        categories=tuple(dict.fromkeys(name for name in names if name))[:MAX_CATEGORIES],
        summary=summary[:MAX_BODY],
        content=content[:MAX_BODY],
        published=published,
        identity=hashlib.sha256((own_id or address or title).encode()).hexdigest(),
        base=base,
    )


def make_feed(title: str, language: str, site_address: str, entries: Iterable[Entry]) -> ParsedFeed:
    """A feed of these entries, at most 500: an empty one is left out, and so is one that comes again."""
    kept: dict[str, Entry] = {}
    for entry in entries:
        if not entry.empty:
            kept.setdefault(entry.identity, entry)
    known = tuple(kept.values())[:MAX_ENTRIES]
    return ParsedFeed(shorten(title, MAX_FEED_TITLE), language_code(language), site_address, known)


def language_code(text: str) -> str:
    """A language code as the tables hold it, or "" when the text is none."""
    text = text.strip()
    return text.replace("_", "-") if len(text) <= 35 and _LANGUAGE.fullmatch(text) else ""


def read_moment(text: str) -> datetime | None:
    """A date as ISO 8601 or as mail writes it, in UTC; without a zone it is taken for UTC. None when it is none."""
    text = text.strip()[:100]
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(text)
            moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        return moment.replace(microsecond=0) if moment.year >= EARLIEST_YEAR else None
    return None


def without_parameters(address: str, names: re.Pattern[str]) -> str:
    """The address without the query's parameters of these names, and without any that holds an e-mail address."""
    parts = urlsplit(address)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if not names.fullmatch(name) and "@" not in value]
    query = parts.query if len(kept) == len(pairs) else urlencode(kept)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, parts.fragment))
