"""The marks of all texts ever grouped, in the database: how copies of what was said weeks ago are recognised.

A mark and the report that has it are one number. The newest are a row each, the key of a small table that takes new
ones cheaply; some days later they are put away, about fifty in a row, which is under a kilobyte a report on either
database however many there are. Source: ADR-0036, ADR-0080.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any

import numpy as np
from django.db import connection, transaction

from handbill.stories.copies import COMMON, HASH_BITS, ONE_TEXT, TEXT_BITS, Holder, Ints, distinct, spans
from handbill.stories.models import Mark, Marked, Shelf

AT_ONCE = 5_000  # hashes or texts asked for in one query
SLICES = 4_096  # of the marks: one a minute is put away, all of them in three days
SLOT_BITS = (
    43  # what a mark's slot leaves out: 2**20 slots, of about as many marks as a text has where texts are a million
)

_LARGE = "(SELECT unnest(%s::bigint[])) AS j(value)"
# PostgreSQL thinks a range of marks to be long, and compiles the query for it, unless told to expect few.
_SAID = {  # how to find newest marks and old ones, how to keep new ones, and which reports are still there
    "sqlite": (
        "SELECT m.use FROM json_each(%s) AS j CROSS JOIN stories_mark m"  # noqa: S608
        f" WHERE m.use BETWEEN j.value AND j.value + {ONE_TEXT}",
        "SELECT s.uses FROM json_each(%s) AS j CROSS JOIN stories_shelf s WHERE s.slot = j.value",
        "INSERT OR IGNORE INTO stories_mark (use) SELECT j.value FROM json_each(%s) AS j",
        "SELECT r.id FROM json_each(%s) AS j CROSS JOIN wire_report r WHERE r.id = j.value",
    ),
    "postgresql": (
        f"SELECT m.use FROM {_LARGE} CROSS JOIN LATERAL (SELECT use FROM stories_mark"  # noqa: S608
        f" WHERE use BETWEEN j.value AND j.value + {ONE_TEXT} ORDER BY use LIMIT {COMMON}) m",
        f"SELECT s.uses FROM {_LARGE} CROSS JOIN LATERAL"  # noqa: S608
        " (SELECT uses FROM stories_shelf WHERE slot = j.value LIMIT 1) s",
        f"INSERT INTO stories_mark (use) SELECT j.value FROM {_LARGE} ON CONFLICT DO NOTHING",  # noqa: S608
        f"SELECT r.id FROM {_LARGE} JOIN wire_report r ON r.id = j.value",  # noqa: S608
    ),
}


class Stored:
    """A ``copies.Table`` in the database."""

    def uses(self, hashes: Ints) -> Ints:
        """As Table says."""
        fresh, shelved, *_ = _SAID[connection.vendor]
        found = [np.zeros(0, np.int64)]
        for first in range(0, len(hashes), AT_ONCE):
            some = hashes[first : first + AT_ONCE]
            low = some << TEXT_BITS
            found.append(np.array([use for (use,) in _asked(fresh, low)], np.int64))
            # Shelves mostly come by slot, so that all uses are in order already: a stable sort only looks whether.
            lying = np.sort(_uses(uses for (uses,) in _asked(shelved, distinct(low >> SLOT_BITS))), kind="stable")
            starts, ends = lying.searchsorted(low), lying.searchsorted(low + ONE_TEXT, "right")
            found.append(lying[spans(starts, ends - starts)])
        return np.concatenate(found)

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
        hashes = distinct(uses >> TEXT_BITS)
        known, low = distinct(self.uses(hashes)), hashes << TEXT_BITS
        many = known.searchsorted(low + ONE_TEXT, "right") - known.searchsorted(low) >= COMMON
        new = uses[~many[hashes.searchsorted(uses >> TEXT_BITS)]]
        _keep(new[~np.isin(new, known)])
        return set((known & ONE_TEXT).tolist())


def minute_of(moment: datetime) -> int:
    """By which ``put_away`` chooses its slice."""
    return int(moment.timestamp() // 60)


def put_away(now: datetime) -> int:
    """Move this minute's slice of the marks to their shelves; how many were left out, as their reports are gone."""
    step = 1 << HASH_BITS + TEXT_BITS - 12
    first = minute_of(now) % SLICES * step
    marks = Mark.objects.filter(use__range=(first, first + step - 1))
    shelves = Shelf.objects.filter(slot__range=(first >> SLOT_BITS, (first + step - 1) >> SLOT_BITS))
    with transaction.atomic():
        fresh = np.array(list(marks.values_list("use", flat=True)), np.int64)
        lying = _uses(shelves.values_list("uses", flat=True))
        uses = distinct(np.concatenate([fresh, lying]))
        there = np.isin(uses & ONE_TEXT, _existing(distinct(uses & ONE_TEXT)))
        shelve(uses[there], distinct(np.append(fresh, uses[~there]) >> SLOT_BITS))
        marks.delete()
    return len(uses) - int(there.sum())


def _existing(reports: Ints) -> Ints:
    """Those that are still there."""
    steps = range(0, len(reports), AT_ONCE)
    rows = [row for n in steps for row in _asked(_SAID[connection.vendor][3], reports[n : n + AT_ONCE])]
    return np.array([report for (report,) in rows], np.int64)


def shelve(uses: Ints, slots: Ints) -> None:
    """Write the shelves of these ``slots`` anew, from all that lie in them; an empty one goes."""
    owners = uses >> SLOT_BITS
    bounds = zip(owners.searchsorted(slots).tolist(), owners.searchsorted(slots, "right").tolist(), strict=True)
    rows = [
        Shelf(slot, uses[start:end].astype("<i8").tobytes())
        for slot, (start, end) in zip(slots.tolist(), bounds, strict=True)
    ]
    Shelf.objects.filter(pk__in=[row.slot for row in rows if not row.uses]).delete()
    Shelf.objects.bulk_create(
        [row for row in rows if row.uses], update_conflicts=True, unique_fields=["slot"], update_fields=["uses"]
    )


def _uses(shelves: Iterable[bytes | memoryview]) -> Ints:
    """All that lies on these shelves."""
    return np.frombuffer(b"".join(shelves), "<i8").astype(np.int64, copy=False)


def _asked(sql: str, numbers: Ints) -> list[tuple[Any]]:
    """The rows of a query about whole numbers."""
    with connection.cursor() as cursor:
        cursor.execute(sql, [_given(numbers)])
        found: list[tuple[Any]] = cursor.fetchall()
        return found


def _keep(uses: Ints) -> None:
    if len(uses):
        with connection.cursor() as cursor:
            cursor.execute(_SAID[connection.vendor][2], [_given(distinct(uses))])


def _given(numbers: Ints) -> str | list[int]:
    found: list[int] = numbers.tolist()
    return json.dumps(found) if connection.vendor == "sqlite" else found


def _hash(key: str) -> int:
    """Odd, as the marks of long texts never are."""
    digest = blake2b(key.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> (64 - HASH_BITS) | 1
