"""Whether a day's issues may go: open, approved with time to undo, held with a reason. Pure: no clock or database.

States follow from what was decided and when, so nothing has to be written when time alone changes them. The desk drives
it through ``actions.approve``, ``undo``, ``hold`` and ``release``; a decision is about all issues of a local date.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

UNDO_WITHIN = timedelta(minutes=10)
Unapproved = Literal["send", "hold"]
"""What becomes of an issue at its hour when nobody approved it: a setting."""


class Stand(StrEnum):
    OPEN = "open"  # nobody decided; goes at its hour, or waits, as the setting says
    UNDOABLE = "approved"  # goes when the time to undo is over
    APPROVED = "final"  # goes
    HELD = "held"  # waits for a person, whatever the setting says


@dataclass(frozen=True, slots=True)
class Decision:
    """What editors decided about a date. A hold is over all else until it is released."""

    approved_at: datetime | None = None
    held_at: datetime | None = None
    why: str = ""

    @property
    def undo_until(self) -> datetime | None:
        """Until when an approval can be undone whole; None without one."""
        return self.approved_at and self.approved_at + UNDO_WITHIN


def standing(decision: Decision, now: datetime) -> Stand:
    """Where a day stands at this moment."""
    if decision.held_at:
        return Stand.HELD
    if decision.undo_until is None:
        return Stand.OPEN
    return Stand.UNDOABLE if now < decision.undo_until else Stand.APPROVED


def may_go(decision: Decision, unapproved: Unapproved, now: datetime) -> bool:
    """Whether the day's issues may be handed over once their hour has come."""
    where = standing(decision, now)
    return where is Stand.APPROVED or (where is Stand.OPEN and unapproved == "send")


def why_not(decision: Decision, unapproved: Unapproved, now: datetime) -> str:
    """In a sentence, what an issue waits for; empty when it may go."""
    if may_go(decision, unapproved, now):
        return ""
    where = standing(decision, now)
    if where is Stand.HELD:
        return f"It is held: {decision.why or 'no reason was given'}. Release it, and it goes."
    if where is Stand.UNDOABLE:
        return f"It is approved and goes at {decision.undo_until:%H:%M} UTC; until then it can be undone."
    return "Nobody approved it, and digest_unapproved says to hold it then. Approve it, and it goes."
