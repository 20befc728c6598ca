"""The marks of all texts ever grouped, in the database: how copies of what was said weeks ago are recognised.

A mark and the report that has it are one number, the key of a row with nothing else in it: under a kilobyte a report
on SQLite. Source: ADR-0036.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b

import numpy as np
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef

from handbill.stories.copies import COMMON, HASH_BITS, ONE_TEXT, TEXT_BITS, Holder, Ints
from handbill.stories.models import Mark, Marked
from handbill.wire.models import Report

AT_ONCE = 5_000  # hashes or texts asked for in one query
SLICES = 4_096  # of the marks: one a minute is cleared of reports that are gone, all of them in three days

_SMALL = "json_each(%s)"
_LARGE = "(SELECT unnest(%s::bigint[])) AS j(value)"


class Stored:
    """A ``copies.Table`` in the database."""

    def uses(self, hashes: Ints) -> Ints:
        """As Table says."""
        sql = (
            f"SELECT m.use FROM {_numbers()} CROSS JOIN stories_mark m"  # noqa: S608
            f" WHERE m.use BETWEEN j.value AND j.value + {ONE_TEXT}"
        )
        found: list[int] = []
        for first in range(0, len(hashes), AT_ONCE):
            with connection.cursor() as cursor:
                cursor.execute(sql, [_given((hashes[first : first + AT_ONCE] << TEXT_BITS).tolist())])
                found.extend(use for (use,) in cursor.fetchall())
        return np.array(found, np.int64)

    def holders(self, texts: Ints) -> Mapping[int, Holder]:
        """As Table says; an outlet is its source's number. A report that is gone is known no more."""
        found: dict[int, Holder] = {}
        fields = ("report", "report__source", "rate", "size", "all_own")
        for first in range(0, len(texts), AT_ONCE):
            rows = Marked.objects.filter(report__in=texts[first : first + AT_ONCE].tolist())
            found.update((report, Holder(*row)) for report, *row in rows.values_list(*fields))
        return found

    def insert(self, holders: Mapping[int, Holder], uses: Ints) -> None:
        """As Table says."""
        rows = [Marked(report_id=n, rate=h.rate, size=h.size, all_own=h.all_own) for n, h in holders.items()]
        with transaction.atomic():
            Marked.objects.bulk_create(rows, ignore_conflicts=True)
            _keep(uses)

    def having(self, keys: Mapping[int, Sequence[str]]) -> set[int]:
        """Keep the ``keys`` of reports, and tell which others may have one of them: very nearly all of them do."""
        uses = np.array([_hash(key) << TEXT_BITS | report for report, own in keys.items() for key in own], np.int64)
        hashes = np.unique(uses >> TEXT_BITS)
        known, low = np.sort(self.uses(hashes)), hashes << TEXT_BITS
        many = known.searchsorted(low + ONE_TEXT, "right") - known.searchsorted(low) >= COMMON
        _keep(uses[~many[hashes.searchsorted(uses >> TEXT_BITS)]])
        return set((known & ONE_TEXT).tolist())


def forget(now: datetime) -> int:
    """Delete the marks of reports that are gone in this minute's slice of them; how many there were."""
    step = 1 << (HASH_BITS + TEXT_BITS - 12)
    first = int(now.timestamp() // 60) % SLICES * step
    slice_ = Mark.objects.filter(use__range=(first, first + step - 1)).annotate(report=F("use").bitand(ONE_TEXT))
    return slice_.filter(~Exists(Report.objects.filter(pk=OuterRef("report")))).delete()[0]


def _keep(uses: Ints) -> None:
    if not len(uses):
        return
    small = connection.vendor == "sqlite"
    sql = f"INSERT {'OR IGNORE ' if small else ''}INTO stories_mark (use) SELECT j.value FROM {_numbers()}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql if small else f"{sql} ON CONFLICT DO NOTHING", [_given(np.unique(uses).tolist())])


def _numbers() -> str:
    """A table ``j`` of given whole numbers, ``value``."""
    return f"{_SMALL} AS j" if connection.vendor == "sqlite" else _LARGE


def _given(numbers: Iterable[int]) -> str | list[int]:
    return json.dumps(list(numbers)) if connection.vendor == "sqlite" else list(numbers)


def _hash(key: str) -> int:
    """Odd, as the marks of long texts never are."""
    digest = blake2b(key.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> (64 - HASH_BITS) | 1
