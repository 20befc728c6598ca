"""A newsroom with an archive of stories, in the folder that HANDBILL_HOME names.

``python -m bench.stories_newsroom ARTICLES ACTIVE STORED NEW`` makes one: ACTIVE reports of the last days, made of the
words of a file of articles, and STORED altogether. Then it measures rounds of NEW reports, and the marks, and prints
what it found. Each step is a process of its own, so that none has another's memory.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import django
import numpy as np

OUTLETS, MARKS, BLOCKS = 100, 46, 64  # MARKS a report, as the articles beside the project have
SAMPLES, BATCH, ROUNDS = 300, 500, 5


def fill(active: int, stored: int, articles: Path) -> None:
    """The old ones are written by the database itself, each a story of its own, none within a year."""
    from handbill.kit.clock import now
    from handbill.ops.schema import prepare_database
    from handbill.sources.models import Feed, Source
    from handbill.stories.models import Member, Story
    from handbill.wire.models import Report

    prepare_database()
    sources = Source.objects.bulk_create(
        [Source(name=f"Outlet {n}", slug=f"outlet-{n}") for n in range(OUTLETS)], batch_size=500
    )
    Feed.objects.bulk_create([Feed(source=s, address=f"https://{s.slug}.example/feed", host=s.slug) for s in sources])
    reports = list(_reports(articles, 0, active, now()))
    Report.objects.bulk_create(reports, batch_size=500)
    told = [Story(title=r.title, language="en", opened_at=r.published_at, latest_at=r.published_at) for r in reports]
    Story.objects.bulk_create(told, batch_size=500)
    Member.objects.bulk_create(
        [Member(report=report, story=story) for report, story in zip(reports, told, strict=True)], batch_size=500
    )
    _copy_rows(stored - active)
    _mark(stored)


def _reports(articles: Path, first: int, count: int, now: datetime) -> Iterator[Any]:
    """Reports about an article's event in another order of words, so that they are no copies."""
    from handbill.sources.models import Feed
    from handbill.wire.models import Report

    texts = [json.loads(line) for line in articles.read_text("utf-8").splitlines()]
    feeds, dice = list(Feed.objects.order_by("pk")), random.Random(first)
    for number in range(first, first + count):
        one, other, feed = dice.choice(texts), dice.choice(texts), dice.choice(feeds)
        words = [*one["text"].split(), *other["text"].split()[:100]]
        runs = [" ".join(words[start : start + 3]) for start in range(0, len(words), 3)]
        dice.shuffle(runs)
        yield Report(
            source_id=feed.source_id,
            feed=feed,
            identity=f"{number:064}",
            title=one["title"][:500],
            text=" ".join(runs),
            language="en",
            published_at=now - timedelta(minutes=dice.randrange(3 * 24 * 60)),
            filed_at=now,
        )


def _copy_rows(count: int) -> None:
    """So many old reports, their stories and members, after one that is there."""
    from django.db import connection

    from handbill.stories.models import Member, Story
    from handbill.wire.models import Report

    if not count:
        return
    last = Report.objects.order_by("-pk").values_list("pk", flat=True)[0]
    small = connection.vendor == "sqlite"
    digits = "printf('%064d', i)" if small else "lpad(i::text, 64, '0')"
    at = "datetime('now', '-400 days', '-' || (i % 500000) || ' minutes')"
    at = at if small else "now() - interval '400 days' - (i % 500000) * interval '1 minute'"
    sample = "'Old news of one matter. '"
    old = {
        Report: {"id": "i", "identity": digits, "text": sample, "name_key": "''", "published_at": at, "filed_at": at},
        Story: {"id": "i", "opened_at": at, "latest_at": at},
        Member: {"id": "i", "report_id": "i", "story_id": "i"},
    }
    numbers = f"WITH RECURSIVE n(i) AS (SELECT {last + 1} UNION ALL SELECT i + 1 FROM n WHERE i < {last + count})"
    with connection.cursor() as cursor:
        for model, fresh in old.items():
            table = model._meta.db_table
            columns = [str(field.column) for field in model._meta.concrete_fields]
            values = ", ".join(fresh.get(column, f"r.{column}") for column in columns)
            row = f"(SELECT * FROM {table} ORDER BY id DESC LIMIT 1)"
            sql = f"INSERT INTO {table} ({', '.join(columns)}) {numbers} SELECT {values} FROM n CROSS JOIN {row} r"
            cursor.execute(sql)
            if not small:
                cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {last + count})")
        cursor.execute("ANALYZE")


