"""Tokens for other tools that speak to the API."""

from __future__ import annotations

import getpass

import click

from handbill.kit.clock import now
from handbill.ops.cli import cli, command
from handbill.ops.output import emit


@cli.group()
def api() -> None:
    """Tokens for other tools."""


@command(api)
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, metavar="SCOPE", help="May stand more than once.")
def make(name: str, scopes: tuple[str, ...], as_json: bool) -> None:
    """Make a token for the tool NAME. It is shown this once: only its digest is kept."""
    from handbill.subscribers.api import tokens

    token = tokens.make(name, scopes, _who(), now())
    emit(
        {"name": name, "scopes": sorted(scopes), "token": token},
        f"Token of {name} ({', '.join(scopes)}): {token}",
        as_json,
    )


@command(api)
@click.argument("name")
def withdraw(name: str, as_json: bool) -> None:
    """Let the token of the tool NAME open nothing from now on."""
    from handbill.subscribers.api import tokens

    tokens.withdraw(name, _who(), now())
    emit({"name": name}, f"The token of {name} opens nothing any more.", as_json)


@command(api, name="tokens")
def list_tokens(as_json: bool) -> None:
    """List all tokens: scopes, who made and withdrew them, when each was used last."""
    from handbill.subscribers.api import tokens

    rows = [
        {
            "name": one.name,
            "scopes": one.scopes,
            "made": f"{one.made_at:%Y-%m-%d} by {one.made_by}",
            "used": f"{used:%Y-%m-%d %H:%M}" if used else "never, in 90 days",
            "withdrawn": f"{one.withdrawn_at:%Y-%m-%d} by {one.withdrawn_by}" if one.withdrawn_at else "",
        }
        for one, used in tokens.tokens()
    ]
    text = "\n".join(
        f"{row['name']}: {', '.join(row['scopes'])}; made {row['made']}; used {row['used']}"
        + (f"; withdrawn {row['withdrawn']}" if row["withdrawn"] else "")
        for row in rows
    )
    emit({"tokens": rows}, text or "There is no token.", as_json)


def _who() -> str:
    return f"{getpass.getuser()} at the command line"
