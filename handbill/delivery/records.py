"""What other rooms hand to delivery and get back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias

READER_SLOT = "HANDBILL-READER-TOKEN"
"""Stands in a letter's links where each recipient's signed token goes: ``https://paper.example/unsubscribe/<slot>/``."""


Written: TypeAlias = str | tuple[str, ...]
"""Text or HTML of a letter: whole, or in pieces that read as one when joined. What letters of a mailing have in common
should stand in pieces of its own, the same in all of them: such a piece is stored once, encoded once, and only named by
each letter. A piece best ends with a line break; behind any other one a soft line break is put."""


@dataclass(frozen=True, slots=True)
class LetterBody:
    """One composed letter. ``one_click`` is the RFC 8058 address with READER_SLOT in it, or empty."""

    key: str
    sender: str
    subject: str
    html: Written
    text: Written
    language: str = ""
    one_click: str = ""


@dataclass(frozen=True, slots=True)
class Recipient:
    """One person of a mailing: an opaque id, the plain address (sealed at once), and which letter.

    ``rank``: the lowest go first. A new relay or domain is trusted by what its first mail leads to (``shape``).
    """

    id: str
    address: str
    letter: str
    rank: int = 0


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
    lapsed: int = 0

    @property
    def settled(self) -> bool:
        return self.accepted + self.refused + self.suppressed + self.lapsed == self.total


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
class Surge:
    """So many of a provider's readers were said to be gone at once that their proofs are held, since then."""

    provider: str
    held: int
    since: datetime


@dataclass(frozen=True, slots=True)
class SendRound:
    """What one round of sending did, in copies. ``later``: of an older issue, put off until today's are out."""

    accepted: int = 0
    deferred: int = 0
    refused: int = 0
    in_doubt: int = 0
    suppressed: int = 0
    lapsed: int = 0
    later: int = 0


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


@dataclass(frozen=True, slots=True)
class Held:
    """Copies of one provider that are in one state for one reason: deferred, refused or in doubt.

    ``reason``: a word of ``engine.judge``; ``since``: the first such try; ``again``: when the next of them is due.
    """

    provider: str
    state: str
    reason: str
    count: int
    since: datetime | None
    again: datetime | None


@dataclass(frozen=True, slots=True)
class ProviderStanding:
    """How far a mailing is with one receiving provider ("other": not well-known), and why copies are held or refused.

    ``until``: the provider is left alone till then, since ``since``, for ``reason``, in the words ``why``.
    """

    provider: str
    progress: Progress
    held: tuple[Held, ...]
    until: datetime | None = None
    since: datetime | None = None
    reason: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class ActTold:
    """What somebody did about the sending, in a word of ``Act.What``; ``count``: how many readers ended by it."""

    at: datetime
    who: str
    what: str
    about: str
    why: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class MailingStanding:
    """A mailing as the desk shows it. ``held_by`` is empty where the sending itself held it."""

    reference: str
    kind: str
    handed_over: datetime
    sealed: bool
    held_at: datetime | None
    held_by: str
    why: str
    progress: Progress
    providers: tuple[ProviderStanding, ...]
    acts: tuple[ActTold, ...]

    @property
    def over(self) -> bool:
        return self.sealed and self.progress.settled


@dataclass(frozen=True, slots=True)
class RelayStanding:
    """A relay as it stands: ``state`` is first (the next copies go there), share, standby, resting, used up or off.

    ``sent`` and ``budget`` are copies of today (UTC; budget None: no limit). ``probed``: its rest is over and the next
    copies are the test. ``reason`` is a word of ``engine.judge``, ``why`` a sentence with the relay's own words.
    """

    name: str
    state: str
    share: int
    sent: int
    budget: int | None
    probed: bool = False
    since: datetime | None = None
    until: datetime | None = None
    reason: str = ""
    why: str = ""
    calls: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """Something about the sending that needs a person. ``key`` is the same as long as the trouble lasts.

    ``about``: ``relay NAME``, ``provider NAME``, a mailing's reference, or ``signing``: then no mail leaves at all.
    """

    key: str
    about: str
    reason: str
    why: str
    since: datetime | None = None
