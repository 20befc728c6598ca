"""A connection that never waits: bytes in, bytes out, TLS where it is put over. The engine's only socket.

TCP_NODELAY always: with Nagle's algorithm a group of commands waits for the acknowledgement of the one before.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
from collections.abc import Sequence
from typing import Any

MOST_PARTS = 1000  # a call; Linux takes 1,024 (IOV_MAX)
READ_SIZE = 1 << 14
_RECORDS = 1 << 18  # bytes encrypted at once

Part = bytes | memoryview


class Wire:
    """Begins to connect to ``address``, of ``family``; the first ``send`` or ``receive`` tells when it couldn't.

    Raises OSError, ssl.SSLError among them, whenever the connection is over by the other side's doing.
    """

    def __init__(self, family: int, address: tuple[Any, ...]) -> None:
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._tls: ssl.SSLObject | None = None
        self._shaken = True
        self._inward, self._outward = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._cipher = b""
        code = self._socket.connect_ex(address)
        if code not in (0, errno.EINPROGRESS):
            self._socket.close()
            raise OSError(code, "connect")

    def fileno(self) -> int:
        """For a selector."""
        return self._socket.fileno()

    def connected(self) -> None:
        """Raises OSError when the connection could not be made; asked once the socket can be written to."""
        trouble = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if trouble:
            raise OSError(trouble, "connect")

    def secure(self, context: ssl.SSLContext, host: str) -> None:
        """Put TLS over it, and begin the handshake, which goes on as bytes come and go."""
        self._tls = context.wrap_bio(self._inward, self._outward, server_hostname=host)
        self._shaken = False
        self._shake()

    @property
    def secured(self) -> bool:
        """Whether the handshake of TLS is behind us."""
        return self._tls is not None and self._shaken

    @property
    def blocked(self) -> bool:
        """Whether encrypted bytes wait until the socket takes more."""
        return bool(self._cipher)

    def send(self, parts: Sequence[Part]) -> int:
        """How many bytes were taken; 0 when none can be now."""
        if self._tls is not None:
            return self._send_secure(self._tls, parts)
        try:
            return self._socket.sendmsg(parts if len(parts) <= MOST_PARTS else parts[:MOST_PARTS])
        except BlockingIOError:
            return 0

    def receive(self) -> bytes | None:
        """What came; None when there is nothing yet; raises EOFError once the other side has ended."""
        try:
            data = self._socket.recv(READ_SIZE)
        except BlockingIOError:
            return None
        if not data:
            raise EOFError
        return data if self._tls is None else self._decrypted(self._tls, data)

    def quick(self) -> None:
        """Acknowledge at once what comes next: a relay with Nagle's algorithm sends the rest of its replies then."""
        if hasattr(socket, "TCP_QUICKACK"):
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def close(self) -> None:
        """Never raises."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def _shake(self) -> None:
        if self._tls is not None and not self._shaken:
            with contextlib.suppress(ssl.SSLWantReadError):
                self._tls.do_handshake()
                self._shaken = True
        self._flush()

    def _send_secure(self, tls: ssl.SSLObject, parts: Sequence[Part]) -> int:
        if self._cipher or self._outward.pending or not self._shaken:
            self._flush()
            if self._cipher or not self._shaken:
                return 0
        clear = memoryview(b"".join(parts))[:_RECORDS]
        taken = 0
        while taken < len(clear):
            taken += tls.write(clear[taken:])
        self._flush()
        return taken

    def _flush(self) -> None:
        self._cipher += self._outward.read()
        with contextlib.suppress(BlockingIOError):
            while self._cipher:
                self._cipher = self._cipher[self._socket.send(self._cipher) :]

    def _decrypted(self, tls: ssl.SSLObject, data: bytes) -> bytes | None:
        self._inward.write(data)
        if not self._shaken:
            self._shake()
        found = b""
        with contextlib.suppress(ssl.SSLWantReadError):
            while self._shaken and (self._inward.pending or tls.pending()):
                clear = tls.read(READ_SIZE)
                if not clear:
                    raise EOFError
                found += clear
        if self._outward.pending:
            self._flush()
        return found or None
