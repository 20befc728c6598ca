"""A list of five million rows, each twentieth of them wrong or right in its own way, by the command line."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import pytest

from tests.newsroom import Newsroom

HEADER = b"email,name,confirmed,status\n"
KINDS: tuple[tuple[bytes, str], ...] = (
    (b"r%d@mail.example,Bo,2020-01-02,active\n", "begins"),
    (b"j%d@mail.example,Jos\xe9,2020-01-02,active\n", "begins"),  # not UTF-8
    (b"h%d@mail.example,Bo,,active\n", "held"),
    (b"l%d@mail.example,Bo,2020-01-02,unsubscribed\n", "left"),
    (b"R%d@mail.example,Bo,2020-01-02,active\n", "repeated"),
    (b"half.a.row.%d@mail.exam\n", "refused"),
    (b",,,\n", "empty"),
    (b'"i%d@mail.example\nBcc: cy@mail.example",Bo,2020-01-02,active\n', "refused"),
    (b"=cmd|'/C calc'!A%d,Bo,2020-01-02,active\n", "refused"),
    (b"n%d\0@mail.example,Bo,2020-01-02,active\n", "refused"),
    *([(b"u%d@mail.example,Bo,,pending\n", "refused")] * 30),  # never confirmed there: known, and not written
)
FEW, MANY = 40_000, 5_000_000
BYTES_A_ROW = 32  # memory for each address seen, while two runs of them are merged
CACHE = 64 * 1024**2  # of SQLite's pages, which a large database fills


def lines(count: int) -> Iterator[bytes]:
    """Rows one to ``count``; the fifth of each round repeats its first."""
    for number, (line, fate) in enumerate(islice(cycle(KINDS), count)):
        number -= number % len(KINDS) if fate == "repeated" else 0
        yield line % number if b"%d" in line else line


def bring(newsroom: Newsroom, table: Path, report: Path) -> tuple[dict, int]:
    """What the command says, and its memory at the most, in bytes."""
    command = newsroom.start("import", "subscribers", str(table), "--report", str(report), "--json")
    assert command.stdout is not None
    said = command.stdout.read()
    usage = os.wait4(command.pid, 0)[2]
    return json.loads(said), usage.ru_maxrss * 1024


@pytest.mark.long
def test_counts_and_order_add_up_and_memory_stays_flat(tmp_path: Path) -> None:
    newsroom, memory = Newsroom(tmp_path / "newsroom"), {}
    for count in (FEW, MANY):
        table, report = tmp_path / f"{count}.csv", tmp_path / f"fates-{count}.csv"
        with table.open("wb") as file:
            file.write(HEADER)
            file.writelines(lines(count))
        done, memory[count] = bring(newsroom, table, report)
        rounds = Counter(fate for _, fate in KINDS)
        assert done["rows"] == count
        if count == MANY:
            again = {"begins": 2 * FEW // len(KINDS), "held": FEW // len(KINDS)}  # those of the few, now known
            rounds = Counter({fate: number * count // len(KINDS) for fate, number in rounds.items()})
            rounds.subtract(again)
            rounds["known"] = sum(again.values())
            assert done["fates"] == dict(rounds)
        with report.open(newline="") as file:
            told = csv.DictReader(file)
            for number, (row, (_, fate)) in enumerate(zip(told, cycle(KINDS), strict=False)):
                known = count == MANY and number < FEW and fate in ("begins", "held")
                assert (int(row["row"]), row["fate"]) == (number + 2, "known" if known else fate)
                assert row["reason"] or row["fate"] == "begins"
            assert number == count - 1
    assert memory[MANY] - memory[FEW] < CACHE + BYTES_A_ROW * MANY
    assert memory[MANY] < 500 * 1024**2
