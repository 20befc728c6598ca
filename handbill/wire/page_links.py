"""Read a page that has no feed: the articles it links to, found by its own structure or by an editor's selector. Pure.

A link counts as an article's by what several signs say together: an address with a date, an id or a headline in it, a
text that reads like a headline, a place among siblings built alike, and none among menus.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from itertools import islice
from urllib.parse import unquote, urlsplit

from cssselect import SelectorError
from lxml import etree
from lxml.cssselect import CSSSelector

from handbill.kit.text import clean, word_count
from handbill.kit.urls import resolve_link
from handbill.wire.dates import read_date
from handbill.wire.discover import same_site
from handbill.wire.errors import FeedError
from handbill.wire.make import MAX_ENTRIES, make_entry, make_feed, without_parameters
from handbill.wire.records import Entry, ParsedFeed
from handbill.wire.tree import page_base, page_title, page_tree, seen_text

MAX_LINKS = 5_000  # of a page, looked at
MAX_SELECTOR = 300
MAX_ELEMENTS = 15_000  # of a page that selectors are tried on: their time may grow with the square
MAX_SUMMARY = 1_000
FEWEST = 3  # links that make a list of articles
ENOUGH = 5  # points that make an article of a link
MAX_DEPTH = 200  # of its elements
CLIMB = 6  # ancestors looked at
IN_BOX = 20  # links looked at in one box that a selector picks
IN_PROSE = 40  # characters of a paragraph around a link that make it part of a running text
IN_CARD = 300  # elements of one card looked at

_DATED = re.compile(r"/((?:19|20)\d\d)[/-]?(0[1-9]|1[0-2])[/-]?(0[1-9]|[12]\d|3[01])(?=\D|$)")
_MONTHED = re.compile(r"/(19|20)\d\d/(0?[1-9]|1[0-2])/")
_ID = re.compile(r"\d{4,}")
_HUB = re.compile(
    r"/(tags?|categor(y|ies|ie|ia)|author|autor|authors|topics?|thema|sections?|page|search|login|register|about"
    r"|contact|privacy|terms|newsletters?|subscribe|account|shop|jobs|help|impressum|imprint|wp-admin|feeds?|user)/",
    re.IGNORECASE,
)
_FILES = re.compile(r"\.(jpe?g|png|gif|svg|webp|pdf|mp3|mp4|zip|css|js|xml|rss|json|ics)$", re.IGNORECASE)
_CARD = re.compile(r"teaser|card|stor(y|ies)|headline|entry|post|article|news|title|item", re.IGNORECASE)
_MENU = re.compile(
    r"(^|[ _-])(nav(bar|igation)?|menu|foot(er)?|breadcrumbs?|social|share|sharing|cookie|consent|pagination|pager"
    r"|tags?|toolbar|login|skip|comments?|masthead)([ _-]|$)",
    re.IGNORECASE,
)
_MENU_TAGS = frozenset({"nav", "footer", "form", "address", "menu"})
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5"})
_HEADING_LIST = tuple(sorted(_HEADINGS))
_TRACKING = re.compile(r"utm_\w+|fbclid|gclid|intcid|icid|cmpid|mc_[ce]id|ns_\w+|xtor|at_\w+", re.IGNORECASE)
_TITLE = re.compile(r"title|headline|heading", re.IGNORECASE)
_BYLINE = re.compile(r"(^|[ _-])(byline|author|autor)([ _-]|$)", re.IGNORECASE)
_BY = re.compile(r"^(by|von|par|por|di|door|av|af)\s+", re.IGNORECASE)
_STABLE = re.compile(r"[A-Za-z][A-Za-z_-]{1,40}")  # a class without digits is written by a person


@dataclass(slots=True)
class _Link:
    """One address of the page with the element that leads to it best."""

    address: str
    element: etree._Element
    title: str
    points: int = 0
    shape: str = ""
    card: etree._Element | None = None


def parse_page_links(markup: str, address: str) -> ParsedFeed:
    """The articles linked from the page that ``address`` gave as ``markup``, in its order, each once.

    Only the site's own are taken. The title is the headline, the date is the page's or the address's own, and the body
    is the teaser, where there is one. Raises FeedError, and nothing else, when fewer than three links look like
    articles.
    """
    tree = page_tree(markup)
    address = resolve_link("", address)
    links = [link for link in _links(tree, address) if same_site(link.address, address)]
    _weigh(links)
    chosen = _best([link for link in links if link.points >= ENOUGH])
    if len(chosen) < FEWEST:
        raise FeedError("On this page no list of articles is found. Pick their links with a CSS selector instead.")
    return _feed(tree, address, chosen)


def links_by_selector(markup: str, address: str, selector: str) -> ParsedFeed:
    """The links that a CSS selector picks on the page, in the page's order, each once, wherever they lead.

    The selector may name the links, something inside them, or boxes that each hold one. Raises FeedError, and nothing
    else, when the selector can't be read or picks no link.
    """
    tree = page_tree(markup)
    address = resolve_link("", address)
    base = page_base(tree, address)
    picked = [link for element in _picked(tree, selector) if (link := _picked_link(element, base)) is not None]
    chosen = _best(picked)
    if not chosen:
        raise FeedError("The selector picks no link on this page. Write one such as: article h2 a")
    return _feed(tree, address, chosen)


def suggest_selectors(markup: str, address: str) -> tuple[str, ...]:
    """Up to five selectors that pick lists of articles on the page, the fullest first, for an editor to begin with."""
    tree = page_tree(markup)
    address = resolve_link("", address)
    links = [link for link in _links(tree, address) if same_site(link.address, address)]
    _weigh(links)
    shapes: dict[str, set[str]] = defaultdict(set)
    for link in links:
        if link.points >= ENOUGH:
            shapes[link.shape].add(link.address)
    full = sorted((shape for shape in shapes if len(shapes[shape]) >= FEWEST), key=lambda each: -len(shapes[each]))
    return tuple(full[:5])


def _links(tree: etree._Element, address: str) -> Iterator[_Link]:
    base = page_base(tree, address)
    for _, element in zip(range(MAX_LINKS), tree.iter("a"), strict=False):
        target = _target(base, element)
        if target and target != address and "replytocom=" not in target:
            yield _Link(target, element, _headline(element), shape=_shape(element))


def _target(base: str, anchor: etree._Element) -> str:
    """Without what counts clicks, so that an article is known again wherever it is linked."""
    return without_parameters(resolve_link(base, anchor.get("href") or "").partition("#")[0], _TRACKING)


def _headline(element: etree._Element) -> str:
    """The heading inside a link that holds a whole card, else all its text."""
    heading = next(element.iter(*_HEADING_LIST), None)
    if heading is None:
        inside = (node for node, _ in zip(element.iterdescendants(), range(IN_BOX), strict=False))
        heading = next((node for node in inside if _TITLE.search(node.get("class") or "")), None)
    said = seen_text(heading) if heading is not None else ""
    return said or seen_text(element) or clean(element.get("title") or "")


def _shape(element: etree._Element) -> str:
    """Where the element stands, as a selector that its siblings' links share: itself and up to three ancestors."""
    parts: list[str] = []
    for node in _upwards(element, 4):
        if node.tag in ("body", "html"):
            break
        stable = next((name for name in (node.get("class") or "").split() if _STABLE.fullmatch(name)), "")
        parts.append(f"{node.tag}.{stable}" if stable else str(node.tag))
    return " > ".join(reversed(parts))


