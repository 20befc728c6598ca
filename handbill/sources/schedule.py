"""When a feed is fetched next. Pure: the moment and the dice are arguments.

A healthy feed is visited by its own rhythm: twice in the time that usually lies between two of its entries, and less
often the longer it is silent; spread by up to a tenth so that a newsroom's feeds don't march in step. A failing one is
visited less and less often, down to once a day, and never given up: only a person switches a feed off.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

LEAST = timedelta(minutes=5)
MOST = timedelta(days=1)
BUSIEST = timedelta(minutes=10)
SLEEPIEST = timedelta(hours=6)
UNKNOWN = timedelta(minutes=30)  # between visits while the rhythm is not known yet
VISITS_A_GAP = 2
SILENCE_SHARE = 16  # a feed silent for 8 hours is visited every 30 minutes, from 4 days on every 6 hours
TOLD_FACTOR = 4  # so much less often is a feed visited whose hub tells of its changes
SPREAD = 0.1
MOST_DOUBLINGS = 20  # keeps the number small; a day is reached long before
DATES = 20  # the newest so many dates tell a feed's rhythm
LEARNING = 0.25  # how much one visit weighs against all before it


def interval(gap_minutes: int | None, silence: timedelta = timedelta(0)) -> timedelta:
    """Between two visits of a healthy feed by its own rhythm: 10 minutes to 6 hours.

    ``gap_minutes`` usually lie between two entries (None: not known yet); nothing new has come for ``silence``.
    """
    rhythm = UNKNOWN if gap_minutes is None else timedelta(minutes=gap_minutes) / VISITS_A_GAP
    return min(max(rhythm, silence / SILENCE_SHARE, BUSIEST), SLEEPIEST)


def next_poll(
    now: datetime,
    *,
    interval_minutes: int | None,
    failures: int,
    jitter: float,
    retry_after: int | None = None,
    gap_minutes: int | None = None,
    newest_at: datetime | None = None,
    fresh_seconds: int = 0,
    told: bool = False,
) -> datetime:
    """The moment of the next fetch after one at ``now``.

    ``interval_minutes`` is what a person chose; None: by the rhythm of ``gap_minutes`` and ``newest_at``, but not while
    the server calls its answer fresh (``fresh_seconds``; six hours at most), and four times as long where a hub has
    ``told`` us of changes and goes on to. ``failures`` are failed tries in a row (0: it went well), ``jitter`` is 0 to
    1, ``retry_after`` the seconds the server asked for, if it did. The wait is never under five minutes nor under
    ``retry_after``, and never over a day and a tenth.
    """
    if interval_minutes is None:
        fresh = timedelta(seconds=min(max(fresh_seconds, 0), SLEEPIEST.total_seconds()))
        rhythm = interval(gap_minutes, now - newest_at if newest_at else timedelta(0))
        chosen = max(min(rhythm * TOLD_FACTOR, SLEEPIEST) if told else rhythm, fresh)
    else:
        chosen = min(timedelta(minutes=interval_minutes), MOST)
    wait = chosen * (1 << min(max(failures - 1, 0), MOST_DOUBLINGS))
    if retry_after is not None:
        wait = max(wait, timedelta(seconds=min(max(retry_after, 0), MOST.total_seconds())))
    return now + min(max(wait, LEAST), MOST) * (1 + SPREAD * min(max(jitter, 0.0), 1.0))


def learn_gap(
    known: int | None, dates: Sequence[datetime], now: datetime, *, new: int, newest_at: datetime | None
) -> int | None:
    """How many minutes usually lie between two entries, after a visit that brought ``new`` ones; at least 1.

    The first time the entries' own ``dates`` tell it, later what came since ``newest_at``, when something last came. A
    visit moves it by a quarter of the way, on a scale of multiples: one silent night doesn't put a feed to sleep. None
    as long as nothing tells.
    """
    past = sorted(date for date in dates if date <= now)[-DATES:]
    if known is None and len(past) > 1:
        return _minutes((now - past[0]) / len(past))
    if not new or newest_at is None:
        return known
    seen = _minutes((now - newest_at) / new)
    return seen if known is None else max(1, round(known ** (1 - LEARNING) * seen**LEARNING))


def newest(dates: Sequence[datetime], now: datetime, *, new: int, newest_at: datetime | None) -> datetime | None:
    """When something new last came, after a visit that brought ``new`` entries; the first one believes their dates."""
    if not new:
        return newest_at
    return now if newest_at is not None else max((date for date in dates if date <= now), default=now)


def _minutes(gap: timedelta) -> int:
    return max(1, round(gap / timedelta(minutes=1)))
