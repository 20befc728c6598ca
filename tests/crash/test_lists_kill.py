"""SIGKILL while a list is brought in, and the same command again: the same people, evidence and counts as without."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from tests.newsroom import Newsroom

ROWS = 120_000
KILLS = 3


@pytest.mark.long
def test_killed_again_and_again_a_list_is_brought_in_whole(tmp_path: Path) -> None:
    newsroom = Newsroom(tmp_path / "killed")
    shutil.copytree(newsroom.home, tmp_path / "untroubled")
    table = tmp_path / "list.csv"
    states = ["active"] * 8 + ["unsubscribed", "bounced"]
    rows = (f"r{n % 110_000}@mail.example,{states[n % 10]},{'2020-01-02' if n % 3 else ''}" for n in range(ROWS))
    table.write_text("\n".join(["email,status,confirmed", *rows]))
    dice, killed = random.Random(51), set()
    for _ in range(KILLS):
        killed.add(kill_while_importing(newsroom, table, dice.uniform(0.1, 0.6)))
    done = newsroom.json("import", "subscribers", str(table))
    assert any(0 < people < ROWS for people in killed), "no process was killed in the middle"
    newsroom.environment["HANDBILL_HOME"] = str(tmp_path / "untroubled")
    assert newsroom.json("import", "subscribers", str(table)) == done
    assert look(newsroom.home) == look(tmp_path / "untroubled")
    again = newsroom.json("import", "subscribers", str(table))
    assert again["rows"] == ROWS and "begins" not in again["fates"] and "held" not in again["fates"]


def kill_while_importing(newsroom: Newsroom, table: Path, wait: float) -> int:
    """Kill it a moment after its first or a later batch; how many people were written."""
    before = people(newsroom.home)
    running = newsroom.start("import", "subscribers", str(table))
    while running.poll() is None and people(newsroom.home) == before:
        time.sleep(0.02)
    time.sleep(wait)
    if running.poll() is None:
        os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    return people(newsroom.home)


def people(home: Path) -> int:
    with sqlite3.connect(home / "handbill.sqlite3", timeout=20) as database:
        return int(database.execute("SELECT count(*) FROM subscribers_subscriber").fetchone()[0])


def look(home: Path) -> list[list[tuple]]:
    """Everything but random ids and moments; both newsrooms have the same keys."""
    with sqlite3.connect(home / "handbill.sqlite3") as database:
        return [
            database.execute(query).fetchall()
            for query in (
                "SELECT address_hash, audience, confirmed_at IS NULL FROM subscribers_subscriber ORDER BY 1",
                "SELECT how, proof, count(*) FROM subscribers_consent GROUP BY 1, 2 ORDER BY 1, 2",
                "SELECT count(*), sum(ended_at IS NULL) FROM subscribers_subscription",
                "SELECT address_hash, reason FROM subscribers_former ORDER BY 1",
                "SELECT kind, counts FROM subscribers_import",
            )
        ]
