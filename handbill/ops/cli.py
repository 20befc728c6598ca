"""``handbill``: the command line. Each command loads its newsroom, calls one room's action and reports.

Exit codes: 0 ok, 1 failed, 2 usage or settings, 3 partial, 75 try later.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import Any

import click

import handbill
from handbill.kit.settings import find_home
from handbill.ops.output import spoken_errors


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--home", metavar="DIR", help="The newsroom's folder (else HANDBILL_HOME, else the current one).")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object on stdout.")
@click.version_option(handbill.__version__, prog_name="handbill")
@click.pass_context
def cli(context: click.Context, home: str | None, as_json: bool) -> None:
    """A newsroom's own daily paper: gather, group, choose, publish, mail."""
    context.obj = {"home": home, "as_json": as_json}


def command(
    group: click.Group = cli, *, newsroom: bool = True, name: str | None = None
) -> Callable[..., click.Command]:
    """Make a function a command with ``--home`` and ``--json``; with ``newsroom`` its Django is ready before it runs.

    The function gets ``as_json`` and, without ``newsroom``, ``home`` (None when not given) as keyword arguments.
    Its return value is the exit code (None is 0).
    """

    def decorate(function: Callable[..., int | None]) -> click.Command:
        @group.command(name=name or function.__name__.replace("_", "-"), help=function.__doc__)
        @click.option("--home", metavar="DIR", help="The newsroom's folder.")
        @click.option("--json", "as_json", is_flag=True, help="Write one JSON object on stdout.")
        @click.pass_context
        @functools.wraps(function)
        def run(context: click.Context, home: str | None, as_json: bool, **arguments: Any) -> None:
            as_json = as_json or context.obj["as_json"]
            home = home or context.obj["home"]
            with spoken_errors(as_json):
                if newsroom:
                    open_newsroom(home)
                    code = function(as_json=as_json, **arguments)
                else:
                    code = function(as_json=as_json, home=home, **arguments)
            sys.exit(code or 0)

        return run

    return decorate


def open_newsroom(home: str | None) -> None:
    """Choose the newsroom's folder and start Django on it. Raises SettingsError when it is none."""
    from handbill.kit.settings import load_settings

    folder = find_home(home, os.environ)
    load_settings(folder)
    os.environ["HANDBILL_HOME"] = str(folder)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "handbill.config.settings")
    import django

    django.setup()


def main() -> None:
    """Entry point of the ``handbill`` script."""
    from handbill.ops.commands import (  # noqa: F401
        api,
        day,
        delivery,
        imports,
        inbox,
        inspect,
        keys,
        letter,
        lists,
        newsroom,
        people,
    )

    cli(prog_name="handbill")
