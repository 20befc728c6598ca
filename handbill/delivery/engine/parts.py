"""Take a mail that came back apart: what it says for people, its reports for machines, the letter it returns. Pure.

A stranger's bytes: read no further than a megabyte, in no more than fifty parts. Mails that break the rules of MIME are
read as text, for many reports do: a report's fields count wherever they stand. Source: RFC 2045, 2046, 3462, 6533.
"""

from __future__ import annotations

import re
from base64 import b64decode
from codecs import lookup
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser

from handbill.kit.text import plain

MAX_BYTES = 1024 * 1024  # what a mail system says stands before the letter it returns
MAX_PARTS = 50
MAX_BLOCKS = 200  # of fields in one report
MAX_TEXT = 200_000  # characters of one part

_SLOW = frozenset({"idna", "punycode"})  # for host names: their time grows with the square of the text
_RETURNED = frozenset({"message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"})
_REPORTS = frozenset({"message/delivery-status", "message/global-delivery-status", "message/xdelivery-status"})
_BASE64 = re.compile(r"\A[A-Za-z0-9+/=\s]{16,}\Z")
_BEGINS_LETTER = re.compile(
    r"^[ \t>]*(-+ ?[^\n]{0,40}(copy of (the|your) message|original message|returned message|enclosed is|unsent message"
    r"|header of the original|original mail info|message header|rejected message|forwarded message|undelivered message"
    r"|text of (the|your) message)"
    r"|(original|returned|the) message (headers? )?(follows|headers:|below)|message headers follow"
    r"|original mail as follows|below is a copy of the original|[^\n]{0,20}original message headers?:"
    r"|received: ?from [^\n]*|return-path: ?<[^\n]*|received:from [^\n]*|en-tête|message d'origine)",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Mail:
    """``headers`` by name in small letters, decoded, each name's first. ``text`` is what it says for people, without
    the returned letter; ``reports`` the text of each report for machines; ``complaints`` that of each report of abuse;
    ``returned`` the beginning of the returned letter, its headers above all.
    """

    headers: dict[str, str]
    kind: str = "text/plain"
    report_type: str = ""
    text: str = ""
    reports: tuple[str, ...] = ()
    complaints: tuple[str, ...] = ()
    returned: str = ""


@dataclass(slots=True)
class _Heap:
    texts: list[str] = field(default_factory=list)
    markup: list[str] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)


def read_mail(data: bytes) -> Mail:
    """The mail in any bytes at all; never raises."""
    data = data[:MAX_BYTES].lstrip(b"\r\n\t ")
    try:
        message = message_from_bytes(data, policy=policy.compat32)
        heap = _sorted(message)
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError, HeaderParseError):
        message = BytesHeaderParser(policy=policy.compat32).parsebytes(data)
        heap = _Heap(texts=[_text_of(data, "utf-8")])
    text, tail = _cut("\n\n".join(heap.texts) or "\n\n".join(plain(markup) for markup in heap.markup))
    return Mail(
        headers_of(message),
        message.get_content_type(),
        _parameter(message, "report-type"),
        text,
        tuple(heap.reports),
        tuple(heap.complaints),
        "\n\n".join([*heap.returned, tail])[:MAX_TEXT],
    )


def headers_of(message: Message) -> dict[str, str]:
    """The first header of each name, unfolded and decoded."""
    found: dict[str, str] = {}
    for name, value in message.raw_items():
        if name.lower() not in found:
            bare = _text_of(str(value).encode("utf-8", "surrogateescape"), "utf-8")
            found[name.lower()] = " ".join(decoded(bare).split())
    return found


def decoded(value: str) -> str:
    """A header's value with its encoded words read (RFC 2047), as far as they can be."""
    if "=?" not in value:
        return value
    try:
        pieces = decode_header(value)
    except (HeaderParseError, ValueError):
        return value
    return "".join(p if isinstance(p, str) else _text_of(p, charset or "ascii") for p, charset in pieces)


def _sorted(message: Message) -> _Heap:
    """The parts by what they are for, in order. A letter that is returned is not looked into."""
    heap, waiting, seen = _Heap(), [message], 0
    while waiting and seen < MAX_PARTS:
        part, seen = waiting.pop(), seen + 1
        kind = part.get_content_type()
        if kind in _REPORTS:
            heap.reports.append(_fields_text(part))
        elif kind == "message/feedback-report":
            heap.complaints.append(_fields_text(part))
        elif kind in _RETURNED and (inner := _passed_on(part)) and not heap.reports:
            waiting.append(inner)
        elif kind in _RETURNED and part is not message:
            heap.returned.append(_fields_text(part))
        elif part.is_multipart() and isinstance(part.get_payload(), list):
            waiting += reversed(part.get_payload())  # type: ignore[arg-type]
        elif kind == "text/html":
            heap.markup.append(_body(part))
        elif part is message or part.get_content_maintype() == "text":
            heap.texts.append(_body(part))
    return heap


def _passed_on(part: Message) -> Message | None:
    """The report in a part that holds a whole mail: some gateways wrap what they pass on."""
    payload = part.get_payload()
    inner = payload[0] if isinstance(payload, list) and payload else None
    is_report = isinstance(inner, Message) and inner.get_content_type() == "multipart/report"
    return inner if is_report else None  # type: ignore[return-value]


def _fields_text(part: Message) -> str:
    """The text of a part that holds headers: the parser made messages of them."""
    payload = part.get_payload()
    if not isinstance(payload, list):
        return _body(part)
    blocks = []
    for block in (one for one in payload[:MAX_BLOCKS] if isinstance(one, Message)):
        lines = [f"{name}: {decoded(str(value))}" for name, value in block.items()]
        rest = block.get_payload()
        if isinstance(rest, list):
            inner = [one for one in rest[:3] if isinstance(one, Message) and not one.is_multipart()]
            rest = "\n\n".join(map(_body, inner))
        blocks.append("\n".join(lines) + "\n\n" + (_unpacked(part, str(rest)) if rest else ""))
    return "\n\n".join(blocks)[:MAX_TEXT]


def _unpacked(part: Message, text: str) -> str:
    """Some pack a report in base64, which its type forbids, so that the parser leaves it (RFC 6533 allows it)."""
    if "base64" in str(part.get("content-transfer-encoding", "")).lower() and _BASE64.match(text):
        try:
            return _text_of(b64decode(text), "utf-8")
        except ValueError:
            return text
    return text


def _body(part: Message) -> str:
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""  # a part made of parts says nothing itself
    return _text_of(data, _parameter(part, "charset") or "utf-8")


def _text_of(data: bytes, charset: str) -> str:
    """Text in a charset that was claimed, or in the likeliest that fits."""
    data = data[: 4 * MAX_TEXT]
    for name in (charset, "utf-8"):
        try:
            if lookup(name)._is_text_encoding and name.lower() not in ("idna", "punycode"):
                return data.decode(name).replace("\r\n", "\n")[:MAX_TEXT]
        except (LookupError, ValueError):
            continue
    return data.decode("latin-1").replace("\r\n", "\n")[:MAX_TEXT]


def _parameter(message: Message, name: str) -> str:
    """A parameter of the content type in small letters, or ""."""
    value = message.get_param(name)
    return (value[2] if isinstance(value, tuple) else str(value or "")).strip().lower()


def _cut(text: str) -> tuple[str, str]:
    """What a text says, and from where on it is the returned letter."""
    match = _BEGINS_LETTER.search(text)
    return (text[: match.start()], text[match.start() :]) if match else (text, "")
