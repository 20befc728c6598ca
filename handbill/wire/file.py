"""File what a reading brought: new reports, rewritten ones with their old text kept, each once."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from handbill.kit.http import Response
from handbill.sources import actions as sources
from handbill.sources.models import Feed
from handbill.wire.models import LastReading, Report
from handbill.wire.records import CleanEntry, Mark, Reading, Round


def known_marks(feeds: list[Feed]) -> dict[int, frozenset[Mark]]:
    """What each feed's last reading held, by the feed's key."""
    last = LastReading.objects.filter(feed__in=feeds).values_list("feed_id", "marks")
    return {feed_id: frozenset(Mark(*mark) for mark in marks) for feed_id, marks in last}


def file_reading(feed: Feed, reading: Reading, answer: Response, now: datetime, *, jitter: float) -> Round:
    """File what is new and give back the feed's lease, all in one transaction, or nothing when the lease was lost."""
    unknown = _unknown(feed, {entry.identity: entry for entry in reading.entries})
    reports = [_report(feed, entry, now) for entry in unknown.values()]
    with transaction.atomic():
        held = sources.record_success(
            feed,
            now,
            jitter=jitter,
            title=reading.title,
            etag=answer.headers.get("etag", ""),
            last_modified=answer.headers.get("last-modified", ""),
        )
        if not held:
            return Round(fetched=1, entries=len(reading.marks))
        still_unknown = _unknown(feed, unknown)
        Report.objects.bulk_create(reports, ignore_conflicts=True)
        LastReading.objects.update_or_create(
            feed=feed, defaults={"marks": [[mark.identity, mark.fingerprint] for mark in reading.marks]}
        )
        return Round(fetched=1, entries=len(reading.marks), filed=len(still_unknown))


def file_mail(feed: Feed, entry: CleanEntry, now: datetime) -> bool:
    """File what a newsletter's mail brought; False, and nothing is written, when it is filed already."""
    with transaction.atomic():
        if not _unknown(feed, {entry.identity: entry}):
            return False
        Report.objects.bulk_create([_report(feed, entry, now)], ignore_conflicts=True)
        sources.record_mail(feed, now)
    return True


def _unknown(feed: Feed, entries: dict[str, CleanEntry]) -> dict[str, CleanEntry]:
    filed = Report.objects.filter(source=feed.source_id, identity__in=list(entries))
    known = set(filed.values_list("identity", flat=True))
    return {identity: entry for identity, entry in entries.items() if identity not in known}


def _report(feed: Feed, entry: CleanEntry, now: datetime) -> Report:
    return Report(
        source_id=feed.source_id,
        feed=feed,
        identity=entry.identity,
        address=entry.address,
        title=entry.title,
        author=", ".join(entry.authors)[:300],
        language=entry.language or feed.source.language,
        categories=list(entry.categories),
        body_html=entry.body_html,
        text=entry.text,
        media=[[item.address, item.type, item.size, item.title] for item in entry.media],
        licence=entry.licence,
        published_at=min(entry.published or now, now),
        claimed_at=entry.published,
        updated_at=entry.updated,
        filed_at=now,
        backlog=feed.first_filed_at is None,
    )
