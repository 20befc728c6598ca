"""Text from outside made safe and cut sensibly: plain text, words, slugs, direction. Pure.

Every function takes any text at all and answers in time that grows with its length; none raises.
"""

# ruff: noqa: SIM905 -- long lists of words are read, and mended, as words.

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator

from lxml import etree

_HIDDEN = frozenset({"script", "style", "template", "noscript", "iframe", "svg", "math", "select", "textarea"})
_PARAGRAPHS = frozenset(
    "address article aside blockquote body dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4"
    " h5 h6 header hr main nav ol p pre section summary table title ul".split()
)
_LINES = frozenset({"br", "li", "tr", "option", "caption"})
_CELLS = frozenset({"td", "th"})
_MARKUP = re.compile(r"[<&]")

# Not for print: controls, byte order marks, invisible joins, bidi overrides and isolates, half pairs, non-characters.
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u200b\u202a-\u202e\u2060-\u206f\ufdd0-\ufdef\ufeff\ufff9-\ufffc\ufffe\uffff\ud800-\udfff]"
)
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SPACE = re.compile(r"\s+")
_MANY_BREAKS = re.compile(r"\n{3,}")


class _Collector:
    """A parser target that keeps the text and forgets the tree, so that nesting costs nothing."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.hidden = 0

    def start(self, tag: str, attrib: object) -> None:
        self._edge(tag)
        if tag in _LINES:
            self.parts.append("\n")
        self.hidden += tag in _HIDDEN

    def end(self, tag: str) -> None:
        self.hidden = max(0, self.hidden - (tag in _HIDDEN))
        self._edge(tag)

    def data(self, text: str) -> None:
        if not self.hidden:
            self.parts.append(_SPACE.sub(" ", text))

    def comment(self, text: str) -> None:
        """Comments are not text."""

    def pi(self, target: str, text: str | None = None) -> None:
        """Nor are processing instructions."""

    def close(self) -> str:
        return "".join(self.parts)

    def _edge(self, tag: str) -> None:
        if tag in _PARAGRAPHS:
            self.parts.append("\n\n")
        elif tag in _CELLS:
            self.parts.append(" ")


def plain(html: str) -> str:
    """The text of an HTML fragment: entities resolved, no markup, script or style, no control characters.

    Paragraphs, headings and other blocks are set apart by an empty line, line breaks and list items by a new line;
    all other white space is folded. Text without markup keeps its own lines.
    """
    if not _MARKUP.search(html):
        return _tidy(html.replace("\r\n", "\n").replace("\r", "\n"))
    data = html.replace("<![CDATA[", "").replace("]]>", "").replace("\0", "").encode("utf-8", "ignore")
    collector = _Collector()
    parser = etree.HTMLParser(target=collector, encoding="utf-8", recover=True, huge_tree=True, no_network=True)
    try:
        text = etree.fromstring(b"<div>" + data, parser)
    except (etree.LxmlError, ValueError):
        text = "".join(collector.parts)
    return _tidy(str(text))


_BREAKS_AT = {
    **dict.fromkeys((*_PARAGRAPHS, *(f"/{name}" for name in _PARAGRAPHS)), "\n\n"),
    **dict.fromkeys(_LINES, "\n"),
    **dict.fromkeys((*_CELLS, *(f"/{name}" for name in _CELLS)), " "),
}


def plain_of_safe(markup: str) -> str:
    """What ``plain`` gives, for markup that ``wire.sanitise`` wrote, in a part of the time."""
    if not _MARKUP.search(markup):
        return plain(markup)
    first, *rest = " ".join(markup.split()).split("<")
    parts = [first]
    for piece in rest:
        tag, _, text = piece.partition(">")
        parts.append(_BREAKS_AT.get(tag.partition(" ")[0] if " " in tag else tag, ""))
        parts.append(text)
    text = "".join(parts)
    if "&" in text:
        text = text.replace("&nbsp;", " ").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return _tidy(text)


def _tidy(text: str) -> str:
    if not text.replace("\n", " ").isprintable() or "\ufffc" in text:  # most text has none of the unwanted
        text = _UNWANTED.sub("", text)
    lines = [" ".join(line.split()) for line in unicodedata.normalize("NFC", text).split("\n")]
    return _MANY_BREAKS.sub("\n\n", "\n".join(lines)).strip()


def clean(text: str) -> str:
    """One line of honest text: NFC, white space folded, without controls, bidi overrides and other invisible marks."""
    if not text.isprintable() or "\ufffc" in text:
        text = " ".join(_UNWANTED.sub("", text).split())
    elif "  " in text:
        text = " ".join(text.split())
    text = text.strip()
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def shorten(text: str, limit: int) -> str:
    """``text`` in at most ``limit`` characters, cut after a whole word and marked with an ellipsis."""
    text = clean(text)
    if len(text) <= limit:
        return text
    head, _, _ = text[:limit].rpartition(" ")
    head = head if len(head) * 2 >= limit else text[: limit - 1]
    return (head.rstrip(" ,;:–—-") + "…")[: max(limit, 0)]


def xml_text(text: str) -> str:
    """``text`` without what XML 1.0 can't hold (control characters, halves of pairs)."""
    return _NOT_XML.sub("", text)


