"""Whether a permanent redirect is believed. Pure.

Outlets redirect by mistake, during works, or because a captive network answers for them. A new address is believed
once it was the answer of every visit for a week; one that only adds TLS, after a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

LASTING = timedelta(days=7)
LASTING_UPGRADE = timedelta(days=1)
VISITS = 5


@dataclass(frozen=True, slots=True)
class Move:
    """A permanent redirect to ``to`` seen at each of the last ``visits`` visits, the first of them at ``since``."""

    to: str = ""
    since: datetime | None = None
    visits: int = 0


STAYED = Move()


def after_visit(before: Move, address: str, moved_to: str, now: datetime) -> Move:
    """What is known after a visit of ``address`` that was led to ``moved_to`` (empty: not, or not permanently)."""
    if not moved_to or moved_to == address:
        return STAYED
    if moved_to != before.to or before.since is None:
        return Move(moved_to, now, 1)
    return Move(moved_to, before.since, before.visits + 1)


def believed(move: Move, address: str, now: datetime) -> bool:
    """Whether the feed's address is to become ``move.to``."""
    if not move.to or move.since is None or move.visits < VISITS:
        return False
    return now - move.since >= (LASTING_UPGRADE if is_upgrade(address, move.to) else LASTING)


def is_upgrade(address: str, to: str) -> bool:
    """Whether ``to`` is the same address over TLS."""
    return address.startswith("http://") and to == "https://" + address.removeprefix("http://")
