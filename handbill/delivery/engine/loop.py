"""Move pools of connections in one thread until they are done: the only place that waits."""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Sequence

from handbill.delivery.engine.connection import Connection, Phase
from handbill.delivery.engine.pool import Pool
from handbill.delivery.engine.protocol import Told

_IN, _OUT, _BOTH = select.EPOLLIN, select.EPOLLOUT, select.EPOLLIN | select.EPOLLOUT
TICK = 0.05  # seconds between looks at deadlines, idle connections and whether to stop

Report = Callable[[Pool, list[Told]], None]
"""Is given what became of copies, some at a time, each copy exactly once."""


def send_all(
    pools: Sequence[Pool],
    report: Report,
    stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Send what the pools' sources give, until each is done or ``stop`` says so; then finish what is in flight.

    ``stop`` is asked every ``TICK``, and may add a pool to ``pools`` while it is.

    Each copy pulled from a source is reported once, if need be as untouched. An exception of a source or of ``report``
    closes all connections and goes on to the caller; what was in flight then is for the journal to know.
    """
    loop = _Loop(report, clock)
    try:
        while not loop.turn(pools, stop):
            pass
    finally:
        loop.close(pools)
    for pool in pools:
        if told := pool.give_back():
            report(pool, told)


class _Loop:
    def __init__(self, report: Report, clock: Callable[[], float]) -> None:
        self._report, self._clock = report, clock
        self._poll = select.epoll()
        self._known: dict[int, tuple[Pool, Connection]] = {}
        self._next_look = 0.0

    def turn(self, pools: Sequence[Pool], stop: Callable[[], bool]) -> bool:
        """Whether all is done. What came in is heard first: a caller that was held up must not take it for late."""
        events = self._poll.poll(TICK if self._known else 0)
        now = self._clock()
        heard: dict[Pool, list[Connection]] = {}
        told: dict[Pool, list[Told]] = {}
        for number, event in events:
            pool, connection = self._known[number]
            heard.setdefault(pool, []).append(connection)
            if found := pool.hear(connection, now, event != _OUT, event & _OUT != 0):
                told.setdefault(pool, []).extend(found)
        for pool, found in told.items():
            self._report(pool, found)
        self._serve(heard, now)
        now = self._clock()
        if now >= self._next_look:
            self._next_look = now + TICK
            if stop():
                for pool in pools:
                    pool.stop()
            self._tend(pools, now)
            if all(pool.done for pool in pools):
                return True
        return False

    def close(self, pools: Sequence[Pool]) -> None:
        self._poll.close()
        for pool in pools:
            for connection in pool.connections:
                connection.wire.close()

    def _tend(self, pools: Sequence[Pool], now: float) -> None:
        """Now and then: end what is late, feed what is idle, open what is missing."""
        known: dict[Pool, list[Connection]] = {}
        for pool, connection in self._known.values():
            known.setdefault(pool, []).append(connection)
            self._tell(pool, pool.hear(connection, now, False, False))
        self._serve(known, now)
        for pool in pools:
            for connection in pool.open(now):
                self._known[connection.number] = pool, connection
                self._watch(connection)

    def _tell(self, pool: Pool, told: list[Told]) -> None:
        if told:
            self._report(pool, told)

    def _serve(self, heard: dict[Pool, list[Connection]], now: float) -> None:
        """All are fed before any is sent to: at each byte sent, a relay on this machine may wake and take our place."""
        for pool, connections in heard.items():
            self._tell(pool, pool.serve(connections, now))
        for pool, connections in heard.items():
            for connection in connections:
                if told := pool.send(connection):
                    self._report(pool, told)
                if connection.phase is Phase.OVER:
                    self._forget(connection.number)
                    self._next_look = 0.0
                else:
                    self._watch(connection)

    def _forget(self, number: int) -> None:
        """A closed socket has left the poll by itself, and its number may be another's soon."""
        del self._known[number]

    def _watch(self, connection: Connection) -> None:
        wanted = _BOTH if connection.wants_to_write else _IN
        if connection.watched == wanted:
            return
        change = self._poll.modify if connection.watched else self._poll.register
        change(connection.number, wanted)
        connection.watched = wanted
