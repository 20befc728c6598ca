"""Very many readers, written straight into the table: one found by address, and the audiences of a day counted.

HANDBILL_BENCH_FULL=1 looks an address up among 10,000,000, which takes minutes and 4 GB.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from bench.rows import Row, at_most

ROOT = Path(__file__).parent.parent
NOW = datetime(2026, 11, 27, 4, tzinfo=UTC)
TOPICS, ZONES = 40, 24
CHOICES = 2000  # different sets of topics: what readers choose repeats
LOOK_UPS = 2000
CHUNK = 20_000
SEALED = bytes(60)  # as long as a sealed address; nothing here opens one


def run(quick: bool, databases: Iterable[tuple[str, str]]) -> Iterator[Row]:
    """``databases``: a name for each, and its address."""
    count = 40_000 if quick else 1_000_000
    most = 10_000_000 if os.environ.get("HANDBILL_BENCH_FULL") and not quick else count
    for name, database in databases:
        command = [sys.executable, "-m", "bench.readers_many", database, str(count), str(most)]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        spent = json.loads(done.stdout.splitlines()[-1])
        of = f"{count:,} readers × {TOPICS} topics × {ZONES} zones"
        yield at_most(f"audience of a day's issues counted, {of}, {name}", spent["counted"], "s", 5)
        yield Row(f"each slot by itself, as its hour comes, the slowest, {name}", round(spent["slot"], 2), "s")
        yield at_most(f"an address found among {most:,}, {name}", spent["found"], "ms", 2)
        yield Row(f"the slowest of {LOOK_UPS:,} such, {name}", round(spent["slowest"], 2), "ms")


def main() -> None:
    """One process: a newsroom, its readers, the count, then more readers, and look-ups as a sign-up makes them."""
    from bench.readers import lay

    database, count, most = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with tempfile.TemporaryDirectory() as folder:
        lay(Path(folder), database)
        try:
            fill(range(count))
            slots = dict(count_slots())
            began = time.perf_counter()
            counts = count_day()
            counted = time.perf_counter() - began
            assert len(slots) == ZONES and sum(counts.values()) == count
            slot = max(slots.values())
            crowd(most - count)
            times = sorted(look_up(count))
            spent = {"counted": counted, "slot": slot, "found": times[len(times) // 2], "slowest": times[-1]}
            print(json.dumps(spent))
        finally:
            empty()


def fill(numbers: range) -> None:
    """Write readers of these numbers, in batches."""
    from django.db import transaction

    from handbill.subscribers.lists_in.bulk import Bulk, larger_cache
    from handbill.subscribers.models import Subscriber

    names = ("id", "address_sealed", "address_hash", "created_at", "confirmed_at", "audience", "zone", "seen_at")
    table, rows = Bulk(Subscriber, names), people(numbers)
    with larger_cache():
        while chunk := list(islice(rows, CHUNK)):
            with transaction.atomic():
                table.insert(chunk)


def people(numbers: range) -> Iterator[tuple[Any, ...]]:
    """Rows that differ in all that a count looks at; a third read the whole paper."""
    from handbill.delivery.address import normalised_hash
    from handbill.subscribers.wishes import write_audience

    draw = random.Random(numbers.start)
    sets = [write_audience(draw.sample(range(1, TOPICS + 1), draw.randint(1, 6))) for _ in range(CHOICES)]
    zones = [f"Etc/GMT{offset:+d}" for offset in range(-12, 12)]
    for number in numbers:
        audience = draw.choice(sets) if number % 3 else ""
        hashed = normalised_hash(address(number))
        yield UUID(int=number), SEALED, hashed, NOW, NOW, audience, zones[number % ZONES], NOW


def crowd(count: int) -> None:
    """Write people whom nobody looks for by one statement, their hashes in order: so no index is written at random."""
    if not count:
        return
    from django.db import connection

    from handbill.subscribers.models import Subscriber

    sqlite = connection.vendor == "sqlite"
    series = "WITH RECURSIVE given(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM given WHERE i < %s)"
    source = "given" if sqlite else "generate_series(1, %s) AS given(i)"
    place = "printf('%%08x', i * (4294967295 / %s))" if sqlite else "lpad(to_hex(i * (4294967295 / %s)), 8, '0')"
    rest = "lower(hex(randomblob(28)))" if sqlite else "md5(i::text) || left(md5(i::text || 'x'), 24)"
    told = {"id": f"({place} || '00000000a000a00000000000')", "address_hash": f"{place} || {rest}"}
    told["id"] += "" if sqlite else "::uuid"
    given: dict[str, Any] = {"address_sealed": SEALED, "created_at": NOW, "confirmed_at": NOW}
    columns, values, parameters = [], [], [count] if sqlite else []
    for field in Subscriber._meta.concrete_fields:
        columns.append(connection.ops.quote_name(field.column))
        values.append(told.get(field.attname, "%s"))
        value = field.get_db_prep_save(given.get(field.attname, field.get_default()), connection)
        parameters.append(count if field.attname in told else value)
    parameters += [] if sqlite else [count]
    into = f"INSERT INTO {Subscriber._meta.db_table} ({', '.join(columns)})"
    with connection.cursor() as cursor:
        cursor.execute(f"{series if sqlite else ''} {into} SELECT {', '.join(values)} FROM {source}", parameters)


def address(number: int) -> str:
    return f"{number}.reader@mail{number % 997}.example"


def count_day() -> dict[Any, int]:
    """The audience of a day's issues, as a dry run asks for it: how many readers choose alike, in each slot."""
    from handbill.subscribers import queries

    asked = dict.fromkeys(queries.slots(NOW), (NOW.date(), None))
    found = queries.groups_of_slots(asked, NOW)
    return {slot: sum(groups.values()) for slot, groups in found.items()}


def count_slots() -> Iterator[tuple[Any, float]]:
    """What planning asks when a slot's hour comes; each slot's seconds."""
    from handbill.subscribers import queries

    for slot in queries.slots(NOW):
        began = time.perf_counter()
        queries.groups(slot, NOW.date(), NOW)
        yield slot, time.perf_counter() - began


def look_up(most: int) -> Iterator[float]:
    """Milliseconds each, from the address as it was typed."""
    from handbill.delivery.address import all_hashes
    from handbill.subscribers.models import Subscriber

    for step in range(LOOK_UPS):
        began = time.perf_counter()
        hashes = all_hashes(address(step * 7_919_777 % most))
        assert Subscriber.objects.filter(address_hash__in=hashes).first() is not None
        yield 1000 * (time.perf_counter() - began)


def empty() -> None:
    """Leave a server's database as it was found."""
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE subscribers_subscriber CASCADE")


if __name__ == "__main__":
    main()
