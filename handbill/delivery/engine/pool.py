"""Send copies through one relay over several connections, and learn how the relay likes it.

The first connection is a probe: it sends one copy, then a few, and only when these were accepted do the others open, in
the mode that held. A relay that can't follow, or that loses the probe, is talked to one mode slower. Copies are pulled
as there is room for them, so memory doesn't grow with their number; what a lost connection didn't begin goes over the
next one. ``loop`` moves it.
"""

from __future__ import annotations

import socket
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from handbill.delivery.engine.connection import Connection, Patience, Phase
from handbill.delivery.engine.greeting import Terms, refuse_open_password, where
from handbill.delivery.engine.judge import ACCEPTED
from handbill.delivery.engine.outcome import UNTOUCHED, Copy, Outcome, RelayTrouble
from handbill.delivery.engine.protocol import Conversation, Mode, Told
from handbill.delivery.engine.wire import Wire

MOST_STRIKES = 3
PROVEN = 3  # copies accepted by a probe: one alone, then two running ahead

Address = tuple[int, tuple[Any, ...]]
"""A family of addresses, and one as ``socket`` knows it."""

Source = Callable[[int], Sequence[Copy] | None]
"""Gives up to so many copies; fewer or none when there are none now; None when there will be none any more."""


@dataclass(frozen=True, slots=True)
class Limits:
    """``window``: copies in flight on one connection, which is what a kill may repeat, for each of ``connections``.

    ``messages`` are sent over a connection before it is closed.
    """

    connections: int = 1
    window: int = 20
    messages: int = 1 << 60
    patience: Patience = field(default_factory=Patience)


@dataclass(slots=True)
class Manners:
    """What was learnt about a relay; keep it, and the next pool need not learn it again."""

    fastest: Mode = Mode.CHUNKED
    proven: bool = False
    connections: int = 1 << 30
    messages: int = 1 << 60


