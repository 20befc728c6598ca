"""``python -m bench [NAME…] [--quick] [--json]``: without a name, every bench."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import click

from bench.rows import Row, table

NAMES = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if "_" not in p.stem and p.stem != "rows")
"""Each a file here; one with an underscore in its name is a part of another."""


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(NAMES))
@click.option("--quick", is_flag=True, help="Within 45 seconds a bench, less exact.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a row.")
def main(names: tuple[str, ...], quick: bool, as_json: bool) -> None:
    """Measure, and say whether each target holds (exit code 1 when one doesn't)."""
    rows: list[Row] = []
    for name in names or NAMES:
        for row in importlib.import_module(f"bench.{name}").run(quick):
            rows.append(row)
            if as_json:
                click.echo(json.dumps(row.data(), ensure_ascii=False))
    if not as_json:
        click.echo(table(rows))
    sys.exit(any(row.holds is False for row in rows))


main()
