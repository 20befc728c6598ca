"""When to try again. Pure.

After a deferral 5 minutes, doubling to 4 hours; given up after 3 days (RFC 5321 4.5.4.1 asks for 4 to 5 days, but a
daily paper is stale by then). A copy in doubt waits 1 minute first, in case the relay doesn't have it, then eight times
as long after each doubt, and is given up at the sixth: most likely the relay took each of them (ADR-0046).
A mailbox that a server calls full by a lasting refusal is tried again after 4 hours, twice: its owner may have made
room, and no server is bothered all day.
"""

from __future__ import annotations

from datetime import datetime, timedelta

FIRST_WAIT = timedelta(minutes=5)
FIRST_WAIT_IN_DOUBT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=4)
MOST_DOUBTS = 6
STALE = 2  # tries; from then on a copy goes to another relay than last time, where there is one
GIVE_UP_AFTER = timedelta(days=3)
FULL_TRIES = 3
FEWEST_TRIES = 4  # a newsroom that was off for days still tries properly


def next_try(tries: int, since: datetime, now: datetime, *, doubts: int = 0) -> datetime | None:
    """When the copy handed over at ``since`` and tried ``tries`` times (1 or more) is due again; None: give up.

    ``doubts``: how many of these tries ended in doubt, if the last one did, else 0.
    """
    if doubts >= MOST_DOUBTS or (tries >= FEWEST_TRIES and now - since >= GIVE_UP_AFTER):
        return None
    wait: timedelta = FIRST_WAIT_IN_DOUBT * 8 ** (doubts - 1) if doubts else FIRST_WAIT * 2 ** min(tries - 1, 16)
    return now + min(wait, LONGEST_WAIT)


def next_try_full(tries: int, now: datetime) -> datetime | None:
    """When a copy that was refused for a full mailbox is due again; None: leave it to the next issue."""
    return now + LONGEST_WAIT if tries < FULL_TRIES else None
