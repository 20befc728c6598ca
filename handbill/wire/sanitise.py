"""Make an entry's body safe to keep and to show. Pure.

What is left is text with its structure: no script, style, frame, form field, image, class or event handler, and links
only to http, https and mail, each marked so that it neither opens a door nor vouches for its target. Pictures go
altogether: fetched from elsewhere they would tell a third party who reads what.
"""

# ruff: noqa: SIM905 -- lists of elements are read as words.

from __future__ import annotations

import html
import re
from collections.abc import Collection
from itertools import accumulate

import nh3

from handbill.kit.text import plain
from handbill.kit.urls import resolve_link
from handbill.wire.nesting import FEW, may_explode

MAX_BODY = 200_000  # characters of markup read
MAX_DEPTH = 200  # nested elements kept
MOST_READINGS = 4  # until nothing moves any more
MANY_SPANS = 20  # from which on it pays to take them out first
LINK_REL = "noopener nofollow ugc"

_TAGS = frozenset(
    "a abbr b bdi bdo blockquote br caption cite code dd del dfn div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i"
    " ins kbd li mark ol p pre q rp rt ruby s samp small strong sub sup table tbody td tfoot th thead time tr u ul var"
    " wbr".split()
)
_DROPPED_WHOLE = frozenset(
    "annotation annotation-xml audio button canvas embed iframe math noembed noframes noscript object plaintext script"
    " select style svg template textarea title video xmp".split()
)
_ATTRIBUTES = {
    "*": {"dir", "lang"},
    "a": {"href"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "time": {"datetime"},
}
_READ_AS = {
    **dict.fromkeys(
        "address article aside center details dialog fieldset footer form header hgroup legend main nav search section"
        " summary".split(),
        "div",
    ),
    **dict.fromkeys(("dir", "menu"), "ul"),
    "listing": "pre",
    **dict.fromkeys(("applet", "iframe", "marquee", "math", "object"), "unknown"),
}
"""Elements that are read as others: blocks as plain ones, so that no words run together, and what opens a realm of its
own as an element that isn't known, which leaves its words."""
_READ_FIRST = frozenset({"applet", "iframe", "legend", "marquee", "math", "object"})
"""Those in which, or around which, a parser reads otherwise than in what they are read as. The others are renamed after
it has read them."""

_OTHER = re.compile(
    rf"<(/?)({'|'.join(sorted(_READ_AS, key=len, reverse=True))}|m(?!ap|ark|eta|eter)[a-z]+|semantics)(?=[\s/>])",
    re.IGNORECASE,
)
_STRAY = re.compile(r"<(?:[mM](?!ain|ap|ark|enu|eta|eter)[a-zA-Z]|semantics[\s/>])")
"""Parts of formulas, which may stand outside of one."""
_MARK = "\0"  # which a parser of HTML lets through nowhere
_KEPT, _LATER, _FIRST = (f' data-mark="{_MARK}{when}"' for when in ("", "later", "first"))
_EMPTY_FRAME = f"<iframe{_FIRST}></iframe>"
_READ_LATER = re.compile(rf"<(/?)({'|'.join(sorted(_READ_AS.keys() - _READ_FIRST))})(?=[ >])")
_NESTED_HEADING = re.compile(r"<h[1-6](?: [^<>]*)?>(?:[^<]++|<(?!/?h[1-6]))*+<h[1-6]")
_ITEM = re.compile(r"<(?:li|d[dt])[ >]")
_ITEM_IN_PLACE = re.compile(r"(?:<[uod]l(?: [^<>]*)?>|</(?:li|d[dt])>)\s*+<(?:li|d[dt])[ >]")

_GLUED = re.compile(r"</span>(?<=[a-z]</span>)<span(?=[^<>]*>[A-Z])")
"""Names that only a style sheet sets apart; code and drop caps, which are one word, change in no such way."""
_WORDS_IN_SPAN = re.compile(r'<span(?<![<&/-]<span)(?: [a-z-]+="[^"<>&]*")+>([^<&]++)</span>(?<!-</span>)')
"""Code in colours is made of these by the hundred, and nothing is kept of one but its words. None whose words would
make a tag, a reference or a comment's end with what stands beside it."""
_ANOTHER_REALM = re.compile("<(?:svg|math|table)", re.IGNORECASE)  # where a span is more than its words

_PLAIN_PATH = "A-Za-z0-9_~!$()*+,;=:@"
_ESCAPED = "%[0-9A-F]{2}|&amp;"
_ORDINARY_LINK = (
    r'a href="(?=[^"]{1,1900}")https?://(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,63}'
    rf"(?:(?:/(?:[{_PLAIN_PATH}-]|{_ESCAPED})(?:[{_PLAIN_PATH}.-]++|{_ESCAPED})*+)++/?|/)"
    rf"(?:\?(?:[{_PLAIN_PATH}./?-]++|{_ESCAPED})*+)?(?:\#(?:[{_PLAIN_PATH}./?-]++|{_ESCAPED})++)?"
    rf'" rel="{LINK_REL}">'
)
_ATTRIBUTED = re.compile(rf'<(?=[a-z0-9]++ )(?!{_ORDINARY_LINK})([a-z][a-z0-9]*)((?: [a-z]+="[^"]*")+)>')
"""A tag with attributes to be checked: all but a link as ``kit.urls`` writes it itself."""
_ATTRIBUTE = re.compile(r' ([a-z]+)="([^"]*)"')
_CONTROLS = bytes(0 if code == 127 or (code < 32 and code not in b"\t\n\r") else code for code in range(256))
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_PRE_BREAKS = re.compile(rf'(<pre(?: [a-z]+="[^"]*")*>)(?:\n|{_CONTROL.pattern})+')
_SPECIAL = re.compile("[<>&\xa0\r]")
_LINK_TAG = re.compile("(<a(?: [^>]*)?>|</a>)")
_MAIL = re.compile(r"mailto:[^\s<>\"'\\]{1,500}", re.IGNORECASE)
_STEPS = re.compile("<(?!br>|hr>|wbr>)/?")
_STEP = {"<": 1, "</": -1}
_SENSIBLE = {
    "dir": re.compile(r"ltr|rtl|auto"),
    "lang": re.compile(r"[A-Za-z0-9-]{1,35}"),
    "datetime": re.compile(r"[0-9A-Za-z:+. -]{1,40}"),
    "start": re.compile(r"-?[0-9]{1,6}"),
    "colspan": re.compile(r"[0-9]{1,3}"),
    "rowspan": re.compile(r"[0-9]{1,3}"),
}


def _cleaner(others: Collection[str]) -> nh3.Cleaner:
    """One that keeps these elements as well; they are marked, and so is what may read otherwise again."""
    marks = dict.fromkeys(("pre", "table"), "") | {name: "first" if name in _READ_FIRST else "later" for name in others}
    return nh3.Cleaner(
        tags={*_TAGS, *others},
        clean_content_tags=set(_DROPPED_WHOLE.difference(others)),
        attributes=_ATTRIBUTES,
        set_tag_attribute_values={name: {"data-mark": _MARK + when} for name, when in marks.items()},
        link_rel=LINK_REL,
        url_schemes={"http", "https", "mailto"},
    )


_STRICT = _cleaner(())
_LOOKING = _cleaner(_READ_AS)  # what it keeps is used only where none of these was to be read as another first


def sanitise(markup: str, base: str = "") -> str:
    """Safe markup for the same text; relative links are resolved against ``base``.

    Markup that is too long is cut, and what is nested too deep is kept as text only. Sanitising twice changes nothing.
    """
    markup = markup[:MAX_BODY]
    if not _SPECIAL.search(markup):
        return _without_controls(markup).strip()  # nothing but words
    if spans := markup.count("</span>"):
        markup = _with_fewer_spans(markup, spans)
    try:
        cleaned = _without_controls(_cleaned(markup))
    except UnicodeEncodeError:  # half a pair
        cleaned = _without_controls(_cleaned(_CONTROL.sub("", markup)))
    cleaned = _ATTRIBUTED.sub(lambda tag: _checked(tag, base), cleaned)
    if f'<a rel="{LINK_REL}">' in cleaned:
        cleaned = _settled(_without_empty_links(cleaned))
    return cleaned.strip()


def _with_fewer_spans(markup: str, spans: int) -> str:
    """Spaces set apart what only spans did; many spans that hold words alone are replaced by these."""
    if "</span><span" in markup:
        markup = _GLUED.sub("</span> <span", markup)
    if spans < MANY_SPANS or _ANOTHER_REALM.search(markup):
        return markup
    return "".join(_WORDS_IN_SPAN.split(markup))


def _cleaned(markup: str) -> str:
    """The markup with safe tags only, nested no deeper than is kept."""
    brackets = markup.count("<")
    if brackets > FEW and may_explode(markup):
        return _as_text(markup)
    cleaned = _LOOKING.clean(markup)
    if _MARK in cleaned:
        cleaned = _settled(_renamed(markup, cleaned))
    elif _NESTED_HEADING.search(cleaned):
        cleaned = _settled(cleaned)
    if brackets > MAX_DEPTH // 2 and _depth(cleaned) > MAX_DEPTH:  # a tag may imply another, as cells their row
        return _as_text(cleaned)
    return cleaned


def _renamed(markup: str, cleaned: str) -> str:
    """What was kept for its mark, as the elements that it is read as; without the marks."""
    cleaned = cleaned.replace(_EMPTY_FRAME, "")
    if _FIRST in cleaned or (_LATER in cleaned and _STRAY.search(markup)):
        return _STRICT.clean(_OTHER.sub(_read_as, markup)).replace(_KEPT, "")
    if _LATER in cleaned:
        cleaned = _READ_LATER.sub(_read_as, cleaned).replace(_LATER, "")
        if len(_ITEM.findall(cleaned)) > len(_ITEM_IN_PLACE.findall(cleaned)):  # plain blocks don't keep items apart
            cleaned = _STRICT.clean(cleaned)
    return cleaned.replace(_KEPT, "")


def _read_as(tag: re.Match[str]) -> str:
    return f"<{tag[1]}{_READ_AS.get(tag[2].lower(), 'unknown')}"


def _settled(cleaned: str) -> str:
    """What reads the same again: text as written loses its first line break, tables and headings what can't be in them.

    Nearly always that is so at once.
    """
    for _ in range(MOST_READINGS):
        cleaned = before = _PRE_BREAKS.sub(r"\1", cleaned)
        if "<table" in cleaned or _NESTED_HEADING.search(cleaned):
            cleaned = _STRICT.clean(cleaned).replace(_KEPT, "")
        if cleaned == before:
            return cleaned
    return _as_text(cleaned)


def _as_text(markup: str) -> str:
    return f"<p>{html.escape(plain(markup), quote=False)}</p>"


def _without_controls(markup: str) -> str:
    """Most markup has none, and bytes are looked through faster than text."""
    try:
        data = markup.encode().translate(_CONTROLS)
    except UnicodeEncodeError:  # half a pair
        return _CONTROL.sub("", markup)
    if b"\0" in data or "\ufffe" in markup or "\uffff" in markup:
        return _CONTROL.sub("", markup)
    return markup


def _without_empty_links(cleaned: str) -> str:
    """Links that lead nowhere leave their words; in a table there may be a link inside a link."""
    parts: list[str] = []
    kept: list[bool] = []
    for number, piece in enumerate(_LINK_TAG.split(cleaned)):
        keep = True
        if number % 2 and piece == "</a>":
            keep = kept.pop()
        elif number % 2:
            keep = " href=" in piece
            kept.append(keep)
        if keep:
            parts.append(piece)
    return "".join(parts)


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


def _depth(cleaned: str) -> int:
    """How deep elements nest in what nh3 wrote, where all but a few have an end tag; 0 for a few elements."""
    if cleaned.count("<") <= 2 * MAX_DEPTH:
        return 0
    return max(accumulate(map(_STEP.__getitem__, _STEPS.findall(cleaned))))
