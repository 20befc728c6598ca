"""Read a feed: RSS 0.9x, 1.0 and 2.0, Atom and JSON Feed, from bytes to entries. Pure.

A fast parser (fastfeedparser) reads what is well-formed, after ``wire.mend`` has decoded it and repaired the usual
faults; a check compares what it found with the document's tree. Where the check fails a slower, repairing parser
(feedparser) reads it instead: the fast one drops a bare ``&`` in links and cuts titles at unknown entities in silence.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from calendar import timegm
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from html import escape
from typing import Any

import fastfeedparser
import fastfeedparser.main
import feedparser
from lxml import etree

from handbill.kit.text import clean, plain, shorten
from handbill.kit.urls import resolve_link
from handbill.wire.errors import FeedError
from handbill.wire.mend import Document, decode, mend_syntax, prepare, whole_entries
from handbill.wire.records import Entry, ParsedFeed

MAX_BYTES = 15 * 1024 * 1024
MAX_ENTRIES = 500
MAX_TITLE = 500  # characters, as the tables hold
MAX_AUTHOR = 300
MAX_AUTHORS = 10
MAX_ID = 2000
MAX_CATEGORIES = 20
MAX_CATEGORY = 100
MAX_BODY = 500_000
MAX_SLOW_CHARACTERS = 1_000_000  # the repairing parser takes up to 7 s for so many
EARLIEST_YEAR = 1971  # what is older is a clock that was never set

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,4}")
ATOM_03 = "{http://purl.org/atom/ns#}"
ATOM_10 = "{http://www.w3.org/2005/Atom}"
_RDF_ABOUT = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_PLAIN_TYPES = frozenset({"text", "text/plain"})

# Where a library named dateparser happens to be installed, the fast parser asks it about dates that nothing else reads.
# It is slow, and guesses by the clock: "yesterday" would be a date.
fastfeedparser.main._slow_dateparser = lambda value: None


def parse_feed(data: bytes, *, address: str, content_type: str = "") -> ParsedFeed:
    """Read the feed that ``address`` gave as ``data``; ``content_type`` is the answer's header.

    At most 500 entries, in the feed's order. A feed that breaks off gives the entries that are whole. Raises FeedError,
    and nothing else, when there is no feed to be read.
    """
    if len(data) > MAX_BYTES:
        raise FeedError(f"This feed is larger than {MAX_BYTES // 1048576} MiB. Ask the outlet for a shorter one.")
    try:
        text = decode(data, content_type)
        if text.startswith("{"):
            return _json_feed(text, address)
        return _xml_feed(prepare(text), address)
    except FeedError:
        raise
    except Exception as error:  # two parsers of others, and bytes of strangers
        raise FeedError(f"This feed can't be read: it is broken beyond repair ({type(error).__name__}).") from error


def _xml_feed(document: Document, address: str) -> ParsedFeed:
    tree = _tree(document.text)
    if tree is None:
        document = replace(document, text=mend_syntax(document))
        tree = _tree(document.text)
    parsed = _fast(document.text, tree, address) if tree is not None else None
    return parsed or _slow(document, address)


def _tree(text: str) -> etree._Element | None:
    """The document's tree when it is well-formed and names no entity of its own, else None."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _fast(text: str, tree: etree._Element, address: str) -> ParsedFeed | None:
    """None where the fast parser fails, or is known or found to be wrong."""
    if tree.tag.startswith(ATOM_03):
        return None
    try:
        found = fastfeedparser.parse(text.encode(), include_media=False, include_enclosures=False)
    except ValueError:
        return None
    elements = list(tree.iter("{*}item", "{*}entry"))
    if len(found.entries) != len(elements) or not all(map(_agrees, elements, found.entries)):
        return None
    for element, raw in zip(elements, found.entries, strict=True):
        if links := _alternates(element):
            raw["link"] = links[0]  # the fast parser takes the first of any relation
        if _child(element, "guid") is None and _child(element, "id") is None:
            raw["id"] = element.get(_RDF_ABOUT) or ""  # the fast parser puts the link there
        raw["base"] = _nearest_base(element)
    if "xml:base" in text and not all(_link(raw).startswith(("http://", "https://")) for raw in found.entries):
        return None
    return _feed(found.feed, found.entries, address, _iso_date, _language(tree))


def _agrees(element: etree._Element, raw: Mapping[str, Any]) -> bool:
    """Whether the fast parser found the title, link and id that stand in the tree."""
    title = _child(element, "title")
    if title is not None and bool("".join(title.itertext()).strip()) != bool(_text(raw.get("title")).strip()):
        return False
    if not element.tag.startswith(ATOM_10):
        link = _child(element, "link")
        own_id = _child(element, "id")
        named = link is not None and bool((link.text or "").strip() or link.get("href"))
        return (not named or bool(raw.get("link"))) and (own_id is None or bool(raw.get("id")))
    literal = title is not None and (title.get("type") or "text") == "text" and "<" in (title.text or "")
    return not literal and bool(_alternates(element))


