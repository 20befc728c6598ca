"""Cut a page to what an extractor can read quickly: no scripts, no styles, few elements, shallow. Pure.

Extractors copy and search the tree many times over, and some searches grow with the square of a list or of the depth.
The parser's own limit on depth drops the rest of the page; here what is nested deeper keeps its text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import escape
from typing import Any

from lxml import etree

MAX_ELEMENTS = 15_000  # the largest of 88 real article pages has 1,400
MAX_TEXT = 1_000_000  # characters between the tags
MAX_DEPTH = 200
MAX_ATTRIBUTE = 5_000  # characters; a longer one holds data, not a name or an address
MAX_DATA = 20_000  # characters of JSON-LD; trafilatura searches it with patterns: 200,000 can cost it 110 s
MAX_STATEMENT = 1_000  # characters of one value in it; a longer one is the article's text over again

_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())  # noqa: SIM905
_DROPPED = frozenset("script style svg math template object embed applet canvas select textarea map".split())  # noqa: SIM905
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_NAME = re.compile(r"[a-z][a-z0-9]{0,20}")
_ATTRIBUTE = re.compile(r"[a-z][a-z0-9_.:-]{0,60}")


class PageTooLarge(ValueError):
    """More elements or text than any article has."""


def trim_page(text: str) -> str:
    """The same page as well-formed HTML within the limits; empty when there is no markup and no text.

    JSON-LD stays, without long values, for what it says about the article. Raises PageTooLarge.
    """
    data = _NO_TEXT.sub("", text).encode("utf-8", "ignore")
    if not data.strip():
        return ""
    target = _Trimmer()
    parser = etree.HTMLParser(target=target, encoding="utf-8", recover=True, huge_tree=True, no_network=True)
    return str(etree.fromstring(data, parser))


class _Trimmer:
    """A parser target that writes the smaller page as the parser goes."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.kept: list[bool] = []  # for each open element
        self.depth = self.hidden = self.elements = self.characters = 0
        self.room = MAX_DATA
        self.in_data = False
        self.stated: list[str] = []

    def start(self, tag: str, attrib: Mapping[str, str]) -> None:
        self.in_data = tag == "script" and "ld+json" in attrib.get("type", "").lower()
        hides = tag in _DROPPED and not self.in_data
        self.hidden += hides
        keep = not self.hidden and (self.depth < MAX_DEPTH or self.in_data) and bool(_NAME.fullmatch(tag))
        self.kept.append(keep)
        self.depth += keep
        if keep:
            self._open(tag, attrib)

    def end(self, tag: str) -> None:
        keep = self.kept.pop() if self.kept else False
        self.hidden -= not keep and self.hidden > 0 and tag in _DROPPED
        self.depth -= keep
        if self.in_data:
            self._state()
        if keep and tag not in _VOID:
            self.parts.append(f"</{tag}>")

    def data(self, text: str) -> None:
        if self.in_data:
            self.stated.append(text)
        elif not self.hidden:
            self.characters += len(text)
            if self.characters > MAX_TEXT:
                raise PageTooLarge
            self.parts.append(escape(text, quote=False))

    def comment(self, text: str) -> None:
        """Comments are not text."""

    def pi(self, target: str, text: str | None = None) -> None:
        """Nor are processing instructions."""

    def close(self) -> str:
        return "".join(self.parts)

    def _open(self, tag: str, attrib: Mapping[str, str]) -> None:
        self.elements += 1
        if self.elements > MAX_ELEMENTS:
            raise PageTooLarge
        names = (name for name in attrib if _ATTRIBUTE.fullmatch(name) and not name.startswith("on"))
        written = (f' {name}="{escape(attrib[name])}"' for name in names if len(attrib[name]) <= MAX_ATTRIBUTE)
        self.parts.append(f"<{tag}{''.join(written)}>")

    def _state(self) -> None:
        text = _shortened("".join(self.stated))
        self.stated, self.in_data = [], False
        if len(text) <= self.room:
            self.room -= len(text)
            self.parts.append(text)


def _shortened(statement: str) -> str:
    try:
        return json.dumps(_short(json.loads(statement, strict=False)), ensure_ascii=False).replace("<", "\\u003c")
    except (ValueError, RecursionError):
        return statement  # trafilatura reads some that is no JSON


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _short(inner) for key, inner in value.items() if len(key) <= MAX_STATEMENT}
    if isinstance(value, list):
        return [_short(inner) for inner in value]
    return "" if isinstance(value, str) and len(value) > MAX_STATEMENT else value
