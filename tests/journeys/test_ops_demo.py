"""The demo's day as one command, on SQLite and its folder, then on PostgreSQL and RabbitMQ: only settings differ."""

import json
import os
import secrets
import subprocess
import sys

import psycopg
import pytest

from tests.services import need, postgres, rabbitmq

KEYS = {
    "feeds_fetched", "feeds_failed", "entries", "reports", "stories", "articles", "pages",
    "subscribers", "letters", "accepted", "seconds",
}  # fmt: skip


def one_day(**overrides: str) -> dict[str, int]:
    """Run the demo once and give back its counts; fails with what it said."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HANDBILL_", "DJANGO_"))}
    done = subprocess.run(
        [sys.executable, "-m", "handbill", "demo", "--once", "--json"],
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


def test_a_day_holds_on_one_machine_with_nothing_installed():
    check(one_day())


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
