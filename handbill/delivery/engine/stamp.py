"""Compile a letter to MIME once, then stamp each recipient's copy by joining bytes.

The body is multipart/alternative (text, then HTML), UTF-8 in quoted-printable (RFC 2045 6.7), CRLF, lines of at most
76 characters. Every READER_SLOT stands between soft line breaks of its own, so no encoding can split it and a token of
any length is wrapped in its turn. Nothing a writer typed can start a header: subject and sender pass through the email
package on one line. Bytes depend only on the arguments: a copy sent again is the same copy.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email import quoprimime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from handbill.delivery.records import READER_SLOT
from handbill.kit.errors import GiveUp

LONGEST_LINE = 76  # of a quoted-printable body; the hard limit of RFC 5322 is 998
LONGEST_HEADER = 998
_SLOT = READER_SLOT.encode()
_SOFT_BREAK = "=\r\n"
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_PRINTABLE_ASCII = re.compile(r"[!-~]+")


class StampError(GiveUp):
    """The letter can't be made into a mail: its sender or its unsubscribe address is no such thing."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A compiled letter: ``pieces`` are its bytes between the slots, headers shared by all copies included."""

    envelope_from: str
    one_click: str
    pieces: tuple[bytes, ...]

    def copy(self, to: str, message_id: str, date: datetime, token: str) -> bytes:
        """One recipient's message, as it goes over the wire before dot stuffing.

        ``to`` is a normalised address, ``message_id`` has no angle brackets, ``date`` is aware, ``token`` fills every
        slot. Raises StampError when one of them holds what a header can't.
        """
        if not _PRINTABLE_ASCII.fullmatch(token) or not _PRINTABLE_ASCII.fullmatch(message_id):
            raise StampError("A token or Message-ID holds characters that no link or header can. Give it others.")
        head = [f"To: {_plain(to)}", f"Message-ID: <{message_id}>", f"Date: {format_datetime(date)}"]
        if self.one_click:
            address = self.one_click.replace(READER_SLOT, token)
            head += [f"List-Unsubscribe: <{address}>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"]
        if any(len(line.encode()) > LONGEST_HEADER for line in head):
            raise StampError("A header of this copy is longer than mail allows. Shorten the public address.")
        return "\r\n".join([*head, ""]).encode() + _encode(token).encode().join(self.pieces)


def compile_letter(
    *,
    sender: str,
    subject: str,
    html: str,
    text: str,
    language: str = "",
    one_click: str = "",
    headers: Iterable[tuple[str, str]] = (),
) -> Stamp:
    """Compile once per letter. ``sender`` is a mailbox with or without a name; ``one_click`` makes it list mail.

    ``headers`` are further ones, the same in every copy. Raises StampError for a sender that is no mailbox or a
    ``one_click`` that is no plain https or http address.
    """
    if one_click and not re.fullmatch(r"https?://[!-;=?-~]+", one_click):
        raise StampError("The unsubscribe address of a letter must be a plain web address without blanks.")
    mailbox = _mailbox(sender)
    head = _head(mailbox, subject, language, headers)
    boundary = f"=_{hashlib.sha256(f'{text}{chr(0)}{html}'.encode(errors='replace')).hexdigest()[:40]}"
    whole = (
        f'{head}MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'
        f"--{boundary}\r\n{_part('plain', text)}\r\n--{boundary}\r\n{_part('html', html)}\r\n--{boundary}--\r\n"
    )
    return Stamp(mailbox.addr_spec, one_click, tuple(whole.encode("ascii").split(_SLOT)))


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


def _part(subtype: str, content: str) -> str:
    lines = content.replace("\r\n", "\n").replace("\r", "\n")
    encoded = f"{_SOFT_BREAK}{READER_SLOT}{_SOFT_BREAK}".join(_encode(piece) for piece in lines.split(READER_SLOT))
    return (
        f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{encoded}"
    )


def _encode(text: str) -> str:
    """Quoted-printable with room left on each line for the ``=`` of a soft break."""
    octets = text.encode(errors="replace").decode("latin-1")
    return quoprimime.body_encode(octets, LONGEST_LINE - 1, eol="\r\n")
