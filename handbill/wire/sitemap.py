"""Read a sitemap: a news sitemap, any other, or an index of sitemaps. Pure.

Source: https://www.sitemaps.org/protocol.html, and Google's extension for news, whose entries carry title and date.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

from lxml import etree

from handbill.kit.text import clean, plain
from handbill.kit.urls import resolve_link
from handbill.wire.dates import read_date
from handbill.wire.errors import FeedError
from handbill.wire.make import MAX_BYTES, MAX_ENTRIES, absolute, make_entry, make_feed
from handbill.wire.mend import decode
from handbill.wire.records import Entry, ParsedFeed
from handbill.wire.tree import first_text, local_name, named, xml_tree

MAX_PLACES = 50_000  # addresses in one sitemap, by the protocol
MAX_MORE = 20  # further sitemaps of an index that are worth reading
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

_NEWS = re.compile(r"news|nachrichten|noticias|actualit|latest|recent", re.IGNORECASE)
_SEPARATORS = re.compile(r"[-_+\s]+")


@dataclass(frozen=True, slots=True)
class Sitemap:
    """A sitemap read: the entries it lists, or the addresses of further sitemaps, likeliest news and newest first."""

    feed: ParsedFeed
    more: tuple[str, ...] = ()


def read_sitemap(data: bytes, *, address: str, content_type: str = "") -> Sitemap:
    """Read the sitemap that ``address`` gave as ``data``, which may be gzipped.

    A news sitemap gives its news in its own order. Any other gives its newest 500 addresses without the front page;
    their titles are the words of the address, where it has some. Raises FeedError, and nothing else, when it is no
    sitemap.
    """
    root = xml_tree(decode(_inflated(data), content_type), "url|sitemap")
    kind = local_name(root)
    if kind == "sitemapindex":
        return Sitemap(make_feed("", "", _site(address), (), kind="sitemap"), _more(root, address))
    if kind != "urlset":
        raise FeedError("This address gives no sitemap. Look for one in the outlet's robots.txt.")
    return Sitemap(_feed(root, address))


def read_places(root: etree._Element | None, address: str) -> ParsedFeed:
    """The entries of the sitemap with this root. Raises FeedError when it lists only further sitemaps."""
    if root is None:
        raise FeedError("This sitemap is broken beyond repair. It may be mended soon.")
    if local_name(root) == "sitemapindex":
        raise FeedError("This address gives a list of sitemaps. Take the one for news out of it.")
    return _feed(root, address)


def _inflated(data: bytes) -> bytes:
    if data.startswith(b"\x1f\x8b"):
        try:
            data = zlib.decompressobj(wbits=31).decompress(data, MAX_BYTES + 1)
        except zlib.error:
            raise FeedError("This sitemap is gzipped and damaged. It may be mended soon.") from None
    if len(data) > MAX_BYTES:
        raise FeedError(f"This sitemap is larger than {MAX_BYTES // 1048576} MiB. Ask the outlet for a shorter one.")
    return data


def _more(root: etree._Element, address: str) -> tuple[str, ...]:
    found: dict[str, tuple[bool, float]] = {}
    for place in list(named(root, "sitemap"))[:MAX_PLACES]:
        other = resolve_link(address, first_text(place, "loc"))
        if other and other != address:
            changed = read_date(first_text(place, "lastmod")) or LONG_AGO
            found.setdefault(other, (not _NEWS.search(urlsplit(other).path), -changed.timestamp()))
    return tuple(sorted(found, key=found.__getitem__))[:MAX_MORE]


def _feed(root: etree._Element, address: str) -> ParsedFeed:
    places = list(named(root, "url"))[:MAX_PLACES]
    news = [(place, report) for place in places if (report := next(named(place, "news"), None)) is not None]
    if not news:
        return make_feed("", "", _site(address), _newest(places, address), kind="sitemap")
    publications = [
        publication for _, report in news if (publication := next(named(report, "publication"), None)) is not None
    ]
    entries = [_news_entry(place, report, address) for place, report in news]
    if len(entries) > MAX_ENTRIES:  # some begin with the oldest
        entries.sort(key=lambda entry: entry.published or LONG_AGO, reverse=True)
    return make_feed(
        _usual(plain(first_text(publication, "name")) for publication in publications),
        _usual(entry.language for entry in entries),
        _site(address),
        (entry for entry in entries if not entry.empty),
        kind="sitemap",
    )


def _news_entry(place: etree._Element, report: etree._Element, address: str) -> Entry:
    publication = next(named(report, "publication"), report)
    moment = first_text(report, "publication_date") or first_text(place, "lastmod")
    return make_entry(
        address=absolute(address, first_text(place, "loc")),
        title=plain(first_text(report, "title")),
        language=first_text(publication, "language") or first_text(report, "language"),
        categories=re.split("[,;،]", first_text(report, "keywords")),
        published=read_date(moment),
    )


def _newest(places: list[etree._Element], address: str) -> list[Entry]:
    found = [(absolute(address, first_text(place, "loc")), read_date(first_text(place, "lastmod"))) for place in places]
    listed = [(link, changed) for link, changed in found if urlsplit(link).path.strip("/")]
    listed.sort(key=lambda each: each[1] or LONG_AGO, reverse=True)
    return [make_entry(address=link, title=words_of(link), published=changed) for link, changed in listed[:MAX_ENTRIES]]


def words_of(address: str) -> str:
    """What an address says of its article: the words of its last part, when they are three or more; else ""."""
    parts = [part for part in unquote(urlsplit(address).path).split("/") if part]
    stem = re.sub(r"\.[A-Za-z]{2,5}$", "", parts[-1]) if parts else ""
    words = [word for word in _SEPARATORS.split(clean(stem)) if any(map(str.isalpha, word)) and not _is_number(word)]
    text = " ".join(words)
    return text[:1].upper() + text[1:] if len(words) >= 3 else ""


def _is_number(word: str) -> bool:
    """Whether it is an id rather than a word: mostly digits."""
    return sum(map(str.isdigit, word)) * 2 > len(word)


def _usual(values: Iterable[str]) -> str:
    counted = Counter(value for value in values if value)
    return counted.most_common(1)[0][0] if counted else ""


def _site(address: str) -> str:
    return resolve_link(address, "/")
