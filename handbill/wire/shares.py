"""A large round in several processes: who fetches which feeds, and the helpers that do what isn't this process' part.

One interpreter fills one core. So where much is due, helpers (``wire.helper``) take a share each of all places, with
which they lease, fetch and file by themselves; this process has the first. Nothing is said between them but at the
beginning and the end, and nobody's leases are another's, so one that is killed leaves what it held to the next round
(ADR 0042).
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from handbill.kit import cell
from handbill.kit.settings import Settings
from handbill.kit.urls import read_address
from handbill.wire.politeness import WHOLE, Books, Share, Traffic, place_of
from handbill.wire.records import Round

MANY = 500  # feeds due; below, a helper costs more than it brings
MOST_SHARES = 4
COMMAND = [sys.executable, "-m", "handbill.wire.helper"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """What one process does of a round.

    ``began`` is the round's beginning on the monotonic clock, which all processes of a machine share; ``seconds`` are
    for one fetch. ``feeds`` are the keys of the share's feeds, the earliest due first; None: all that are due, as far
    as ``limit`` goes.
    """

    now: datetime
    began: float
    seconds: float
    limit: int
    share: Share = WHOLE
    feeds: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Commission:
    """What a helper is told at its beginning."""

    part: Part
    books: Books
    newsroom: Settings
    database: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Done:
    """What a helper says at its end."""

    round: Round
    books: Books


def divide(due: Iterable[tuple[int, str]], shares: int) -> list[tuple[int, ...]]:
    """The keys of each share's feeds, in order, of pairs of key and address."""
    keys: list[list[int]] = [[] for _ in range(shares)]
    parts = [Share(number, shares) for number in range(shares)]
    for key, address in due:
        place = place_of(read_address(address))
        keys[next(part.number for part in parts if part.has(place))].append(key)
    return [tuple(each) for each in keys]


def how_many(due: int) -> int:
    """How many processes a round over so many feeds is worth: one a core where there is much to do."""
    return min(os.cpu_count() or 1, MOST_SHARES) if due > MANY else 1


@contextlib.contextmanager
def helped(parts: Sequence[Part], traffic: Traffic, ends: float) -> Iterator[list[Done]]:
    """Helpers do all ``parts`` but the first while the block runs, and until ``ends`` (monotonic) at the latest.

    What they did is in the list that is given, once the block is left; nothing of a helper that was killed. When the
    block raises, they are ended. Meanwhile ``traffic`` has places of the first part alone.
    """
    done: list[Done] = []
    books = traffic.share_out(parts[0].share)
    helpers: list[_Helper] = []
    try:
        for part in parts[1:]:
            helpers.append(_Helper(Commission(part, books, settings.HANDBILL, connection.settings_dict)))
        yield done
        done += [told for helper in helpers if (told := helper.wait(ends))]
    finally:
        for helper in helpers:
            helper.end()
        traffic.take_back(told.books for told in done)


class _Helper:
    """One helper and the line to it."""

    def __init__(self, commission: Commission) -> None:
        self._line, theirs = socket.socketpair()
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        with theirs:
            self._process = subprocess.Popen(COMMAND, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, env=environment)
        with contextlib.suppress(OSError):  # it died at once: then there is no answer either
            cell.send(self._line, pickle.dumps(commission))

    def wait(self, ends: float) -> Done | None:
        """What it did; None when it died or is not done in time."""
        self._line.settimeout(max(ends - time.monotonic(), 0.1))
        try:
            told: Done = pickle.loads(cell.receive(self._line))  # noqa: S301 - from our own child
        except (OSError, EOFError):
            log.warning("A helper of the round of fetching was lost; what it held is fetched once its leases are over.")
            return None
        return told

    def end(self) -> None:
        """See it off, whatever it is doing."""
        self._line.close()
        try:
            self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
