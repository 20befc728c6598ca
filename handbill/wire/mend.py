"""Turn a feed's bytes into text that a parser can trust: decode, cut off junk, repair the usual faults. Pure.

What is repaired is what outlets get wrong most: encodings that aren't what they say, output before the document, HTML
entities and bare ampersands in XML, control characters, and a document that breaks off.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from html.entities import html5

import charset_normalizer

from handbill.wire.errors import FeedError

DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'
HEAD = 65_536  # how far into the text the document may begin
ROOTS = frozenset({"rss", "rdf", "feed", "channel", "urlset", "sitemapindex"})

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE = ((b"<\0\0\0", "utf-32-le"), (b"\0\0\0<", "utf-32-be"), (b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))
_MARKUP_BYTES = re.compile(rb"<[^<>]*>")
_LATIN = re.compile(rb"[A-Za-z]+")
_HIGH = bytes(range(0x80, 0x100))
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._:-]{1,40})[\"']", re.IGNORECASE)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_AS_WRITTEN = {"iso-8859-1": "cp1252", "latin-1": "cp1252", "us-ascii": "cp1252", "gb2312": "gb18030"}
_NO_CHARSETS = frozenset({"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})
_AS_ASCII = frozenset({"", "utf-8", "utf8", "us-ascii", "iso-8859-1", "windows-1252"})
_PLAIN_START = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:(?:<\?[^<>]{0,500}\?>|<!--(?:[^-]|-[^-]){0,4000}-->)\s{0,1000}+){0,20}<[A-Za-z_]"
)
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_CONTROLS = bytes({*range(32), 127} - {9, 10, 13})
_NEVER_WRITTEN = bytes({*range(32)} - {9, 10, 12, 13, 14, 15, 27})  # ISO-2022 shifts by the last three
MOST_CONTROLS = 0.02  # of the bytes; what is packed or a picture has a tenth
_ROOT = re.compile(r"<(?:[A-Za-z_][\w.-]{0,40}:)?(rss|rdf|feed|channel|urlset|sitemapindex)[\s>]", re.IGNORECASE)
_NAME = re.compile(r"<((?:[A-Za-z_][\w.-]{0,40}:)?([A-Za-z_][\w.-]{0,40}))")
_WHOLE_ENTRY = re.compile(r"</(?:[A-Za-z_][\w.-]{0,40}:)?(?:item|entry)\s*>", re.IGNORECASE)
_AMPERSAND = re.compile(r"&(?:(#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{0,31});)?")
_CODES = re.compile(rb"\xc2[\x80-\x9f]")  # U+0080 to U+009F; bytes are looked through faster than text
_C1 = {code: bytes([code]).decode("cp1252", "ignore") for code in range(0x80, 0xA0)}
_XML_NAMES = {"amp": "&#38;", "lt": "&#60;", "gt": "&#62;", "quot": "&#34;", "apos": "&#39;"}
"""As numbers: a forgiving parser loses the names after the first fault."""


@dataclass(frozen=True, slots=True)
class Document:
    """A feed's XML as text: declaration, then ``<root`` (its name as written), without a DOCTYPE."""

    text: str
    root: str
    truncated: bool


def decode(data: bytes, content_type: str = "") -> str:
    """The text of ``data`` without junk before it or characters XML forbids.

    A byte order mark decides; then what is UTF-8 throughout is UTF-8 whatever it says; then the declaration, then the
    header, then windows-1252. Raises FeedError when there is no text at all.
    """
    text = _decoded(data, content_type)
    if len(data) != len(data.translate(None, _CONTROLS)) or b"\xef\xbf" in data:  # faster than to look through text
        text = _NO_TEXT.sub("", text)
    text = text.lstrip("\ufeff \t\r\n")
    if not text or text.isspace():
        raise FeedError("This address gives nothing at all: the answer is empty. It may be mended soon.")
    return text


