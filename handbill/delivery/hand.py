"""What a worker has in hand: copies from their intent until an outcome is known, and which of them no wire has yet.

Ready copies go over any relay; those that some relay refused, without anybody taking them, over another one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping

from handbill.delivery.journal import Claimed


class Hand:
    """``rows``: all of it, by id. Who takes a row by ``next`` or ``moved`` settles it, moves it or gives it back."""

    def __init__(self) -> None:
        self.rows: dict[int, Claimed] = {}
        self._ready: deque[Claimed] = deque()
        self._elsewhere: deque[Claimed] = deque()
        self._refused: dict[int, set[str]] = {}  # by which relays

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def ready(self) -> bool:
        """Whether a copy waits that goes over any relay."""
        return bool(self._ready)

    @property
    def elsewhere(self) -> Collection[Claimed]:
        """Copies that some relay refused."""
        return self._elsewhere

    @property
    def waiting(self) -> list[Claimed]:
        """All that is on no wire."""
        return [*self._ready, *self._elsewhere]

    def take(self, rows: Iterable[Claimed], but: Mapping[int, str]) -> None:
        """Rows that were claimed; ``but``: relays by ids, over which these don't go."""
        for row in rows:
            self.rows[row.id] = row
            if row.id in but:
                self._refused[row.id] = {but[row.id]}
                self._elsewhere.append(row)
            else:
                self._ready.append(row)

    def next(self) -> Claimed:
        """A ready copy; there must be one."""
        return self._ready.popleft()

    def moved(self, relay: str, most: int) -> list[Claimed]:
        """Up to ``most`` copies that other relays refused, and this one did not."""
        mine = [row for row in self._elsewhere if self.open_to(row, relay)][:most]
        for row in mine:
            self._elsewhere.remove(row)
        return mine

    def open_to(self, row: Claimed, relay: str) -> bool:
        """Whether the relay didn't refuse it."""
        return relay not in self._refused.get(row.id, ())

    def give_back(self, row: Claimed) -> None:
        """The wire didn't touch it: it is the next to go."""
        (self._elsewhere if row.id in self._refused else self._ready).appendleft(row)

    def move(self, row: Claimed, relay: str, fit: Iterable[str]) -> bool:
        """The relay refused it: whether it waits for one of the ``fit`` now, or all of them did."""
        refused = self._refused.get(row.id, set()) | {relay}
        if refused.issuperset(fit):
            return False
        self._refused[row.id] = refused
        self._elsewhere.append(row)
        return True

    def settle(self, row: Claimed) -> None:
        """Its outcome is known."""
        del self.rows[row.id]
        if self._refused:
            self._refused.pop(row.id, None)

    def let_go(self) -> None:
        """Of all that is on no wire: it may be another worker's by now."""
        self.drop(row.id for row in self.waiting)

    def drop(self, keys: Iterable[int]) -> None:
        """Of these, which are on no wire."""
        out = set(keys)
        if out:
            self._ready = deque(row for row in self._ready if row.id not in out)
            self._elsewhere = deque(row for row in self._elsewhere if row.id not in out)
            for key in out:
                del self.rows[key]

    def stuck(self, fit: Collection[str]) -> list[Claimed]:
        """What all relays that are fit refused."""
        return [row for row in self._elsewhere if self._refused[row.id].issuperset(fit)]
