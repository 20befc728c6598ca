"""Check a mail's HTML as readers' programs will show it: what doesn't show, is too large, leads astray, can't be read.

Pure but for the shipped facts: no network, no database. The same function serves the desk, ``handbill inspect letter``
and the tests of the golden letters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml import etree
from lxml import html as lxml_html

from handbill.digest.lint import dates, links
from handbill.digest.lint.colours import hard_to_see
from handbill.digest.lint.features import ALLOWED, facts, not_shown, used

GOOD_SIZE = 40_000  # bytes
MOST_SIZE = 100_000  # Gmail hides what follows 102 KB
MOST_BYTES = 2 * 1024 * 1024  # more is no letter
LONG_SUBJECT = 120  # characters
_MARKUP = ("script", "iframe", "object", "embed", "form", "audio", "video", "base")


@dataclass(frozen=True, slots=True)
class Finding:
    """``level``: "problem" (mend it) or "note" (look at it). ``line`` is that of the HTML; 0: the letter as a whole."""

    level: str
    what: str  # a word for it, such as "size", "contrast", or a feature's name by caniemail
    line: int
    told: str  # a sentence or two for a person, with what to do


def check_letter(
    html: str, *, text: str | None = None, subject: str | None = None, allowed: Mapping[str, str] = ALLOWED
) -> list[Finding]:
    """Everything found, problems first. ``text`` and ``subject`` are checked where they are given.

    ``allowed`` names features that may be used although some programs don't show them, with the reason.
    """
    found = list(_around(html, text, subject))
    if html.strip() and len(html) <= MOST_BYTES:
        page = _parsed(html)
        for part in (_features(page, allowed), _links(page), _pictures(page), _colours(page), _page(page)):
            found += part
    unique = dict.fromkeys(found)
    return sorted(unique, key=lambda one: (one.level != "problem", one.line))


def _parsed(html: str) -> etree._Element:
    parser = lxml_html.HTMLParser(encoding="utf-8", no_network=True)
    try:
        return lxml_html.document_fromstring(html.encode("utf-8", "replace"), parser=parser)
    except etree.ParserError:  # nothing in it is an element or text
        return lxml_html.document_fromstring("<html></html>")


def _around(html: str, text: str | None, subject: str | None) -> Iterator[Finding]:
    size = len(html.encode("utf-8", "replace"))
    if size > MOST_SIZE:
        told = f"The HTML has {size} bytes: Gmail hides what follows 102 KB. Leave out articles or shorten them."
        yield Finding("problem", "size", 0, told)
    elif size > GOOD_SIZE:
        yield Finding("note", "size", 0, f"The HTML has {size} bytes; up to {GOOD_SIZE} it loads well on a bad line.")
    if text is not None and not text.strip():
        yield Finding("problem", "text", 0, "There is no text part. Those who read no HTML see nothing: write one.")
    if subject is not None and not subject.strip():
        yield Finding("problem", "subject", 0, "There is no subject. Say what the letter is about.")
    if subject is not None and len(subject) > LONG_SUBJECT:
        told = f"The subject has {len(subject)} characters; phones show about 40, nobody more than {LONG_SUBJECT}."
        yield Finding("note", "subject", 0, told)


def _features(page: etree._Element, allowed: Mapping[str, str]) -> Iterator[Finding]:
    for slug, line in used(page).items():
        if slug in allowed:
            continue
        title = facts().features[slug][0]
        if missing := not_shown(slug):
            told = f"{title} is not shown by {', '.join(missing)}. Do without it, or say the same in another way."
            yield Finding("problem", slug, line, told)
        elif partly := not_shown(slug, "a"):
            yield Finding(
                "note", slug, line, f"{title} is shown in part only by {', '.join(partly)}. Look at it there."
            )


def _links(page: etree._Element) -> Iterator[Finding]:
    for one in page.iter("a", "area"):
        line = one.sourceline or 0
        for what, told in links.of_link(one.get("href", "#").strip()):
            yield Finding("problem", what, line, told)
        named = "".join(one.itertext()).strip() or one.get("aria-label") or one.xpath(".//img[@alt!='']")
        if one.get("href") and not named:
            yield Finding("problem", "alt", line, "A link has no words: nobody hears where it leads. Write some.")


def _pictures(page: etree._Element) -> Iterator[Finding]:
    for one in page.iter("img"):
        line = one.sourceline or 0
        for what, told in links.of_image(one.get("src", ""), one.get("width", ""), one.get("height", "")):
            yield Finding("problem", what, line, told)
        if one.get("alt") is None:
            told = (
                'A picture has no alt text: with pictures off nothing is there. Write one, or alt="" for an ornament.'
            )
            yield Finding("problem", "alt", line, told)


def _colours(page: etree._Element) -> Iterator[Finding]:
    where = {"light": "as sent", "dark": "in dark colours", "inverted": "where a program turns the letter dark itself"}
    for mode, line, text, found in hard_to_see(page):
        told = (
            f"“{text}” is hard to see {where[mode]}: {found:.1f} to 1. Give text and what is behind it other colours."
        )
        yield Finding("problem", "contrast", line, told)


def _page(page: etree._Element) -> Iterator[Finding]:
    language = page.get("lang") or ""
    if not language:
        yield Finding("problem", "lang", 0, 'The letter says no language. Write lang="en" or so on <html>.')
    for tag in _MARKUP:
        for one in page.iter(tag):
            yield Finding("problem", "markup", one.sourceline or 0, f"Mail programs refuse <{tag}>. Take it out.")
    for one in page.iter("table"):
        if one.get("role") not in ("presentation", "none") and not one.findall(".//th"):
            told = 'A table that only arranges is read out as data. Write role="presentation" on it.'
            yield Finding("problem", "role", one.sourceline or 0, told)
    for one in page.xpath("//style[contains(., '@import')]|//*[contains(@style, 'url(')]"):
        yield Finding("problem", "tracker", one.sourceline or 0, "A style loads something from elsewhere. Take it out.")
    for one in page.iter("p", "h1", "h2", "h3", "td", "div", "span", "li"):
        own = "".join(one.itertext()) if one.tag not in ("td", "div") else one.text or ""
        spoken = next((up.get("lang") for up in (one, *one.iterancestors()) if up.get("lang")), language)
        for level, what, cure in dates.of_text(own, spoken):
            yield Finding(level, "date", one.sourceline or 0, f"{what}. {cure}")
