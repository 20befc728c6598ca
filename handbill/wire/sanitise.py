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
_TAG = re.compile(r"<(/?[A-Za-z][A-Za-z0-9:-]*+)[^<>]*+>")
_ORDINARY_LINK = (
    r'a href="(?=[^"]{1,1900}")https?://(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,63}'
    r'(?:(?:/[A-Za-z0-9_~!$()*+,;=:@-][A-Za-z0-9_~!$()*+,;=:@.-]*)+/?|/)"'
    rf' rel="{LINK_REL}">'
)
_ATTRIBUTED = re.compile(rf'<(?!{_ORDINARY_LINK})([a-z][a-z0-9]*)((?: [a-z]+="[^"]*")+)>')
"""A tag with attributes to be checked: all but a link as ``kit.urls`` writes it itself."""
_ATTRIBUTE = re.compile(r' ([a-z]+)="([^"]*)"')
_CONTROLS = bytes({*range(32), 127} - {9, 10, 13})
_VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "param", "source", "wbr"})
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_SPECIAL = re.compile("[<>&\xa0\r]")
_EMPTY_LINK = re.compile(r"<a(?![^>]* href=)[^>]*>(.*?)</a>", re.DOTALL)
_MAIL = re.compile(r"mailto:[^\s<>\"'\\]{1,500}", re.IGNORECASE)
_SENSIBLE = {
    "dir": re.compile(r"ltr|rtl|auto"),
    "lang": re.compile(r"[A-Za-z0-9-]{1,35}"),
    "datetime": re.compile(r"[0-9A-Za-z:+. -]{1,40}"),
    "start": re.compile(r"-?[0-9]{1,6}"),
    "colspan": re.compile(r"[0-9]{1,3}"),
    "rowspan": re.compile(r"[0-9]{1,3}"),
}


_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    clean_content_tags=_DROPPED_WHOLE,
    attributes=_ATTRIBUTES,
    link_rel=LINK_REL,
    url_schemes={"http", "https", "mailto"},
)


def sanitise(markup: str, base: str = "") -> str:
    """Safe markup for the same text; relative links are resolved against ``base``.

    Markup that is too long is cut, and what is nested too deep is kept as text only. Sanitising twice changes nothing.
    """
    markup = _without_controls(markup[:MAX_BODY])
    if not _SPECIAL.search(markup):
        return markup.strip()  # nothing but words
    if _may_be_deep(markup) and _depth(markup) > MAX_DEPTH:
        markup = "<p>" + html.escape(plain(markup), quote=False) + "</p>"
    cleaned = _ATTRIBUTED.sub(lambda tag: _checked(tag, base), _without_controls(_CLEANER.clean(markup)))
    return (_EMPTY_LINK.sub(r"\1", cleaned) if f'<a rel="{LINK_REL}">' in cleaned else cleaned).strip()


def _without_controls(markup: str) -> str:
    """Most markup has none, and bytes are looked through faster than text."""
    data = markup.encode("utf-8", "surrogatepass")
    if len(data) == len(data.translate(None, _CONTROLS)) and b"\xef\xbf" not in data and b"\xed" not in data:
        return markup
    return _CONTROL.sub("", markup)


def _checked(tag: re.Match[str], base: str) -> str:
    """A tag that nh3 let through, with the values of its attributes checked as well.

    nh3 writes every tag in one form, with quotes and ampersands in values escaped, and no other ``<`` in text.
    """
    name, attributes = tag.groups()
    kept = (_value(key, value, base) for key, value in _ATTRIBUTE.findall(attributes))
    return f"<{name}{''.join(kept)}>"


def _value(name: str, value: str, base: str) -> str:
    if name == "rel":
        return f' rel="{LINK_REL}"'
    plain_value = html.unescape(value) if "&" in value else value
    if name != "href":
        return f' {name}="{value}"' if _SENSIBLE[name].fullmatch(plain_value) else ""
    link = plain_value if _MAIL.fullmatch(plain_value.strip()) else resolve_link(base, plain_value)
    if not link:
        return ""
    return f' href="{link.replace("&", "&amp;").replace(chr(0xA0), "&nbsp;").replace(chr(34), "&quot;")}"'


def _may_be_deep(markup: str) -> bool:
    """A quick look, which counts as an element whatever begins like one."""
    depth = 1
    for piece in markup.split("</"):
        depth += piece.count("<") - 1
        if depth > MAX_DEPTH:
            return True
        depth = max(depth, 0)
    return False


def _depth(markup: str) -> int:
    """How deep elements nest, at most: end tags that are left out count as nesting."""
    depth = deepest = 0
    for name in _TAG.findall(markup):
        if name[0] == "/":
            depth = depth - 1 if depth else 0
        elif name.lower() not in _VOID:
            depth += 1
            if depth > deepest:
                deepest = depth
    return deepest