def _alternates(element: etree._Element) -> list[str]:
    """An Atom entry's links to the article itself; none in RSS."""
    links = element.findall(f"{ATOM_10}link") if element.tag.startswith(ATOM_10) else []
    return [link.get("href") for link in links if (link.get("rel") or "alternate") == "alternate" and link.get("href")]


def _child(element: etree._Element, name: str) -> etree._Element | None:
    """The child of that name in the element's own namespace: media:title is no title."""
    space, brace, _ = element.tag.rpartition("}")
    return element.find(f"{space}{brace}{name}")


def _nearest_base(element: etree._Element) -> str:
    """The xml:base in force for the entry's text, as far as it was written."""
    content = _child(element, "content")
    return (element if content is None else content).base or ""


def _slow(document: Document, address: str) -> ParsedFeed:
    """Only the first million characters of a feed that is both large and broken: new entries come first."""
    text = document.text
    if len(text) > MAX_SLOW_CHARACTERS:
        text = whole_entries(document, MAX_SLOW_CHARACTERS)
    headers = {"content-type": "application/xml; charset=utf-8"}  # no location: it would make addresses of ids
    found = feedparser.parse(
        io.BytesIO(text.encode()), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )
    if not found.entries and (document.truncated or found.bozo):
        raise FeedError("This feed is broken off or broken beyond repair: not one whole entry is left in it.")
    return _feed(found.feed, found.entries, address, _struct_date, clean(str(found.feed.get("language") or "")))


def _language(tree: etree._Element) -> str:
    for path in ("channel/language", "{*}channel/{*}language", "{*}language"):
        element = tree.find(path)
        if element is not None and element.text:
            return clean(element.text)
    return clean(tree.get(_XML_LANG) or "")


def _feed(
    feed: Mapping[str, Any],
    raw_entries: Iterable[Mapping[str, Any]],
    address: str,
    date: Callable[[Mapping[str, Any], str], datetime | None],
    language: str,
) -> ParsedFeed:
    site = resolve_link(address, _text(feed.get("link")))
    code = _code(language)
    entries = [_entry(raw, address, date, code) for raw in list(raw_entries)[:MAX_ENTRIES]]
    return _finished(_title(feed, "title", 300), code, site, entries)


def _finished(title: str, language: str, site: str, entries: list[Entry]) -> ParsedFeed:
    return ParsedFeed(title, language, site, tuple(_trusted(entries)))


def _entry(
    raw: Mapping[str, Any], address: str, date: Callable[[Mapping[str, Any], str], datetime | None], language: str
) -> Entry:
    body, body_language = _body(raw)
    link, own_id = _link(raw), clean(_text(raw.get("id")))[:MAX_ID]
    whole_link = resolve_link(address, link)
    title = _title(raw, "title", MAX_TITLE)
    return Entry(
        id=own_id,
        address=whole_link,
        title=title,
        authors=_authors([_text(raw.get("author"))]),
        language=_code(body_language) or language,
        categories=_categories(tag.get("label") or tag.get("term") for tag in raw.get("tags") or ()),
        summary="",
        content=body,
        published=date(raw, "published") or date(raw, "updated") or date(raw, "created"),
        identity=_identity(own_id if own_id != link else "", whole_link, title),
        base=resolve_link(address, _base(raw)),
    )


def _base(raw: Mapping[str, Any]) -> str:
    details = [*(raw.get("content") or ()), raw.get("summary_detail") or {}]
    return _text(raw.get("base")) or next((base for detail in details if (base := _text(detail.get("base")))), "")


def _identity(own_id: str, address: str, title: str) -> str:
    """An id that is the link is left to the link, so that both parsers know the entry by the same."""
    return hashlib.sha256((own_id or address or title).encode()).hexdigest()


def _title(raw: Mapping[str, Any], name: str, limit: int) -> str:
    """Markup is read as markup, unless the feed says that the title is plain text."""
    detail = raw.get(f"{name}_detail") or {}
    text = _text(raw.get(name))
    literal = detail.get("type") == "text/plain" and "<" in text
    return shorten(text if literal else plain(text), limit)


def _link(raw: Mapping[str, Any]) -> str:
    link = _text(raw.get("link"))
    if link and raw.get("guidislink") and "/" not in link:
        return ""  # feedparser makes a link of any id
    if link:
        return link
    alternates = [link for link in raw.get("links") or () if link.get("rel") in (None, "alternate")]
    return _text(alternates[0].get("href")) if alternates else ""


