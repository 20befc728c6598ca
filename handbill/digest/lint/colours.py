"""Say where text is hard to see: as sent, in the letter's dark colours, where a program turns it dark itself. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from cssselect import SelectorError
from lxml import etree
from lxml.cssselect import CSSSelector

from handbill.digest.lint.contrast import inverted, ratio
from handbill.digest.lint.css import declarations, rules

ENOUGH, ENOUGH_FOR_LARGE = 4.5, 3.0  # WCAG 2.2, AA
LARGE = 24  # pixels
MODES = ("light", "dark", "inverted")
_NAMES = {"black": "#000000", "white": "#ffffff", "red": "#ff0000", "blue": "#0000ff", "gray": "#808080"}
_LINK = "#0000ee"
_NO_TEXT = frozenset({"head", "style", "script", "title", "template"})
_DARK = re.compile(r"@media[^{]*prefers-color-scheme\s*:\s*dark")
_Styles = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Look:
    """How text in an element looks. ``behind`` None: nobody said what is behind it. ``said``: its colour was given."""

    colour: str = "#000000"
    behind: str | None = None
    size: float = 16
    said: bool = False


def hard_to_see(page: etree._Element) -> Iterator[tuple[str, int, str, float]]:
    """For each pair of colours that is too faint: the mode, the line, the text's beginning, the contrast."""
    dark = _dark_rules(page)
    for mode in MODES:
        if mode == "dark" and not dark:
            continue
        seen: set[tuple[str, str]] = set()
        for one, look in _looks(page, dark if mode == "dark" else {}):
            text = " ".join("".join(_own_text(one)).split())
            fore, back = _shown(look, mode)
            found = ratio(fore, back)
            if text and found < (ENOUGH_FOR_LARGE if look.size >= LARGE else ENOUGH) and (fore, back) not in seen:
                seen.add((fore, back))
                yield mode, one.sourceline or 0, text[:40], found


def _shown(look: Look, mode: str) -> tuple[str, str]:
    if mode != "inverted":
        return look.colour, look.behind or "#ffffff"
    if look.behind is None and look.said:  # a program's own dark paper shows behind a colour that stays
        return look.colour, "#121212"
    return inverted(look.colour), inverted(look.behind or "#ffffff")


def _looks(page: etree._Element, dark: Mapping[etree._Element, _Styles]) -> Iterator[tuple[etree._Element, Look]]:
    """Each element that is seen and has text of its own, without recursion: letters may be nested deeply."""
    stack = [(page, Look())]
    while stack:
        one, above = stack.pop()
        if not isinstance(one.tag, str) or one.tag in _NO_TEXT:
            continue
        styles = {**dict(declarations(one.get("style", ""))), **dark.get(one, {})}
        if styles.get("display", "").startswith("none"):
            continue
        look = _look(one, styles, above)
        if any(part.strip() for part in _own_text(one)):
            yield one, look
        stack.extend((child, look) for child in reversed(one))


def _look(one: etree._Element, styles: _Styles, above: Look) -> Look:
    look = replace(above, colour=_LINK, said=True) if one.tag == "a" and one.get("href") else above
    behind = _colour(styles.get("background-color") or styles.get("background") or one.get("bgcolor") or "")
    if behind:
        look = replace(look, behind=behind)
    if colour := _colour(styles.get("color", "")):
        look = replace(look, colour=colour, said=True)
    if size := re.match(r"([\d.]{1,6})px", styles.get("font-size", "")):
        look = replace(look, size=float(size[1].strip(".") or 16))
    return look


def _own_text(one: etree._Element) -> list[str]:
    return [one.text or "", *(child.tail or "" for child in one)]


def _dark_rules(page: etree._Element) -> dict[etree._Element, dict[str, str]]:
    """What the letter's dark rules make of its elements; only what is important beats what stands in an element."""
    found: dict[etree._Element, dict[str, str]] = {}
    for sheet in page.iter("style"):
        for rule in rules(sheet.text or ""):
            if not any(_DARK.search(at) for at in rule.at) or not rule.selector:
                continue
            told = [("background-color" if name == "background" else name, value) for name, value in rule.declarations]
            said = {name: value.removesuffix("!important").strip() for name, value in told}
            firm = {name for name, value in told if value.endswith("!important")}
            for one in _matching(page, rule.selector):
                own = dict(declarations(one.get("style", "")))
                kept = {name: value for name, value in said.items() if name in firm or name not in own}
                found.setdefault(one, {}).update(kept)
    return found


def _matching(page: etree._Element, selector: str) -> list[etree._Element]:
    try:
        return list(CSSSelector(selector, translator="html")(page))
    except (SelectorError, etree.XPathError):
        return []


def _colour(text: str) -> str | None:
    """As "#rrggbb"; None where it is none that is known here."""
    word = text.lower().removesuffix("!important").strip()
    if re.fullmatch(r"#[0-9a-f]{6}", word):
        return word
    if re.fullmatch(r"#[0-9a-f]{3}", word):
        return "#" + "".join(sign * 2 for sign in word[1:])
    if found := re.fullmatch(r"rgb\((\d{1,3}),\s*(\d{1,3}),\s*(\d{1,3})\)", word):
        return "#" + "".join(f"{min(int(part), 255):02x}" for part in found.groups())
    return _NAMES.get(word)
