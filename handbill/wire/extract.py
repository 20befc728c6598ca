"""Find the article on a page: title, byline, date, language, and the text without what stands around it. Pure.

Two libraries read each page. trafilatura, set to take too little rather than too much, is believed; readability is
asked what it sees, and believed instead where the first lost a large part of the article (``_better``). A site that
both get wrong can have a rule: where its text stands, as CSS selectors. What is chosen loses its repeated title and
the lines that only lead elsewhere. ADR-0021 has the measurements.

Both are loaded when the first page is read: they cost 40 MB, and only a sandbox's child needs them. Neither limits its
own time, so the page is cut to a size and depth first at which they are quick. No page is fetched, whatever it says;
the caller's clock is not asked.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from cssselect import SelectorError
from lxml import html
from lxml.cssselect import CSSSelector

from handbill.kit.errors import GiveUp
from handbill.kit.text import clean, plain, shorten, words
from handbill.kit.urls import resolve_link
from handbill.wire.errors import FeedError
from handbill.wire.make import inert
from handbill.wire.mend import decode, is_text
from handbill.wire.sanitise import sanitise
from handbill.wire.trim import PageTooLarge, trim_page

MAX_BYTES = 15 * 1024 * 1024
MAX_TITLE = 500  # characters, as the tables hold
MAX_BYLINE = 300
LATEST_DAY = "2100-01-01"  # so that no date depends on today's
EARLIEST_YEAR = 1971

PROSE_WORDS = 15  # a block of fewer words is a caption, a button or a heading as often as a paragraph
LOST_SHARE = 0.4  # of the words kept: prose that was lost must be more, to believe readability
LINK_SHARE = 0.8  # of a block's words: what is linked to that extent only leads elsewhere
LEADING_WORDS = 40  # a longer block is kept, however much of it is linked

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,4}")
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_STATED = re.compile(r"\"datePublished\"\s*:\s*\"([^\"]{8,40})\"")
_STATED_IN = (
    '//meta[@property="article:published_time"]/@content',
    '//*[@itemprop="datePublished"]/@content',
    '//*[@itemprop="datePublished"]/@datetime',
)
_LANGUAGE_IN = (
    "/html/@lang",
    '//meta[translate(@http-equiv, "CONTENT-LANGUAGE", "content-language")="content-language"]/@content',
    '//meta[@property="og:locale"]/@content',
)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_BLOCKS = _HEADINGS | frozenset(
    "blockquote caption dd div dl dt figcaption figure hr li ol p pre table tbody td tfoot th thead tr ul".split()  # noqa: SIM905
)
_LEADING = frozenset({"p", "li", "div", "blockquote", "td"})
NO_ARTICLE = "No article was found on this page: it may need a login or a script. Open it in a browser and clip it."


class PageError(GiveUp):
    """There is no article to be had from this page; the sentence says why."""


@dataclass(frozen=True, slots=True)
class ExtractedPage:
    """The article of a page. ``title`` and ``byline`` are one line of plain text, empty where the page names none.

    ``published`` is what the page states, aware, in UTC; midnight where it gives a day only. ``language`` is a code
    such as "pt-BR", as the page declares it, or empty. ``html`` is sanitised, and ``text`` is its plain text: never
    empty.
    """

    title: str
    byline: str
    published: datetime | None
    language: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class SiteRule:
    """Where a site's article stands, as CSS selectors: ``body`` (every match, in order) without ``drop``."""

    body: str
    drop: str = ""


SITE_RULES: Mapping[str, SiteRule] = MappingProxyType(
    {
        "rt.com": SiteRule(".article__summary, .article__text", drop=".read-more, .read-more-big"),
    }
)


class RulesError(GiveUp):
    """The newsroom's own rules can't be read; the sentence says where."""


def read_rules(text: str) -> dict[str, SiteRule]:
    """SITE_RULES and those of a TOML text besides: a table for each host, with ``body`` and perhaps ``drop``.

    Raises RulesError.
    """
    try:
        tables = tomllib.loads(text)
        own = {host.lower().removeprefix("www."): SiteRule(**table) for host, table in tables.items()}
        for rule in own.values():
            CSSSelector(rule.body), CSSSelector(rule.drop or "x")
    except (tomllib.TOMLDecodeError, TypeError, SelectorError) as error:
        raise RulesError(f"The rules for sites can't be read: {error}. Write body and drop as CSS selectors.") from None
    return {**SITE_RULES, **own}