def _body(raw: Mapping[str, Any]) -> tuple[str, str]:
    """The longest of content and summary, as markup, and its language."""
    parts = [(_markup(part), _text(part.get("language"))) for part in raw.get("content") or ()]
    summary = raw.get("summary_detail") or {"value": raw.get("summary") or raw.get("description")}
    parts.append((_markup(summary), _text(summary.get("language"))))
    return max(parts, key=lambda part: len(part[0]))


def _markup(part: Mapping[str, Any]) -> str:
    value = _text(part.get("value"))[:MAX_BODY]
    return escape(value, quote=False) if part.get("type") in _PLAIN_TYPES else value


def _categories(names: Iterable[Any]) -> tuple[str, ...]:
    cleaned = (shorten(plain(_text(name)), MAX_CATEGORY) for name in names)
    return tuple(dict.fromkeys(name for name in cleaned if name))[:MAX_CATEGORIES]


def _authors(names: Iterable[str]) -> tuple[str, ...]:
    cleaned = (shorten(plain(name), MAX_AUTHOR) for name in names)
    return tuple(dict.fromkeys(name for name in cleaned if name))[:MAX_AUTHORS]


def _code(text: str) -> str:
    return text.replace("_", "-") if len(text) <= 35 and _LANGUAGE.fullmatch(text) else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""


def _iso_date(raw: Mapping[str, Any], name: str) -> datetime | None:
    return _moment(_text(raw.get(name)))


def _struct_date(raw: Mapping[str, Any], name: str) -> datetime | None:
    parts = dict(raw).get(f"{name}_parsed")  # feedparser's own get mistakes one date for another
    try:
        return _sensible(datetime.fromtimestamp(timegm(parts), UTC)) if parts else None
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.strip())
        return _sensible((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def _sensible(moment: datetime) -> datetime | None:
    return moment.replace(microsecond=0) if moment.year >= EARLIEST_YEAR else None


def _trusted(entries: list[Entry]) -> list[Entry]:
    """Leave out what comes twice, and don't trust an id or a link that several different entries share.

    An id that stands for several links names none of them; a link under several titles is the outlet's front page.
    """
    links_of = _spread((entry.id, entry.address) for entry in entries)
    titles_of = _spread((entry.address, entry.title) for entry in entries)
    kept: dict[str, Entry] = {}
    for entry in entries:
        if links_of[entry.id] > 1:
            entry = replace(entry, id="", identity=_identity("", entry.address, entry.title))
        if not entry.id and titles_of[entry.address] > 1:
            entry = replace(entry, identity=_identity(f"{entry.address} {entry.title}", "", ""))
        kept.setdefault(entry.identity, entry)
    return list(kept.values())


def _spread(pairs: Iterable[tuple[str, str]]) -> Counter[str]:
    """How many different second halves each first half has."""
    return Counter(first for first, _ in set(pairs) if first)


def _json_feed(text: str, address: str) -> ParsedFeed:
    """https://www.jsonfeed.org/version/1.1/; a value of a wrong kind counts as absent."""
    try:
        feed = json.loads(text)
    except (ValueError, RecursionError):
        raise FeedError(
            "This feed is meant to be JSON, but it is broken off or broken. Ask the outlet to mend it."
        ) from None
    items = feed.get("items")
    if not isinstance(items, list):
        raise FeedError("This address gives JSON, but no JSON Feed. Look for the outlet's feed address.")
    language = _code(clean(_text(feed.get("language"))))
    entries = [_json_entry(item, address, language) for item in items[:MAX_ENTRIES] if isinstance(item, dict)]
    site = resolve_link(address, _text(feed.get("home_page_url")))
    return _finished(shorten(_text(feed.get("title")), 300), language, site, entries)


def _json_entry(item: Mapping[str, Any], address: str, language: str) -> Entry:
    own_id = clean(_text(item.get("id")))[:MAX_ID]
    link = resolve_link(address, _text(item.get("url")) or _text(item.get("external_url")))
    title = shorten(_text(item.get("title")), MAX_TITLE)
    html = _text(item.get("content_html")) or escape(_text(item.get("content_text")), quote=False)
    tags = item.get("tags")
    return Entry(
        id=own_id,
        address=link,
        title=title,
        authors=_authors(_json_authors(item)),
        language=_code(clean(_text(item.get("language")))) or language,
        categories=_categories(tags if isinstance(tags, list) else ()),
        summary=escape(_text(item.get("summary")), quote=False)[:MAX_BODY],
        content=html[:MAX_BODY],
        published=_moment(_text(item.get("date_published"))) or _moment(_text(item.get("date_modified"))),
        identity=_identity(own_id, link, title),
    )


def _json_authors(item: Mapping[str, Any]) -> list[str]:
    authors = item.get("authors")
    listed = authors if isinstance(authors, list) else [item.get("author")]
    return [name for author in listed if isinstance(author, dict) and (name := clean(_text(author.get("name"))))]
