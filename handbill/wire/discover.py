"""Find the feeds of a site from one of its pages. Pure: it names addresses to try, and fetches none.

First comes what the page declares, then links that look like feeds, then where sites usually keep theirs; feeds of
comments come last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from lxml import etree

from handbill.kit.text import shorten
from handbill.kit.urls import resolve_link, site_name
from handbill.wire.make import inert
from handbill.wire.tree import page_base, page_tree, seen_text

Kind: TypeAlias = Literal["rss", "atom", "json", "cdf", "unknown"]

MAX_FOUND = 40
MAX_LINKS = 5_000  # of a page, looked at
MAX_TITLE = 200

DECLARED = "The page names it as its feed."
LINKED = "A link on the page looks like a feed."
GUESSED = "Many sites keep their feed there; it is not known whether this one does."

_TYPES: dict[str, Kind] = {
    "application/rss+xml": "rss",
    "application/rss": "rss",
    "application/x-rss+xml": "rss",
    "text/rss+xml": "rss",
    "text/rss": "rss",
    "application/rdf+xml": "rss",
    "application/atom+xml": "atom",
    "application/atom": "atom",
    "text/atom+xml": "atom",
    "application/feed+json": "json",
    "application/x-cdf": "cdf",
    "application/x-netcdf": "cdf",
    "application/xml": "unknown",
    "text/xml": "unknown",
}
_JSON_TYPES = frozenset({"application/json", "text/json"})  # of a feed only where the address says so
_PATHS = re.compile(
    r"(^|/)(feeds?|rss|rss2|atom|rdf|newsfeed)(/|/default|\.(xml|json|php|aspx?|rss|rdf|atom|cgi))?$"
    r"|\.(rss|atom|rdf|cdf)$|/feeds?/(posts|rss2?|atom|rdf|json|all)\b|/index\.(rdf|rss)$"
    r"|[-_.](feed|rss|atom)\.(xml|json|php)$|(^|/)(rss|feed|atom)[-_]?\w{0,30}\.(xml|json)$|/videos\.xml$",
    re.IGNORECASE,
)
_QUERIES = re.compile(r"(^|&)(feed|format|type|output|alt|view)=(rss2?|atom|rdf|feed|json)\b|^(rss|feed|atom)$", re.I)
_HOSTS = re.compile(r"^(feeds?|rss|feedproxy)\.|\.feedburner\.com$", re.IGNORECASE)
_WORDS = re.compile(r"\b(rss|atom|feeds?|rdf|web ?feed|newsfeed|syndication)\b|フィード", re.IGNORECASE)
_SAYS_ONLY = re.compile(r"\W*((rss|atom|xml|web)([ -]?(feeds?|2\.0|1\.0))?|feeds?)\W*", re.IGNORECASE)
_COMMENTS = re.compile(r"comment|kommentar|coment|reactie|replies|комментар|yorum|コメント|评论|تعليق", re.IGNORECASE)
_NEVER = re.compile(r"oembed|/wp-json/|/xmlrpc|opensearch|\.(css|js|png|jpe?g|gif|svg|pdf|mp3|zip)$", re.IGNORECASE)
_OTHERS = re.compile(
    r"(^|\.)(facebook|linkedin|twitter|x|instagram|feedly|yahoo|netvibes|google|inoreader|feedvalidator|w3)\.(com|org)$"
)
_KINDS: dict[str, Kind] = {"atom": "atom", "json": "json", "cdf": "cdf", "rss": "rss", "rdf": "rss"}
_USUAL: tuple[tuple[str, Kind], ...] = (
    ("feed", "rss"),
    ("rss.xml", "rss"),
    ("feed.xml", "unknown"),
    ("atom.xml", "atom"),
    ("rss", "rss"),
    ("index.xml", "rss"),
    ("feed.json", "json"),
    ("feed/atom", "atom"),
    ("index.rdf", "rss"),
    ("feeds/posts/default", "atom"),
    ("?feed=rss2", "rss"),
)
_MAKERS = {  # where the program that made the page keeps its feed
    "wordpress": "feed",
    "ghost": "rss",
    "hugo": "index.xml",
    "jekyll": "feed.xml",
    "blogger": "feeds/posts/default",
    "drupal": "rss.xml",
    "joomla": "?format=feed&type=rss",
    "hexo": "atom.xml",
    "eleventy": "feed.xml",
    "squarespace": "?format=rss",
    "substack": "feed",
    "tumblr": "rss",
    "wix": "blog-feed.xml",
}


@dataclass(frozen=True, slots=True)
class FoundFeed:
    """A feed the site may have. ``title`` is the link's own and may be empty; ``why`` is a sentence for the editor:
    DECLARED, LINKED, or GUESSED where nothing on the page speaks of it.
    """

    address: str
    title: str
    kind: Kind
    why: str


def discover_feeds(markup: str, address: str) -> tuple[FoundFeed, ...]:
    """The feeds to try for the page that ``address`` gave as ``markup``: best first, each once, at most 40.

    The page's own address is never among them. Takes any text at all, and doesn't raise.
    """
    address = resolve_link("", address)
    tree = page_tree(markup)
    base = page_base(tree, address)
    ranked = [*_declared(tree, base), *_linked(tree, base, address), *_guessed(tree, address)]
    ranked.sort(key=lambda each: (_is_comments(each[1]), each[0]))
    kept: dict[str, FoundFeed] = {}
    for _, found in ranked:
        kept.setdefault(_key(found.address), found)
    kept.pop(_key(address), None)
    return tuple(kept.values())[:MAX_FOUND]


def _declared(tree: etree._Element, base: str) -> Iterator[tuple[int, FoundFeed]]:
    """Every ``<link>`` to a feed: by its type, or where that is missing or says little by its address."""
    for link in _some(tree.iter("link")):
        relations = (link.get("rel") or "").lower().split()
        target = _target(base, link.get("href") or "")
        if not target or not {"alternate", "feed"} & set(relations) or _NEVER.search(target):
            continue
        kind_named = (link.get("type") or "").lower().partition(";")[0].strip()
        kind = _TYPES.get(kind_named)
        if kind is None and "stylesheet" not in relations and (kind_named in _JSON_TYPES or not kind_named):
            kind = _kind(target) if "feed" in relations or looks_like_feed(target) else None
        if kind is not None:
            title = shorten(inert(link.get("title") or ""), MAX_TITLE)
            yield (
                0 if kind_named else 1,
                FoundFeed(target, title, _kind(target) if kind == "unknown" else kind, DECLARED),
            )


def _linked(tree: etree._Element, base: str, address: str) -> Iterator[tuple[int, FoundFeed]]:
    """Every ``<a>`` that leads to what looks like a feed, or says that it does; other sites' after the site's own."""
    for anchor in _some(tree.iter("a", "area")):
        target = _target(base, anchor.get("href") or "")
        if not target or _NEVER.search(target) or _OTHERS.search(urlsplit(target).hostname or ""):
            continue
        says = seen_text(anchor) or anchor.get("title") or anchor.get("aria-label") or ""
        says = shorten(inert(says), MAX_TITLE)
        looks = looks_like_feed(target) or (urlsplit(target).path.endswith(".xml") and _speaks(anchor, says))
        if looks or _SAYS_ONLY.fullmatch(says):
            own = same_site(target, address) or bool(_HOSTS.search(urlsplit(target).hostname or ""))
            yield (2 if looks else 3) + (0 if own else 2), FoundFeed(target, says, _kind(target), LINKED)


def _guessed(tree: etree._Element, address: str) -> Iterator[tuple[int, FoundFeed]]:
    """Usual places, of the page's own section and of the whole site; first that of the program that made the page."""
    path = urlsplit(address).path
    section = path if path.endswith("/") else path.rpartition("/")[0] + "/"
    roots = dict.fromkeys((resolve_link(address, "/"), resolve_link(address, section)))
    maker = _maker(tree)
    own: tuple[tuple[str, Kind], ...] = ((_MAKERS[maker], "unknown"),) if maker else ()
    for root in filter(None, roots):
        for place, kind in (*own, *_USUAL):
            if found := resolve_link(root, place):
                yield 6, FoundFeed(found, "", _kind(found) if kind == "unknown" else kind, GUESSED)


