"""Moments as exports write them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

OLDEST = datetime(1990, 1, 1, tzinfo=UTC)
SHORTEST, LONGEST = len("2018-02-05"), 40
_ZONE = re.compile(r" ?(?:UTC|GMT|Z|([+-]\d\d):?(\d\d))$")


def reader_of_times(now: datetime) -> Callable[[str], datetime | None]:
    """What reads a moment, aware (UTC where the text names no zone); None for none, or one that can't be true.

    Days and months in figures alone ("02/05/2018") are not guessed.
    """
    latest = now + timedelta(days=1)

    def read(text: str) -> datetime | None:
        found = moment(text) if text else None
        return found if found is not None and OLDEST <= found <= latest else None

    return read


def moment(text: str) -> datetime | None:
    """A moment of any time, aware; None for a text that is none."""
    text = text.strip()
    if not SHORTEST <= len(text) <= LONGEST:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        try:
            found = datetime.fromisoformat(_ZONE.sub(_offset, text))
        except ValueError:
            return None
    if found.tzinfo is None:
        return found.replace(tzinfo=UTC)
    try:
        return found if found.tzinfo is UTC else found.astimezone(UTC)
    except OverflowError:
        return None


def _offset(found: re.Match[str]) -> str:
    return f"{found[1]}:{found[2]}" if found[1] else "+00:00"
