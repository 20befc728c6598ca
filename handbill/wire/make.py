"""Make entries and feeds of what any reader found, by one measure: cleaned, cut, absolute, known again. Pure."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from html import unescape
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from handbill.kit.text import clean, plain, shorten
from handbill.kit.urls import MAX_ADDRESS, resolve_link
from handbill.wire.records import Entry, Media, ParsedFeed

MAX_BYTES = 15 * 1024 * 1024
MAX_ENTRIES = 2_000
MAX_FEED_TITLE = 300  # characters, as the tables hold
MAX_TITLE = 500
MAX_AUTHOR = 300
MAX_AUTHORS = 10
MAX_ID = 2000
MAX_CATEGORIES = 50
MAX_CATEGORY = 100
MAX_MEDIA = 20
MAX_LICENCE = 300
MAX_BODY = 500_000

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,4}")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_UNFIT = re.compile(r"[\x00-\x1f\x7f\\<>\"]")
_MARKUP = re.compile(
    r"</?(?:a|abbr|b|big|blockquote|br|center|cite|code|del|div|em|font|h[1-6]|hr|i|img|ins|kbd|li|ol|p|pre|q|s|small|span"
    r"|strike|strong|sub|sup|tt|u|ul|var|wbr)\b[^<>]*>|</[A-Za-z][^<>]*>|<[A-Za-z][A-Za-z0-9-]*\s[^<>]*=[^<>]*>|<!--",
    re.IGNORECASE,
)
_ACTIVE = re.compile(
    r"<\s*/?\s*(?:script|style|iframe|frame|object|embed|applet|form|svg|math|meta|link|base|img|video|audio|input|button)"
    r"\b|<[^<>]*\b(?:on\w+|href|src|srcdoc|style|action|formaction|background|data)\s*=",
    re.IGNORECASE,
)
_ADDRESS_AND_NAME = re.compile(r"\s*(?:mailto:)?[^\s@()<>]+@[^\s@()<>]+\s*\((.{1,300})\)\s*")
_NAME_AND_ADDRESS = re.compile(r"\s*(.{1,300}?)\s*[(<\[]\s*(?:mailto:)?[^\s@()<>]+@[^\s@()<>]+\s*[)>\]]\s*")


def make_entry(
    *,
    address: str,
    title: str,
    id: str = "",
    link: str = "",
    authors: Iterable[str] = (),
    language: str = "",
    categories: Iterable[str] = (),
    summary: str = "",
    content: str = "",
    published: datetime | None = None,
    updated: datetime | None = None,
    base: str = "",
    media: Iterable[Media] = (),
    licence: str = "",
) -> Entry:
    """An entry of these values, cleaned and cut. It is known again by its id, or address, or title, or how it begins.

    ``title`` is plain text already; ``link`` is the address as it was written: an id that repeats it counts as none.
    """
    own_id, title = clean(id)[:MAX_ID], shorten(inert(title), MAX_TITLE)
    return Entry(
        id=own_id,
        address=address,
        title=title,
        authors=_authors(authors),
        language=language_code(language),
        categories=_categories(categories),
        summary=summary[:MAX_BODY],
        content=content[:MAX_BODY],
        published=published,
        identity=identity_of(own_id if own_id != link else "", address, title or (content or summary)[:1000]),
        updated=updated,
        base=base,
        media=_distinct_media(media),
        licence=_licence_words(inert(licence)) if licence else "",
    )


def _distinct_media(media: Iterable[Media]) -> tuple[Media, ...]:
    """One of each address, with nothing in its words that a browser could run."""
    listed = [
        replace(each, type=inert(each.type), title=inert(each.title)) if "<" in each.type + each.title else each
        for each in media
    ]
    if len(listed) > 1:
        listed = [*{each.address: each for each in reversed(listed)}.values()][::-1]
    return tuple(listed[:MAX_MEDIA])


def _licence_words(text: str) -> str:
    """An address of the web or a few words; what begins as any other address does is neither."""
    words = shorten(text, MAX_LICENCE)
    scheme = _SCHEME.match(words)
    return "" if scheme and words[scheme.end() :][:1].strip() and not resolve_link("", words) else words


def identity_of(own_id: str, address: str, title: str) -> str:
    """By what an entry is known again: 64 hexadecimal digits."""
    return hashlib.sha256((own_id or address or title).encode("utf-8", "replace")).hexdigest()


def make_feed(
    title: str,
    language: str,
    site_address: str,
    entries: Iterable[Entry],
    *,
    hub: str = "",
    topic: str = "",
    kind: str = "page",
) -> ParsedFeed:
    """A feed of these entries, at most 2,000, in their order.

    An id or a link that several different entries share is not trusted.
    """
    listed = [entry for entry, _ in zip(entries, range(MAX_ENTRIES), strict=False)]
    return ParsedFeed(
        title=shorten(inert(title), MAX_FEED_TITLE),
        language=language_code(language),
        site_address=site_address,
        entries=tuple(_trusted(listed)),
        hub=hub,
        topic=topic,
        kind=kind,
    )


def _trusted(entries: list[Entry]) -> list[Entry]:
    """An id that stands for several links names none; a link under several titles is the outlet's front page."""
    links_of = _spread((entry.id, entry.address) for entry in entries)
    titles_of = _spread((entry.address, entry.title) for entry in entries)
    kept = []
    for entry in entries:
        if links_of[entry.id] > 1:
            entry = replace(entry, id="", identity=identity_of("", entry.address, entry.title))
        if not entry.id and titles_of[entry.address] > 1:
            entry = replace(entry, identity=identity_of(f"{entry.address} {entry.title}", "", ""))
        kept.append(entry)
    return kept


