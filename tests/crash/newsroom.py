"""A newsroom's delivery in a process that is steered, its relays, and what both say of who got what."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from handbill.kit.keys import make_keys
from tests.crash.relays import Plan, Sink, copies_in
from tests.mta.tls import Authority
from tests.services import need, postgres

CONNECTIONS = 2
WINDOW = 20
DRIVER = Path(__file__).with_name("driver.py")
references = (f"m{number}" for number in count(1))


class Newsroom:
    """A driver process with its own folder and database. ``log`` is what its relays took."""

    def __init__(self, home: Path, database: str) -> None:
        self.home, self.database = home, database
        self.log, self.errors = home / "taken.tsv", home / "errors.txt"
        (home / "handbill.toml").write_text(f'database = "{database}"\nfrom_address = "news@paper.example"\n')
        make_keys(home / "keys")
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain(Authority().issue(home / "relay.pem", ["127.0.0.1"]))
        environ = {name: value for name, value in os.environ.items() if not name.startswith("HANDBILL_")}
        environ |= {"HANDBILL_HOME": str(home), "DJANGO_SETTINGS_MODULE": "handbill.config.settings"}
        environ |= {"SSL_CERT_FILE": str(home / "relay.pem"), "PYTHONPATH": str(DRIVER.parents[2])}
        with self.errors.open("a") as errors:
            self.process = subprocess.Popen(
                [sys.executable, str(DRIVER)],
                env=environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert self.process.stdout is not None and self.process.stdout.readline() == "ready\n"

    @property
    def embedded(self) -> bool:
        return self.database == "sqlite"

    def ask(self, do: str, **what: Any) -> dict[str, Any]:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps({"do": do, **what}) + "\n")
        self.process.stdin.flush()
        return dict(json.loads(self.process.stdout.readline()))

    def __call__(self, do: str, **what: Any) -> bool:
        """Do it in a process of its own; True when that was killed."""
        answer = self.ask(do, **what)
        assert not answer["failed"], self.errors.read_text()[-3000:]
        return bool(answer["killed"])

    def fails(self, do: str, **what: Any) -> str:
        """Do it in a process of its own; the last line that it said when it failed, else ""."""
        if do != "wait":
            self.errors.write_text("")
        return self.errors.read_text().strip().rpartition("\n")[2] if self.ask(do, **what)["failed"] else ""

    def start(self, do: str, **what: Any) -> int:
        """Begin it; its process, to be waited for by "wait"."""
        self.errors.write_text("")
        return int(self.ask(do, waits=False, **what)["pid"])

    def report(self, reference: str) -> dict[str, Any]:
        path = self.home / "report.json"
        self("report", reference=reference, path=str(path))
        return dict(json.loads(path.read_text()))

    def settle(self, **what: Any) -> dict[str, Any]:
        path = self.home / "settled.json"
        self("settle", path=str(path), **what)
        return dict(json.loads(path.read_text()))

    def copies(self, reference: str) -> Counter[str]:
        return copies_in(self.log, reference)

    @contextmanager
    def relays(self, *made: Plan) -> Iterator[list[Sink]]:
        with ExitStack() as stack:
            yield [
                stack.enter_context(Sink(plan, self.log, self.context, f"r{place}")) for place, plan in enumerate(made)
            ]

    def under_way(self, reference: str) -> int:
        """Copies that a relay took and the journal doesn't know of: what a kill at this moment repeats."""
        copies, known = self.copies(reference), self.report(reference)["copies"]
        return sum(known[address][0] == "sending" for address in copies)

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def settings_of(sinks: Sequence[Sink]) -> list[dict[str, Any]]:
    return [sink.setting for sink in sinks]


def everyone(reference: str, total: int) -> list[str]:
    return sorted(f"{reference}-{n}@mail.example" for n in range(total))


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.0005)


@contextmanager
def database_of(name: str) -> Iterator[str]:
    if name == "sqlite":
        yield "sqlite"
        return
    server = need(postgres(), "a PostgreSQL server")
    scratch = f"handbill_crash_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {scratch}".encode())
        try:
            yield f"{server.rpartition('/')[0]}/{scratch}"
        finally:
            connection.execute(f"DROP DATABASE {scratch} WITH (FORCE)".encode())
