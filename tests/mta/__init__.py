"""Mail servers from Debian, each an instance of the tests' own on loopback, in a folder of its own, ended by pid.

What a server takes it hands on to a ``LoopbackRelay``, its ``inbox``, so that a test reads what readers would have got.
All servers keep the same house rules, by who writes to whom:

| recipient or letter | answer |
| --- | --- |
| ``unknown…@`` | no such user, at RCPT |
| ``later…@`` | not now, at RCPT |
| from ``blocked@…`` | refused as a sender |
| more than LARGEST bytes | too large |
| a header ``X-Reject`` | refused after the whole letter |
| user ``ada``, password ``pencil`` | may log in |

``doors`` are its ports by name: see ``DOORS``.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Protocol

from handbill.kit.mail_settings import Relay
from handbill.testing.relay import LoopbackRelay, Taken

LARGEST = 200_000  # bytes of a letter
RATE = 5  # letters that the door "rated" takes in a minute
CONNECTIONS = 3  # that the door "crowded" takes at once
USER, PASSWORD = "ada", "pencil"
DOORS = ("open", "wrapped", "plain", "login", "scram", "rated", "crowded")
"""``open`` takes mail from anybody and offers STARTTLS, ``wrapped`` begins with TLS; ``plain``, ``login`` and ``scram``
want that login and offer it under TLS only.
"""

SEARCHED = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"  # for programs of the system
SECONDS = 15


def free_ports(count: int) -> list[int]:
    """So many different ports that nothing listens on."""
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in held]


def has_ipv6() -> bool:
    """Whether this machine's loopback has ::1."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


class Kind(Protocol):
    """What a kind of server is: ``prepare`` writes its folder and gives the command that runs it in the foreground.

    ``letters``: how many it takes over one connection.
    """

    name: str
    doors: tuple[str, ...]
    letters: int

    def prepare(self, home: Path, doors: dict[str, int], inbox: int, certificate: Path) -> list[str]: ...


class Mta:
    """One running server. ``certificate`` holds key and certificate in one file; ``home`` may be entered by all."""

    def __init__(self, kind: Kind, home: Path, certificate: Path) -> None:
        self.kind, self.home = kind, home
        self.inbox = LoopbackRelay(offers=("PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN"))
        self.doors = dict(zip(kind.doors, free_ports(len(kind.doors)), strict=True))
        command = kind.prepare(home, self.doors, self.inbox.port, certificate)
        with (home / "said").open("wb") as said:
            self._process = subprocess.Popen(command, stdout=said, stderr=said, start_new_session=True)
        try:
            for port in self.doors.values():
                self._wait_for(port)
        except BaseException:
            self.close()
            raise

    def relay(self, door: str = "open", security: str = "smtp", host: str = "127.0.0.1") -> Relay:
        """How the engine is told of one of its doors."""
        user = USER if door in ("plain", "login", "scram") else ""
        return Relay(self.kind.name, host, self.doors[door], security, user)

    def delivered(self, count: int) -> list[Taken]:
        """What came through, once it is ``count`` letters; fails when they don't come. Empties the inbox."""
        ends = time.monotonic() + SECONDS
        while len(self.inbox.messages) < count and time.monotonic() < ends:
            time.sleep(0.02)
        found = list(self.inbox.messages)
        self.inbox.messages.clear()
        assert len(found) == count, f"{self.kind.name} handed on {len(found)} of {count}: {self.said()}"
        return found

    def said(self) -> str:
        """The end of its logs."""
        logs = [self.home / "said", *self.home.glob("*log")]
        return "\n".join(log.read_text(errors="replace")[-2000:] for log in logs)

    def close(self) -> None:
        """End it and its children, by its own process group."""
        self._process.terminate()
        try:
            self._process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self.inbox.close()

    def _wait_for(self, port: int) -> None:
        ends = time.monotonic() + SECONDS
        while self._process.poll() is None and time.monotonic() < ends:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise AssertionError(f"{self.kind.name} doesn't start: {self.said()}")
