"""Connections that go to checked network addresses and nowhere else, and obey a deadline and an allowance of bytes.

urllib3's connection without its pool, on sockets of our own. ``kit.http`` decides where they may go.
"""

from __future__ import annotations

import functools
import socket
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection

from handbill.kit.urls import WebAddress


class TooMuch(OSError):
    """The peer sent more bytes than it was allowed."""


@dataclass(slots=True)
class Limits:
    """Of one exchange, obeyed by its socket at each read and write: until when (monotonic), and how many bytes more."""

    deadline: float
    allowance: int

    def spend(self, count: int) -> int:
        self.allowance -= count
        if self.allowance < 0:
            raise TooMuch("allowance spent")
        return count

    def remaining(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("deadline passed")
        return left


class _Limited:
    """Mixed into sockets: each read and write obeys the limits of its exchange."""

    limits: Limits

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(self.limits.remaining())  # type: ignore[attr-defined]
        return self.limits.spend(super().recv_into(*args, **kwargs))  # type: ignore[misc]

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self.settimeout(self.limits.remaining())  # type: ignore[attr-defined]
        super().sendall(*args, **kwargs)  # type: ignore[misc]


class _PlainSocket(_Limited, socket.socket):
    pass


class _TLSSocket(_Limited, ssl.SSLSocket):
    pass


class _Pinned:
    """Mixed into urllib3's connections: the socket goes to the checked addresses and nowhere else."""

    limits: Limits
    answers: list[str]
    port: int

    def _new_conn(self) -> socket.socket:
        failure: OSError = OSError("no address")
        for position, answer in enumerate(self.answers):
            family = socket.AF_INET6 if ":" in answer else socket.AF_INET
            sock = _PlainSocket(family, socket.SOCK_STREAM)
            sock.limits = self.limits
            try:
                sock.settimeout(self.limits.remaining() / (len(self.answers) - position))
                sock.connect((answer, self.port))
                sock.settimeout(self.limits.remaining())
                return sock
            except OSError as error:
                sock.close()
                failure = error
        raise failure


class PinnedHTTP(_Pinned, HTTPConnection):
    """Plain HTTP."""


class PinnedHTTPS(_Pinned, HTTPSConnection):
    """HTTP over TLS, with the host's own name."""

    def connect(self) -> None:
        super().connect()
        if isinstance(self.sock, _TLSSocket):
            self.sock.limits = self.limits


def connect_to(
    address: WebAddress, answers: list[str], limits: Limits, tls: ssl.SSLContext | None = None
) -> PinnedHTTP | PinnedHTTPS:
    """A connection, not yet open, for ``address`` at ``answers``, its checked network addresses, tried in turn.

    ``tls`` is for tests; else the system's authorities are trusted. Reading and writing raise TimeoutError when the
    deadline has passed and TooMuch when the allowance is spent.
    """
    connection: PinnedHTTP | PinnedHTTPS
    if address.scheme == "https":
        context = tls or _trusted()
        context.sslsocket_class = _TLSSocket
        connection = PinnedHTTPS(address.host, address.port, ssl_context=context, server_hostname=address.host)
    else:
        connection = PinnedHTTP(address.host, address.port)
    connection.answers = answers
    connection.limits = limits
    return connection


def dial(host: str, port: int, limits: Limits) -> socket.socket:
    """A socket to a host that the operator named, which obeys ``limits``. Raises OSError."""
    failure: OSError = OSError("no address")
    for family, kind, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        sock = _PlainSocket(family, kind)
        sock.limits = limits
        try:
            sock.settimeout(limits.remaining())
            sock.connect(address)
            return sock
        except OSError as error:
            sock.close()
            failure = error
    raise failure


def obeying(limits: Limits, context: ssl.SSLContext | None = None) -> ssl.SSLContext:
    """A context, to be used once, whose sockets obey ``limits``; ``context`` is for tests."""
    own = context or ssl.create_default_context()
    own.sslsocket_class = type("BoundSocket", (_TLSSocket,), {"limits": limits})
    return own


@functools.lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    """The system's authorities; certifi's where the system has none."""
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if paths.cafile is None and (paths.capath is None or not any(Path(paths.capath).iterdir())):
        try:
            import certifi
        except ImportError:
            return context
        context.load_verify_locations(certifi.where())
    return context
