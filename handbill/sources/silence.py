"""Whether a feed's silence is unusual for it, and how a rhythm is said in words. Pure: the moment is an argument.

A feed may rest for five of its usual gaps, and for two days in any case. Saturdays and Sundays count half, so that an
outlet which rests over the weekend, whichever two days that is, raises no alarm on its first morning back (ADR-0027).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

LEAST = timedelta(days=2)
GAPS = 5
UNKNOWN = timedelta(days=30)  # for a feed whose rhythm isn't known yet
WEEKEND = (5, 6)
HOUR, DAY = 60, 24 * 60  # minutes


@dataclass(frozen=True, slots=True)
class Silence:
    """How long a feed has given nothing new, in a sentence, and whether that is unusual for it."""

    unusual: bool
    sentence: str


def silence(now: datetime, newest_at: datetime, gap_minutes: int | None) -> Silence:
    """The silence since ``newest_at``; ``gap_minutes`` usually lie between two new entries, if that is known."""
    span = span_words(now - newest_at)
    if gap_minutes is None:
        unusual = now - newest_at > UNKNOWN
        return Silence(unusual, f"It has given nothing new for {span}." if unusual else last_words(span))
    usual = f"usually {rhythm_words(gap_minutes)}"
    if _counted(newest_at, now) > max(LEAST, GAPS * timedelta(minutes=gap_minutes)):
        return Silence(True, f"It has given nothing new for {span}, which is unusual: {usual}.")
    return Silence(False, f"{last_words(span)[:-1]}; {usual}.")


def last_words(span: str) -> str:
    """When it last gave something, as a sentence."""
    return f"It last gave something {span} ago."


def rhythm_words(gap_minutes: int) -> str:
    """ "every 3 hours", said roughly."""
    count, unit = _roughly(gap_minutes)
    return f"every {unit}" if count == 1 else f"every {count} {unit}s"


def span_words(span: timedelta) -> str:
    """ "2 days", said roughly; a span below one minute is "a moment"."""
    minutes = int(span.total_seconds() // 60)
    if minutes < 1:
        return "a moment"
    count, unit = _roughly(minutes)
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def _roughly(minutes: int) -> tuple[int, str]:
    if minutes < HOUR:
        return max(minutes, 1), "minute"
    if minutes < DAY:
        return round(minutes / HOUR), "hour"
    return round(minutes / DAY), "day"


def _counted(start: datetime, end: datetime) -> timedelta:
    """The time between the two, weekend days by half. A year at most is looked at."""
    total, at = timedelta(), max(start, end - timedelta(days=366))
    while at < end:
        midnight = at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        part = min(midnight, end) - at
        total += part / 2 if at.weekday() in WEEKEND else part
        at += part
    return total
