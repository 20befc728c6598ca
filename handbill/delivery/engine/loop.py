"""Move pools of connections in one thread until they are done: the only place that waits."""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Sequence

from handbill.delivery.engine.connection import Connection, Phase
from handbill.delivery.engine.pool import Pool
from handbill.delivery.engine.protocol import Told

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
        self._masks: dict[int, int] = {}
        self._next_look = 0.0

    def turn(self, pools: Sequence[Pool], stop: Callable[[], bool]) -> bool:
        """Whether all is done. What came in is heard first: a caller that was held up must not take it for late."""
        events = self._poll.poll(TICK if self._known else 0)
        now = self._clock()
        heard = [(*self._known[number], event) for number, event in events]
        for pool, connection, event in heard:
            self._tell(pool, pool.hear(connection, now, bool(event & ~select.EPOLLOUT), bool(event & select.EPOLLOUT)))
        self._serve([(pool, connection) for pool, connection, _ in heard], now)
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
        known = list(self._known.values())
        for pool, connection in known:
            self._tell(pool, pool.hear(connection, now, False, False))
        self._serve(known, now)
        for pool in pools:
            for connection in pool.open(now):
                self._known[connection.number] = pool, connection
                self._watch(connection)

    def _tell(self, pool: Pool, told: list[Told]) -> None:
        if told:
            self._report(pool, told)

    def _serve(self, heard: list[tuple[Pool, Connection]], now: float) -> None:
        """All are fed before any is sent to: at each byte sent, a relay on this machine may wake and take our place."""
        for pool, connection in heard:
            self._tell(pool, pool.serve(connection, now))
        for pool, connection in heard:
            self._tell(pool, pool.send(connection))
            if connection.phase is Phase.OVER:
                self._forget(connection.number)
                self._next_look = 0.0
            else:
                self._watch(connection)

    def _forget(self, number: int) -> None:
        """A closed socket has left the poll by itself, and its number may be another's soon."""
        del self._known[number]
        self._masks.pop(number, None)

    def _watch(self, connection: Connection) -> None:
        number = connection.number
        wanted = select.EPOLLIN | (select.EPOLLOUT if connection.wants_to_write else 0)
        known = self._masks.get(number)
        if known is None:
            self._poll.register(number, wanted)
        elif known != wanted:
            self._poll.modify(number, wanted)
        self._masks[number] = wanted