def _weigh(links: list[_Link]) -> None:
    """Give each link its points; those that stand in a shape of several good ones gain one, and loners lose one."""
    for link in links:
        link.points = _address_points(link.address) + _text_points(link) + _place_points(link.element)
    good: dict[str, set[str]] = defaultdict(set)
    for link in links:
        if link.points >= ENOUGH - 1:
            good[link.shape].add(link.address)
    for link in links:
        link.points += 1 if len(good[link.shape]) >= FEWEST else -1


def _address_points(address: str) -> int:
    path = unquote(urlsplit(address).path)
    segments = [segment for segment in path.split("/") if segment]
    if not segments or _FILES.search(path):
        return -10
    slug = max(segments[-2:], key=len)
    words = [word for word in re.split(r"[-_]", slug) if len(word) > 1]
    points = 3 if _DATED.search(path) else 2 if _MONTHED.search(path) else 0
    points += 2 if len(words) >= 4 else 1 if len(words) == 3 else 0
    points += 1 if _ID.search(segments[-1]) or _ID.search(urlsplit(address).query) else 0
    points += 1 if len(segments) >= 2 else 0
    return points - (5 if _HUB.search(f"{path}/") else 0)


def _text_points(link: _Link) -> int:
    words = word_count(link.title)
    if 4 <= words <= 35 and len(link.title) >= 12:
        return 3 if words >= 5 else 2
    return 0 if words >= 3 else -1


def _place_points(element: etree._Element) -> int:
    points = 2 if next(element.iter(*_HEADING_LIST), None) is not None else 0
    for node in _upwards(element, CLIMB * 2):
        if node.tag in ("body", "html"):
            break
        marks = f"{node.get('class') or ''} {node.get('id') or ''}"
        if node.tag in _MENU_TAGS or node.get("role") in ("navigation", "menu") or _MENU.search(marks):
            return -6
        if node.tag in _HEADINGS:
            points = 2
    near = _upwards(element, 4)
    if any(node.tag == "p" and len(seen_text(node)) > len(seen_text(element)) + IN_PROSE for node in near):
        return points - 3
    marked = any(node.tag in ("article", "li") or _CARD.search(node.get("class") or "") for node in near)
    return points + (1 if marked else 0)


