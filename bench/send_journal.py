"""What the journal adds to sending: the same copies by the engine alone, and by a round over the tables.

``python -m bench.send_journal DATABASE PORT COUNT [distinct]`` measures one round in a process of its own and prints
JSON; ``distinct``: each reader's letter is another, of eight of forty articles.
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
from pathlib import Path

from bench import send_letter
from bench.rows import Row
from bench.send_python import one_letter

PER = 10_000
CONNECTIONS = 10
ROOT = Path(__file__).parent.parent


def run(quick: bool, port: int, chunking: int) -> Iterator[Row]:
    """``port`` and ``chunking``: sinks without and with BDAT. PostgreSQL where HANDBILL_BENCH_POSTGRES names one."""
    count = 2_000 if quick else 30_000
    for mode, sink in (("pipelined", port), ("BDAT", chunking)):
        alone = min(_measure("none", sink, count)["cpu"] for _ in range(1 if quick else 3))
        for name, database in _databases():
            found = min((_measure(database, sink, count) for _ in range(1 if quick else 3)), key=lambda one: one["cpu"])
            share = found["cpu"] / alone - 1
            yield Row(
                f"a round over {name}, {mode}, 10,000 copies",
                round(PER * found["cpu"] / count, 3),
                "CPU s",
                "≤ 1.35 ×",
                share <= 0.35,
                "the engine with the same stamping",
                round(1 + share, 2),
            )
            yield Row(f"copies a second over {name}, {mode}", round(count / found["wall"]), "copies/s")
    yield from _of_their_own(quick, port)
    if not quick:
        peak = _measure("sqlite", chunking, 1_000_000)["memory"]
        yield Row("peak memory, a round of 1,000,000 over SQLite", round(peak), "MB", "< 300 MB", peak < 300)


def _of_their_own(quick: bool, port: int) -> Iterator[Row]:
    """A letter of its own for each reader against one letter for all, from the hand-over to the last reply."""
    count, rounds = 5_000, 1 if quick else 5
    found: dict[str, list[dict[str, float]]] = {"": [], "distinct": []}
    for _ in range(rounds):
        for name, told in found.items():
            told.append(_measure("sqlite", port, count, name))
    one, each = ({key: min(told[key] for told in all_of) for key in all_of[0]} for all_of in found.values())
    for what, key, unit in (
        ("handed over", "hand", "CPU s"),
        ("sent", "cpu", "CPU s"),
        ("database", "size", "MB"),
        ("peak memory", "memory", "MB"),
    ):
        ratio = each[key] / one[key]
        name = f"{count:,} readers, each a letter of 8 of 40 articles, {what}"
        yield Row(name, round(each[key], 3), unit, "≤ 1.2 ×", ratio <= 1.2, "one letter", round(ratio, 2))


def _databases() -> Iterator[tuple[str, str]]:
    yield "SQLite", "sqlite"
    if postgres := os.environ.get("HANDBILL_BENCH_POSTGRES"):
        yield "PostgreSQL", postgres


def _measure(database: str, port: int, count: int, letters: str = "") -> dict[str, float]:
    command = [sys.executable, "-m", "bench.send_journal", database, str(port), str(count), letters]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """One process: lay a newsroom, hand over, and measure the round alone."""
    database, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    distinct = "distinct" in sys.argv[4:]
    with tempfile.TemporaryDirectory() as folder:
        _lay(Path(folder), "sqlite" if database == "none" else database, port)
        began = time.process_time()
        send = _engine_alone(port, count) if database == "none" else _round(count, distinct)
        hand = time.process_time() - began
        cpu, wall = time.process_time(), time.perf_counter()
        send()
        spent = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
        spent["hand"], spent["size"] = hand, sum(file.stat().st_size for file in Path(folder).rglob("*.sqlite3*")) / 1e6
        spent["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(spent))


def _lay(home: Path, database: str, port: int) -> None:
    from handbill.kit.keys import make_keys

    (home / "handbill.toml").write_text(
        f'database = "{database}"\nfrom_address = "{send_letter.SENDER}"\npublic_address = "https://paper.example"\n'
        f'[[relays]]\nname = "sink"\naddress = "smtp://127.0.0.1:{port}"\nconnections = {CONNECTIONS}\n'
    )
    make_keys(home / "keys")
    os.environ |= {"HANDBILL_HOME": str(home), "DJANGO_SETTINGS_MODULE": "handbill.config.settings"}
    import django
    from django.core.management import call_command

    django.setup()
    for room in ("delivery", "work"):
        call_command("migrate", room, verbosity=0, interactive=False)


def _round(count: int, distinct: bool) -> Callable[[], None]:
    from handbill.delivery import actions
    from handbill.delivery.models import Mailing
    from handbill.delivery.records import LetterBody, Recipient
    from handbill.kit.clock import now

    def letter(key: str, articles: list[tuple[str, str]]) -> LetterBody:
        html = (send_letter.HTML_TOP, *(markup for markup, _ in articles), send_letter.HTML_END)
        text = (send_letter.TEXT_TOP, *(said for _, said in articles), send_letter.TEXT_END)
        return LetterBody(key, send_letter.SENDER, send_letter.SUBJECT, html, text, "en", send_letter.ONE_CLICK)

    articles, dice = send_letter.articles(), random.Random(9)
    letters = (letter(str(number), dice.sample(articles, send_letter.CHOSEN)) for number in range(count))
    one = [letter("main", articles[: send_letter.CHOSEN])]
    people = (
        Recipient(f"{number}", f"reader{number}@mail.example", str(number) if distinct else "main")
        for number in range(count)
    )
    at = now()
    Mailing.objects.filter(reference="bench").delete()
    actions.hand_over("bench", "issue", letters if distinct else one, people, at)

    def send() -> None:
        done = actions.send_batch(at, count)
        if done.accepted != count:
            raise SystemExit(f"{done} of {count}")

    return send


def _engine_alone(port: int, count: int) -> Callable[[], None]:
    """The engine, with addresses opened and copies stamped as a round does it, and no table."""
    from itertools import islice

    from handbill.delivery.engine.greeting import Terms
    from handbill.delivery.engine.loop import send_all
    from handbill.delivery.engine.pool import Limits, Pool
    from handbill.delivery.journal import Claimed
    from handbill.delivery.models import Mailing
    from handbill.delivery.sealed import seal_address
    from handbill.delivery.stamps import Stamps
    from handbill.kit.clock import now
    from handbill.kit.mail_settings import Relay

    mailing, stamps = Mailing(reference="bench", kind="issue", created_at=now()), Stamps()
    stamps._compiled[1] = one_letter()
    sealed = [seal_address(f"reader{number}@mail.example", "bench", str(number)) for number in range(count)]
    rows = iter(Claimed(n, 1, 1, str(n), sealed[n], "", "", "waiting", 0, None) for n in range(count))
    source = lambda most: [stamps.copy(row, mailing) for row in islice(rows, most)] or None  # noqa: E731
    pool = Pool(Terms(Relay("sink", "127.0.0.1", port, "smtp")), source, Limits(CONNECTIONS, 20))
    return lambda: send_all([pool], lambda pool, told: None)


if __name__ == "__main__":
    main()