# Scripts that set no spaces between words: CJK, kana, Thai, Lao, Burmese, Khmer, and the rarer ideographs.
_UNSPACED = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0eff\u1000-\u109f\u1780-\u17ff"
    "\u3041-\u3096\u30a1-\u30fa\u30fc\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
)


def _ranges(first: int, last: int, categories: frozenset[str]) -> Iterator[str]:
    start = None
    for code in range(first, last + 2):
        inside = code <= last and unicodedata.category(chr(code)) in categories
        if inside and start is None:
            start = code
        elif not inside and start is not None:
            yield f"{chr(start)}-{chr(code - 1)}"
            start = None


_MARKS = "".join(_ranges(0x300, 0xABFF, frozenset({"Mn", "Mc"}))) + "\u200c\u200d"
_WORD = re.compile(rf"[^\W_](?:[^\W_]|[{_MARKS}])*(?:['’][^\W_](?:[^\W_]|[{_MARKS}])*)*")
_ODD = re.compile("[^\x00-\u02ff\u0370-\u0482\u048a-\u0557\u1e00-\u1fff\u2010-\u206f]")  # most text has none
_PLAIN_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")  # what _WORD finds where there are neither marks nor joins
_RUN = re.compile(rf"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_UNSPACED_CHARACTER = re.compile(rf"[{_UNSPACED}]")


def words(text: str) -> list[str]:
    """The words of ``text`` in order, case folded, without punctuation; a curly apostrophe becomes a straight one.

    A script that sets no spaces (Chinese, Japanese, Thai) gives overlapping pairs of characters instead.
    """
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    if not _UNSPACED_CHARACTER.search(folded):
        return _WORD.findall(folded)
    found: list[str] = []
    for token in _WORD.findall(folded):
        if not _UNSPACED_CHARACTER.search(token):
            found.append(token)
            continue
        for run in _RUN.findall(token):
            found.extend(_pairs(run) if _UNSPACED_CHARACTER.match(run) else [run])
    return found


def _pairs(run: str) -> list[str]:
    return [run] if len(run) < 3 else [run[i : i + 2] for i in range(len(run) - 1)]


def word_count(text: str) -> int:
    """How long ``text`` reads, in words; two characters of a script without spaces count as one."""
    if not _ODD.search(text):
        return len(_PLAIN_WORD.findall(text))
    unspaced = len(_UNSPACED_CHARACTER.findall(text))
    return len(_WORD.findall(_UNSPACED_CHARACTER.sub(" ", text))) + (unspaced + 1) // 2


_TOKEN = re.compile(rf"\s+|[{_UNSPACED}][{_MARKS}]*|(?:[^\W{_UNSPACED}]|[{_MARKS}])+|.[{_MARKS}\ufe0f]*", re.DOTALL)


def tokens(text: str) -> list[str]:
    """The smallest pieces worth comparing: words, white space, marks, and single characters of a script without spaces.

    Joined they are ``text``. No piece but the first begins with a mark that belongs to the letter before it.
    """
    return _TOKEN.findall(text)


_NO_SLUG = re.compile(r"[^\w]+|_+")
_SLUG_BYTES = 200


def slugify(text: str, limit: int = 80) -> str:
    """A name for an address: letters and digits of any script, case folded, joined by hyphens.

    At most ``limit`` characters and 200 bytes, so that it fits a file's name. Text without letters gives a short hash:
    never empty, and the same text gives the same slug.
    """
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text).casefold())
    folded = "".join(c for c in folded if c.isalnum() or not unicodedata.category(c).startswith("M"))
    slug = _cut_slug(_NO_SLUG.sub("-", folded.replace("'", "").replace("’", "")).strip("-"), limit)
    return slug or f"x{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:11]}"[: max(limit, 1)]


def _cut_slug(slug: str, limit: int) -> str:
    cut = slug.encode("utf-8", "ignore")[:_SLUG_BYTES].decode("utf-8", "ignore")[:limit]
    if len(cut) < len(slug) and slug[len(cut)] != "-" and cut.rfind("-") * 2 > len(cut):
        cut = cut[: cut.rfind("-")]
    return cut.strip("-")


_RIGHT_TO_LEFT = frozenset(
    "ar arc arz ary apc acm aeb ars azb bal bgn ckb dv fa glk he iw ji lrc mzn nqo pnb prs ps sd sdh skr syr ug ur"
    " yi".split()
)
_RIGHT_TO_LEFT_SCRIPTS = frozenset({"arab", "hebr", "syrc", "thaa", "nkoo", "adlm", "rohg", "aran"})


def language_direction(code: str) -> str:
    """ "rtl" or "ltr" for a language code such as "ar", "fa-IR" or "az-Arab"; a script subtag decides."""
    parts = code.casefold().replace("_", "-").split("-")
    scripts = [part for part in parts[1:] if len(part) == 4 and part.isalpha()]
    if scripts:
        return "rtl" if scripts[0] in _RIGHT_TO_LEFT_SCRIPTS else "ltr"
    return "rtl" if parts[0] in _RIGHT_TO_LEFT else "ltr"
