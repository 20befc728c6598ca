"""The digest: issues planned and letters composed for many readers in many zones.

PostgreSQL beside SQLite where HANDBILL_BENCH_POSTGRES names a server's database that may be filled. Seconds are CPU
seconds of one process (for PostgreSQL the wall's as well, since the server's work isn't in them).
"""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.digest_letter import letter_rows
from bench.rows import Row, at_most

ROOT = Path(__file__).parent.parent
TOPICS, ARTICLES = 40, 60
NOW = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
ZONES = [f"Etc/GMT{hours:+d}" for hours in range(-11, 13)]
WHOLE, SHORT, BARE = 0.6, 0.1, 0.02  # readers of the whole paper; of headlines; of text alone
BATCH = 20_000


def run(quick: bool) -> Iterator[Row]:
    """A letter; a million readers in 24 zones, 60 articles under 40 topics; then a tenth of them."""
    yield from letter_rows(quick)
    count = 60_000 if quick else 1_000_000
    for name, database in _databases():
        many, few = _measure(database, count), _measure(database, count // 10)
        yield at_most(f"{count:,} readers' issues planned, {name}", many["planned"], "s", 30)
        yield Row(f"of it counting audiences, {name}", round(many["counted"], 2), "s")
        yield Row(f"groups of readers, {name}", many["groups"], "groups")
        yield Row(f"letters, {name}", many["letters"], "letters")
        yield at_most(f"memory at its most, {name}", round(many["memory"]), "MB", 500)
        own, before = (found["planned"] - found["counted"] for found in (many, few))
        yield at_most(f"ten times the readers, but for counting, {name}", own / before, "×", 1.3)
        yield Row(f"letters with a tenth of the readers, {name}", few["letters"], "letters")
        yield Row(f"letters of one slot composed and filed, {name}", round(many["composed"], 2), "ms a letter")
        yield at_most(f"all letters planned and composed, {name}", many["whole"], "s", 30)


def _databases() -> Iterator[tuple[str, str]]:
    yield "SQLite", "sqlite"
    if postgres := os.environ.get("HANDBILL_BENCH_POSTGRES"):
        yield "PostgreSQL", postgres


def _measure(database: str, count: int) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.digest", database, str(count)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """One process: a newsroom, its readers, the issues of a day."""
    database, count = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        _lay(Path(folder), database)
        _fill(count)
        clock = time.perf_counter if database != "sqlite" else time.process_time
        print(json.dumps(_plan(clock)))


def _lay(home: Path, database: str) -> None:
    from handbill.kit.keys import make_keys

    (home / "handbill.toml").write_text(f'database = "{database}"\n')
    make_keys(home / "keys")
    os.environ |= {"HANDBILL_HOME": str(home), "DJANGO_SETTINGS_MODULE": "handbill.config.settings"}
    import django
    from django.core.management import call_command

    django.setup()
    from handbill.ops.schema import prepare_database

    if _filled():
        call_command("flush", verbosity=0, interactive=False)
    prepare_database()


def _filled() -> bool:
    from django.db import connection

    return "subscribers_subscriber" in connection.introspection.table_names()


def _fill(count: int) -> None:
    from handbill.articles.models import Article
    from handbill.topics.models import Topic

    dice = random.Random(7)
    topics = [Topic.objects.create(name=f"Topic {n}", slug=f"topic-{n}", position=n) for n in range(TOPICS)]
    for number in range(ARTICLES):
        article = Article(headline=f"Story {number} of a long day", slug=f"story-{number}", live=True)
        article.excerpt = "What was decided on Tuesday holds until the summer. " * 9
        article.credit, article.source_address = f"Outlet {number % 25}", f"https://outlet.example/{number}"
        article.published_at = NOW - timedelta(hours=24 + number % 16, minutes=number)
        article.topics = dice.sample(topics, dice.choice((1, 1, 2)))
        article.save()
    _fill_readers(count, [topic.pk for topic in topics], dice)


def _fill_readers(count: int, topics: list[int], dice: random.Random) -> None:
    from handbill.subscribers.lists_in.bulk import Bulk
    from handbill.subscribers.models import Subscriber

    columns = ("id", "address_sealed", "address_hash", "created_at", "confirmed_at", "audience", "cadence", "zone")
    bulk = Bulk(Subscriber, (*columns, "language", "form", "plain", "silences"))
    weights = [1 / (place + 1) for place in range(len(topics))]
    for start in range(0, count, BATCH):
        bulk.insert(_reader(n, topics, weights, dice) for n in range(start, min(start + BATCH, count)))


def _reader(number: int, topics: list[int], weights: list[float], dice: random.Random) -> tuple[Any, ...]:
    from uuid import UUID

    chosen = set(dice.choices(topics, weights, k=dice.choice((1, 1, 2, 3)))) if dice.random() > WHOLE else set()
    audience = ",".join(map(str, sorted(chosen)))
    form = "headlines" if dice.random() < SHORT else "excerpts"
    who = (UUID(int=dice.getrandbits(128)), b"x" * 60, f"{number:064x}", NOW, NOW - timedelta(days=30))
    return *who, audience, "daily", ZONES[number % len(ZONES)], "", form, dice.random() < BARE, 0


def _plan(clock: Callable[[], float]) -> dict[str, float]:
    """Every slot's issue of the day frozen; then one slot's letters composed, as a sample of all of them."""
    from handbill.digest import actions, freeze, plan
    from handbill.subscribers import queries

    spent, seen = {"counted": 0.0, "letters": 0}, {"groups": 0}

    def timed(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            begun = clock()
            found = real(*given)
            spent["counted"] += clock() - begun
            seen["groups"] += len(found)
            return found

        return call

    def counted(*given: Any) -> plan.Plan:
        found = letters(*given)
        spent["letters"] += len(found)
        return found

    letters = plan.plan_letters
    queries.groups, queries.slots, plan.plan_letters = timed(queries.groups), timed(queries.slots), counted
    begun, issues = clock(), []
    for window, day, slot in sorted(actions._due(NOW), key=actions._first_closed):
        if (issue := freeze.freeze(slot, day, window, NOW)) is not None:
            issues.append(issue)
    planned, letters_of_all = clock() - begun, spent["letters"]
    counting = spent["counted"]
    begun = clock()
    actions._compose(issues[len(issues) // 2], NOW)
    composed = clock() - begun
    made = issues[len(issues) // 2].letters.count()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    whole = planned + composed / max(made, 1) * letters_of_all
    figures = {"planned": planned, "counted": counting, "letters": letters_of_all, "memory": memory, "whole": whole}
    return {**figures, **seen, "composed": composed / max(made, 1) * 1000}


if __name__ == "__main__":
    main()
