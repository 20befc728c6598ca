"""A round of fetching: thousands of outlets on loopback, many of them slow, and an archive that must not matter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from bench.demo import tree_mib
from bench.rows import Row, at_most
from handbill.ops.setup import make_folder

CORES = 2
MOST_SECONDS, MOST_MB, MOST_RATIO = 90, 500, 1.2
SLOW, DEAD = 0.20, 0.05
PEER = """
import concurrent.futures, resource, sys, urllib.error, urllib.request
import feedparser
def visit(address):
    asked = urllib.request.Request(address, headers={"If-None-Match": '"quiet"'})
    try:
        feedparser.parse(urllib.request.urlopen(asked, timeout=15).read())
    except urllib.error.HTTPError:
        pass
addresses = sys.stdin.read().split()
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
before = cpu()
with concurrent.futures.ThreadPoolExecutor(32) as pool:
    list(pool.map(visit, addresses))
print(cpu() - before)
"""


@dataclass(frozen=True, slots=True)
class Watched:
    """A round as seen from outside, from the first answer to the last healthy one.

    ``busy`` is the share of the cores in use meanwhile, ``rate`` healthy feeds a second.
    """

    cost: dict[str, Any]
    peak_mb: float
    busy: float
    rate: float


def run(quick: bool) -> Iterator[Row]:
    """300 feeds and 2,000 reports when quick, else 10,000 and 1,000,000; on PostgreSQL too where one is named."""
    with tempfile.TemporaryDirectory() as folder, _outlets() as (server, opened, closed):
        home = Path(folder)
        yield from _many(home, server, opened, closed, 300 if quick else 10_000, 2.0 if quick else 15.0)
        yield from _archive(home, opened, *((2_000, 15, 1) if quick else (1_000_000, 200, 2)))


def _many(home: Path, server: psutil.Process, opened: int, closed: int, count: int, limit: float) -> Iterator[Row]:
    name = f"round of {count:,} feeds"
    newsroom = fresh_newsroom(home / "many")
    _step(newsroom, "feeds", opened, closed, count)
    seen = _watched(newsroom, server, opened, limit, round(count * (1 - SLOW - DEAD)))
    cost = seen.cost
    healthy, failed = cost["fetched"], cost["failed"]
    whole = healthy == round(count * (1 - SLOW - DEAD)) and failed == round(count * (SLOW + DEAD))
    yield Row(f"{name}, all of them settled", healthy + failed, "feeds", f"{count}", whole)
    yield at_most(f"{name}, after the slow ones' time limit", cost["wall"] - limit, "s", MOST_SECONDS)
    yield at_most(f"{name}, peak memory of the tree (PSS)", seen.peak_mb, "MB", MOST_MB)
    yield Row(f"{name}, healthy ones", round(seen.rate), "feeds/s")
    yield Row(f"{name}, cores in use while healthy ones remain", round(100 * seen.busy), "%")
    mean = 1000 * cost["cpu"] / max(healthy, 1)
    yield Row(f"{name}, a healthy feed", round(mean, 2), "CPU ms")
    theirs = _peer(opened, min(count, 2000))
    yield Row(f"{name}, a healthy feed", round(mean, 2), "CPU ms", against="feedparser and urllib", ratio=mean / theirs)


def _archive(home: Path, opened: int, stored: int, feeds: int, times: int) -> Iterator[Row]:
    for vendor, database in [("SQLite", ""), ("PostgreSQL", os.environ.get("HANDBILL_BENCH_POSTGRES", ""))]:
        if vendor == "PostgreSQL" and not database:
            continue
        small, large = (
            _stored(home / f"{vendor}-{count}", database, opened, count, feeds, times) for count in (1_000, stored)
        )
        ratio = large / small
        yield Row(
            f"round of {feeds} feeds with news over {stored:,} reports, {vendor}",
            round(large, 2),
            "CPU s",
            f"≤ {MOST_RATIO} ×",
            ratio <= MOST_RATIO,
            "1,000 reports",
            ratio,
        )


def _stored(home: Path, database: str, opened: int, count: int, feeds: int, times: int) -> float:
    """CPU seconds of a round over an archive of ``count`` reports, the best of so many ``times``."""
    with own_database(database) as address:
        newsroom = fresh_newsroom(home, address)
        _step(newsroom, "archive", opened, feeds, count)
        return min(float(json.loads(_step(newsroom, "round", 5.0))["cpu"]) for _ in range(times))


@contextmanager
def own_database(server: str) -> Iterator[str]:
    """A database of its own on ``server``, the address of one that lets us make them; "" where none is given."""
    if not server:
        yield ""
        return
    import psycopg

    name = f"handbill_bench_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{server.rpartition('/')[0]}/{name}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _watched(newsroom: dict[str, str], server: psutil.Process, opened: int, limit: float, healthy: int) -> Watched:
    command = [sys.executable, "-m", "bench.gather_newsroom", "round", str(limit)]
    peak, first, last = 0.0, (0.0, 0.0, 0), (0.0, 0.0, 0)
    before = _answered(opened)
    with subprocess.Popen(command, env=newsroom, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            peak = max(peak, tree_mib(process.pid) * 1.048576)
            given = _answered(opened) - before
            moment = (time.monotonic(), _tree_cpu(process.pid) + _cpu(server), given)
            if given < healthy:
                first, last = (first if given > 0 and first[0] else moment), moment
            time.sleep(0.25)
        if process.returncode or process.stdout is None:
            raise RuntimeError("the round failed")
        cost = json.loads(process.stdout.read())
    seconds = max(last[0] - first[0], 0.001)
    return Watched(cost, peak, (last[1] - first[1]) / seconds / CORES, (last[2] - first[2]) / seconds)


def _peer(opened: int, count: int) -> float:
    """CPU milliseconds a feed: the same mix of healthy feeds, no filing, no database."""
    from bench.gather_newsroom import MIX, host

    kinds = [kind for kind in MIX if kind in ("quiet", "news")]
    addresses = [f"http://{host(number)}:{opened}/{kinds[number % len(kinds)]}" for number in range(count)]
    done = subprocess.run(
        [sys.executable, "-c", PEER], input="\n".join(addresses), capture_output=True, text=True, check=True
    )
    return 1000 * float(done.stdout) / count


def fresh_newsroom(home: Path, database: str = "") -> dict[str, str]:
    """A fresh one; the environment its steps run in."""
    make_folder(home)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HANDBILL_", "DJANGO_"))}
    environment = kept | {"HANDBILL_HOME": str(home), "DJANGO_SETTINGS_MODULE": "handbill.config.settings"}
    if database:
        environment["HANDBILL_DATABASE"] = database
    return environment


def _step(newsroom: dict[str, str], *words: object) -> str:
    command = [sys.executable, "-m", "bench.gather_newsroom", *map(str, words)]
    return subprocess.run(command, env=newsroom, check=True, stdout=subprocess.PIPE, text=True).stdout


@contextmanager
def _outlets() -> Iterator[tuple[psutil.Process, int, int]]:
    command = [sys.executable, "-m", "bench.gather_outlets"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        opened, closed = map(int, process.stdout.readline().split())
        yield psutil.Process(process.pid), opened, closed
        process.stdin.close()


def _answered(opened: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{opened}/count") as answer:
        return int(answer.read())


def _cpu(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)


def _tree_cpu(pid: int) -> float:
    total = 0.0
    try:
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            total += _cpu(process)
    except psutil.Error:
        pass
    return total
