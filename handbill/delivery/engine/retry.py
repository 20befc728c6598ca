"""When to try again. Pure.

After a deferral 5 minutes, doubling to 4 hours; given up after 3 days (RFC 5321 4.5.4.1 asks for 4 to 5 days, but a
daily paper is stale by then). A copy in doubt waits 1 minute first: the relay most likely has it, and the reader has
waited already. A mailbox that a server calls full by a lasting refusal is tried again after 4 hours, twice: its owner
may have made room, and no server is bothered all day.
"""

from __future__ import annotations

from datetime import datetime, timedelta

FIRST_WAIT = timedelta(minutes=5)
FIRST_WAIT_IN_DOUBT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=4)
GIVE_UP_AFTER = timedelta(days=3)
FULL_TRIES = 3
FEWEST_TRIES = 4  # a newsroom that was off for days still tries properly


def next_try(tries: int, since: datetime, now: datetime, *, in_doubt: bool = False) -> datetime | None:
    """When the copy handed over at ``since`` and tried ``tries`` times (1 or more) is due again; None: give up."""
    if tries >= FEWEST_TRIES and now - since >= GIVE_UP_AFTER:
        return None
    first = FIRST_WAIT_IN_DOUBT if in_doubt else FIRST_WAIT
    doubled: timedelta = first * 2 ** min(tries - 1, 16)
    return now + min(doubled, LONGEST_WAIT)


def next_try_full(tries: int, now: datetime) -> datetime | None:
    """When a copy that was refused for a full mailbox is due again; None: leave it to the next issue."""
    return now + LONGEST_WAIT if tries < FULL_TRIES else None
