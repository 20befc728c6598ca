"""Sending: client CPU for 10,000 copies of 29 KB with three personal links, against what others use, on loopback.

Every sender runs in a process of its own, a round of all after the other, over the same sink; the fastest round of each
counts. A peer that this machine lacks is named in a row without a target.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import send_journal, send_letter, send_sign
from bench.rows import Row
from bench.send_sink import compile_sink, secured, sink

FOREIGN = Path(__file__).parent / "send_foreign"
ROOT = Path(__file__).parent.parent
PER = 10_000  # copies
FAR = "40"  # ms until an answer


@dataclass(frozen=True, slots=True)
class Spent:
    """For one copy: CPU and wall seconds. ``memory`` in MB at the peak."""

    cpu: float
    wall: float
    memory: float = 0.0


Sender = Callable[[int, int], Spent]  # port, copies


def run(quick: bool) -> Iterator[Row]:
    """Nothing where the sink's source or a C compiler is missing."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = compile_sink(folder)
        if program is None:
            yield Row("sending: no C compiler, or no sink beside the project", 0, "")
            return
        html, text = send_letter.whole()
        (folder / "letter.html").write_text(html)
        (folder / "letter.txt").write_text(text)
        foreign = _foreign(folder)
        yield from _near(program, foreign, quick)
        if "Go" in foreign:
            yield from _encrypted(program, folder, foreign["Go"], quick)
            yield from _far(program, foreign["Go"], quick)
        else:
            yield Row(f"over TLS, and at {FAR} ms: not measured, for Go is not on this machine", 0, "")
        yield from _alone(program, quick)
        with sink(program, "-p") as port, sink(program, "-p", "-c") as chunking:
            yield from send_journal.run(quick, port, chunking)
    yield from send_sign.run(quick)


def _near(program: Path, foreign: dict[str, Sender], quick: bool) -> Iterator[Row]:
    """Targets: how many times less CPU than each, pipelined and by BDAT."""
    size, rounds = (3, 2) if quick else (10, 5)
    plan: list[tuple[str, Sender, int, float, float]] = [
        ("smtplib, prebuilt bytes, one connection", _python("prebuilt"), 100 * size, 12, 0),
        ("Django's send loop", _python("django"), 15 * size, 100, 0),
        ("nodemailer, pooled", foreign.get("nodemailer", _missing), 50 * size, 60, 0),
        ("Go, html/template and a pool", foreign.get("Go", _missing), 50 * size, 12, 0),
        ("smtp-source of Postfix", foreign.get("smtp-source", _missing), 1_500 * size, 1.5, 2.5),
    ]
    senders = {name: (sender, count) for name, sender, count, *_ in plan if sender is not _missing}
    with sink(program, "-p") as port, sink(program, "-p", "-c") as chunking:
        ports = {"ours": port, "ours, BDAT": chunking}
        for name in ports:
            senders[name] = _python("ours"), 1_500 * size
        at = {name: (_to(sender, ports.get(name, port)), count) for name, (sender, count) in senders.items()}
        best = _rounds(at, rounds)
    for name in ("ours", "ours, BDAT"):
        yield Row(f"{name}, 10,000 copies", round(PER * best[name].cpu, 3), "CPU s")
    for name, _, _, target, chunked in plan:
        if name not in best:
            yield Row(f"{name}: not on this machine", 0, "")
            continue
        yield _times("CPU", name, best[name].cpu, best["ours"].cpu, target)
        yield _times("CPU, BDAT", name, best[name].cpu, best["ours, BDAT"].cpu, chunked)


def _encrypted(program: Path, folder: Path, go: Sender, quick: bool) -> Iterator[Row]:
    count = 200 if quick else 1_000
    with sink(program, "-p") as port, secured(port, folder) as (front, certificate):
        ours = _python("ours", f"tls={certificate}")
        best = _rounds({"ours": (_to(ours, front), 5 * count), "go": (lambda n: go(-front, n), count)}, 2)
    yield Row("ours over TLS, 10,000 copies", round(PER * best["ours"].cpu, 3), "CPU s")
    yield _times("CPU over TLS", "Go, html/template and a pool", best["go"].cpu, best["ours"].cpu, 6)


