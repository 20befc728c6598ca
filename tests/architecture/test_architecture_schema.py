"""The shipped schema and the migrations are one."""

import sqlite3

import pytest
from django.core.management import call_command
from django.db import connection

from handbill.ops.schema import SCHEMA, load_schema


def structure(database: sqlite3.Connection) -> dict[str, str]:
    rows = database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'")
    return dict(rows.fetchall())


def migrations(database: sqlite3.Connection) -> set[tuple[str, str]]:
    return set(database.execute("SELECT app, name FROM django_migrations").fetchall())


@pytest.mark.django_db
def test_no_migration_is_missing():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.django_db
def test_the_shipped_schema_is_what_the_migrations_make(tmp_path):
    if connection.vendor != "sqlite":
        pytest.skip("the shipped schema is SQLite's")
    shipped = sqlite3.connect(":memory:")
    shipped.executescript(SCHEMA.read_text("utf-8"))
    connection.ensure_connection()
    made = connection.connection
    ours = {name: sql for name, sql in structure(made).items() if name != "handbill_cache"}
    theirs = {name: sql for name, sql in structure(shipped).items() if not name.startswith("handbill_cache")}
    assert migrations(shipped) == migrations(made), "run `make schema`"
    assert theirs == {k: v for k, v in ours.items() if not k.startswith("handbill_cache")}, "run `make schema`"


def test_databases_side_by_side_are_made_at_once(tmp_path):
    """The tests' processes make theirs in one folder: each has a draft of its own."""
    other = tmp_path / "test.new"
    other.write_text("another's")
    assert load_schema(tmp_path / "test.sqlite3_gw0") and not load_schema(tmp_path / "test.sqlite3_gw0")
    assert other.read_text() == "another's"