def is_text(data: bytes) -> bool:
    """Whether the bytes can be a text in some encoding, by how they begin: a picture or an archive can't."""
    head = data[:HEAD]
    if head.startswith(tuple(mark for mark, _ in (*_BOMS, *_WIDE))):
        return True
    return len(head) - len(head.translate(None, _NEVER_WRITTEN)) <= MOST_CONTROLS * len(head)


def needs_mending(data: bytes, content_type: str = "") -> bool:
    """Whether a parser of XML can't be given ``data`` as it is, in UTF-8: by its encoding, or by what it begins with.

    What comes before the root may be a declaration, instructions and comments, but no DOCTYPE. All other faults (bytes
    that aren't UTF-8, characters XML forbids, entities, a document that breaks off) a strict parser tells itself.
    """
    return not _PLAIN_START.match(data) or b"\x7f" in data or not _AS_ASCII.issuperset(_names(data, content_type))


def right_text(text: str) -> str:
    """The text with two common faults undone: UTF-8 that was read as Latin-1 before, and windows-1252's own codes."""
    if text.isascii() or not ("Ã" in text or "Â" in text or _CODES.search(text.encode("utf-8", "replace"))):
        return text
    try:
        return text.encode("iso-8859-1").decode("utf-8")
    except UnicodeError:
        return text.translate(_C1)


def prepare(text: str) -> Document:
    """Find the feed in ``text``. Raises FeedError when it is a web page or anything else but a feed."""
    start = _feed_start(text)
    name = _NAME.match(text, start)
    root = name.group(1) if name else ""
    body = text[start:]
    end = body.rfind(f"</{root}")
    end = body.rfind(f"</{root.upper()}") if end < 0 else end
    close = re.compile(r"\s*>").match(body, end + len(root) + 2) if end >= 0 else None
    closed = close is not None
    if close:
        body = body[: close.end()]  # what outlets print after the document is no part of it
    return Document(DECLARATION + body, root, not closed)


def mend_syntax(document: Document) -> str:
    """Repair entities and ampersands outside of CDATA, and close a document that breaks off after its last whole entry.

    Raises FeedError when it breaks off before the end of the first.
    """
    text = whole_entries(document) if document.truncated else document.text
    parts: list[str] = []
    position = 0
    while (start := text.find("<![CDATA[", position)) >= 0 and (end := text.find("]]>", start)) >= 0:
        parts += [_AMPERSAND.sub(_entity, text[position:start]), text[start : end + 3]]
        position = end + 3
    return "".join(parts) + _AMPERSAND.sub(_entity, text[position:])


def whole_entries(document: Document, most: int | None = None) -> str:
    """The document, at most its first ``most`` characters, closed after its last whole entry.

    Raises FeedError when not one is whole.
    """
    text = document.text[:most]
    ends = [match.end() for match in _WHOLE_ENTRY.finditer(text)]
    if not ends:
        raise FeedError("This feed breaks off before the end of its first entry. It may be mended soon.")
    closing = "</channel>" if document.root.lower() == "rss" else ""
    return f"{text[: ends[-1]]}{closing}</{document.root}>"


def _decoded(data: bytes, content_type: str) -> str:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    stripped = data.lstrip(b" \t\r\n")
    for start, encoding in _WIDE:
        if stripped.startswith(start):
            return stripped.decode(encoding, "replace")
    names = _names(data, content_type)
    if not data.isascii() and (text := _utf8(data)) is not None:
        return text
    for name in names:
        if (text := _as(data, name)) is not None:
            return text
    if "utf-8" in names or "utf8" in names:
        return _mixed(data)
    return data.decode(_guessed(data), "replace")


def _names(data: bytes, content_type: str) -> list[str]:
    """The encodings that declaration and header name, in lower case, "" for none."""
    declared = _DECLARED.search(data[:1024])
    header = _CHARSET.search(content_type)
    return [declared.group(1).decode().lower() if declared else "", header.group(1).lower() if header else ""]


