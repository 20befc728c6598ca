"""Take mail in: the program that a mail server hands newsletters and bounces to."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

import click

from handbill.kit.errors import GiveUp
from handbill.ops.cli import command
from handbill.ops.output import OK, emit


@command()
def inbox(as_json: bool) -> int:
    """Take mail in by LMTP where newsletter_listen says, until SIGTERM. `handbill run` starts it by itself."""
    from django.conf import settings

    listen = settings.HANDBILL.newsletter_listen
    if not listen:
        raise GiveUp('newsletter_listen is empty: write HOST:PORT, such as "127.0.0.1:8124", or a socket\'s path.')
    try:
        asyncio.run(_serve(listen))
    except OSError as error:
        raise GiveUp(
            f"newsletter_listen = {listen!r}: {error.strerror}. Stop who is there, or write another."
        ) from error
    emit({"listened": listen}, "No more mail is taken in.", as_json)
    return OK


def purposes() -> dict[str, Callable[[str], bool]]:
    """Whom mail may come for: the folder of the inbox it goes into, and who knows its addresses."""
    from handbill.delivery import actions as delivery
    from handbill.wire import actions as wire

    return {delivery.BOUNCES: delivery.is_return_path, wire.NEWSLETTERS: _asked_afresh(wire.knows_recipient)}


def _asked_afresh(knows: Callable[[str], bool]) -> Callable[[str], bool]:
    """``knows`` with the thread's own database connection renewed when it is old or broken."""
    from django.db import close_old_connections

    def ask(address: str) -> bool:
        close_old_connections()
        try:
            return knows(address)
        finally:
            close_old_connections()

    return ask


async def _serve(listen: str) -> None:
    from django.conf import settings

    from handbill.kit import maildir
    from handbill.ops.lmtp import Receiver, serve

    table, folder = purposes(), settings.HANDBILL.inbox_folder
    for purpose in table:
        maildir.prepare(folder / purpose)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(listen, Receiver(folder, table), stop, lambda: click.echo(f"Mail is taken in at {listen}.", err=True))
