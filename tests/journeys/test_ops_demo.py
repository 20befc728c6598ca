"""The demo's day as one command, on SQLite and its folder, then on PostgreSQL and RabbitMQ: only settings differ."""

import json
import os
import re
import secrets
import subprocess
import sys
from html import unescape
from pathlib import Path

import psycopg
import pytest

from tests.services import need, postgres, rabbitmq

KEYS = {
    "feeds_fetched", "feeds_failed", "entries", "reports", "stories", "articles", "pages",
    "subscribers", "letters", "accepted", "seconds",
}  # fmt: skip


LOOK = """
from handbill.ops.cli import open_newsroom; open_newsroom(None)
from django.contrib.auth import get_user_model
from django.test import Client
ada = Client(HTTP_HOST="localhost")
ada.force_login(get_user_model().objects.get())
for number in range(1, 9):
    print(ada.get(f"/stories/?taken=1&page={number}").content.decode())
"""


def stories_at_the_desk(home: Path) -> list[str]:
    """What the list of stories says of each, as plain words."""
    environment = {**os.environ, "HANDBILL_HOME": str(home)}
    pages = subprocess.run(
        [sys.executable, "-c", LOOK], env=environment, capture_output=True, text=True, timeout=120, check=True
    ).stdout
    stories = re.findall(r'<li class="desk-story".*?(?=<li class="desk-story"|</ol>)', pages, re.DOTALL)
    return [re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", story))) for story in stories]


def one_day(*arguments: str, **overrides: str) -> dict[str, int]:
    """Run the demo once and give back its counts; fails with what it said."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HANDBILL_", "DJANGO_"))}
    done = subprocess.run(
        [sys.executable, "-m", "handbill", "demo", "--once", "--json", *arguments],
        env={**environment, **overrides},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def check(day: dict[str, int]) -> None:
    assert set(day) == KEYS
    assert all(type(value) is int for value in day.values())
    assert (day["feeds_fetched"], day["feeds_failed"]) == (8, 2)
    assert day["reports"] == day["entries"] > 100
    assert 0 < day["stories"] < day["reports"]
    assert day["pages"] > day["articles"] > 20
    assert day["subscribers"] == day["accepted"] == 5
    assert day["letters"] == 3


def test_a_day_holds_on_one_machine_and_the_desk_says_what_it_found_and_why(tmp_path):
    check(one_day("--home", str(tmp_path / "paper")))
    stories = stories_at_the_desk(tmp_path / "paper")
    event = next(story for story in stories if "4 outlets" in story)
    assert event.count("Same words in the title:") >= 3 and event.count(" apart.") >= 3 and "+32 h" in event
    copied = [story for story in stories if "who had it first" in story]
    assert copied and all(re.search("It has the same text as [^.]+[.]", story) for story in copied)
    part = next(story for story in stories if "Part 12 of the series “Harbour Works”" in story)
    assert "next: 13" in part and "the numbers of 8 parts rise with their dates" in part


@pytest.mark.postgres
def test_the_same_day_on_postgresql_and_rabbitmq():
    server = need(postgres(), "PostgreSQL")
    broker = need(rabbitmq(), "RabbitMQ")
    name = f"handbill_demo_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            address = f"{server.rpartition('/')[0]}/{name}"
            check(one_day(HANDBILL_DATABASE=address, HANDBILL_BROKER=broker))
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
