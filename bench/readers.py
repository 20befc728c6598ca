"""Readers: a list brought in, and an address found among many.

PostgreSQL beside SQLite where HANDBILL_BENCH_POSTGRES names a server's database that may be filled. Seconds are CPU
seconds of the import's own process besides the wall's, so that a busy machine shows.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from bench import readers_many, readers_signups
from bench.rows import Row

ROOT = Path(__file__).parent.parent
HEADER = "Email Address,First Name,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,TIMEZONE,CC,CHANGED,LEID,EUID,TAGS\n"
LINE = "{0}.reader@mail{1}.example,Bo,{2},192.0.2.7,{3},192.0.2.7,,,,{0},{0:x},x\n"
FIRST = datetime(2019, 3, 4, 10, 11, 12)  # noqa: DTZ001 - as Mailchimp writes it


def run(quick: bool) -> Iterator[Row]:
    """Rows as Mailchimp writes them, all new, all with a time of confirming."""
    count = 30_000 if quick else 1_000_000
    databases = list(_databases())
    for name, database in databases:
        found = _measure(database, count)
        rate = round(count / found["seconds"])
        yield Row(f"{count:,} rows brought in, {name}", rate, "rows/s", "≥ 20,000 rows/s", rate >= 20_000)
        yield Row(f"the same in CPU seconds, {name}", round(count / found["cpu"]), "rows/CPU s")
        yield Row(f"a dry run of them, {name}", round(count / found["dry"]), "rows/CPU s")
        yield Row(f"memory at its most, {name}", round(found["memory"]), "MB")
    yield from readers_many.run(quick, databases)
    yield from readers_signups.run(quick, databases)


def _databases() -> Iterator[tuple[str, str]]:
    yield "SQLite", "sqlite"
    if postgres := os.environ.get("HANDBILL_BENCH_POSTGRES"):
        yield "PostgreSQL", postgres


def _measure(database: str, count: int) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.readers", database, str(count)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """One process: a newsroom, a file, a dry run, the import."""
    database, count = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        lay(Path(folder), database)
        path = Path(folder) / "list.csv"
        with path.open("w") as file:
            file.write(HEADER)
            file.writelines(map(_line, range(count)))
        dry = _bring(path, dry=True)
        wet = _bring(path, dry=False)
        spent = {"dry": dry["cpu"], "cpu": wet["cpu"], "seconds": wet["seconds"]}
        spent["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(spent))


def _line(number: int) -> str:
    """Each with moments of its own, as a real list has them."""
    joined = FIRST + timedelta(seconds=97 * number)
    return LINE.format(number, number % 997, joined, joined + timedelta(seconds=61))


def lay(home: Path, database: str) -> None:
    """A newsroom for this process, with no readers."""
    from handbill.kit.keys import make_keys

    (home / "handbill.toml").write_text(f'database = "{database}"\n')
    make_keys(home / "keys")
    os.environ |= {"HANDBILL_HOME": str(home), "DJANGO_SETTINGS_MODULE": "handbill.config.settings"}
    import django
    from django.core.management import call_command

    django.setup()
    for room in ("delivery", "subscribers"):
        call_command("migrate", room, verbosity=0, interactive=False)
    from handbill.subscribers.models import Consent, Import, Subscriber, Subscription

    for model in (Consent, Subscription, Subscriber, Import):
        model.objects.all().delete()


def _bring(path: Path, dry: bool) -> dict[str, float]:
    from handbill.kit.clock import now
    from handbill.subscribers.lists_in.actions import bring_in
    from handbill.subscribers.lists_in.records import Wanted

    cpu, wall = time.process_time(), time.perf_counter()
    with path.open("rb") as file:
        bring_in(file, path.name, Wanted(), "bench", now(), dry=dry)
    return {"cpu": time.process_time() - cpu, "seconds": time.perf_counter() - wall}


if __name__ == "__main__":
    main()
