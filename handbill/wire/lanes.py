"""Feeds that wait for their turn in a round: one lane a host, one feed of it under way at a time. Pure.

The caller's items are whatever it likes; the moment is an argument.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from handbill.kit.urls import WebAddress
from handbill.wire.politeness import Place, Traffic, place_of

LONGEST = 60  # items wait in one lane; the next round has the others

T = TypeVar("T")


@dataclass(slots=True)
class Lane(Generic[T]):
    """The items of one host. ``answers`` are its network addresses, once they are known."""

    place: Place
    waiting: deque[T] = field(default_factory=deque)
    answers: tuple[str, ...] = ()


class Lanes(Generic[T]):
    """All lanes of a round. A lane is taken with its first item, and free for the next once it is freed."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._lanes: dict[str, Lane[T]] = {}
        self._ready: deque[Lane[T]] = deque()
        self._taken: dict[str, Lane[T]] = {}
        self._resting: set[str] = set()
        self._count = 0

    def __len__(self) -> int:
        """How many items wait."""
        return self._count

    def join(self, address: WebAddress, item: T) -> bool:
        """Put ``item`` in the line of its host; False when that is full or the host has its rest."""
        key = place_of(address).host
        lane = self._lanes.get(key)
        if key in self._resting or (lane and len(lane.waiting) >= LONGEST):
            return False
        if lane is None:
            lane = self._lanes[key] = Lane(place_of(address))
            self._ready.append(lane)
        lane.waiting.append(item)
        self._count += 1
        return True

    def take(self, moment: float) -> tuple[Lane[T], T] | None:
        """The next item that may begin, with its lane, which is taken now; None when none may."""
        for _ in range(len(self._ready)):
            lane = self._ready.popleft()
            if lane.waiting and self._traffic.begin(lane.place, moment):
                self._count -= 1
                self._taken[lane.place.host] = lane
                return lane, lane.waiting.popleft()
            if lane.waiting:
                self._ready.append(lane)
            else:
                del self._lanes[lane.place.host]
        return None

    def found(self, lane: Lane[T], item: T, address: WebAddress, answers: Sequence[str]) -> None:
        """The host's network addresses are known: the item waits again, as first, for these to have room."""
        self._end(lane)
        lane.answers, lane.place = tuple(answers), place_of(address, answers)
        lane.waiting.appendleft(item)
        self._count += 1
        self._ready.appendleft(lane)

    def free(self, lane: Lane[T]) -> None:
        """The item under way is done with its host."""
        self._end(lane)
        self._ready.append(lane)

    def rest(self, key: str) -> list[T]:
        """The host has its rest until the round is over; gives the items that waited for it."""
        self._resting.add(key)
        lane = self._lanes.get(key)
        items = list(lane.waiting) if lane else []
        if lane:
            lane.waiting.clear()
        self._count -= len(items)
        return items

    def clear(self, moment: float) -> tuple[list[T], list[T]]:
        """End all waiting; gives the items that could have begun and those whose host or platform had no room.

        A lane that is still taken is given up: its round broke off, and its host must not count as busy for ever.
        """
        for lane in list(self._taken.values()):
            self._end(lane)
        free: list[T] = []
        held: list[T] = []
        for lane in self._lanes.values():
            (free if self._traffic.may_begin(lane.place, moment) else held).extend(lane.waiting)
            lane.waiting.clear()
        self._count = 0
        return free, held

    def _end(self, lane: Lane[T]) -> None:
        if self._taken.pop(lane.place.host, None):
            self._traffic.end(lane.place)
