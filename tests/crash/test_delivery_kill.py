"""kill -9 at every point of the journal, then a restart: nobody is missing, and at most its windows are repeated."""

import json
import os
import random
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from handbill.kit.keys import make_keys
from handbill.testing.relay import LoopbackRelay
from tests.crash.delivery_driver import POINTS

CONNECTIONS = 2
WINDOW = 20
SERVER = "postgresql://postgres@127.0.0.1:5432"


class Newsroom:
    """A driver process with its own folder and database, and the relay it sends to."""

    def __init__(self, home: Path, relay: LoopbackRelay, database: str) -> None:
        self.home, self.relay = home, relay
        (home / "handbill.toml").write_text(
            f'database = "{database}"\nfrom_address = "news@paper.example"\n'
            f'[[relays]]\nname = "loopback"\naddress = "smtp://127.0.0.1:{relay.port}"\nconnections = {CONNECTIONS}\n'
        )
        make_keys(home / "keys")
        environ = {name: value for name, value in os.environ.items() if not name.startswith("HANDBILL_")}
        environ |= {"HANDBILL_HOME": str(home), "DJANGO_SETTINGS_MODULE": "handbill.config.settings"}
        driver = Path(__file__).with_name("delivery_driver.py")
        self.process = subprocess.Popen(
            [sys.executable, str(driver)], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None and self.process.stdout.readline() == "ready\n"

    def __call__(self, do: str, **what: Any) -> bool:
        """Do it in a process of its own; True when that was killed."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps({"do": do, **what}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert not answer["failed"]
        return bool(answer["killed"])

    def report(self, reference: str) -> dict[str, int]:
        path = self.home / "report.json"
        self("report", reference=reference, path=str(path))
        return json.loads(path.read_text())

    def copies(self, reference: str) -> Counter[str]:
        mine = [taken for taken in self.relay.messages if taken.recipients[0].startswith(f"{reference}-")]
        assert len({(taken.recipients, taken.data) for taken in mine}) == len({taken.recipients for taken in mine})
        return Counter(taken.recipients[0] for taken in mine)

    def nobody_is_missing(self, reference: str, total: int, kills: int) -> None:
        copies, found = self.copies(reference), self.report(reference)
        assert sorted(copies) == sorted(f"{reference}-{n}@mail.example" for n in range(total))
        extra = sum(copies.values()) - total
        assert extra <= found["repeats"] <= kills * CONNECTIONS * WINDOW
        assert found["accepted"] == found["total"] == total


def database_of(name: str, home: Path) -> Iterator[str]:
    if name == "sqlite":
        yield "sqlite"
        return
    try:
        socket.create_connection(("127.0.0.1", 5432), 2).close()
    except OSError:
        pytest.skip("no PostgreSQL server on 127.0.0.1:5432")
    scratch = f"handbill_crash_{os.getpid()}"
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {scratch}".encode())
        try:
            yield f"{SERVER}/{scratch}"
        finally:
            connection.execute(f"DROP DATABASE {scratch} WITH (FORCE)".encode())


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def newsroom(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsroom]:
    home = tmp_path_factory.mktemp("newsroom")
    for database in database_of(request.param, home):
        with LoopbackRelay() as relay:
            running = Newsroom(home, relay, database)
            yield running
            assert running.process.stdin is not None
            running.process.stdin.close()
            running.process.wait()


references = (f"m{number}" for number in count(1))


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_journal_point(newsroom: Newsroom, point: str, nth: int):
    reference = next(references)
    newsroom("hand over", reference=reference, count=250)
    assert newsroom("send", die=point, nth=nth)
    newsroom("send", minutes=60)
    newsroom.nobody_is_missing(reference, 250, kills=1)


def test_killed_amid_a_window_repeats_only_what_was_under_way(newsroom: Newsroom):
    reference = next(references)
    newsroom("hand over", reference=reference, count=250)
    assert newsroom("send", die="after the dot", nth=227)
    taken, settled = sum(newsroom.copies(reference).values()), newsroom.report(reference)["accepted"]
    assert 227 <= taken < 250 and taken - settled <= CONNECTIONS * WINDOW
    newsroom("send", minutes=60)
    newsroom.nobody_is_missing(reference, 250, kills=1)
    assert sum(newsroom.copies(reference).values()) == 250 + taken - settled


def test_three_processes_share_the_work_without_doubles(newsroom: Newsroom):
    reference = next(references)
    newsroom("hand over", reference=reference, count=200)
    newsroom("send with", workers=3)
    assert set(newsroom.copies(reference).values()) == {1}
    newsroom.nobody_is_missing(reference, 200, kills=0)


@pytest.mark.long
def test_killed_again_and_again(newsroom: Newsroom):
    reference, chance, kills = next(references), random.Random(2026), 0
    newsroom("hand over", reference=reference, count=3000)
    for round_number in range(40):
        point = chance.choice(POINTS)
        nth = chance.randint(1, 180 if point.endswith("dot") else 3)
        kills += newsroom("send", minutes=60 * round_number, limit=200, die=point, nth=nth)
    for round_number in range(40, 60):
        newsroom("send", minutes=60 * round_number)
    assert kills > 20
    newsroom.nobody_is_missing(reference, 3000, kills)