class Pool:
    """Connections to ``terms.relay``. ``trouble`` says why it gave up; what it then had not begun is untouched.

    Raises RelayTrouble at once for a relay that must not be spoken to as it is set.
    """

    def __init__(
        self,
        terms: Terms,
        source: Source,
        limits: Limits | None = None,
        *,
        manners: Manners | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        refuse_open_password(terms.relay)
        self.relay = terms.relay
        self.limits = limits or Limits()
        self.manners = manners or Manners()
        self.trouble: RelayTrouble | None = None
        self.connections: list[Connection] = []
        self._terms, self._source = terms, source
        self._context = context
        if context is None and terms.relay.security != "smtp":
            self._context = ssl.create_default_context()  # costs 50 ms
        self._returned: deque[Copy] = deque()
        self._addresses: list[Address] = []
        self._strikes = 0
        self._ended = self._stopping = False

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return not self.connections and (self._ended or self._stopping or self.trouble is not None)

    def stop(self) -> None:
        """Begin no further copy; what is in flight is finished."""
        self._stopping = True

    def give_back(self) -> list[Told]:
        """The copies it had taken and not begun, once it is done."""
        told = [(copy.key, Outcome(UNTOUCHED)) for copy in self._returned]
        self._returned.clear()
        return told

    def open(self, now: float) -> list[Connection]:
        """Open the connections that are wanting."""
        opened: list[Connection] = []
        while self._may_open() and (new := self._open(now)):
            opened.append(new)
        return opened

    def hear(self, connection: Connection, now: float, read: bool, write: bool) -> list[Told]:
        """The connection's socket has bytes, or takes some, or neither in time: what that decides about copies."""
        told = connection.writable(now) if write else []
        if read and connection.phase is not Phase.OVER:
            told += connection.readable(now)
        elif now >= connection.deadline and connection.phase is not Phase.OVER:
            told += self._late(connection, now)
        if told:
            self._count(told)
        return told

    def serve(self, connections: Sequence[Connection], now: float) -> list[Told]:
        """Give connections copies, as many as they have room for; some may be unfit for this relay."""
        told: list[Told] = []
        rooms = [(one, self._room(one)) for one in connections if one.phase is Phase.TALKING]
        self._stock(sum([room for _, room in rooms]))
        for connection, room in rooms:
            if room and self._returned and not self._quiet:
                told += connection.take(self._pull(room), now)
            if not connection.busy and (self._quiet or self._ended or not self._room(connection)):
                connection.leave(now)
        return told

    def send(self, connection: Connection) -> list[Told]:
        """Write what a connection has to say, or see it off."""
        told = connection.flush() if connection.phase is not Phase.OVER else []
        if connection.phase is Phase.OVER and connection in self.connections:
            self._see_off(connection)
        if told:
            self._count(told)
        return told

    def _room(self, connection: Connection) -> int:
        talk = connection.conversation or self._introduce(connection)
        if not self.manners.proven:
            self._prove(connection)
        return talk.room

    @property
    def _quiet(self) -> bool:
        return self._stopping or self.trouble is not None

    def _stock(self, count: int) -> None:
        """Have ``count`` copies at hand, by one call for all connections."""
        wanting = count - len(self._returned)
        if wanting > 0 and not self._ended and not self._quiet:
            copies = self._source(wanting)
            if copies is None:
                self._ended = True
            else:
                self._returned.extend(copies)

    def _pull(self, count: int) -> Sequence[Copy]:
        return [self._returned.popleft() for _ in range(min(count, len(self._returned)))]

    def _introduce(self, connection: Connection) -> Conversation:
        assert connection.offers is not None
        mode = min(connection.offers.best, self.manners.fastest)
        window = self.limits.window if self.manners.proven else 1
        talk = connection.converse(mode, window, min(self.limits.messages, self.manners.messages))
        talk.probing = not self.manners.proven
        return talk

    def _prove(self, connection: Connection) -> None:
        talk = connection.conversation
        assert talk is not None
        if talk.accepted >= PROVEN and talk.mode <= self.manners.fastest:
            self.manners.proven, talk.probing = True, False
            talk.window = self.limits.window
        elif talk.accepted:
            talk.window = min(2, self.limits.window)

    def _may_open(self) -> bool:
        if self._quiet or (self._ended and not self._returned):
            return False
        wanted = min(self.limits.connections, self.manners.connections) if self.manners.proven else 1
        return len(self.connections) < wanted

    def _open(self, now: float) -> Connection | None:
        try:
            if not self._addresses:
                self._addresses = _resolve(self.relay.host, self.relay.port)
            wire = Wire(*self._addresses[0])
        except (OSError, UnicodeError):
            self._unreachable(RelayTrouble(f"{where(self.relay)} can't be reached."))
            return None
        connection = Connection(self._terms, wire, self._context, self.limits.patience, now)
        self.connections.append(connection)
        return connection

    def _late(self, connection: Connection, now: float) -> list[Told]:
        talk = connection.conversation
        if connection.phase is Phase.TALKING and not (talk and talk.awaited):
            connection.leave(now)
            return []
        return connection.late()

    def _see_off(self, connection: Connection) -> None:
        self.connections.remove(connection)
        talk = connection.conversation
        if talk is None:
            self._unreachable(connection.trouble or RelayTrouble(f"{where(self.relay)} can't be reached."))
            return
        self._returned.extend(talk.back)
        lost_probe = talk.dropped and not self.manners.proven
        if talk.accepted and talk.told_to_go and not talk.outrun:
            self.manners.messages = min(self.manners.messages, talk.accepted)
        elif talk.mode is not Mode.PLAIN and (talk.outrun or lost_probe):
            self.manners.fastest, self.manners.proven = min(self.manners.fastest, Mode(talk.mode - 1)), False

    def _unreachable(self, trouble: RelayTrouble) -> None:
        """The next address; fewer connections; or, when it was the only one and something is left, the end."""
        if self._addresses[1:] and not self.connections:
            self._addresses.pop(0)
        elif self.connections:
            self.manners.connections = len(self.connections)  # no more are welcome
        elif not self._ended or self._returned:
            self.trouble = trouble

    def _count(self, told: list[Told]) -> None:
        for _, outcome in told:
            if outcome.strike:
                self._strikes += 1
            elif outcome.state == ACCEPTED:
                self._strikes = 0
                return
        if self._strikes >= MOST_STRIKES:
            self.trouble = self.trouble or RelayTrouble(
                f"Relay {self.relay.name} failed {self._strikes} copies in a row."
            )


def _resolve(host: str, port: int) -> list[Address]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(int(family), address) for family, _, _, _, address in found]
