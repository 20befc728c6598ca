"""Decide what a sign-up, a confirmation and a choice lead to. Pure: no clock, database, Django or address.

A person's *standing* follows from two facts; what they are mailed, and how a subscription ends, are tables.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

CONFIRM_WITHIN = timedelta(hours=72)
MAIL_AGAIN_AFTER = timedelta(hours=24)
MONTH = timedelta(days=30)
MOST_MAILS_A_MONTH = 3
MOST_SILENCES = 2
UNTIL_THEY_SAY = datetime(9999, 1, 1, tzinfo=UTC)  # how long a pause lasts that has no end
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)


class Standing(StrEnum):
    UNKNOWN = "unknown"  # never heard of
    ASKED = "asked"  # signed up, has not pressed the button
    READING = "reading"  # confirmed, with a running subscription
    LEFT = "left"  # confirmed once, nothing is running


class Mail(StrEnum):
    CONFIRMATION = "confirmation"
    REMINDER = "reminder"  # "you get it already", with the link to the preferences
    NOTHING = "nothing"


MAIL_FOR = {
    Standing.UNKNOWN: Mail.CONFIRMATION,
    Standing.ASKED: Mail.CONFIRMATION,
    Standing.LEFT: Mail.CONFIRMATION,
    Standing.READING: Mail.REMINDER,
}

ENDED_BY = {"gone": "gone", "complaint": "complaint"}
"""Feedback that ends a subscription, and the reason written down. Blocked or full is neither (design, decision 6)."""


def standing(known: bool, confirmed: bool, running: bool) -> Standing:
    """Where a person stands. ``running`` counts only after a confirmation."""
    if not known:
        return Standing.UNKNOWN
    if not confirmed:
        return Standing.ASKED
    return Standing.READING if running else Standing.LEFT


def may_mail(mailed: Iterable[datetime], now: datetime) -> bool:
    """Whether an address that somebody typed may be mailed: once in 24 hours, three times in 30 days, whoever asks."""
    lately = [now - moment for moment in mailed if now - moment < MONTH]
    return len(lately) < MOST_MAILS_A_MONTH and all(ago >= MAIL_AGAIN_AFTER for ago in lately)


def mail_for(where: Standing, mailed: Iterable[datetime], now: datetime) -> Mail:
    """What a sign-up is answered with, given when the address was mailed for such a reason before."""
    return MAIL_FOR[where] if may_mail(mailed, now) else Mail.NOTHING


def unix_day(moment: datetime) -> int:
    """Whole days since 1970-01-01 UTC."""
    return (moment - _EPOCH) // _DAY


def confirm_subject(subscriber: UUID, asked_at: datetime) -> str:
    """The subject of a confirmation token: ``UUID~UNIXDAY``."""
    return f"{subscriber}~{unix_day(asked_at)}"


def read_subject(subject: str) -> tuple[UUID, int] | None:
    """The parts of a confirmation token's subject; None when it has another shape."""
    identity, _, day = subject.partition("~")
    try:
        return UUID(identity), int(day)
    except ValueError:
        return None


def still_good(day: int, asked_at: datetime, now: datetime) -> bool:
    """Whether a confirmation mailed on ``day`` may still be used.

    The latest one runs 72 hours from ``asked_at``; of an earlier one only the day is known, so it runs from its start.
    """
    latest = day == unix_day(asked_at)
    mailed = asked_at if latest else _EPOCH + day * _DAY
    return now - mailed < CONFIRM_WITHIN


class Step(StrEnum):
    NOTHING = "nothing"
    ASK = "ask"  # "still reading?"
    PAUSE = "pause"


def after_silence(seen_at: datetime, asked_at: datetime | None, silences: int, days: int, now: datetime) -> Step:
    """What a reader's silence leads to: asked after ``days``, a month later once more, and then a pause, no end.

    ``silences``: how often the question stayed unanswered before the last one. ``days`` 0: nobody is asked.
    """
    if not days or (asked_at is None and now - seen_at < timedelta(days=days)):
        return Step.NOTHING
    if asked_at is None:
        return Step.ASK
    if now - asked_at < MONTH:
        return Step.NOTHING
    return Step.PAUSE if silences + 1 >= MOST_SILENCES else Step.ASK


@dataclass(frozen=True, slots=True)
class Change:
    """Topic ids to end and to begin; None is the whole paper."""

    end: frozenset[int | None]
    begin: frozenset[int | None]


def change(running: frozenset[int | None], wanted: frozenset[int]) -> Change:
    """From what runs to what is wanted; nothing wanted means the whole paper. What stays is not touched."""
    target: frozenset[int | None] = frozenset(wanted) or frozenset([None])
    return Change(end=running - target, begin=target - running)
