"""SIGKILL while an issue is planned, composed and handed over: the same plan and letters, nobody left out or twice."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.newsroom import Newsroom

DRIVER = Path(__file__).with_name("digest_driver.py")
READERS = 3000
KILLS = 5


@pytest.mark.long
def test_killed_again_and_again_the_issue_is_whole(tmp_path: Path) -> None:
    newsroom = Newsroom(tmp_path / "killed")
    drive(newsroom, "seed", str(READERS))
    shutil.copytree(newsroom.home, tmp_path / "untroubled")
    dice = random.Random(22)
    killed, plans, letters = 0, {}, {}
    for _ in range(KILLS):
        killed += kill_while_sending(newsroom, dice.uniform(0.0, 0.4))
        seen = look(newsroom.home)
        assert all(plans.setdefault(slot, plan) == plan for slot, plan in seen["plan"])
        assert all(letters.setdefault(key, subject) == subject for key, subject in seen["letters"])
    drive(newsroom, "send")
    seen = look(newsroom.home)
    assert killed, "no process was killed before it had finished"
    assert seen["issues"] == [("daily", "handed over"), ("daily 07", "handed over"), ("daily 18", "handed over")]
    assert plans.items() <= dict(seen["plan"]).items()
    assert len(seen["copies"]) == len(dict(seen["copies"])) == READERS
    newsroom.environment["HANDBILL_HOME"] = str(tmp_path / "untroubled")
    drive(newsroom, "send")
    assert look(tmp_path / "untroubled") == seen


@pytest.mark.long
def test_killed_again_and_again_an_alert_reaches_the_same_readers_once(tmp_path: Path) -> None:
    newsroom = Newsroom(tmp_path / "killed")
    drive(newsroom, "seed", str(READERS))
    drive(newsroom, "approve")
    shutil.copytree(newsroom.home, tmp_path / "untroubled")
    dice, killed, plan = random.Random(23), 0, set()
    for turn in range(KILLS):
        killed += kill_while_sending(newsroom, dice.uniform(0.0, 0.3), "alert", str(turn))
        alerted, copies = alerted_and_copies(newsroom.home)
        assert plan <= alerted and (not copies or copies <= alerted)
        plan = alerted
    drive(newsroom, "alert", str(KILLS))
    assert killed, "no process was killed before it had finished"
    alerted, copies = alerted_and_copies(newsroom.home)
    assert alerted == copies and READERS // 2 < len(copies) < READERS
    newsroom.environment["HANDBILL_HOME"] = str(tmp_path / "untroubled")
    drive(newsroom, "alert", "0")
    assert alerted_and_copies(tmp_path / "untroubled") == (alerted, copies)


def alerted_and_copies(home: Path) -> tuple[set[str], set[str]]:
    """Whose row has the alert, and who has a copy; nobody has two."""
    with sqlite3.connect(home / "handbill.sqlite3") as database:
        alerted = database.execute("SELECT id FROM subscribers_subscriber WHERE alerted <> ''").fetchall()
        copies = database.execute("SELECT replace(recipient, '-', '') FROM delivery_delivery").fetchall()
    assert len(copies) == len(set(copies))
    return {one for (one,) in alerted}, {one for (one,) in copies}


def look(home: Path) -> dict[str, list[tuple[str, ...]]]:
    """The plan, the letters and who has which, as far as they got."""
    with sqlite3.connect(home / "handbill.sqlite3") as database:
        return {
            "issues": database.execute("SELECT slot, state FROM digest_issue ORDER BY slot").fetchall(),
            "plan": database.execute(
                "SELECT slot, group_concat(article_id) FROM (SELECT * FROM digest_issuearticle ORDER BY slot, position)"
                " GROUP BY slot"
            ).fetchall(),
            "letters": database.execute(
                "SELECT i.slot || l.key, l.subject FROM digest_letter l JOIN digest_issue i ON i.id = l.issue_id"
                " ORDER BY 1"
            ).fetchall(),
            "copies": database.execute(
                "SELECT recipient, b.key FROM delivery_delivery d JOIN delivery_body b ON b.id = d.body_id ORDER BY 1"
            ).fetchall(),
        }


def drive(newsroom: Newsroom, *arguments: str) -> None:
    done = subprocess.run(command(*arguments), env=environment(newsroom), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def kill_while_sending(newsroom: Newsroom, after: float, *what: str) -> bool:
    """Start to send, kill -9 some time after it began; whether it had not finished."""
    process = subprocess.Popen(
        command(*(what or ("send",))), env=environment(newsroom), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.kill()
    rest = process.communicate()[0]
    return "Sent(" not in rest


def command(*arguments: str) -> list[str]:
    return [sys.executable, str(DRIVER), *arguments]


def environment(newsroom: Newsroom) -> dict[str, str]:
    root = str(Path(__file__).parents[2])
    return {**newsroom.environment, "DJANGO_SETTINGS_MODULE": "handbill.config.settings", "PYTHONPATH": root}
