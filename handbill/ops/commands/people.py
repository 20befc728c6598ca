"""Who may work at the desk."""

from __future__ import annotations

import click

from handbill.kit.errors import GiveUp
from handbill.ops.cli import cli, command
from handbill.ops.output import emit


@cli.group()
def user() -> None:
    """People who work at the desk."""


@command(user)
@click.argument("email")
@click.option("--role", type=click.Choice(["editor", "admin"]), default="editor", show_default=True)
def add(email: str, role: str, as_json: bool) -> None:
    """Add a person with a fresh password, shown once. They change it, and add a passkey, at the desk."""
    from handbill.ops.people import add_person

    try:
        password = add_person(email, role)
    except ValueError as error:
        raise GiveUp(str(error)) from None
    emit({"email": email, "role": role, "password": password}, f"Password of {email} ({role}): {password}", as_json)
