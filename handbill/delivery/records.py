"""What other rooms hand to delivery and get back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

READER_SLOT = "HANDBILL-READER-TOKEN"
"""Stands in a letter's links where each recipient's signed token goes: ``https://paper.example/unsubscribe/<slot>/``."""


@dataclass(frozen=True, slots=True)
class LetterBody:
    """One composed letter. ``one_click`` is the RFC 8058 address with READER_SLOT in it, or empty."""

    key: str
    sender: str
    subject: str
    html: str
    text: str
    language: str = ""
    one_click: str = ""


@dataclass(frozen=True, slots=True)
class Recipient:
    """One person of a mailing: an opaque id, the plain address (sealed at once), and which letter."""

    id: str
    address: str
    letter: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a mailing is: recipients by state, and copies that may have arrived twice."""

    total: int
    waiting: int
    accepted: int
    deferred: int
    refused: int
    in_doubt: int
    suppressed: int
    repeats: int

    @property
    def settled(self) -> bool:
        return self.accepted + self.refused + self.suppressed == self.total


@dataclass(frozen=True, slots=True)
class Feedback:
    """What happened to one recipient's copy, for the room that knows the person.

    ``ends``: ``gone`` or ``complaint`` where the reader gets no more mail, else empty.
    """

    cursor: int
    recipient: str
    state: str
    reason: str
    at: datetime
    ends: str = ""


@dataclass(frozen=True, slots=True)
class ProviderTold:
    """How many copies for one receiving provider ended alike through one relay on one day (UTC). No address in it.

    ``provider`` is "other" for all that are not well-known; ``relay`` is empty for copies that reached none. Bounces,
    which come later, are not in it. A deferred copy counts at each try.
    """

    day: date
    provider: str
    relay: str
    outcome: str
    reason: str
    count: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class SendRound:
    """What one round of sending did, in copies."""

    accepted: int = 0
    deferred: int = 0
    refused: int = 0
    in_doubt: int = 0
    suppressed: int = 0


@dataclass(frozen=True, slots=True)
class Try:
    """One try that was not accepted, or what came back later (``source`` bounce or complaint)."""

    at: datetime
    relay: str
    outcome: str
    code: int
    reply: str
    reason: str
    source: str
    ends: str


@dataclass(frozen=True, slots=True)
class CopyTold:
    """What became of one reader's copy. ``relay`` and ``reply`` are those of its acceptance, else empty."""

    mailing: str
    kind: str
    handed_over: datetime
    state: str
    settled: datetime | None
    relay: str
    reply: str
    repeats: int
    tries: tuple[Try, ...]