def extract_page(
    markup: bytes | str, *, address: str = "", content_type: str = "", rules: Mapping[str, SiteRule] | None = None
) -> ExtractedPage:
    """Read the article on the page that ``address`` gave as ``markup``, said to be ``content_type``.

    Relative links are resolved against the page's base or ``address``; where both are missing they lose their target.
    ``rules`` (else SITE_RULES) are found by host, for its subdomains too. Raises PageError, and nothing else, when the
    page is too large, or holds no article.
    """
    if len(markup) > MAX_BYTES:
        raise PageError(f"This page is larger than {MAX_BYTES // 1048576} MiB. Read the article in a browser.")
    try:
        rule = _rule(address, SITE_RULES if rules is None else rules)
        return _page(trim_page(_text(markup, content_type)), address, rule)
    except PageError:
        raise
    except SelectorError as error:
        raise PageError(f"The rule for this site can't be read ({error}). Mend its CSS selectors.") from None
    except PageTooLarge:
        raise PageError("This page is far larger than an article. Open it in a browser and clip the article.") from None
    except FeedError:
        raise PageError("This address gives nothing at all: the answer is empty. It may be mended soon.") from None
    except Exception as error:  # two extractors of others, and bytes of strangers
        raise PageError(f"This page can't be read: it is broken beyond repair ({type(error).__name__}).") from error


def _text(markup: bytes | str, content_type: str) -> str:
    if isinstance(markup, str):
        return markup
    if "charset" not in content_type.lower() and (declared := _META_CHARSET.search(markup[:4096])):
        content_type = f"text/html; charset={declared.group(1).decode()}"
    text = decode(markup, content_type)
    if not is_text(markup):
        raise PageError("This is no page: it holds a picture, an archive or the like. Open it in a browser.")
    return text


def _rule(address: str, rules: Mapping[str, SiteRule]) -> SiteRule | None:
    """The rule of the host, or of the nearest domain above it that has one."""
    labels = (urlsplit(resolve_link("", address)).hostname or "").split(".")
    hosts = (".".join(labels[start:]) for start in range(len(labels)))
    return next((rules[host] for host in hosts if host in rules), None)


def _page(page: str, address: str, rule: SiteRule | None) -> ExtractedPage:
    from trafilatura.metadata import extract_metadata

    if not page:
        raise PageError(NO_ARTICLE)
    tree = html.document_fromstring(page)
    base = _base(tree, address)
    about = extract_metadata(tree, address or None, {"max_date": LATEST_DAY, "original_date": True}, extensive=False)
    title = shorten(inert(plain(about.title or "")), MAX_TITLE)
    body = _by_rule(tree, rule, base) or _better(_precise(tree, base), _generous(page, base))
    body = sanitise(_tidy(body, title), base)
    text = plain(body)
    if not words(text):
        raise PageError(NO_ARTICLE)
    byline = shorten(inert(", ".join((about.author or "").split("; "))), MAX_BYLINE)
    return ExtractedPage(title, byline, _published(tree, about.date), _language(tree), text, body)


def _base(tree: Any, address: str) -> str:
    stated = tree.xpath("//base/@href")
    return (resolve_link(address, stated[0]) if stated else "") or address


def _by_rule(tree: Any, rule: SiteRule | None, base: str) -> str:
    """The text as the rule finds it; nothing when the site has changed since the rule was written."""
    if rule is None:
        return ""
    found = html.fromstring(html.tostring(tree))
    for element in CSSSelector(rule.drop)(found) if rule.drop else ():
        element.drop_tree()
    matches = CSSSelector(rule.body)(found)
    known = set(matches)
    outer = [element for element in matches if known.isdisjoint(element.iterancestors())]
    body = sanitise("".join(html.tostring(element, encoding="unicode", with_tail=False) for element in outer), base)
    return body if words(plain(body)) else ""


def _precise(tree: Any, base: str) -> str:
    import trafilatura

    found = trafilatura.extract(
        tree,
        favor_precision=True,
        output_format="html",
        include_comments=False,
        include_links=True,
        include_formatting=True,
        with_metadata=False,
    )
    return sanitise(found or "", base)


