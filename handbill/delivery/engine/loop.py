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
        """Whether all is done."""
        now = self._clock()
        if now >= self._next_look:
            self._next_look = now + TICK
            if stop():
                for pool in pools:
                    pool.stop()
            for pool in pools:
                self._tend(pool, now)
            if all(pool.done for pool in pools):
                return True
        for number, event in self._poll.poll(TICK):
            self._happened(number, event, self._clock())
        return False

    def close(self, pools: Sequence[Pool]) -> None:
        self._poll.close()
        for pool in pools:
            for connection in pool.connections:
                connection.wire.close()

    def _tend(self, pool: Pool, now: float) -> None:
        opened, told = pool.tend(now)
        if told:
            self._report(pool, told)
        for number in [number for number, (_, known) in self._known.items() if known.phase is Phase.OVER]:
            self._forget(number)
        for connection in opened:
            self._known[connection.wire.fileno()] = pool, connection
        for connection in pool.connections:
            self._watch(connection)

    def _happened(self, number: int, event: int, now: float) -> None:
        pool, connection = self._known[number]
        told = pool.happened(connection, now, bool(event & ~select.EPOLLOUT), bool(event & select.EPOLLOUT))
        if told:
            self._report(pool, told)
        if connection.phase is Phase.OVER:
            self._forget(number)
            self._next_look = 0.0
        else:
            self._watch(connection)

    def _forget(self, number: int) -> None:
        """A closed socket has left the poll by itself, and its number may be another's soon."""
        del self._known[number]
        self._masks.pop(number, None)

    def _watch(self, connection: Connection) -> None:
        number = connection.wire.fileno()
        wanted = select.EPOLLIN | (select.EPOLLOUT if connection.wants_to_write else 0)
        known = self._masks.get(number)
        if known is None:
            self._poll.register(number, wanted)
        elif known != wanted:
            self._poll.modify(number, wanted)
        self._masks[number] = wanted
