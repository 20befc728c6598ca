"""An SMTP server on loopback that keeps what it takes and misbehaves as told. For tests and the demo only.

It speaks what RFC 5321 asks of a relay with PIPELINING, 8BITMIME, SMTPUTF8 and SIZE, with CHUNKING where it is told to
offer it, and without what it is told not to offer. A ``script`` decides at each stage
what happens: ``connect``, ``hello``, ``tls`` (before the handshake), ``mail``, ``rcpt``, ``data`` (before the 354),
``chunk`` (before what BDAT announces is read: a refusal leaves it to be read as commands) and ``dot`` (the whole
message was read, no reply was given yet).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import socketserver
import ssl
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeAlias

from handbill.kit import clock
from handbill.testing.server import HOST, Loopback

MAX_SIZE = 32 << 20  # bytes of a message, announced with SIZE
MAX_LINE = 4096  # bytes of a command
MAX_RECIPIENTS = 1000
SHUTTING_DOWN = 421  # RFC 5321, 3.8: the connection is closed after it
OFFERS = ("PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")
ENVELOPE = b"X-Loopback-Envelope: "  # first header of a kept message: sender and recipients as JSON
_NEEDS = {"SMTPUTF8": "SMTPUTF8", "RET": "DSN", "ENVID": "DSN", "NOTIFY": "DSN", "ORCPT": "DSN"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PATH = re.compile(r"\s*<([^<>\s]*)>(.*)", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Taken:
    """One accepted message: envelope, bytes as they were before dot-stuffing, and when the final dot came.

    ``asked`` is what stood beside the addresses of the envelope; no folder keeps it.
    """

    sender: str
    recipients: tuple[str, ...]
    data: bytes
    at: datetime
    asked: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Moment:
    """Where a session stands when the script is asked; at ``rcpt`` the last of ``recipients`` is meant."""

    stage: str
    connection: int  # 1 for the first connection of this relay
    message: int  # 1 for the first MAIL of this connection, 0 before it
    taken: int  # messages this relay has kept so far
    sender: str = ""
    recipients: tuple[str, ...] = ()
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """Say this instead. A code of 400 or more refuses; at ``dot`` one below 400 still takes the message."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Stall:
    """Say nothing for so long, then go on as usual."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Drop:
    """End the connection after ``words``, at most half a reply: close it, reset it, or hang until the client leaves.

    At ``dot``, ``keep`` means that the message was taken nevertheless.
    """

    keep: bool = False
    words: bytes = b""
    how: Literal["close", "reset", "hang"] = "close"


Act: TypeAlias = Reply | Stall | Drop
Script: TypeAlias = Callable[[Moment], Act | None]


class LoopbackRelay(Loopback):
    """``with LoopbackRelay() as relay: smtplib.SMTP("127.0.0.1", relay.port)``; see ``messages`` afterwards.

    With a ``folder``, each message is on disk as ``.eml`` before the 250 goes out: ``read_folder`` gives them back.
    ``script`` may be replaced while the relay runs; it is called from the connections' threads. ``offers`` is what EHLO
    lists. ``hurried`` says, by stage, what a client is in for that has sent more before that stage was answered.
    With a ``context`` the relay speaks TLS: from the first byte, or after STARTTLS where that is among ``offers``.
    """

    host = HOST

    def __init__(
        self,
        script: Script | None = None,
        folder: Path | None = None,
        port: int = 0,
        *,
        offers: Sequence[str] = OFFERS,
        hurried: Mapping[str, Act] | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.script = script
        self.context = context
        self.offers = offers
        self.hurried = hurried or {}
        self.folder = folder
        self.messages: list[Taken] = []
        self._connections = count(1)
        self._numbers = count(1)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        super().__init__(_Session, port)

    def __enter__(self) -> LoopbackRelay:
        return self

    def take(self, taken: Taken) -> None:
        """Keep a message, on disk first."""
        if self.folder is not None:
            _write(self.folder, next(self._numbers), taken)
        self.messages.append(taken)

    def sent_to(self, address: str) -> list[Taken]:
        """The messages taken for one recipient, in order."""
        return [taken for taken in self.messages if address in taken.recipients]


def read_folder(folder: Path) -> list[Taken]:
    """Everything a relay kept in ``folder``, in order of arrival."""
    return [_read(path) for path in sorted(folder.glob("*.eml"))]


def _write(folder: Path, number: int, taken: Taken) -> None:
    envelope = json.dumps({"sender": taken.sender, "recipients": taken.recipients})
    path = folder / f"{(taken.at - _EPOCH) // timedelta(microseconds=1):017d}-{number:07d}.eml"
    partial = path.with_suffix(".partial")
    partial.write_bytes(ENVELOPE + envelope.encode() + b"\r\n" + taken.data)
    partial.rename(path)


def _read(path: Path) -> Taken:
    head, _, data = path.read_bytes().removeprefix(ENVELOPE).partition(b"\r\n")
    envelope = json.loads(head)
    at = _EPOCH + timedelta(microseconds=int(path.name.partition("-")[0]))
    return Taken(envelope["sender"], tuple(envelope["recipients"]), data, at)


class _Gone(Exception):
    """The connection is over; nothing more is said."""


class _Session(socketserver.StreamRequestHandler):
    timeout = 300
    disable_nagle_algorithm = True
    server: Any
    sender: str | None
    recipients: list[str]
    asked: str

    def setup(self) -> None:
        super().setup()
        self.owner: LoopbackRelay = self.server.owner
        self.number = next(self.owner._connections)
        self.message = 0
        self.greeted = self.secured = False
        self._reset()

    def finish(self) -> None:
        super().finish()
        if self.secured:
            self.server.shutdown_request(self.request)

    def handle(self) -> None:
        with contextlib.suppress(_Gone, OSError):
            if self.owner.context and "STARTTLS" not in self.owner.offers:
                self._secure()
            if self._allowed("connect"):
                self._say(220, "loopback relay for tests and the demo")
            while True:
                self._command(self._line())

    def _command(self, line: str) -> None:
        verb, _, rest = line.partition(" ")
        act = _COMMANDS.get(verb.upper())
        if act is None:
            self._say(502, "5.5.1 No such command here")
        else:
            act(self, rest)

    def _ehlo(self, rest: str) -> None:
        if not self._allowed("hello"):
            return
        self.greeted = True
        self._reset()
        offers = [word for word in self.owner.offers if word != "STARTTLS" or not self.secured]
        lines = ("loopback", *offers, f"SIZE {MAX_SIZE}")
        self._write("".join(f"250-{line}\r\n" for line in lines[:-1]) + f"250 {lines[-1]}\r\n")

    def _helo(self, rest: str) -> None:
        self.greeted = True
        self._reset()
        self._say(250, "loopback")

    def _starttls(self, rest: str) -> None:
        if not self.owner.context or self.secured:
            return self._say(503, "5.5.1 No TLS here")
        act = self._ask("tls")
        if isinstance(act, Reply):
            return self._say(act.code, act.text)
        self._say(220, "2.0.0 Go ahead")
        if isinstance(act, Drop):
            self._end(act)
        self._secure()
        self.greeted = False
        return None

    def _secure(self) -> None:
        assert self.owner.context is not None
        self.request = self.owner.context.wrap_socket(self.connection, server_side=True)
        super().setup()
        self.server.learn(self.request)
        self.secured = True

    def _mail(self, rest: str) -> None:
        found = _PATH.match(rest[5:]) if rest[:5].upper() == "FROM:" else None
        if not self.greeted or self.sender is not None:
            return self._say(503, "5.5.1 Bad sequence of commands")
        if found is None:
            return self._say(501, "5.5.4 Write MAIL FROM:<address>")
        if fault := self._unwelcome(found):
            return self._say(*fault)
        size = re.search(r"\bSIZE=(\d{1,18})\b", found[2], re.IGNORECASE)
        if size and int(size[1]) > MAX_SIZE:
            return self._say(552, "5.3.4 The message is too large")
        self.message += 1
        if self._allowed("mail", sender=found[1]):
            self.sender, self.asked = found[1], found[2]
            self._say(250, "2.1.0 Sender accepted")
        return None

    def _rcpt(self, rest: str) -> None:
        found = _PATH.match(rest[3:]) if rest[:3].upper() == "TO:" else None
        if self.sender is None:
            return self._say(503, "5.5.1 MAIL comes first")
        if found is None or not found[1]:
            return self._say(501, "5.5.4 Write RCPT TO:<address>")
        if fault := self._unwelcome(found):
            return self._say(*fault)
        if len(self.recipients) >= MAX_RECIPIENTS:
            return self._say(452, "4.5.3 Too many recipients")
        if self._allowed("rcpt", recipients=(*self.recipients, found[1])):
            self.recipients.append(found[1])
            self.asked += found[2]
            self._say(250, "2.1.5 Recipient accepted")
        return None

    def _unwelcome(self, found: re.Match[str]) -> tuple[int, str] | None:
        """What is asked for must be offered (RFC 5321 4.1.1.11), and wide addresses announced (RFC 6531 3.5)."""
        words = [word.partition("=")[0].upper() for word in found[2].split()]
        if any(_NEEDS[word] not in self.owner.offers for word in words if word in _NEEDS):
            return 555, "5.5.4 That parameter isn't offered"
        if not found[1].isascii() and "SMTPUTF8" not in [*words, *self.asked.split()]:
            return 553, "5.6.7 Say SMTPUTF8 for such an address"
        return None

    def _data(self, rest: str) -> None:
        if not self.recipients:
            return self._say(503, "5.5.1 No recipient was accepted")
        if not self._allowed("data"):
            return None
        self._say(354, "End with a dot on a line by itself")
        data = self._body()
        if data is None:
            self._reset()
            return self._say(552, "5.3.4 The message is too large")
        return self._dot(self._taken(data))

    def _bdat(self, rest: str) -> None:
        """RFC 3030, for messages of one chunk."""
        size, _, last = rest.partition(" ")
        if "CHUNKING" not in self.owner.offers or not size.isdecimal() or int(size) > MAX_SIZE:
            raise _Gone  # what follows can't be told from commands
        if not self._allowed("chunk"):
            return None
        data = self.rfile.read(int(size))
        if len(data) < int(size):
            raise _Gone
        if not self.recipients or last.upper() != "LAST":
            self._reset()
            return self._say(503, "5.5.1 No recipient was accepted")
        return self._dot(self._taken(data))

    def _taken(self, data: bytes) -> Taken:
        return Taken(self.sender or "", tuple(self.recipients), data, clock.now(), self.asked)

    def _dot(self, taken: Taken) -> None:
        act = self._ask("dot", data=taken.data)
        refused = isinstance(act, Reply) and act.code >= 400
        if not refused and not (isinstance(act, Drop) and not act.keep):
            self.owner.take(taken)
        self._reset()
        if isinstance(act, Drop):
            self._end(act)
        if isinstance(act, Reply):
            return self._say(act.code, act.text)
        return self._say(250, "2.0.0 Taken")

    def _has_more(self) -> bool:
        """Whether the client has said more already."""
        self.connection.setblocking(False)
        try:
            return bool(self.rfile.peek(1))  # type: ignore[attr-defined]
        except ssl.SSLWantReadError:
            return False
        finally:
            self.connection.settimeout(self.timeout)

    def _body(self) -> bytes | None:
        """The message up to the lone dot, unstuffed (RFC 5321, 4.5.2); None when it was too large.

        Only CRLF ends a line: a dot after a bare line feed neither ends the message nor is it removed.
        """
        lines: list[bytes] = []
        size, fresh = 0, True
        while (line := self.rfile.readline(MAX_SIZE)) != b".\r\n" or not fresh:
            if not line:
                raise _Gone
            size += len(line)
            if size <= MAX_SIZE:
                lines.append(line[1:] if fresh and line.startswith(b".") else line)
            fresh = line.endswith(b"\r\n")
        return b"".join(lines) if size <= MAX_SIZE else None

    def _rset(self, rest: str) -> None:
        self._reset()
        self._say(250, "2.0.0 Forgotten")

    def _noop(self, rest: str) -> None:
        self._say(250, "2.0.0 Still here")

    def _quit(self, rest: str) -> None:
        self._say(221, "2.0.0 Goodbye")
        raise _Gone

    def _reset(self) -> None:
        self.sender = None
        self.recipients = []
        self.asked = ""

    def _allowed(self, stage: str, **known: Any) -> bool:
        """Ask the script; True to go on as usual, False when it gave the reply itself."""
        act = self._ask(stage, **known)
        if isinstance(act, Drop):
            self._end(act)
        if isinstance(act, Reply):
            self._say(act.code, act.text)
        return not isinstance(act, Reply)

    def _end(self, act: Drop) -> NoReturn:
        """Of what the client has said by then, nothing is heard any more."""
        self.wfile.write(act.words)
        if act.how == "hang":
            while self.rfile.read(1 << 16):
                pass
        elif act.how == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())
        raise _Gone

    def _ask(self, stage: str, **known: Any) -> Act | None:
        if stage in self.owner.hurried and self._has_more():
            return self.owner.hurried[stage]
        if self.owner.script is None:
            return None
        facts = {"sender": self.sender or "", "recipients": tuple(self.recipients), **known}
        act = self.owner.script(Moment(stage, self.number, self.message, len(self.owner.messages), **facts))
        if isinstance(act, Stall):
            if not self.server.pause(act.seconds):
                raise _Gone
            return None
        return act

    def _line(self) -> str:
        line = self.rfile.readline(MAX_LINE)
        if not line.endswith(b"\n"):
            raise _Gone
        return line.rstrip(b"\r\n").decode("utf-8", "surrogateescape")

    def _say(self, code: int, text: str) -> None:
        self._write(f"{code} {text}\r\n")
        if code == SHUTTING_DOWN:
            raise _Gone

    def _write(self, text: str) -> None:
        self.wfile.write(text.encode())


_COMMANDS: dict[str, Callable[[_Session, str], None]] = {
    "EHLO": _Session._ehlo,
    "HELO": _Session._helo,
    "STARTTLS": _Session._starttls,
    "MAIL": _Session._mail,
    "RCPT": _Session._rcpt,
    "DATA": _Session._data,
    "BDAT": _Session._bdat,
    "RSET": _Session._rset,
    "NOOP": _Session._noop,
    "QUIT": _Session._quit,
}
