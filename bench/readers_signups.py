"""A flood of sign-ups: many connections at once against `handbill run`, nobody lost, few mailed.

Every address is new; they come from 1,000 networks by a proxy's header, so that no brake but that of all holds them.
The other end is on the same machine and takes its share of the processor.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

import psutil

from bench.demo import tree_mib
from bench.rows import Row, at_most

CONNECTIONS = 200
MOST_SECONDS, MOST_MIB = 1.0, 500
WAIT = 60  # seconds until it serves
SETTLE = 25  # seconds: two ticks, so that the brake has had its chance to fail; one when quick
TOML = """\
public_address = "http://127.0.0.1:{public}"
desk_address = "http://localhost:{desk}"
public_bind = "127.0.0.1:{public}"
desk_bind = "127.0.0.1:{desk}"
database = "{database}"

[[relays]]
name = "loopback"
address = "smtp://127.0.0.1:1"
"""
COUNT = """
import json
from handbill.ops.cli import open_newsroom
open_newsroom(None)
from handbill.delivery.models import Delivery
from handbill.subscribers import brakes, rush
from handbill.subscribers.models import SignUp, Turn
kept, mails = SignUp.objects.count() + Turn.objects.count(), Delivery.objects.count()
print(json.dumps({"kept": kept, "mails": mails, "most": brakes.LEAST[brakes.HOUR], "rush": rush.is_on()}))
"""
REQUEST = (
    "POST /subscribe/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    "X-Forwarded-For: {network}\r\nContent-Length: {length}\r\n\r\n{body}"
)


def run(quick: bool, databases: Iterable[tuple[str, str]]) -> Iterator[Row]:
    """10,000 sign-ups (1,500 when quick) of each database."""
    count = 1_500 if quick else 10_000
    for name, database in databases:
        with tempfile.TemporaryDirectory() as folder:
            found = _measure(Path(folder), database, count, SETTLE // 2 if quick else SETTLE)
        told = f"{count:,} sign-ups from {CONNECTIONS} connections, {name}"
        yield at_most(f"{told}: lost", count - found["kept"], "sign-ups", 0)
        yield at_most(f"{told}: slowest but 1 %", found["p99"], "s", MOST_SECONDS)
        yield Row(f"{told}: taken", round(count / found["seconds"]), "sign-ups/s")
        yield at_most(f"{told}: memory of the server (PSS)", found["server"], "MiB", MOST_MIB)
        yield Row(f"{told}: memory of all six processes (PSS)", round(found["tree"]), "MiB")
        yield at_most(f"{told}: mails", found["mails"], "mails", found["most"])


def _measure(home: Path, database: str, count: int, settle: int) -> dict[str, float]:
    from handbill.ops.net import free_port
    from handbill.ops.setup import make_folder

    public, desk = free_port(0), free_port(0)
    make_folder(home, TOML.format(public=public, desk=desk, database=database))
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HANDBILL_", "DJANGO_"))}
    environment["HANDBILL_HOME"] = str(home)
    with subprocess.Popen([sys.executable, "-m", "handbill", "run"], env=environment) as process:
        try:
            _wait(public)
            found = asyncio.run(_flood(public, count))
            found["server"], found["tree"] = _server_mib(process.pid, public), tree_mib(process.pid)
            time.sleep(settle)
        finally:
            process.terminate()
            process.wait(timeout=90)
    told = subprocess.check_output([sys.executable, "-c", COUNT], env=environment)
    return found | dict(json.loads(told.splitlines()[-1]))


def _server_mib(pid: int, port: int) -> float:
    """Of the public web server: granian and its worker."""
    found = [each for each in psutil.Process(pid).children(recursive=True) if str(port) in each.cmdline()]
    return sum(each.memory_full_info().pss for each in found if "granian" in each.cmdline()) / 2**20


def _wait(port: int) -> None:
    from handbill.ops.net import answers

    end = time.monotonic() + WAIT
    while not answers(f"127.0.0.1:{port}", seconds=1):
        if time.monotonic() > end:
            raise RuntimeError("`handbill run` doesn't serve")
        time.sleep(0.1)


async def _flood(port: int, count: int) -> dict[str, float]:
    numbers, times = iter(range(count)), []  # type: tuple[Iterator[int], list[float]]

    async def sign_up() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            began = time.perf_counter()
            writer.write(_request(port, number))
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
            times.append(time.perf_counter() - began)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(sign_up() for _ in range(CONNECTIONS)))
    return {"seconds": time.perf_counter() - began, "p99": sorted(times)[len(times) * 99 // 100]}


def _request(port: int, number: int) -> bytes:
    body = "address=" + quote(f"reader.{number}@mail{number % 997}.example")
    network = f"11.{number % 4}.{number % 250}.7"
    return REQUEST.format(port=port, network=network, length=len(body), body=body).encode()
