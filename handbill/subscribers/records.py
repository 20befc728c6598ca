"""What subscribers gives to the digest and to its own pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from handbill.delivery.records import CopyTold
from handbill.subscribers.wishes import Form, Told, Wishes, leading_among
from handbill.subscribers.wishes import Slot as Slot
from handbill.subscribers.wishes import read_slot as read_slot


@dataclass(frozen=True, slots=True)
class Group:
    """What readers have in common who get the same letter of an issue.

    ``audience``: topic ids, empty for the whole paper; ``language`` empty: the paper's. ``told`` is set in the first
    issue after readers moved here from another slot. ``alerts``: ids of the last alerts they were given. ``leading``:
    topic ids that stand before the others, as far as they make a difference to the audience.
    """

    audience: frozenset[int]
    language: str = ""
    form: Form = "excerpts"
    plain: bool = False
    told: Told | None = None
    alerts: frozenset[int] = frozenset()
    leading: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Reachable:
    """What readers have in common for whom an alert is decided alike. ``before``: the slot they moved from, if any."""

    slot: Slot
    audience: frozenset[int]
    alerts: frozenset[int] = frozenset()
    wants_alerts: bool = False
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """One confirmed person with a running subscription. ``since``: when they confirmed."""

    id: str
    address: str
    group: Group
    since: datetime

    @property
    def audience(self) -> frozenset[int]:
        return self.group.audience

    def __repr__(self) -> str:
        return f"Reader({self.id})"


@dataclass(frozen=True, slots=True)
class ReaderLinks:
    """Where a reader goes to change or end what they get."""

    preferences: str
    unsubscribe: str
    still: str
    pause: str


@dataclass(frozen=True, slots=True)
class Shown:
    """Which words somebody agreed to, in which version, and when."""

    at: datetime
    wording: str
    version: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A sign-up that is written down. What it means is found out later, by nobody who asked."""

    id: UUID


@dataclass(frozen=True, slots=True)
class Slip:
    """An address with a likely slip in its domain: nothing is written down until its owner says which is right."""

    typed: str
    meant: str

    def __repr__(self) -> str:
        return "Slip()"


@dataclass(frozen=True, slots=True)
class RushTold:
    """A time in which more sign up than are answered by themselves. ``came``: in its busiest hour."""

    since: datetime
    came: int
    allowed: int
    acts: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class SignUps:
    """Where sign-ups stand. ``waiting``: all, of ``networks`` networks, ``busiest`` of the one that most came from."""

    waiting: int
    oldest: datetime | None
    networks: int
    busiest: int
    rush: RushTold | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a sign-up led to: for tests and the command line only. The page is the same for all of them."""

    state: str


@dataclass(frozen=True, slots=True)
class Welcome:
    """A reader who just confirmed: the token of their own links, and when the first issue is due (aware, local)."""

    token: str
    first_issue: datetime


@dataclass(frozen=True, slots=True)
class Choice:
    """What a reader gets now. ``gone`` holds slugs that were asked for and are no topics any more."""

    topics: tuple[str, ...]
    gone: tuple[str, ...] = ()
    kept: bool = False  # every topic asked for is gone, so the earlier choice stands


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the preferences page shows. ``chosen``: slugs, empty for the whole paper."""

    token: str
    reading: bool
    chosen: tuple[str, ...]
    paused_until: datetime | None = None
    wishes: Wishes = field(default_factory=Wishes)
    by_feed: bool = False  # they have a private feed


@dataclass(frozen=True, slots=True)
class Answer:
    """What can be told to somebody who asks after their mail, by address.

    ``known``: there is such a person; ``ended``: why their last subscription ended, with ``ended_at``; ``suppressed``:
    why delivery mails the address no more. ``copies`` are the newest first.
    """

    known: bool
    confirmed: bool = False
    reading: bool = False
    ended: str = ""
    ended_at: datetime | None = None
    suppressed: str = ""
    copies: tuple[CopyTold, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a reader's row says of their issues, for whoever asks what they would get.

    ``suppressed``: why delivery mails them no more. ``first``: the day of their first issue after they moved here.
    """

    id: str
    slot: Slot
    group: Group
    reading: bool
    confirmed: bool
    paused_until: datetime | None
    suppressed: str
    first: date | None
    by_feed: bool = False


@dataclass(frozen=True, slots=True)
class Feed:
    """A reader's private feed: whose it is, where they are in, and what they chose when.

    ``since``: when they began to read; ``began``: when the feed did. ``chosen``: topic id (None: the whole paper), from
    when, until when.
    """

    id: str
    since: datetime
    began: datetime
    slot: Slot
    told: Told | None
    wishes: Wishes
    chosen: tuple[tuple[int | None, datetime, datetime | None], ...]

    def group_at(self, moment: datetime, told: Told | None) -> Group | None:
        """What they have in common with others who got an issue at ``moment``; None while they read nothing.

        Alerts come by mail alone, so none was given to them here: the issues leave out nothing for one.
        """
        running = {topic for topic, begun, ended in self.chosen if begun <= moment and (not ended or moment < ended)}
        if not running:
            return None
        audience = frozenset[int]() if None in running else frozenset(pk for pk in running if pk is not None)
        wishes = self.wishes
        leading = leading_among(wishes.leading, audience)
        return Group(audience, wishes.language, wishes.form, wishes.plain, told, leading=leading)


@dataclass(frozen=True, slots=True)
class FeedStanding:
    """Where a reader's feed stands. ``token``: of its address, empty where they have none; ``mailed``: mail comes."""

    token: str
    mailed: bool