def _guessed(data: bytes) -> str:
    """The encoding nobody named: windows-1252 where most letters are Latin, else what its letters look like."""
    words = _MARKUP_BYTES.sub(b" ", data[:HEAD])
    high = len(words) - len(words.translate(None, _HIGH))
    if high * 3 < sum(map(len, _LATIN.findall(words))):
        return "cp1252"
    found = charset_normalizer.from_bytes(words).best()
    return found.encoding if found else "cp1252"


def _mixed(data: bytes) -> str:
    """Bytes that are called UTF-8 and aren't throughout: a few bad ones are lost, many mean that it is windows-1252."""
    text = data.decode("utf-8", "replace")
    lost = text.count("\ufffd")
    good = sum(1 for c in text if c > "\x7f") - lost
    return text if good > lost else data.decode(_guessed(data), "replace")


def _utf8(data: bytes) -> str | None:
    """The text when it is UTF-8 throughout; the last character may be broken off."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data":
            return None
        return data[: error.start].decode()


def _as(data: bytes, name: str) -> str | None:
    encoding = _AS_WRITTEN.get(name, name)
    if not encoding or encoding.startswith(("utf-8", "utf8", "utf-16", "utf-32", "utf-7", "ucs")):
        return None
    try:
        known = codecs.lookup(encoding).name
        return None if known.replace("-", "_") in _NO_CHARSETS else data.decode(known, "replace")
    except (LookupError, ValueError):
        return None


def _feed_start(text: str) -> int:
    """Where the root element begins, past declaration, comments, DOCTYPE and whatever the server printed first."""
    start, name = _first_element(text)
    if name.rpartition(":")[2].lower() in ROOTS:
        return start
    found = _ROOT.search(text, 0, HEAD)
    if name.lower() not in ("html", "head", "body") and "<!doctype html" not in text[:1024].lower() and found:
        return found.start()
    raise _no_feed(text, name.lower())


def _no_feed(text: str, name: str) -> FeedError:
    head = text[:4096].lower()
    if name in ("html", "head", "body", "div", "script", "meta", "title", "p", "br", "h1") or "<!doctype html" in head:
        return FeedError("This address gives a web page, not a feed. Look for the outlet's feed address on that page.")
    if name == "opml":
        return FeedError("This address gives a list of feeds (OPML), not a feed. Import it as a list instead.")
    if name:
        return FeedError(f"This address gives XML of another kind (<{name[:40]}>), not a feed. Check the address.")
    return FeedError("This address gives something else than a feed. Look for the outlet's feed address.")


def _first_element(text: str) -> tuple[int, str]:
    position = text.find("<")
    while 0 <= position < HEAD:
        if text.startswith("<!--", position):
            end = text.find("-->", position) + 3
        elif text.startswith("<?", position):
            end = text.find(">", position) + 1
        elif text.startswith("<!", position):
            end = _doctype_end(text, position)
        else:
            found = _NAME.match(text, position)
            return (position, found.group(1)) if found else (position, "")
        if end <= position:
            break
        position = text.find("<", end)
    return -1, ""


def _doctype_end(text: str, position: int) -> int:
    """Past the whole declaration: an internal subset's own ``>`` doesn't end it."""
    close = text.find(">", position)
    bracket = text.find("[", position, max(close, position))
    if bracket >= 0:
        inner = text.find("]", bracket)
        close = text.find(">", inner) if inner >= 0 else -1
    return close + 1


def _entity(match: re.Match[str]) -> str:
    name = match.group(1)
    if name is None:
        return "&#38;"
    if name in _XML_NAMES:
        return _XML_NAMES[name]
    if name.startswith("#"):
        code = int(name[2:], 16) if name[1] in "xX" else int(name[1:])
        good = code in (9, 10, 13) or 32 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code < 0x110000
        return match.group() if good else ""
    known = html5.get(f"{name};")
    return known.replace("&", "&#38;").replace("<", "&#60;") if known else f"&#38;{name};"
