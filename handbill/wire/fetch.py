"""A round of fetching: lease the feeds that are due, fetch and read them, file what is new, once.

Fetching happens in threads that know no database, reading in a sandbox; the rows are read and written in the caller's
thread, in one short transaction a feed, fenced by its lease. A process that dies leaves its leases to run out: the
feeds are then fetched again, and filing again changes nothing.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import astuple, dataclass
from datetime import datetime

from handbill.kit.errors import HandbillError
from handbill.kit.http import FetchLater, Response, fetch
from handbill.kit.sandbox import Sandbox
from handbill.sources import actions as sources
from handbill.sources.models import Feed
from handbill.wire.file import file_reading, known_marks
from handbill.wire.read import read_document
from handbill.wire.records import Mark, Reading, Round
from handbill.wire.web import agent, guard

LEASE_SECONDS = 120
FETCH_SECONDS = 15  # with THREADS, 100 feeds that all hang are over before their lease is
THREADS = 16
NEVER = "Something in Handbill itself failed on this feed ({kind}). The log says more; report it if it lasts."

log = logging.getLogger(__name__)
sandbox = Sandbox()


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a thread brings back: the answer and, unless it was 304, the feed in it."""

    answer: Response
    reading: Reading | None


def fetch_due(now: datetime, limit: int = 100, *, jitter: Callable[[], float] | None = None) -> Round:
    """Fetch up to ``limit`` feeds that are due and file their new entries as Reports.

    Nothing raised for one feed stops the others: it is written down at its feed, in words. ``jitter`` gives 0 to 1.
    """
    dice = jitter or _dice
    feeds = sources.lease_due(now, LEASE_SECONDS, limit)
    known = known_marks(feeds)
    total = Round()
    with ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="fetch") as pool:
        pending = {pool.submit(_gather, feed, known.get(feed.pk, frozenset())): feed for feed in feeds}
        for done in as_completed(pending):
            total = _sum(total, _settle(pending.pop(done), done, now, dice))
    return total


def _dice() -> float:
    return secrets.randbelow(1001) / 1000


def _gather(feed: Feed, known: frozenset[Mark]) -> Gathered:
    answer = fetch(
        feed.address,
        guard=guard(),
        user_agent=agent(),
        etag=feed.etag,
        last_modified=feed.last_modified,
        seconds=FETCH_SECONDS,
    )
    if answer.status == 304:
        return Gathered(answer, None)
    reading = sandbox.run(
        read_document,
        answer.body,
        address=answer.url,
        content_type=answer.headers.get("content-type", ""),
        page=feed.kind == Feed.Kind.PAGE,
        selector=feed.selector,
        known=known,
    )
    return Gathered(answer, reading)


def _settle(feed: Feed, done: Future[Gathered], now: datetime, dice: Callable[[], float]) -> Round:
    """Write down how one feed went. Only a database that is gone gets past this."""
    try:
        gathered = done.result()
        if gathered.reading is None:
            sources.record_unchanged(feed, now, jitter=dice())
            return Round(fetched=1, not_modified=1)
        return file_reading(feed, gathered.reading, gathered.answer, now, jitter=dice())
    except HandbillError as error:
        retry_after = error.retry_after if isinstance(error, FetchLater) else None
        sources.record_failure(feed, now, str(error), jitter=dice(), retry_after=retry_after)
    except Exception as error:
        log.exception("Feed %s failed unexpectedly", feed.pk)
        sources.record_failure(feed, now, NEVER.format(kind=type(error).__name__), jitter=dice())
    return Round(failed=1)


def _sum(one: Round, other: Round) -> Round:
    return Round(*map(sum, zip(astuple(one), astuple(other), strict=True)))
