"""File what a reading brought: new reports, rewritten ones with their old words kept, each once.

All of a feed happens in one transaction, which ends by giving back the feed's lease. Only what is new in the reading is
looked up, by indexes: the cost grows with what is new, not with what is stored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DEFAULT_DB_ALIAS, connections, transaction

from handbill.kit.http import Response
from handbill.sources import actions as sources
from handbill.sources.models import Feed, Source
from handbill.wire import identity
from handbill.wire.language import language_of
from handbill.wire.match import match
from handbill.wire.models import LastReading, PageVisit, Report
from handbill.wire.politeness import fresh_seconds
from handbill.wire.push import note_hub
from handbill.wire.records import CleanEntry, Mark, Reading, Round
from handbill.wire.rewrite import mark_returned, rewrite
from handbill.wire.suspect import suspect
from handbill.wire.visits import plan_visits
from handbill.work import actions as work

PAGE_AGAIN = timedelta(minutes=30)  # after the feed's words changed, for a report whose text is its page's
FOLLOWED = timedelta(days=7)  # so long after it was filed


@dataclass(frozen=True, slots=True)
class Brought:
    """What a visit to a feed brought: its answer, how it was read, and 0 to 1 for the next visit's jitter."""

    feed: Feed
    reading: Reading
    answer: Response
    jitter: float


def known_marks(feeds: list[Feed]) -> dict[int, frozenset[Mark]]:
    """What each feed's last reading held, by the feed's key."""
    last = LastReading.objects.filter(feed__in=feeds).values_list("feed_id", "marks")
    return {feed_id: frozenset(Mark(*mark) for mark in marks) for feed_id, marks in last}


def known_hashes(feeds: Iterable[Feed]) -> dict[int, str]:
    """The ``body_hash`` of each feed's last reading, by the feed's key."""
    return dict(LastReading.objects.filter(feed__in=list(feeds)).values_list("feed_id", "body_hash"))


def body_hash(feed: Feed, data: bytes) -> str:
    """What the same bytes, to be read in the same way, are known again by: 32 hexadecimal digits.

    An editor's other address, kind or selector makes it another, so that the feed is read anew.
    """
    way = hashlib.blake2b(f"{feed.address}\n{feed.kind}\n{feed.selector}".encode(), digest_size=16).digest()
    return hashlib.blake2b(data, digest_size=16, key=way).hexdigest()


def file_readings(brought: Sequence[Brought], now: datetime) -> list[Round | Exception]:
    """``file_reading`` for several feeds in one transaction, which costs less and holds up other writers less often.

    Gives what came of each, in order; what is raised for one leaves nothing of it, and all of the others.
    """
    drafts = [_drafts(each.feed, each.reading.entries, now) for each in brought]  # before others have to wait
    with transaction.atomic():
        _wait_for_sources(brought)
        return [_file_somehow(each, now, ready) for each, ready in zip(brought, drafts, strict=True)]


def file_reading(brought: Brought, now: datetime, drafts: Mapping[str, Report] | None = None) -> Round:
    """File what is new and give back the feed's lease; nothing is written when the lease was lost."""
    feed, reading, answer = brought.feed, brought.reading, brought.answer
    with transaction.atomic():
        new, changed = file_entries(feed, reading.entries, now, drafts or {})
        _remember(feed, reading, body_hash(feed, answer.body), now)
        told = note_hub(feed, reading, answer, now, news=bool(new))
        held = sources.record_success(
            feed,
            now,
            jitter=brought.jitter,
            title=reading.title,
            etag=answer.headers.get("etag", ""),
            last_modified=answer.headers.get("last-modified", ""),
            new=new,
            dates=[moment for entry in reading.entries if (moment := entry.published or entry.updated)],
            fresh_seconds=fresh_seconds(answer.headers, now),
            moved_to=answer.moved_to,
            told=told,
        )
        if not held:
            transaction.set_rollback(True)
            return Round(fetched=1, entries=len(reading.marks))
    return Round(fetched=1, entries=len(reading.marks), filed=new, changed=changed)


def _file_somehow(brought: Brought, now: datetime, drafts: Mapping[str, Report]) -> Round | Exception:
    try:
        return file_reading(brought, now, drafts)
    except Exception as error:
        return error


