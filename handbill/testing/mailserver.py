"""A mailbox on loopback, by IMAP or POP3, that misbehaves as told. For tests and the demo only.

It speaks as much as ``delivery.engine.collect`` asks for. A ``script`` is given each command's verb ("greeting" first),
and says what happens instead: ``Say`` bytes, ``Stall``, or ``Drop``; ``Cut`` sends half of the usual answer.
"""

from __future__ import annotations

import base64
import re
import socketserver
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from handbill.testing.relay import Drop, Stall
from handbill.testing.server import Loopback

USER, PASSWORD = "bounces@paper.example", "pencil"
_NUMBER = re.compile(rb"<0\.(\d+)>")


@dataclass(frozen=True, slots=True)
class Say:
    """Answer these bytes; ``times`` over: a huge answer costs the test nothing."""

    data: bytes
    times: int = 1


@dataclass(frozen=True, slots=True)
class Cut:
    """Send half of the answer and close."""


Act: TypeAlias = Say | Stall | Drop | Cut
Script: TypeAlias = Callable[[str], Act | None]


@dataclass(slots=True)
class Store:
    """Mails by UID, in order; ``moved`` are those that were moved, by folder."""

    mails: dict[str, bytes] = field(default_factory=dict)
    moved: dict[str, list[bytes]] = field(default_factory=dict)
    validity: int = 1
    next: int = 1

    def add(self, *mails: bytes) -> None:
        for mail in mails:
            self.mails[str(self.next)] = mail
            self.next += 1


class LoopbackMailbox(Loopback):
    """``heard`` lists the verbs of all connections."""

    def __init__(
        self,
        protocol: str,
        mails: Sequence[bytes] = (),
        script: Script | None = None,
        tls: ssl.SSLContext | None = None,
        offers: str = "IMAP4rev1 AUTH=PLAIN MOVE UIDPLUS",
    ) -> None:
        self.store, self.script, self.tls, self.offers = Store(), script, tls, offers
        self.heard: list[str] = []
        self.store.add(*mails)
        super().__init__(_Imap if protocol == "imap" else _Pop)

    def __enter__(self) -> LoopbackMailbox:
        return self


class _Session(socketserver.StreamRequestHandler):
    def setup(self) -> None:
        self.owner: LoopbackMailbox = self.server.owner  # type: ignore[attr-defined]
        if self.owner.tls:
            self.request = self.owner.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def answer(self, verb: str, data: bytes) -> None:
        self.owner.heard.append(verb)
        act = self.owner.script(verb) if self.owner.script else None
        if isinstance(act, Stall):
            self.server.pause(act.seconds)  # type: ignore[attr-defined]
        elif isinstance(act, Say):
            for _ in range(act.times):
                self.wfile.write(act.data)
            return
        elif isinstance(act, Drop):
            raise ConnectionAbortedError
        elif isinstance(act, Cut):
            self.wfile.write(data[: len(data) // 2])
            raise ConnectionAbortedError
        self.wfile.write(data)


class _Imap(_Session):
    def handle(self) -> None:
        self.answer("greeting", f"* OK [CAPABILITY {self.owner.offers}] Ready\r\n".encode())
        while line := self.rfile.readline(4096):
            tag, verb, *words = line.split()
            name = verb.decode().upper()
            name = words.pop(0).decode().upper() if name == "UID" else name
            said = getattr(self, f"do_{name.lower()}", lambda words: b"")(words)
            ok = b"NO refused" if said is None else b"OK done"
            self.answer(name, (said or b"") + tag + b" " + ok + b"\r\n")
            if name == "LOGOUT":
                return

    def do_capability(self, words: list[bytes]) -> bytes:
        return f"* CAPABILITY {self.owner.offers}\r\n".encode()

    def do_authenticate(self, words: list[bytes]) -> bytes | None:
        self.wfile.write(b"+ \r\n")
        given = base64.b64decode(self.rfile.readline(4096))
        return b"" if given == f"\0{USER}\0{PASSWORD}".encode() else None

    def do_login(self, words: list[bytes]) -> bytes | None:
        return b"" if words == [USER.encode(), f'"{PASSWORD}"'.encode()] else None

    def do_select(self, words: list[bytes]) -> bytes | None:
        store = self.owner.store
        known = f"* {len(store.mails)} EXISTS\r\n* OK [UIDVALIDITY {store.validity}] UIDs\r\n"
        return known.encode() if words == [b'"INBOX"'] else None

    def do_search(self, words: list[bytes]) -> bytes:
        return f"* SEARCH {' '.join(self.owner.store.mails)}\r\n".encode()

    def do_fetch(self, words: list[bytes]) -> bytes:
        uid, match = words[0].decode(), _NUMBER.search(words[-1])
        mail = self.owner.store.mails.get(uid)
        if mail is None or match is None:
            return b""
        part = mail[: int(match[1])]
        return b"* 1 FETCH (UID %s BODY[]<0> {%d}\r\n%s)\r\n" % (words[0], len(part), part)

    def do_move(self, words: list[bytes]) -> bytes | None:
        if words[1] == b'"Nowhere"':
            return None
        mail = self.owner.store.mails.pop(words[0].decode())
        self.owner.store.moved.setdefault(words[1].decode(), []).append(mail)
        return b""

    def do_copy(self, words: list[bytes]) -> bytes:
        self.owner.store.moved.setdefault(words[1].decode(), []).append(self.owner.store.mails[words[0].decode()])
        return b""

    def do_expunge(self, words: list[bytes]) -> bytes:
        self.owner.store.mails.pop(words[0].decode())
        return b""


class _Pop(_Session):
    def handle(self) -> None:
        self._user, self._gone = b"", set[str]()
        self.answer("greeting", b"+OK Ready\r\n")
        while line := self.rfile.readline(4096):
            verb, *words = line.split()
            name = verb.decode().upper()
            said = getattr(self, f"do_{name.lower()}")(words)
            self.answer(name, b"-ERR refused\r\n" if said is None else b"+OK " + said)
            if name == "QUIT":
                return

    def _uid(self, number: bytes) -> str:
        return list(self.owner.store.mails)[int(number) - 1]

    def do_user(self, words: list[bytes]) -> bytes:
        self._user = words[0]
        return b"\r\n"

    def do_pass(self, words: list[bytes]) -> bytes | None:
        return b"\r\n" if (self._user, words[0]) == (USER.encode(), PASSWORD.encode()) else None

    def do_uidl(self, words: list[bytes]) -> bytes:
        lines = (f"{n} {uid}\r\n" for n, uid in enumerate(self.owner.store.mails, 1))
        return ("\r\n" + "".join(lines) + ".\r\n").encode()

    def do_list(self, words: list[bytes]) -> bytes:
        return words[0] + b" %d\r\n" % len(self.owner.store.mails[self._uid(words[0])])

    def do_retr(self, words: list[bytes]) -> bytes:
        mail = self.owner.store.mails[self._uid(words[0])]
        stuffed = re.sub(rb"(?m)^\.", b"..", mail)
        return b"\r\n" + stuffed.rstrip(b"\r\n") + b"\r\n.\r\n"

    def do_top(self, words: list[bytes]) -> bytes:
        return self.do_retr(words)

    def do_dele(self, words: list[bytes]) -> bytes:
        self._gone.add(self._uid(words[0]))
        return b"\r\n"

    def do_quit(self, words: list[bytes]) -> bytes:
        for uid in self._gone:
            self.owner.store.mails.pop(uid)
        return b"\r\n"
