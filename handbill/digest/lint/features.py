"""Say which features of HTML and CSS a letter uses, and which mail programs don't show them. Pure but for its facts.

The facts are those of caniemail (``facts.json``, made by ``make_facts``); nothing is fetched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lxml import etree

from handbill.digest.lint.css import Rule, declarations, rules

CLIENTS = {
    "Apple Mail": ("apple-mail.macos", "apple-mail.ios"),
    "Gmail": ("gmail.desktop-webmail", "gmail.ios", "gmail.android"),
    "Outlook": ("outlook.windows", "outlook.macos", "outlook.outlook-com", "outlook.ios", "outlook.android"),
    "Yahoo": ("yahoo.desktop-webmail", "yahoo.ios", "yahoo.android"),
    "Thunderbird": ("thunderbird.macos", "thunderbird.windows"),
    "Samsung": ("samsung-email.android",),
    "Proton Mail": ("protonmail.desktop-webmail", "protonmail.ios", "protonmail.android"),
    "Fastmail": ("fastmail.desktop-webmail",),
    "HEY": ("hey.desktop-webmail",),
    "GMX": ("gmx.desktop-webmail", "gmx.ios", "gmx.android"),
    "WEB.DE": ("web-de.desktop-webmail", "web-de.ios", "web-de.android"),
    "T-Online": ("t-online-de.desktop-webmail",),
    "Orange": ("orange.desktop-webmail", "orange.ios", "orange.android"),
    "LaPoste": ("laposte.desktop-webmail",),
    "Mail.ru": ("mail-ru.desktop-webmail",),
}
"""The mail programs that count, by the names people know; each of its faces as caniemail names it."""

ALLOWED = {
    "css-at-media": "small screens get smaller letters; elsewhere the letter is as it is",
    "css-at-media-prefers-color-scheme": "dark colours where they are read; elsewhere the light ones stand",
    "css-background-color": "where only names of colours are known the paper stays white",
    "css-border": "lines of at most 3 pixels; without them the letter reads as well",
    "css-display": "none alone, of the hidden preheader",
    "css-display-none": "of the hidden preheader, hidden in other ways too",
    "css-font-size": "pixels alone, which all know",
    "css-font-weight": "bold alone, which all know",
    "css-important": "only within the dark and small-screen rules",
    "css-line-height": "numbers alone, which all know",
    "css-margin": "without it, and without auto, the column stands at the side",
    "css-max-height": "of the hidden preheader, hidden in other ways too",
    "css-max-width": "the column; Outlook gets a table of the same width",
    "css-overflow": "of the hidden preheader, hidden in other ways too",
    "css-padding": "on cells where it matters; elsewhere it is air that Outlook may leave out",
    "css-selector-class": "only within the dark and small-screen rules",
    "css-selector-descendant": "only within the dark and small-screen rules",
    "css-selector-grouping": "only within the dark and small-screen rules",
    "css-selector-type": "only within the dark and small-screen rules",
    "css-text-align": "left and right alone, which all know",
    "css-text-decoration": "headlines that lead somewhere may be underlined",
    "css-word-break": "breaks endless words where word-wrap alone lets a table grow",
    "css-word-wrap": "breaks endless words; without it such a word runs over",
    "html-aria-label": "for screen readers; shows nothing",
    "html-body": "what body says is said again by the element in it",
    "html-comments": "for Outlook's table around the column; shows nothing",
    "html-dir": "said again by the style direction, which all know",
    "html-height": "of a logo, which comes in its own size without it",
    "html-lang": "for screen readers and hyphens; shows nothing",
    "html-meta-color-scheme": "a promise of dark colours; who doesn't know it ignores it",
    "html-role": "for screen readers; shows nothing",
    "html-style": "all that must be there is written into the elements",
    "html-width": "of tables as wide as what is around them, which their text fills",
}
"""What may be used although some show it in part or not at all, and why that does no harm."""

_EXTENSION = re.compile(r"\.([a-z0-9]{2,4})(?:[?#]|\Z)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Facts:
    """What caniemail knows. ``features``: title, and a letter a client of ``clients``; ``signs`` by kind."""

    source: str
    updated: str
    clients: tuple[str, ...]
    features: dict[str, tuple[str, str]]
    signs: dict[str, dict[str, str]]


@lru_cache(maxsize=1)
def facts() -> Facts:
    """The shipped facts."""
    data: dict[str, Any] = json.loads((Path(__file__).parent / "facts.json").read_text("utf-8"))
    features = {slug: (title, support) for slug, (title, support) in data["features"].items()}
    return Facts(data["source"], data["updated"], tuple(data["clients"]), features, data["signs"])


def not_shown(slug: str, sign: str = "n") -> list[str]:
    """The mail programs of CLIENTS in which a feature is ``sign``: n(ot), or a(lmost) shown."""
    support = dict(zip(facts().clients, facts().features[slug][1], strict=True))
    return [name for name, faces in CLIENTS.items() if any(support.get(face) == sign for face in faces)]


def used(page: etree._Element) -> dict[str, int]:
    """The features used, each with the line where it is first."""
    found: dict[str, int] = {}
    for one in page.iter():
        line = one.sourceline or 0
        for slug in _of_node(one):
            found.setdefault(slug, line)
        if one.tag == "style":
            for rule in rules(one.text or ""):
                for slug in _of_rule(rule):
                    found.setdefault(slug, line + rule.line - 1)
    return found


def _of_node(one: etree._Element) -> Iterator[str]:
    signs = facts().signs
    if one.tag is etree.Comment:
        yield signs["special"]["HTML comments"]
    if not isinstance(one.tag, str):
        return
    kind = f"{one.tag}[{(one.get('type') or 'text').lower()}]"
    yield from (signs["element"][name] for name in (one.tag, kind) if name in signs["element"])
    yield from (signs["attribute"][name] for name in one.attrib if name in signs["attribute"])
    if one.tag == "meta" and one.get("name") in signs["meta"]:
        yield signs["meta"][one.get("name")]
    link, source = one.get("href", ""), one.get("src", "")
    if one.tag == "a" and link.startswith(("#", "mailto:")):
        yield signs["special"]["Local anchors" if link.startswith("#") else "mailto: links"]
    if one.tag == "img":
        named = _EXTENSION.search(source)
        kind = "data:" if source.startswith("data:") else named[1].lower() if named else ""
        yield from (signs["image"][name] for name in (kind,) if name in signs["image"])
    for name, value in declarations(one.get("style", "")):
        yield from _of_declaration(name, value)


def _of_rule(rule: Rule) -> Iterator[str]:
    signs = facts().signs
    if not rule.selector:
        head = rule.declarations[0][0]
        yield from (
            slug for name, slug in signs["at"].items() if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", head)
        )
        return
    for name, value in rule.declarations:
        yield from _of_declaration(name, value)
    yield from _of_selector(rule.selector)


def _of_selector(selector: str) -> Iterator[str]:
    signs = facts().signs
    bare = re.sub(r"\[[^\]]*\]", "[", selector)
    for name in re.findall(r"::?([a-z-]+)", bare):
        if name in signs["pseudo"]:
            yield signs["pseudo"][name]
    bare = re.sub(r"::?[a-z-]+(\([^)]*\))?", "", bare)
    spaced = re.sub(r"\s*([,>+~])\s*", r"\1", bare.strip())
    yield from (signs["selector"][sign] for sign in ("+", "[", ">", ".", " ", "~", ",", "#", "*") if sign in spaced)
    if re.search(r"\.[\w-]+\.", spaced):
        yield signs["selector"][".a.b"]
    if re.search(r"(?:^|[\s,>+~])[a-zA-Z]", spaced):
        yield signs["selector"]["a"]


def _of_declaration(name: str, value: str) -> Iterator[str]:
    signs, lower = facts().signs, value.lower()
    if slug := _of_property(name):
        yield slug
    bare = lower.removesuffix("!important").strip()
    if bare != lower:
        yield signs["special"]["!important keyword"]
    if (pair := f"{name}:{bare}") in signs["value"]:
        yield signs["value"][pair]
    unquoted = re.sub(r"\"[^\"]*\"|'[^']*'|url\([^)]*\)", "", bare)
    yield from (signs["function"][one] for one in re.findall(r"([\w-]+)\(", unquoted) if one in signs["function"])
    yield from (
        signs["unit"][one] for one in re.findall(r"(?<![#\w])[\d.]+(%|[a-z]+)", unquoted) if one in signs["unit"]
    )


def _of_property(name: str) -> str:
    """The feature of a property; ``margin-top`` counts as ``margin``, ``border-top-color`` as ``border``."""
    known = facts().signs["property"]
    while name and name not in known:
        name = name.rpartition("-")[0]
        if name == "font":
            return ""
    return known.get(name, "")