def looks_like_feed(address: str) -> bool:
    """Whether an address alone speaks for a feed."""
    parts = urlsplit(address)
    if _HOSTS.search(parts.hostname or "") and parts.path.strip("/"):
        return True
    return bool(_PATHS.search(parts.path) or _QUERIES.search(parts.query))


def same_site(one: str, other: str) -> bool:
    """Whether two addresses belong to one outlet: the same host, or one a part of the other; ``www`` counts not."""
    first, second = (site_name(each) for each in (one, other))
    return first == second or first.endswith(f".{second}") or second.endswith(f".{first}")


def _maker(tree: etree._Element) -> str:
    says = " ".join(
        (meta.get("content") or "").lower()
        for meta in tree.iter("meta")
        if (meta.get("name") or "").lower() == "generator"
    )
    wordpress = any("api.w.org" in (link.get("rel") or "") for link in tree.iter("link"))
    return next((maker for maker in _MAKERS if maker in says), "wordpress" if wordpress else "")


def _target(base: str, link: str) -> str:
    """Readers of old gave feeds a scheme of their own: ``feed:https://…`` and ``feed://…``."""
    link = link.strip()
    if link[:5].lower() == "feed:":
        link = f"https:{link[5:]}" if link[5:7] == "//" else link[5:]
    return resolve_link(base, link).partition("#")[0]


def _kind(address: str) -> Kind:
    parts = urlsplit(address)
    says = f"{parts.path}?{parts.query}".lower()
    return next((kind for word, kind in _KINDS.items() if word in says), "unknown")


def _speaks(anchor: etree._Element, says: str) -> bool:
    marks = (anchor.get("title"), anchor.get("class"), anchor.get("aria-label"), anchor.get("type"), says)
    return any(_WORDS.search(mark) for mark in marks if mark)


def _is_comments(found: FoundFeed) -> bool:
    return bool(_COMMENTS.search(found.title) or _COMMENTS.search(urlsplit(found.address).path))


def _some(elements: Iterable[etree._Element]) -> Iterator[etree._Element]:
    return (element for _, element in zip(range(MAX_LINKS), elements, strict=False))


def _key(address: str) -> str:
    """What makes two addresses the same feed: not the scheme, nor a slash at the end."""
    return address.partition("://")[2].partition("#")[0].rstrip("/").removeprefix("www.")