def _generous(page: str, base: str) -> str:
    from readability import Document

    return sanitise(Document(page).summary(html_partial=True), base)


def _better(precise: str, generous: str) -> str:
    """``precise``, unless ``generous`` has more than two fifths as much again in paragraphs that it lacks."""
    kept = words(plain(precise))
    known = _runs(kept)
    lost = sum(len(block) for block in _prose(generous) if _mostly_new(block, known))
    return generous if lost > LOST_SHARE * len(kept) else precise


def _mostly_new(block: list[str], known: set[tuple[str, ...]]) -> bool:
    runs = _runs(block)
    return 2 * len(runs & known) < len(runs)


def _runs(found: list[str]) -> set[tuple[str, ...]]:
    return {tuple(found[start : start + 4]) for start in range(max(1, len(found) - 3))}


def _prose(markup: str) -> list[list[str]]:
    """The words of each paragraph: what is long enough, not a heading, and not mostly links."""
    blocks = ((block, block.words) for block in _blocks(_fragment(markup)) if block.element.tag not in _HEADINGS)
    return [found for block, found in blocks if len(found) >= PROSE_WORDS and 3 * len(block.linked) < len(found)]


def _tidy(markup: str, title: str) -> str:
    """Without the title repeated at the top, and without lines that are only links, unless those are the article."""
    root = _fragment(markup)
    blocks = _blocks(root)
    for block in blocks[:1]:
        if words(title) and block.words == words(title):
            _drop(block.element)
    leading = [block for block in blocks if _leads_elsewhere(block)]
    if 2 * sum(len(block.words) for block in leading) < sum(len(block.words) for block in blocks):
        for block in leading:
            _drop(block.element)
    return str(html.tostring(root, encoding="unicode"))


def _leads_elsewhere(block: _Block) -> bool:
    element = block.element
    if element.tag not in _LEADING or any(inner.tag in _BLOCKS for inner in element.iterdescendants()):
        return False
    return len(block.words) <= LEADING_WORDS and len(block.linked) >= LINK_SHARE * len(block.words)


def _drop(element: Any) -> None:
    if element.getparent() is not None:
        element.drop_tree()


class _Block:
    """A block element with the words that are its own, not those of the blocks inside it."""

    def __init__(self, element: Any) -> None:
        self.element = element
        self._own: list[str] = []
        self._in_links: list[str] = []

    def take(self, text: str | None, in_link: bool) -> None:
        self._own.append(text or "")
        if in_link:
            self._in_links.append(text or "")

    @property
    def words(self) -> list[str]:
        return words("".join(self._own))

    @property
    def linked(self) -> list[str]:
        return words(" ".join(self._in_links))


def _fragment(markup: str) -> Any:
    return html.fromstring(f"<div>{markup}</div>")


def _blocks(root: Any) -> list[_Block]:
    """The blocks that have words, in the order of the page."""
    found: list[_Block] = []
    _gather(root, _Block(root), False, found)
    return [block for block in found if block.words]


def _gather(element: Any, around: _Block, in_link: bool, found: list[_Block]) -> None:
    """As deep as sanitised markup can nest: 200 elements."""
    block = around
    if element.tag in _BLOCKS:
        block = _Block(element)
        found.append(block)
        around.take(" ", False)
    inside = in_link or element.tag == "a"
    block.take(" " if element.tag == "br" else element.text, inside)
    for child in element:
        _gather(child, block, inside, found)
        block.take(child.tail, inside)


def _published(tree: Any, day: str | None) -> datetime | None:
    """What the page states about its article, to the second if it can be; else the day that trafilatura finds."""
    stated = (value for path in _STATED_IN for value in tree.xpath(path))
    in_data = (found.group(1) for script in tree.iter("script") if (found := _STATED.search(script.text or "")))
    moments = (_moment(value) for value in chain(stated, in_data, [day or ""]))
    return next((moment for moment in moments if moment), None)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.strip())
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment.replace(microsecond=0) if EARLIEST_YEAR <= moment.year < int(LATEST_DAY[:4]) else None


def _language(tree: Any) -> str:
    codes = (clean(value).replace("_", "-") for path in _LANGUAGE_IN for value in tree.xpath(path))
    return next((code for code in codes if len(code) <= 35 and _LANGUAGE.fullmatch(code)), "")
