"""Stories with an archive behind them: marks on disk, and a round that must not grow with what is stored."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.gather_round import fresh_newsroom, own_database
from bench.rows import Row, at_most

ASKED_OF = 1_000_000
MOST_BYTES, MOST_MS, LEAST_RATE, MOST_RATIO, MOST_MB = 1_000, 10, 1_400, 1.2, 500


def stored(articles: Path, quick: bool) -> Iterator[Row]:
    """300 active reports and 2,000 stored when quick, else 10,000 and 1,000,000; on PostgreSQL too if named."""
    active, most, new = (300, 2_000, 100) if quick else (10_000, 1_000_000, 1_000)
    for vendor, server in [("SQLite", ""), ("PostgreSQL", os.environ.get("HANDBILL_BENCH_POSTGRES", ""))]:
        if vendor == "PostgreSQL" and not server:
            continue
        few, many = (_newsroom(server, articles, active, count, new) for count in (active, most))
        yield from _marks(most, vendor, many["marks"])
        name = f"a round of {new} beside {active:,} active, {most:,} stored, {vendor}"
        yield from _rounds(name, active, few["rounds"], many["rounds"])


def _marks(documents: int, vendor: str, seen: dict[str, float]) -> Iterator[Row]:
    name = f"{documents:,} documents on {vendor}"
    size = at_most(f"marks of {name}, a document", seen["bytes"], "bytes", MOST_BYTES)
    # What is asked is asked of a million: among few documents each shelf holds one mark, and costs a row for it.
    yield size if documents >= ASKED_OF else Row(size.name, size.value, size.unit)
    yield at_most(f"marks of {name}, look-up, p95", seen["look"], "ms", MOST_MS)
    yield at_most(f"marks of {name}, insert, p95", seen["keep"], "ms", MOST_MS)
    rate = seen["rate"]
    yield Row(f"marks of {name}, looked up and kept", round(rate), "/CPU s")


def _rounds(name: str, active: int, few: dict[str, float], many: dict[str, float]) -> Iterator[Row]:
    ratio = many["cpu"] / few["cpu"]
    holds = ratio <= MOST_RATIO
    yield Row(name, round(many["cpu"], 2), "CPU s", f"≤ {MOST_RATIO} ×", holds, f"{active:,} stored", ratio)
    yield Row(f"{name}, reports", round(many["reports"] / many["cpu"]), "/CPU s")
    yield at_most(f"{name}, peak memory", many["peak_mb"], "MB", MOST_MB)


def _newsroom(server: str, articles: Path, *numbers: int) -> dict[str, dict[str, float]]:
    """What ``stories_newsroom`` finds in one with so many active, stored and new reports."""
    with tempfile.TemporaryDirectory() as folder, own_database(server) as database:
        command = [sys.executable, "-m", "bench.stories_newsroom", str(articles), *map(str, numbers)]
        newsroom = fresh_newsroom(Path(folder) / "paper", database)
        found = subprocess.run(command, env=newsroom, check=True, stdout=subprocess.PIPE, text=True).stdout
        return dict(json.loads(found))
