"""Take mail in by LMTP (RFC 2033) from the mail server beside us; each recipient is answered once its copy is safe.

What the mails are for is not known here: a table of purposes says which recipients are whose, and a mail goes into the
maildir of its recipient's purpose. aiosmtpd speaks the protocol but for two things of which ADR-0028 tells: how a mail
is read, and that each recipient has an answer of its own.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aiosmtpd.lmtp import LMTP

from handbill.kit import maildir
from handbill.kit.setting_values import parse_host_port

MAX_BYTES = 10 * 1024 * 1024  # of a mail
MAX_RECIPIENTS = 20  # of one mail
MAX_LINES = 20  # connections at once; each may hold two mails' bytes
SECONDS = 60  # that one command may take, and a mail's bytes
LINE_PIECE = 64 * 1024  # bytes read at once of a line of any length

BUSY = "421 4.3.2 There are too many connections. Try again in a minute."
LATER = "451 4.3.0 The newsroom can't look that up now. Try again in a minute."
FULL = "452 4.3.1 The newsroom can't keep this mail now. Try again later."
MANY = "452 4.5.3 That is too many recipients for one mail. Send the others in another."
UNKNOWN = "550 5.1.1 Nobody here has that address."
LARGE = f"552 5.3.4 This mail is larger than {MAX_BYTES // 1048576} MiB."
KEPT = "250 2.0.0 Kept."

_ADDRESS = re.compile(r"[^\s<>\x00-\x1f\x7f]{1,320}")

log = logging.getLogger(__name__)


class Receiver:
    """Decides about recipients and keeps mails in ``folder``, a maildir for each of the ``purposes``.

    A purpose is asked, in a thread of its own, whether an address is one of its; the first that says yes has it.
    """

    def __init__(self, folder: Path, purposes: Mapping[str, Callable[[str], bool]]) -> None:
        self._folder, self._purposes = folder, purposes

    async def handle_RCPT(self, line: _Line, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return MANY
        try:
            purpose = await asyncio.to_thread(self._purpose, address)
        except Exception as error:  # whatever it is, the sender shall keep the mail
            log.error("A recipient could not be looked up: %s", type(error).__name__)
            return LATER
        if purpose is None:
            return UNKNOWN
        envelope.rcpt_tos.append((purpose, address))
        return "250 2.1.5 Go on."

    async def handle_exception(self, error: Exception) -> str:
        log.error("A connection failed: %s", type(error).__name__)
        return LATER

    async def keep(self, purpose: str, address: str, sender: str, data: bytes) -> str:
        """Keep one recipient's copy; the answer to give."""
        path = sender if _ADDRESS.fullmatch(sender) else ""
        head = f"Return-Path: <{path}>\r\nX-Original-To: <{address}>\r\n".encode("utf-8", "surrogateescape")
        try:
            await asyncio.to_thread(maildir.deliver, self._folder / purpose, head + data)
        except Exception as error:
            log.error("A mail could not be kept in %s: %s", self._folder / purpose, getattr(error, "strerror", error))
            return FULL
        return KEPT

    def _purpose(self, address: str) -> str | None:
        if not _ADDRESS.fullmatch(address):
            return None
        return next((purpose for purpose, has in self._purposes.items() if has(address)), None)


class _Line(LMTP):
    """One connection."""

    line_length_limit = LINE_PIECE

    def __init__(self, receiver: Receiver, lines: set[_Line]) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(
            receiver,
            data_size_limit=MAX_BYTES,
            enable_SMTPUTF8=True,
            hostname="handbill",
            ident="LMTP",
            timeout=SECONDS,
            loop=loop,
        )
        self._receiver, self._lines = receiver, lines

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._lines.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._lines.discard(self)
        super().connection_lost(error)

    async def smtp_DATA(self, arg: str | None) -> None:
        """Read a mail, keep it for each recipient, and answer for each (RFC 2033, 4.2)."""
        envelope: Any = self.envelope
        recipients: list[tuple[str, str]] = list(envelope.rcpt_tos)
        if arg or not recipients:
            await self.push("503 5.5.1 Name a recipient first, then say DATA alone.")
            return
        await self.push("354 Go on, and end with a dot.")
        data, sender = await self._mail(), envelope.mail_from or ""
        self._set_post_data_state()
        for purpose, address in recipients:
            await self.push(LARGE if data is None else await self._receiver.keep(purpose, address, sender, data))

    async def _mail(self) -> bytes | None:
        """The mail, without the dots put before its own; None when it is too large, read to its end all the same."""
        data, at_start = bytearray(), True
        while (piece := await self._piece()) != b".\r\n" or not at_start:
            if len(data) <= MAX_BYTES:
                data += piece[1:] if at_start and piece.startswith(b".") else piece
            at_start = piece.endswith(b"\r\n")
        return bytes(data) if len(data) <= MAX_BYTES else None

    async def _piece(self) -> bytes:
        """A line with its end, or a part of one that is very long."""
        try:
            return await self._reader.readuntil(b"\r\n")
        except asyncio.LimitOverrunError as error:
            return await self._reader.read(error.consumed)


class _Busy(asyncio.Protocol):
    """What a connection beyond MAX_LINES hears."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(BUSY.encode() + b"\r\n")
        transport.close()


async def serve(listen: str, receiver: Receiver, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Take mail in at ``listen`` (HOST:PORT or a socket's path) until ``stop`` is set; ``ready`` is called once open.

    A mail whose sender has no answer yet is the sender's to send again. Raises OSError when nothing can be opened.
    """
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd's own: it writes addresses and mails
    lines: set[_Line] = set()
    server = await _open(listen, lambda: _Line(receiver, lines) if len(lines) < MAX_LINES else _Busy())
    try:
        ready()
        await stop.wait()
    finally:
        server.close()


async def _open(listen: str, factory: Callable[[], asyncio.BaseProtocol]) -> asyncio.AbstractServer:
    loop = asyncio.get_running_loop()
    if not listen.startswith("/"):
        return await loop.create_server(factory, *parse_host_port(listen))
    server = await loop.create_unix_server(factory, listen)  # in place of a socket that one who was killed has left
    Path(listen).chmod(0o666)  # who may reach the folder may deliver, as with other mail servers' sockets
    return server
