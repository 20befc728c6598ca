"""Make an entry's body safe to keep and to show. Pure.

What is left is text with its structure: no script, style, frame, form field, image, class or event handler, and links
only to http, https and mail, each marked so that it neither opens a door nor vouches for its target. Pictures go
altogether: fetched from elsewhere they would tell a third party who reads what.
"""

from __future__ import annotations

import html
import re

import nh3

from handbill.kit.text import plain
from handbill.kit.urls import resolve_link

MAX_BODY = 200_000  # characters of markup read
MAX_DEPTH = 200  # nested elements; nh3's time grows with their square
LINK_REL = "noopener nofollow ugc"

_TAGS = (
    {
        "a",
        "abbr",
        "b",
        "bdi",
        "bdo",
        "blockquote",
        "br",
        "caption",
        "cite",
        "code",
        "dd",
        "del",
        "dfn",
        "dl",
        "dt",
        "em",
    }
    | {"figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "ins", "kbd", "li", "mark", "ol", "p"}
    | {"pre", "q", "rp", "rt", "ruby", "s", "samp", "small", "strong", "sub", "sup", "table", "tbody", "td", "tfoot"}
    | {"th", "thead", "time", "tr", "u", "ul", "var", "wbr"}
)
_DROPPED_WHOLE = {
    "script",
    "style",
    "iframe",
    "object",
    "embed",
    "noscript",
    "template",
    "svg",
    "math",
    "select",
} | {"textarea", "button", "title", "audio", "video", "canvas", "noembed", "noframes", "xmp", "plaintext"}
_ATTRIBUTES = {
    "*": {"dir", "lang"},
    "a": {"href"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "time": {"datetime"},
}
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:-]*+)[^<>]*+>")
_VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "param", "source", "wbr"})
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_EMPTY_LINK = re.compile(r"<a(?![^>]* href=)[^>]*>(.*?)</a>", re.DOTALL)
_MAIL = re.compile(r"mailto:[^\s<>\"'\\]{1,500}", re.IGNORECASE)
_SENSIBLE = {
    "rel": re.compile(re.escape(LINK_REL)),
    "dir": re.compile(r"ltr|rtl|auto"),
    "lang": re.compile(r"[A-Za-z0-9-]{1,35}"),
    "datetime": re.compile(r"[0-9A-Za-z:+. -]{1,40}"),
    "start": re.compile(r"-?[0-9]{1,6}"),
    "colspan": re.compile(r"[0-9]{1,3}"),
    "rowspan": re.compile(r"[0-9]{1,3}"),
}


def sanitise(markup: str, base: str = "") -> str:
    """Safe markup for the same text; relative links are resolved against ``base``.

    Markup that is too long is cut, and what is nested too deep is kept as text only. Sanitising twice changes nothing.
    """
    markup = _CONTROL.sub("", markup[:MAX_BODY])
    if _depth(markup) > MAX_DEPTH:
        markup = "<p>" + html.escape(plain(markup), quote=False) + "</p>"
    return _EMPTY_LINK.sub(r"\1", _clean(markup, base)).strip()


def _clean(markup: str, base: str) -> str:
    def keep(tag: str, name: str, value: str) -> str | None:
        if name != "href":  # also asked about what is dropped anyway, and about the rel it sets itself
            return value if name in _SENSIBLE and _SENSIBLE[name].fullmatch(value) else None
        return value if _MAIL.fullmatch(value.strip()) else resolve_link(base, value) or None

    return nh3.clean(
        markup,
        tags=_TAGS,
        clean_content_tags=_DROPPED_WHOLE,
        attributes=_ATTRIBUTES,
        attribute_filter=keep,
        link_rel=LINK_REL,
        url_schemes={"http", "https", "mailto"},
    )


def _depth(markup: str) -> int:
    """How deep elements nest, at most: end tags that are left out count as nesting."""
    depth = deepest = 0
    for end, name in _TAG.findall(markup):
        if end:
            depth = max(depth - 1, 0)
        elif name.lower() not in _VOID:
            depth += 1
            deepest = max(deepest, depth)
    return deepest