def _wait_for_sources(brought: Sequence[Brought]) -> None:
    """Two feeds of one outlet may come from two processes; what both give is known again only one after another."""
    keys = {each.feed.source_id for each in brought}
    list(Source.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk").values_list("pk"))


def file_mail(feed: Feed, entry: CleanEntry, now: datetime) -> bool:
    """File what a newsletter's mail brought; False, and nothing is written, when it is filed already."""
    with transaction.atomic():
        if Report.objects.filter(source=feed.source_id, identity=entry.identity).exists():
            return False
        _insert([_report(feed, entry, now)])
        sources.record_mail(feed, now)
    return True


def file_entries(
    feed: Feed, entries: Sequence[CleanEntry], now: datetime, drafts: Mapping[str, Report] | None = None
) -> tuple[int, int]:
    """File entries whose marks are new; how many reports are new, and how many rewritten. Call it in a transaction.

    ``drafts`` are unsaved reports of these entries, by identity, where they have been made already.
    """
    if not entries:
        return 0, 0
    matched = match(feed, entries)
    ready = drafts or {}
    new = [ready.get(entry.identity) or _report(feed, entry, now) for entry in matched.new]
    _insert(new)
    plan_visits(new, now)
    for entry, report in matched.renamed:
        Report.objects.filter(pk=report.pk).update(identity=entry.identity)
    known = matched.known + matched.renamed
    if known:
        mark_returned([report.pk for _, report in known], now)
    return len(matched.new), _rewritten(feed, known, now)


def _insert(reports: Sequence[Report]) -> None:
    """Add rows that are new by their constraint, as ``bulk_create`` ignoring conflicts, in a third of the time.

    That asks each of a row's 24 fields to prepare its value; the drivers take plain values as they are.
    """
    here = connections[DEFAULT_DB_ALIAS]
    fields = [field for field in Report._meta.concrete_fields if not field.primary_key]
    quote = here.ops.quote_name
    columns, places = ", ".join(quote(str(field.column)) for field in fields), ", ".join(["%s"] * len(fields))
    table = quote(Report._meta.db_table)
    sql = f"INSERT INTO {table} ({columns}) VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608
    rows = [[work.plain(field, getattr(report, field.attname), here) for field in fields] for report in reports]
    with here.cursor() as cursor:
        cursor.executemany(sql, rows)


def _remember(feed: Feed, reading: Reading, body: str, now: datetime) -> None:
    """Keep what the reading held; what it no longer holds may have been taken back."""
    found = LastReading.objects.filter(feed=feed).first()
    last = found or LastReading(feed=feed)
    marks = [[mark.identity, mark.fingerprint] for mark in reading.marks]
    suspect(feed, [mark[0] for mark in last.marks], [mark[0] for mark in marks], now)
    last.marks, last.body_hash = marks, body
    last.save(force_insert=found is None, force_update=found is not None)


def _rewritten(feed: Feed, known: list[tuple[CleanEntry, Report]], now: datetime) -> int:
    """Give new words to the reports whose feed changed them; how many were altered.

    Only the feed that filed a report rewrites it: another of the outlet's may tell it in fewer words.
    """
    altered = 0
    for entry, light in known:
        words = identity.words_key(entry.title, entry.text)
        if light.feed_id != feed.pk or light.words == words:
            continue
        report = Report.objects.select_for_update(of=("self",)).get(pk=light.pk)
        before = report.alterations
        if notice := (_give_words if light.words else _meet_words)(report, entry, now):
            sources.notice(feed, notice)
        Report.objects.filter(pk=report.pk).update(words=words, updated_at=entry.updated)
        altered += report.alterations > before
    return altered


def _give_words(report: Report, entry: CleanEntry, now: datetime) -> str:
    """A text that is the page's is not overwritten by the feed's: its page is visited again instead, after a while."""
    if not report.full_text:
        return rewrite(report, now, title=entry.title, text=entry.text, body_html=entry.body_html)
    if now - report.filed_at < FOLLOWED:
        PageVisit.objects.filter(report=report, next_at__isnull=True).update(next_at=now + PAGE_AGAIN)
    return rewrite(report, now, title=entry.title, text=report.text, body_html=report.body_html)


def _meet_words(report: Report, entry: CleanEntry, now: datetime) -> str:
    """The first words known of a report that was filed before they were kept; a text that is the page's stays.

    How feeds are read has changed since, so another text is no sign of a rewrite; another title is.
    """
    if report.full_text:
        return ""
    if report.title != entry.title:
        return rewrite(report, now, title=entry.title, text=entry.text, body_html=entry.body_html)
    if not report.text:
        report.text, report.body_html = entry.text, entry.body_html
        report.save(update_fields=["text", "body_html"])
    return ""


def _drafts(feed: Feed, entries: Sequence[CleanEntry], now: datetime) -> dict[str, Report]:
    return {entry.identity: _report(feed, entry, now) for entry in entries}


def _report(feed: Feed, entry: CleanEntry, now: datetime) -> Report:
    return Report(
        source_id=feed.source_id,
        feed=feed,
        identity=entry.identity,
        address=entry.address,
        name_key=identity.name_key(entry.address, entry.title),
        title=entry.title,
        author=", ".join(entry.authors)[:300],
        language=language_of(entry.title, entry.text, entry.language, feed.source.language)[:35],
        categories=list(entry.categories),
        body_html=entry.body_html,
        text=entry.text,
        words=identity.words_key(entry.title, entry.text),
        media=[[item.address, item.type, item.size, item.title] for item in entry.media],
        licence=entry.licence,
        published_at=min(entry.published or entry.updated or now, now),
        claimed_at=entry.published or entry.updated,
        updated_at=entry.updated,
        filed_at=now,
        backlog=feed.first_filed_at is None,
    )
