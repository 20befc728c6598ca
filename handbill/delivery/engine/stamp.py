"""Compile a letter to MIME once, then stamp each recipient's copy by setting bytes between bytes.

The body is multipart/alternative (text, then HTML), UTF-8 in quoted-printable (RFC 2045 6.7), CRLF, lines of at most
76 characters. Text and HTML are joined from *pieces*, each encoded once for all letters that carry it: a piece begins
on a line of its own and ends with a line break, a soft one where the text has none, so what is joined reads like what
was encoded whole. Every slot stands between soft line breaks, too, so no encoding can split it and a token of any
length is wrapped in its turn. No line starts with a dot (it is written as ``=2E``), so there is nothing to stuff.
Nothing a writer typed can start a header: subject and sender pass through the email package on one line. Bytes depend
only on the arguments: a copy sent again is the same.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from email import quoprimime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from typing import NamedTuple

from handbill.delivery.records import READER_SLOT
from handbill.kit.errors import GiveUp

LONGEST_LINE = 76  # of a quoted-printable body; the hard limit of RFC 5322 is 998
LONGEST_HEADER = 998
_SLOT = READER_SLOT.encode()
_FIRST_DOT = re.compile(r"^\.", re.MULTILINE)
_ONE_CLICK = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
_SOFT_BREAK = "=\r\n"
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_PRINTABLE_ASCII = re.compile(r"[!-~]+")


class StampError(GiveUp):
    """The letter can't be made into a mail: its sender or its unsubscribe address is no such thing."""


class Template(NamedTuple):
    """Compiled bytes in the order they are sent; empty at each of ``slots``, where a reader's token goes."""

    parts: Sequence[bytes]
    slots: Sequence[int]
    size: int


class Stamp(NamedTuple):
    """A compiled letter: ``template`` is all that its copies share, headers included."""

    envelope_from: str
    one_click: tuple[str, ...]  # the address around its slots; empty when it is no list mail
    template: Template

    def parts(self, to: str, message_id: str, date: datetime, token: str) -> tuple[list[bytes], int]:
        """One recipient's message as parts to be sent one after the other, and their size in bytes.

        ``to`` is a normalised address, ``message_id`` has no angle brackets, ``date`` is aware, ``token`` fills every
        slot. Raises StampError when one of them holds what a header can't.
        """
        if not (_is_word(f"{token}{message_id}") and token and message_id):
            raise StampError("A token or Message-ID holds characters that no link or header can. Give it others.")
        head = self._head(to, message_id, date, token)
        filled = _token_bytes(token)
        shared, slots, size = self.template
        parts = [head, *shared]
        for slot in slots:
            parts[slot + 1] = filled
        return parts, len(head) + size + len(filled) * len(slots)

    def copy(self, to: str, message_id: str, date: datetime, token: str) -> bytes:
        """``parts`` in one."""
        return b"".join(self.parts(to, message_id, date, token)[0])

    def _head(self, to: str, message_id: str, date: datetime, token: str) -> bytes:
        named = to if to.isascii() and to.isprintable() else _plain(to)
        lines = f"To: {named}\r\nMessage-ID: <{message_id}>\r\nDate: {_date(date)}\r\n"
        if self.one_click:
            lines += f"List-Unsubscribe: <{token.join(self.one_click)}>\r\n{_ONE_CLICK}"
        head = lines.encode()
        if len(head) > LONGEST_HEADER and any(len(line) > LONGEST_HEADER for line in head.split(b"\r\n")):
            raise StampError("A header of this copy is longer than mail allows. Shorten the public address.")
        return head


def compile_letter(
    *,
    sender: str,
    subject: str,
    html: str | Iterable[Template],
    text: str | Iterable[Template],
    language: str = "",
    one_click: str = "",
    headers: Iterable[tuple[str, str]] = (),
) -> Stamp:
    """Compile once per letter. ``sender`` is a mailbox with or without a name; ``one_click`` makes it list mail.

    ``html`` and ``text`` are whole, or compiled pieces, which cost no encoding; without any piece of HTML the text
    is the only part. ``headers`` are further ones, the same
    in every copy. Raises StampError for a sender that is no mailbox or a ``one_click`` that is no plain https or http
    address.
    """
    html = html if isinstance(html, str) else list(html)
    around = _surroundings(sender, subject, language, one_click, tuple(headers), html == [])
    parts: list[bytes] = [around.top]
    slots: list[int] = []
    size = len(around.top) + _add(text, parts, slots)
    parts.append(around.middle)
    size += len(around.middle) + _add(html, parts, slots)
    parts.append(around.bottom)
    size += len(around.bottom)
    return Stamp(around.envelope_from, around.one_click, Template(parts, slots, size))


def compile_piece(content: str) -> Template:
    """Encode a piece of text or HTML once for all letters that carry it; it may hold slots."""
    encoded = _body(content)
    return _template(encoded if not encoded or encoded.endswith("\r\n") else f"{encoded}{_SOFT_BREAK}")