def _spread(pairs: Iterable[tuple[str, str]]) -> Counter[str]:
    """How many different second halves each first half has."""
    return Counter(first for first, _ in set(pairs) if first)


def absolute(base: str, link: str) -> str:
    """The absolute address of ``link``; where no base is known, a link stays as it was written, relative or not.

    Empty when it leads elsewhere than to the web.
    """
    found = resolve_link(base, link)
    if base.startswith(("http://", "https://")):
        return found
    link = re.sub(r"[\t\r\n]", "", link.strip())
    if found:
        return found if _UNFIT.search(link) or " " in link else link
    return "" if _SCHEME.match(link) or _UNFIT.search(link) or len(link) > MAX_ADDRESS else link


def one_line(text: str) -> str:
    """The plain text of what may be markup or text: tags that HTML knows are dropped, and any other ``<`` is kept."""
    if "<" not in text:
        return clean(unescape(text) if "&" in text else text)
    return clean(plain(text)) if _MARKUP.search(text) or _ACTIVE.search(text) else clean(unescape(text))


def literal_line(text: str) -> str:
    """Text that says of itself that it is no markup, on one line.

    Entities are read all the same, as outlets write them here too, and what a browser could run is dropped.
    """
    return clean(plain(text)) if _ACTIVE.search(text) else clean(unescape(text) if "&" in text else text)


def inert(line: str) -> str:
    """The line without what a browser could run, however often it was escaped or nested; other ``<`` stay."""
    for _ in range(3):
        if "<" not in line or not _ACTIVE.search(line):
            return line
        line = clean(plain(line))
    return line.replace("<", "") if _ACTIVE.search(line) else line


def _authors(names: Iterable[str]) -> tuple[str, ...]:
    cleaned = [_short_line(_person(name) if "@" in name else name, MAX_AUTHOR) for name in names]
    if len(cleaned) > 1:
        cleaned = [*{name.casefold(): name for name in reversed(cleaned)}.values()][::-1]
    return tuple(filter(None, cleaned))[:MAX_AUTHORS]


def _person(text: str) -> str:
    """The name out of ``address (name)`` and ``name <address>``; the address where it stands alone."""
    found = _ADDRESS_AND_NAME.fullmatch(text[:1000]) or _NAME_AND_ADDRESS.fullmatch(text[:1000])
    return found.group(1) if found else text


def _categories(names: Iterable[str]) -> tuple[str, ...]:
    cleaned = [_short_line(name, MAX_CATEGORY) for name in names]
    return tuple(dict.fromkeys(filter(None, cleaned)))[:MAX_CATEGORIES]


def _short_line(text: str, limit: int) -> str:
    """The plain text of what may be markup, with nothing in it that a browser could run, cut to ``limit``."""
    line = one_line(text)
    return line if "<" not in line and len(line) <= limit else shorten(inert(line), limit)


def language_code(text: str) -> str:
    """A language code as the tables hold it, or "" when the text is none."""
    text = text.strip()
    return text.replace("_", "-") if len(text) <= 35 and _LANGUAGE.fullmatch(text) else ""


def without_parameters(address: str, names: re.Pattern[str]) -> str:
    """The address without the query's parameters of these names, and without any that holds an e-mail address."""
    parts = urlsplit(address)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if not names.fullmatch(name) and "@" not in value]
    query = parts.query if len(kept) == len(pairs) else urlencode(kept)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, parts.fragment))
