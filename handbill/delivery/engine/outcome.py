"""What goes into the engine and what comes out of it: copies and their outcomes.

Both are made by the ten thousand, so they are tuples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from handbill.kit.errors import TryLater

UNTOUCHED = "untouched"
"""Taken by the engine and given back: no relay can have it, and no try was made of it."""


class Copy(NamedTuple):
    """One recipient's message. ``body`` is what ``stamp`` makes: parts that end with CRLF and have no line with a dot
    at its start, so that they go out as they are, whether after DATA or after BDAT; ``size`` is their length in bytes.

    ``key`` is the caller's own and comes back with the outcome. ``envelope_id`` is a word for RFC 3461's ENVID.
    """

    key: Any
    sender: str
    to: str
    body: Sequence[bytes]
    size: int
    envelope_id: str = ""


class Outcome(NamedTuple):
    """What became of one copy: ``state`` as in ``judge`` or UNTOUCHED, ``reply`` without addresses.

    ``strike``: it speaks against the relay rather than the reader; several in a row mean that the relay is down.
    ``stage``: what the reply answered (see ``judge``), empty where there was none.
    """

    state: str
    code: int = 0
    reply: str = ""
    reason: str = ""
    strike: bool = False
    stage: str = ""


class RelayTrouble(TryLater):
    """The relay can't be reached or won't have us: no copy was tried. The sentence names the relay and no address.

    ``reason``: a word of ``judge``, empty where there was no answer to judge.
    """

    def __init__(self, sentence: str, reason: str = "") -> None:
        super().__init__(sentence)
        self.reason = reason
