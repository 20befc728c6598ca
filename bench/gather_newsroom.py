"""A newsroom under measure, in the folder that HANDBILL_HOME names: ``python -m bench.gather_newsroom STEP …``.

``feeds OPEN CLOSED COUNT`` makes one with that many outlets in the mix of the bench; ``archive OPEN COUNT REPORTS`` one
with outlets that always have news and reports of theirs in store; ``round SECONDS`` fetches every feed, with that time
limit for each, and prints what it cost.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time

import django

MIX = ["quiet"] * 14 + ["news"] + ["slow"] * 4 + ["dead"]  # of 20: 70 % unchanged, 5 % news, 20 % slow, 5 % dead


def host(number: int) -> str:
    """The address of the outlet with that number; neighbours lie in different nets."""
    return f"127.{1 + number % 200}.{number // 200 % 250}.{1 + number // 50_000}"


def add_feeds(ports: dict[str, int], mix: list[str], count: int) -> None:
    """``count`` outlets with a feed each, all of them due."""
    from handbill.kit.clock import now
    from handbill.sources.models import Feed, Source

    first, due = Source.objects.count(), now()
    names = [f"outlet-{first + number}" for number in range(count)]
    sources = Source.objects.bulk_create([Source(name=name, slug=name) for name in names], batch_size=500)
    feeds = []
    for number, source in enumerate(sources):
        kind, name = mix[number % len(mix)], host(first + number)
        address = f"http://{name}:{ports[kind]}/{kind}"
        feeds.append(Feed(source=source, address=address, host=name, etag='"quiet"', next_at=due, interval_minutes=5))
    Feed.objects.bulk_create(feeds, batch_size=500)


def add_reports(count: int) -> None:
    """``count`` reports of the outlets that are there, written by the database itself."""
    from django.db import connection

    from handbill.kit.clock import now
    from handbill.sources.models import Feed
    from handbill.wire.models import Report

    feed, at = Feed.objects.earliest("pk"), now()
    sample = Report.objects.create(
        source=feed.source,
        feed=feed,
        identity="0" * 64,
        title="Old news",
        text="Old words. " * 40,
        published_at=at,
        filed_at=at,
    )
    small = connection.vendor == "sqlite"
    chance = "lower(hex(randomblob(32)))" if small else "md5(i::text) || md5((-i)::text)"
    lengths = {"identity": 64, "name_key": 16}
    keys = {name: f"substr({chance}, 1, {length})" for name, length in lengths.items()}
    fresh = {**keys, "source_id": "f.source_id", "feed_id": "f.id"}
    columns = [str(field.column) for field in Report._meta.concrete_fields if not field.primary_key]
    values = ", ".join(fresh.get(column, f"r.{column}") for column in columns)
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %s)"
    sql = (
        f"INSERT INTO wire_report ({', '.join(columns)}) {numbers} SELECT {values} FROM n"
        " JOIN sources_feed f ON f.id = %s + n.i %% %s JOIN wire_report r ON r.id = %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [count - 1, feed.pk, Feed.objects.count(), sample.pk])
        cursor.execute("ANALYZE")


def one_round(seconds: float) -> dict[str, object]:
    """Fetch what is due, and what that cost this process and its children."""
    from django.conf import settings

    from handbill.kit.clock import now
    from handbill.sources.models import Feed
    from handbill.wire import fetch

    fetch.FETCH_SECONDS = seconds
    hosts = (address.split("/")[2].split(":") for address in Feed.objects.values_list("address", flat=True).iterator())
    reach = frozenset((name, int(port)) for name, port in hosts)
    settings.HANDBILL = dataclasses.replace(settings.HANDBILL, allow_loopback=reach)
    began, before = time.monotonic(), _cpu()
    done = fetch.fetch_due(now())
    return {**dataclasses.asdict(done), "wall": time.monotonic() - began, "cpu": _cpu() - before}


def _cpu() -> float:
    import psutil

    here = psutil.Process()
    times = [process.cpu_times() for process in [here, *here.children(recursive=True)]]
    return sum(used.user + used.system for used in times) + times[0].children_user + times[0].children_system


def main(step: str, *numbers: str) -> None:
    """Do one step."""
    django.setup()
    from handbill.kit.clock import now
    from handbill.ops.schema import prepare_database
    from handbill.sources.actions import make_all_due

    if step == "feeds":
        prepare_database()
        opened, closed, count = map(int, numbers)
        add_feeds({"quiet": opened, "news": opened, "slow": opened, "dead": closed}, MIX, count)
    elif step == "archive":
        prepare_database()
        opened, count, reports = map(int, numbers)
        add_feeds({"news": opened}, ["news"], count)
        add_reports(reports)
    else:
        make_all_due(now())
        print(json.dumps(one_round(float(numbers[0]))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