def _add(pieces: str | Iterable[Template], parts: list[bytes], slots: list[int]) -> int:
    """Join pieces to what stands there, and give their size. The last one's soft break guards blanks at most."""
    size = 0
    for shared, places, length in [compile_piece(pieces)] if isinstance(pieces, str) else pieces:
        if places:
            slots += [place + len(parts) for place in places]
        parts += shared
        size += length
    if parts[-1].endswith(b"=\r\n") and parts[-1][-4:-3] not in b" \t":
        parts[-1] = parts[-1][:-3]
        size -= 3
    return size


class _Surroundings(NamedTuple):
    """What stands before the text, between text and HTML, and at the end."""

    envelope_from: str
    one_click: tuple[str, ...]
    top: bytes
    middle: bytes
    bottom: bytes


@lru_cache(maxsize=256)
def _surroundings(
    sender: str, subject: str, language: str, one_click: str, headers: tuple[tuple[str, str], ...], plain: bool
) -> _Surroundings:
    """Kept, for letters of an issue differ in nothing else but their subjects; the email package is slow."""
    if one_click and not re.fullmatch(r"https?://[!-;=?-~]+", one_click):
        raise StampError("The unsubscribe address of a letter must be a plain web address without blanks.")
    mailbox = _mailbox(sender)
    head = _head(mailbox, subject, language, headers)
    # No body can hold it: in quoted-printable a "=" is followed by two hexadecimal digits or ends its line.
    boundary = f"=_{hashlib.sha256(head.encode()).hexdigest()[:40]}"
    kind = f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'
    return _Surroundings(
        mailbox.addr_spec,
        tuple(one_click.split(READER_SLOT)) if one_click else (),
        f"{head}{kind}--{boundary}\r\n{_part('plain')}".encode("ascii"),
        b"" if plain else f"\r\n--{boundary}\r\n{_part('html')}".encode("ascii"),
        f"\r\n--{boundary}--\r\n".encode("ascii"),
    )


def _template(encoded: str) -> Template:
    first, *others = encoded.encode("ascii").split(_SLOT)
    parts = [first]
    for other in others:
        parts += [b"", other]
    return Template(tuple(parts), tuple(range(1, len(parts), 2)), sum(map(len, parts)))


def _is_word(text: str) -> bool:
    return bool(text) and text.isascii() and text.isprintable() and " " not in text


def _token_bytes(token: str) -> bytes:
    """The token in quoted-printable, wrapped where it is too long for a line."""
    plain = len(token) < LONGEST_LINE and "=" not in token and token[0] != "."
    return (token if plain else _encode(token)).encode()


@lru_cache(maxsize=8)
def _date(moment: datetime) -> str:
    return format_datetime(moment)


def _head(mailbox: Address, subject: str, language: str, headers: Iterable[tuple[str, str]]) -> str:
    message = EmailMessage(policy=SMTP)
    message["From"] = mailbox
    message["Subject"] = _slotless(subject)
    if _LANGUAGE.fullmatch(language):
        message["Content-Language"] = language
    for name, value in headers:
        message[name] = _plain(value)
    return message.as_bytes().decode("ascii").removesuffix("\r\n")


def _mailbox(sender: str) -> Address:
    name, address = parseaddr(_plain(sender))
    local, _, domain = address.rpartition("@")
    try:
        mailbox = Address(_slotless(name), local, domain.encode("idna").decode())
        if not (local and domain and local.isascii()) or not _PRINTABLE_ASCII.fullmatch(mailbox.addr_spec):
            raise ValueError
    except (ValueError, IndexError):
        raise StampError("The sender of a letter is no mailbox. Mend from_address in handbill.toml.") from None
    return mailbox


def _slotless(value: str) -> str:
    """``_plain``, without slots; a blank takes their place, or what stood around one could join into another."""
    return _plain(value).replace(READER_SLOT, " ").strip()


def _plain(value: str) -> str:
    """One line without control characters, lone surrogates or outer blanks."""
    printable = "".join(" " if ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u2028\u2029" else c for c in value)
    return " ".join(printable.encode(errors="replace").decode().split())


def _part(subtype: str) -> str:
    return f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"


def _body(content: str) -> str:
    """In quoted-printable, each slot on a line of its own."""
    pieces = content.replace("\r\n", "\n").replace("\r", "\n").split(READER_SLOT)
    return f"{_SOFT_BREAK}{READER_SLOT}{_SOFT_BREAK}".join(map(_encode, pieces))


def _encode(text: str) -> str:
    """Quoted-printable with room left on each line for the ``=`` of a soft break, and for a first dot as ``=2E``."""
    octets = text.encode(errors="replace").decode("latin-1")
    return _FIRST_DOT.sub("=2E", quoprimime.body_encode(octets, LONGEST_LINE - 3, eol="\r\n"))