def _far(program: Path, go: Sender, quick: bool) -> Iterator[Row]:
    count = 300 if quick else 1_000
    ours = _python("ours")
    with sink(program, "-p", "-d", FAR) as port, sink(program, "-p", "-c", "-d", FAR) as chunking:
        spent = {"go": go(port, count), "ours": ours(port, count), "BDAT": ours(chunking, count)}
    name = "Go, html/template and a pool"
    for mode, target in (("ours", 4), ("BDAT", 15)):
        yield Row(f"{mode} at {FAR} ms and 10 connections", round(1 / spent[mode].wall), "copies/s")
        yield _times(f"wall at {FAR} ms, {mode}", name, spent["go"].wall, spent[mode].wall, target)


def _alone(program: Path, quick: bool) -> Iterator[Row]:
    with sink(program, "-p", "-c") as chunking, sink(program, "-p") as port:
        for name, at in (("pipelined", port), ("BDAT", chunking)):
            ours, distinct = (_to(_python("ours", *given), at) for given in ((), ("distinct=1",)))
            best = _rounds({"one": (ours, 3_000), "each": (distinct, 3_000)}, 2 if quick else 7)
            ratio = best["each"].cpu / best["one"].cpu
            row = Row(
                f"a letter of its own for each reader, {name}", round(PER * best["each"].cpu, 3), "CPU s", "≤ 1.2 ×"
            )
            yield Row(row.name, row.value, row.unit, row.target, ratio <= 1.2, "one letter", ratio)
        count = 20_000 if quick else 1_000_000
        memory = _python("ours")(chunking, count).memory
    yield Row(f"peak memory, {count:,} recipients", round(memory), "MB", "< 300 MB", memory < 300)


def _times(what: str, name: str, theirs: float, ours: float, target: float) -> Row:
    """How many times less we take."""
    ratio = theirs / ours
    unit = "s" if "wall" in what else "CPU s"
    wanted, holds = (f"≥ {target:g} ×", ratio >= target) if target else ("", None)
    return Row(f"{what}: {name}", round(PER * theirs, 2), unit, wanted, holds, "ours", ratio)


def _rounds(senders: dict[str, tuple[Callable[[int], Spent], int]], rounds: int) -> dict[str, Spent]:
    """The fastest of some rounds, all senders in turn."""
    found: dict[str, list[Spent]] = {name: [] for name in senders}
    for _ in range(rounds):
        for name, (send, count) in senders.items():
            found[name].append(send(count))
    return {name: min(all_of, key=lambda spent: spent.cpu) for name, all_of in found.items()}


def _to(sender: Sender, port: int) -> Callable[[int], Spent]:
    return lambda count: sender(port, count)


def _python(name: str, *options: str) -> Sender:
    return lambda port, count: _spent(
        [sys.executable, "-m", "bench.send_python", name, str(port), str(count), *options], count
    )


def _spent(command: list[str | Path], count: int) -> Spent:
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    told = json.loads(done.stdout)
    return Spent(told["cpu"] / count, told["wall"] / count, told["memory"])


def _missing(port: int, count: int) -> Spent:
    raise NotImplementedError


def _foreign(folder: Path) -> dict[str, Sender]:
    """The peers that can be had here; Go takes a negative port for TLS."""
    found: dict[str, Sender] = {}
    if program := shutil.which("smtp-source") or shutil.which("/usr/sbin/smtp-source"):
        found["smtp-source"] = lambda port, count: _smtp_source(program, port, count)
    if shutil.which("go") and _quiet(["go", "build", "-o", folder / "mailer", FOREIGN / "main.go"], folder):
        found["Go"] = lambda port, count: _spent(
            [folder / "mailer", str(abs(port)), str(count), folder, *(["tls"] if port < 0 else [])], count
        )
    if shutil.which("npm") and _quiet(["npm", "install", "--no-audit", "--no-fund", "nodemailer"], folder):
        found["nodemailer"] = lambda port, count: _spent(
            ["node", FOREIGN / "pool.js", str(port), str(count), folder], count
        )
    return found


def _quiet(command: list[str | Path], folder: Path) -> bool:
    return subprocess.run(command, cwd=folder, check=False, capture_output=True).returncode == 0


def _smtp_source(program: str, port: int, count: int) -> Spent:
    """It says nothing of its CPU: that of the process as the system counts it."""
    size = len((send_letter.whole()[0] + send_letter.whole()[1]).encode()) + 3_000
    given = ["-d", "-s", "10", "-m", str(count), "-l", str(size), "-f", "news@paper.example", "-t", "r@mail.example"]
    running = subprocess.Popen([program, *given, f"127.0.0.1:{port}"])
    _, status, spent = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode:
        raise subprocess.CalledProcessError(running.returncode, program)
    return Spent((spent.ru_utime + spent.ru_stime) / count, 0)
