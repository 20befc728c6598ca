"""The newsroom's keys."""

from __future__ import annotations

import time

import click

from handbill.kit.clock import now
from handbill.ops.cli import cli, command
from handbill.ops.output import emit


@cli.group()
def keys() -> None:
    """The keys that seal and find addresses."""


@command(keys, name="rotate")
def rotate_keys(as_json: bool) -> None:
    """Make new keys and bring every address under them, while everything runs. One that was cut off is repeated."""
    from handbill.ops.rotate import rotate

    done = rotate(now().date(), time.sleep, lambda line: click.echo(line, err=True))
    text = (
        f"{done.rows:,} rows are under new keys. Copy the keys folder to its other place now.\n"
        "Backups of the database from before open only with the keys folder of their time: keep both or neither."
    )
    emit({"rows": done.rows, "continued": done.continued}, text, as_json)
