"""Send copies through a provider's API, in the shape of ``pool``, so that ``loop`` and the room need not know.

Threads post, one copy each at a time, and ring a bell that the loop listens to. The first copy goes alone: an account
that is suspended is asked once. The loop holds the deadline: a request that takes too long is in doubt, and its thread
is given up, whatever holds it. A provider that says "too many" is left alone for as long as it asks.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, cast

from handbill.delivery.engine.connection import Connection, Phase
from handbill.delivery.engine.judge import ACCEPTED
from handbill.delivery.engine.judge_api import Answer, judge_answer
from handbill.delivery.engine.outcome import UNTOUCHED, Copy, RelayTrouble
from handbill.delivery.engine.pool import MOST_STRIKES, Limits, Manners, Pool, Source
from handbill.delivery.engine.protocol import Told
from handbill.kit.mail_settings import Relay

SECONDS = 60.0  # a request, from when it is handed to a thread
LONGEST_PAUSE = 30.0  # seconds; a provider that asks for more is trouble, for which there is the breaker
FIRST_PAUSE = 1.0  # where it doesn't say how long

Post = Callable[[Copy], Answer]
"""Sends one copy, in a thread of its own. Never raises."""


class Bell:
    """What the loop polls: readable once a thread has an answer."""

    def __init__(self) -> None:
        self.phase = Phase.TALKING
        self.number = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self.wants_to_write = False
        self.watched = 0
        self.wire = self
        self._open = True
        self._lock = threading.Lock()

    def ring(self) -> None:
        """From any thread; harmless once it is closed."""
        with self._lock:
            if self._open:
                os.eventfd_write(self.number, 1)

    def silence(self) -> None:
        """It was heard."""
        with suppress(BlockingIOError):
            os.eventfd_read(self.number)

    def close(self) -> None:
        """Its number is another's afterwards, so nobody may ring it then."""
        with self._lock:
            if self._open:
                os.close(self.number)
                self._open = False


class ApiPool(Pool):
    """``make`` gives each thread its ``Post``."""

    def __init__(self, relay: Relay, make: Callable[[], Post], source: Source, limits: Limits) -> None:
        self.relay, self.limits, self.manners = relay, limits, Manners()
        self.trouble: RelayTrouble | None = None
        self.connections: list[Connection] = []
        self.seconds = SECONDS
        self._source, self._make = source, make
        self._returned: deque[Copy] = deque()
        self._strikes = 0
        self._ended = self._stopping = False
        self._jobs: SimpleQueue[tuple[int, Copy] | None] = SimpleQueue()
        self._answers: SimpleQueue[tuple[int, Answer]] = SimpleQueue()
        self._under_way: dict[int, tuple[Copy, float]] = {}  # by number: the copy, and when it is late
        self._numbers = self._threads = 0
        self._rest_until = 0.0

    def open(self, now: float) -> list[Connection]:
        """The bell, once: threads are begun as they are needed."""
        if self.connections or self._quiet or (self._ended and not self._returned):
            return []
        bell = cast(Connection, Bell())
        self.connections.append(bell)
        return [bell]

    def hear(self, connection: Connection, now: float, read: bool, write: bool) -> list[Told]:
        """What answers decide about copies, and what is late."""
        cast(Any, connection).silence()
        told: list[Told] = []
        while not self._answers.empty():
            number, answer = self._answers.get()
            if begun := self._under_way.pop(number, None):
                told += self._judged(begun[0], answer, now)
        for number, (copy, late) in list(self._under_way.items()):
            if now >= late:
                del self._under_way[number]
                self._threads -= 1  # whatever holds it, it gets no more
                told += self._judged(copy, Answer(text="The provider didn't answer in time."), now)
        return told

    def serve(self, connections: Sequence[Connection], now: float) -> list[Told]:
        """Give threads copies, as many as there is room for."""
        (connection,) = connections
        room = (self.limits.connections if self.manners.proven else 1) - len(self._under_way)
        if room > 0 and not self._quiet and now >= self._rest_until:
            self._stock(room)
            for copy in self._pull(room):
                self._begin(connection, copy, now)
        if not self._under_way and (self._quiet or (self._ended and not self._returned)):
            connection.phase = Phase.OVER
        return []

    def send(self, connection: Connection) -> list[Told]:
        """See the bell off."""
        if connection.phase is Phase.OVER and connection in self.connections:
            self.connections.remove(connection)
            for _ in range(self._threads):
                self._jobs.put(None)
            self._threads = 0
            connection.wire.close()
        return []

    def _begin(self, connection: Connection, copy: Copy, now: float) -> None:
        self._numbers += 1
        self._under_way[self._numbers] = copy, now + self.seconds
        self._jobs.put((self._numbers, copy))
        if self._threads < len(self._under_way):
            self._threads += 1
            threading.Thread(target=self._work, args=(connection, self._make()), daemon=True).start()

    def _work(self, bell: Any, post: Post) -> None:
        while (job := self._jobs.get()) is not None:
            number, copy = job
            self._answers.put((number, post(copy)))
            bell.ring()

    def _judged(self, copy: Copy, answer: Answer, now: float) -> list[Told]:
        outcome = judge_answer(answer, copy.to)
        if outcome.state == UNTOUCHED:
            self._returned.append(copy)
            self._put_off(answer, now)
            return []
        if outcome.state == ACCEPTED:
            self.manners.proven, self._strikes = True, 0
        elif outcome.strike:
            self._strikes += 1
            if self._strikes >= MOST_STRIKES:
                self.trouble = self.trouble or RelayTrouble(
                    f"Relay {self.relay.name} failed {self._strikes} copies in a row: {outcome.code} {outcome.reply}"
                )
        return [(copy.key, outcome)]

    def _put_off(self, answer: Answer, now: float) -> None:
        """Nobody took it: it goes out again after a rest, unless the provider is down or asks for a long one."""
        self._strikes += 1
        if answer.unsent:
            self.trouble = self.trouble or RelayTrouble(f"Relay {self.relay.name} can't be reached. {answer.text}")
        elif answer.wait > LONGEST_PAUSE or self._strikes >= MOST_STRIKES:
            self.trouble = self.trouble or RelayTrouble(
                f"Relay {self.relay.name} takes no more for now: too many requests.", "rate"
            )
        else:
            self._rest_until = max(self._rest_until, now + (answer.wait or FIRST_PAUSE * 2**self._strikes))