def _mark(stored: int) -> None:
    """Marks of all reports, as chance would have them, on shelves that were written twice, as they grow."""
    from django.db import connection, transaction

    from handbill.stories.copies import TEXT_BITS

    chance, each = np.random.default_rng(stored), stored * MARKS // BLOCKS
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO stories_marked (report_id, rate, size, all_own) SELECT id, 8, {MARKS}, false FROM wire_report"
        )
        for block in range(BLOCKS):
            hashes = (block << 26) + chance.integers(0, 1 << 26, each) << 3
            uses = np.sort(hashes << TEXT_BITS | chance.integers(1, stored + 1, each))
            for some in (uses[::2], uses):
                with transaction.atomic():
                    cursor.executemany(_SHELVED, _shelves(some))


_SHELVED = """INSERT INTO stories_shelf (slot, uses) VALUES (%s, %s)
ON CONFLICT (slot) DO UPDATE SET uses = excluded.uses"""


def _shelves(uses: np.ndarray) -> Iterator[tuple[int, bytes]]:
    """As ``marked.shelve`` writes them, but without an object for each of a million rows."""
    from handbill.stories.marked import SLOT_BITS

    slots, starts = np.unique(uses >> SLOT_BITS, return_index=True)
    ends = np.append(starts[1:], len(uses))
    for slot, start, end in zip(slots.tolist(), starts.tolist(), ends.tolist(), strict=True):
        yield slot, uses[start:end].astype("<i8").tobytes()


def rounds(new: int, articles: Path) -> dict[str, float]:
    """CPU seconds of the best of five rounds of so many new reports, once what is active was read; the peak.

    Each is a minute after the one before, as by then the next slice of the marks is put away.
    """
    from handbill.kit.clock import now
    from handbill.stories.actions import group_pending
    from handbill.wire.models import Report

    at, first, costs = now(), Report.objects.count(), []
    for minute, count in enumerate((20, *[new] * ROUNDS)):
        Report.objects.bulk_create(_reports(articles, first, count, at), batch_size=500)
        first += count
        began = time.process_time()
        done = group_pending(at + timedelta(minutes=minute), limit=new).reports
        costs.append(time.process_time() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return {"cpu": min(costs[1:]), "reports": done, "peak_mb": peak}


def measure_marks(articles: Path) -> dict[str, float]:
    """Bytes a document; the 95th of a hundred look-ups and insertions of one, in ms of wall time; a CPU second's."""
    from handbill.kit.clock import now
    from handbill.stories.copies import ONE_TEXT, TEXT_BITS, Holder, recognise
    from handbill.stories.marked import Stored
    from handbill.wire.models import Report

    stored = Report.objects.count()
    new = Report.objects.bulk_create(_reports(articles, stored, SAMPLES + BATCH, now()), batch_size=500)
    texts, table = [_half_known(report.pk) for report in new], Stored()
    looked, kept = [], []
    for text in texts[:SAMPLES]:
        began = time.perf_counter()
        table.holders(np.unique(table.uses(text.marks.hashes) & ONE_TEXT))
        looked.append(time.perf_counter() - began)
        began = time.perf_counter()
        table.insert({text.id: Holder(1, 8, MARKS)}, text.marks.hashes << TEXT_BITS | text.id)
        kept.append(time.perf_counter() - began)
    began = time.process_time()
    recognise(texts[SAMPLES:], table)
    rate = BATCH / (time.process_time() - began)
    late = 1000 * np.percentile([looked, kept], 95, axis=1)
    return {"bytes": _size() / stored, "look": late[0], "keep": late[1], "rate": rate}


def _half_known(number: int) -> Any:
    """A text of which others have half the marks."""
    from handbill.stories.copies import HASH_BITS, TEXT_BITS, Marks, Text
    from handbill.stories.models import Shelf

    chance = np.random.default_rng(number)
    shelves = Shelf.objects.filter(slot__in=chance.integers(0, 1 << 20, MARKS // 2).tolist())
    known = [int(np.frombuffer(uses, "<i8")[0]) for uses in shelves.values_list("uses", flat=True)]
    fresh = chance.integers(0, 1 << (HASH_BITS - 3), MARKS - len(known)) << 3
    return Text(number, 1, Marks(8, np.unique(np.append(fresh, np.array(known, np.int64) >> TEXT_BITS))))


def _size() -> int:
    """Bytes that marks take on disk."""
    from django.db import connection

    sql = "SELECT sum(pgsize) FROM dbstat WHERE name IN ('stories_mark', 'stories_shelf', 'stories_marked')"
    if connection.vendor != "sqlite":
        sql = (
            "SELECT sum(pg_total_relation_size(n)) FROM unnest('{stories_mark,stories_shelf,stories_marked}'::text[]) n"
        )
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return int(cursor.fetchone()[0])


def main(articles: str, *numbers: str) -> None:
    """Fill, measure, print."""
    path, (active, stored, new) = Path(articles), map(int, numbers)
    django.setup()
    with get_context("fork").Pool(1, maxtasksperchild=1) as step:
        step.apply(fill, (active, stored, path))
        found = {"rounds": step.apply(rounds, (new, path)), "marks": step.apply(measure_marks, (path,))}
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
