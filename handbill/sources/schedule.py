"""When a feed is fetched next. Pure: the moment and the dice are arguments.

A healthy feed is visited every ``interval``, spread by up to a tenth so that a newsroom's feeds don't march in step. A
failing one is visited less and less often, down to once a day, and never given up: only a person switches a feed off.
"""

from __future__ import annotations

from datetime import datetime, timedelta

LEAST = timedelta(minutes=5)
MOST = timedelta(days=1)
SPREAD = 0.1
MOST_DOUBLINGS = 20  # keeps the number small; a day is reached long before


def next_poll(
    now: datetime, *, interval_minutes: int, failures: int, jitter: float, retry_after: int | None = None
) -> datetime:
    """The moment of the next fetch after one at ``now``.

    ``failures`` are failed tries in a row (0: it went well), ``jitter`` is 0 to 1, ``retry_after`` the seconds the
    server asked for, if it did. The wait is never under five minutes nor over a day and a tenth.
    """
    wait = timedelta(minutes=interval_minutes) * (1 << min(max(failures - 1, 0), MOST_DOUBLINGS))
    if retry_after is not None:
        wait = max(wait, timedelta(seconds=min(max(retry_after, 0), MOST.total_seconds())))
    return now + min(max(wait, LEAST), MOST) * (1 + SPREAD * min(max(jitter, 0.0), 1.0))