def _best(links: Iterable[_Link]) -> list[_Link]:
    """Each address once, where it first stands, with the longest of its texts that still is a headline."""
    kept: dict[str, _Link] = {}
    for link in links:
        known = kept.setdefault(link.address, link)
        if len(known.title) < len(link.title) <= 200 and word_count(known.title) < 4:
            known.title, known.element = link.title, link.element
    return list(kept.values())[:MAX_ENTRIES]


def _picked(tree: etree._Element, selector: str) -> list[etree._Element]:
    if len(selector) > MAX_SELECTOR:
        raise FeedError(f"The selector is longer than {MAX_SELECTOR} characters. Write one such as: article h2 a")
    if _is_huge(tree):
        raise FeedError("The page is too large for a selector. Choose a smaller one of this outlet, such as a section.")
    try:
        found = CSSSelector(selector, translator="html")(tree)
    except (SelectorError, etree.LxmlError, ValueError, RecursionError, OverflowError):
        raise FeedError("The selector is no CSS that can be read. Write one such as: article h2 a") from None
    return [element for element in found if isinstance(element.tag, str)][:MAX_LINKS]


def _is_huge(tree: etree._Element) -> bool:
    depth = 0
    for count, (event, _) in enumerate(etree.iterwalk(tree, events=("start", "end"))):
        depth += 1 if event == "start" else -1
        if depth > MAX_DEPTH or count >= 2 * MAX_ELEMENTS:
            return True
    return False


def _picked_link(element: etree._Element, base: str) -> _Link | None:
    anchors = [node for node in _upwards(element, CLIMB) if node.tag == "a" and node.get("href")][:1]
    anchors = anchors or [node for node, _ in zip(element.iter("a"), range(IN_BOX), strict=False) if node.get("href")]
    in_heading = [node for node in anchors if any(up.tag in _HEADINGS for up in _upwards(node, CLIMB))]
    said = [node for node in anchors if word_count(_headline(node)) >= 3]
    best = next(iter(in_heading or said or anchors), None)
    target = _target(base, best) if best is not None else ""
    if best is None or not target:
        return None
    return _Link(target, best, _headline(best), card=None if element is best else element)


def _feed(tree: etree._Element, address: str, links: list[_Link]) -> ParsedFeed:
    language = tree.get("lang") or ""
    cards = _cards(links)
    entries = [_entry(link, cards[link.address], language) for link in links]
    return make_feed(page_title(tree), language, address, entries)


def _cards(links: list[_Link]) -> dict[str, etree._Element]:
    """Each link's card: the highest element near it that holds no other of the links, or a larger box picked."""
    holds = Counter(node for link in links for node in _above(link.element))
    cards = {}
    for link in links:
        card = link.element
        for node in _above(link.element):
            if holds[node] > 1 or node.tag in ("body", "html", "main"):
                break
            card = node
        larger = link.card is not None and link.card is not card and link.card in _upwards(card, CLIMB * 2)
        cards[link.address] = link.card if larger else card
    return cards


def _above(element: etree._Element) -> list[etree._Element]:
    return _upwards(element, CLIMB + 1)[1:]


def _upwards(element: etree._Element, steps: int) -> list[etree._Element]:
    """The element and its nearest ancestors, ``steps`` of them in all."""
    return [element, *islice(element.iterancestors(), steps - 1)]


def _entry(link: _Link, card: etree._Element, language: str) -> Entry:
    title = link.title
    if word_count(title) < 4:  # "Read more", or only a picture
        heading = next(card.iter(*_HEADING_LIST), None)
        title = (seen_text(heading) if heading is not None else "") or title
    teaser = _teaser(card, title)
    return make_entry(
        address=link.address,
        title=title,
        authors=(_author(card, title),),
        language=link.element.get("lang") or language,
        summary=f"<p>{escape(teaser, quote=False)}</p>" if teaser else "",
        published=_card_date(card) or _address_date(link.address),
    )


def _teaser(card: etree._Element, title: str) -> str:
    for paragraph, _ in zip(card.iter("p"), range(IN_CARD), strict=False):
        text = seen_text(paragraph)
        if text != title and word_count(text) >= 8:
            return text[:MAX_SUMMARY]
    return ""


def _author(card: etree._Element, title: str) -> str:
    for node, _ in zip(card.iter(), range(IN_CARD), strict=False):
        if "author" in (node.get("rel") or "").split() or _BYLINE.search(node.get("class") or ""):
            text = _BY.sub("", f"{seen_text(node)} ").strip()
            if text not in title and word_count(text) <= 8 and not re.search(r"[\d@]", text):
                return text
    return ""


def _card_date(card: etree._Element) -> datetime | None:
    moments = (read_date(node.get("datetime") or "") for node in card.iter("time"))
    return next((moment for moment in moments if moment is not None), None)


def _address_date(address: str) -> datetime | None:
    """The day in the address; outlets that write it there mean the day of publication."""
    found = _DATED.search(urlsplit(address).path)
    try:
        return datetime(*map(int, found.groups()), tzinfo=UTC) if found else None  # type: ignore[misc,arg-type]
    except ValueError:
        return None
