"""The newsroom's database: made in a moment from a shipped schema, brought up to date by Django's migrations.

A fresh migration costs seconds of CPU; ``schema.sql`` is the same database as text (ADR-0017). ``make schema`` writes
it anew, and a test compares it with the migrations.
"""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

SCHEMA = Path(__file__).with_name("schema.sql")


def prepare_database() -> list[str]:
    """Create or update the newsroom's database; returns the names of the migrations applied. Harmless to repeat."""
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    if settings.HANDBILL.embedded:
        load_schema(Path(connection.settings_dict["NAME"]))
    executor = MigrationExecutor(connection)
    todo = [str(migration) for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]
    if todo:
        call_command("migrate", verbosity=0, interactive=False)
        call_command("createcachetable", verbosity=0)
    return todo


def load_schema(path: Path) -> bool:
    """Make the SQLite file from the shipped schema unless it is there; complete or not at all."""
    if path.exists():
        return False
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    with sqlite3.connect(draft) as connection:
        connection.executescript(SCHEMA.read_text("utf-8"))
    connection.close()
    draft.rename(path)
    return True


def dump_schema(database: Path) -> str:
    """A migrated database as SQL text, the same text for the same migrations (times are levelled)."""
    with sqlite3.connect(database) as connection:
        lines = list(connection.iterdump())
    connection.close()
    text = "\n".join(lines) + "\n"
    return re.sub(r"'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?'", "'2026-01-01 00:00:00'", text)


def main() -> None:
    """Write ``schema.sql`` from a fresh migration in a temporary newsroom."""
    import os
    import tempfile

    from handbill.ops.setup import make_folder

    with tempfile.TemporaryDirectory() as folder:
        make_folder(Path(folder))
        os.environ.update(HANDBILL_HOME=folder, DJANGO_SETTINGS_MODULE="handbill.config.settings")
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0, interactive=False)
        call_command("createcachetable", verbosity=0)
        from django.db import connection

        connection.close()
        SCHEMA.write_text(dump_schema(Path(folder) / "handbill.sqlite3"), "utf-8")


if __name__ == "__main__":
    main()
