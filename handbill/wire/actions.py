"""Fetch the feeds that are due and file what is new, once.

Fetching and parsing happen in a few threads that know no database; the rows are read and written in the caller's
thread, in one short transaction a feed, fenced by its lease. A process that dies leaves its leases to run out: the
feeds are then fetched again, and filing again changes nothing.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

from handbill import __version__
from handbill.kit.errors import HandbillError
from handbill.kit.http import FetchLater, Guard, Response, fetch
from handbill.kit.text import plain, shorten
from handbill.sources import actions as sources
from handbill.sources.models import Feed
from handbill.wire.models import Report
from handbill.wire.parse import parse_feed
from handbill.wire.records import Entry, ParsedFeed, Round
from handbill.wire.sanitise import sanitise

LEASE_SECONDS = 120
FETCH_SECONDS = 15  # with THREADS, 100 feeds that all hang are over before their lease is
THREADS = 16
MAX_TEXT = 200_000  # characters
NEVER = "Something in Handbill itself failed on this feed ({kind}). The log says more; report it if it lasts."

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a thread brings back: the answer and, unless it was 304, the feed in it."""

    answer: Response
    parsed: ParsedFeed | None


def fetch_due(now: datetime, limit: int = 100, *, jitter: Callable[[], float] | None = None) -> Round:
    """Fetch up to ``limit`` feeds that are due and file their new entries as Reports.

    Nothing raised for one feed stops the others: it is written down at its feed, in words. ``jitter`` gives 0 to 1.
    """
    dice = jitter or _dice
    guard = Guard(settings.HANDBILL.allow_loopback)
    feeds = sources.lease_due(now, LEASE_SECONDS, limit)
    total = Round()
    with ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="fetch") as pool:
        pending = {
            pool.submit(_gather, feed.address, feed.etag, feed.last_modified, guard, _agent()): feed for feed in feeds
        }
        for done in as_completed(pending):
            total = _sum(total, _settle(pending.pop(done), done, now, dice))
    return total


def _agent() -> str:
    return f"Handbill/{__version__} (+{settings.HANDBILL.public_address})"


def _dice() -> float:
    return secrets.randbelow(1001) / 1000


def _gather(address: str, etag: str, last_modified: str, guard: Guard, user_agent: str) -> Gathered:
    answer = fetch(
        address, guard=guard, user_agent=user_agent, etag=etag, last_modified=last_modified, seconds=FETCH_SECONDS
    )
    if answer.status == 304:
        return Gathered(answer, None)
    return Gathered(
        answer, parse_feed(answer.body, address=answer.url, content_type=answer.headers.get("content-type", ""))
    )


def _settle(feed: Feed, done: Future[Gathered], now: datetime, dice: Callable[[], float]) -> Round:
    """Write down how one feed went. Only a database that is gone gets past this."""
    try:
        gathered = done.result()
        if gathered.parsed is None:
            sources.record_unchanged(feed, now, jitter=dice())
            return Round(fetched=1, not_modified=1)
        filed = _file(feed, gathered.parsed, gathered.answer, now, dice())
        return Round(fetched=1, entries=len(gathered.parsed.entries), filed=filed)
    except HandbillError as error:
        retry_after = error.retry_after if isinstance(error, FetchLater) else None
        sources.record_failure(feed, now, str(error), jitter=dice(), retry_after=retry_after)
    except Exception as error:
        log.exception("Feed %s failed unexpectedly", feed.pk)
        sources.record_failure(feed, now, NEVER.format(kind=type(error).__name__), jitter=dice())
    return Round(failed=1)


def _file(feed: Feed, parsed: ParsedFeed, answer: Response, now: datetime, jitter: float) -> int:
    """File what is new and give back the lease, or neither. Gives the number of new reports."""
    unknown = _unknown(feed, {entry.identity: entry for entry in parsed.entries if not entry.empty})
    reports = [_report(feed, entry, now) for entry in unknown.values()]
    with transaction.atomic():
        held = sources.record_success(
            feed,
            now,
            jitter=jitter,
            title=parsed.title,
            etag=answer.headers.get("etag", ""),
            last_modified=answer.headers.get("last-modified", ""),
        )
        if not held:
            return 0
        still_unknown = _unknown(feed, unknown)
        Report.objects.bulk_create(reports, ignore_conflicts=True)
        return len(still_unknown)


def _unknown(feed: Feed, entries: dict[str, Entry]) -> dict[str, Entry]:
    filed = Report.objects.filter(source=feed.source_id, identity__in=list(entries))
    known = set(filed.values_list("identity", flat=True))
    return {identity: entry for identity, entry in entries.items() if identity not in known}


def _report(feed: Feed, entry: Entry, now: datetime) -> Report:
    body = sanitise(entry.body, entry.base or entry.address or feed.address)
    text = plain(body)[:MAX_TEXT]
    return Report(
        source_id=feed.source_id,
        feed=feed,
        identity=entry.identity,
        address=entry.address,
        title=entry.title or _first_words(text) or entry.address[:500],
        author=entry.author,
        language=entry.language or feed.source.language,
        categories=list(entry.categories),
        body_html=body,
        text=text,
        published_at=min(entry.published or now, now),
        claimed_at=entry.published,
        filed_at=now,
        backlog=feed.first_filed_at is None,
    )


def _first_words(text: str) -> str:
    """A title for an entry that has none, as short messages do."""
    return shorten(text[:400], 120)


def _sum(one: Round, other: Round) -> Round:
    return Round(
        one.fetched + other.fetched,
        one.failed + other.failed,
        one.not_modified + other.not_modified,
        one.entries + other.entries,
        one.filed + other.filed,
    )
