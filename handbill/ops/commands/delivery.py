"""Answer readers who ask after their mail, and take in by hand what came back."""

from __future__ import annotations

import dataclasses
import sys
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from handbill.kit.clock import now
from handbill.ops.cli import cli, command
from handbill.ops.output import FAILED, OK, emit

if TYPE_CHECKING:
    from handbill.delivery.records import CopyTold
    from handbill.subscribers.records import Answer


@cli.group()
def delivery() -> None:
    """What became of the mail."""


@command(delivery)
@click.argument("address")
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="Only mailings of that day.")
def find(address: str, day: datetime | None, as_json: bool) -> int:
    """What became of the mail to ADDRESS ("-" reads it from the standard input, so that nobody sees it)."""
    from handbill.subscribers.queries import answer

    found = answer(sys.stdin.readline() if address == "-" else address, now(), day.date() if day else None)
    emit(_data(found), "\n".join(_lines(found)), as_json)
    return OK if found.known else FAILED


@command(delivery)
def feedback(as_json: bool) -> None:
    """Take in the bounces and complaints that wait. `handbill run` does so by itself."""
    from handbill.delivery.actions import collect_bounces, take_in_bounces

    collect_bounces(now())
    counts = dict(sorted(take_in_bounces(now()).items()))
    emit(counts, ", ".join(f"{count} {result}" for result, count in counts.items()) or "Nothing came back.", as_json)


@command(delivery)
@click.option("--days", type=click.IntRange(1, 3660), default=14, show_default=True, help="Today and so many before.")
def report(days: int, as_json: bool) -> None:
    """What receiving providers did with the mail, fit to be published: no address is in it."""
    from handbill.delivery.queries import provider_report
    from handbill.delivery.report import report_csv

    since = now().date() - timedelta(days=days)
    rows = [dataclasses.asdict(one) for one in provider_report(since)]
    emit({"rows": rows}, report_csv(since).rstrip("\n"), as_json)


@command(delivery)
def webhooks(as_json: bool) -> None:
    """The addresses that providers of APIs shall tell of bounces and complaints at. Each holds a secret."""
    from django.conf import settings

    from handbill.delivery.queries import hook_address

    found = {relay.name: hook_address(relay) for relay in settings.HANDBILL.relays if relay.provider}
    lines = [f"{name}: {address}" for name, address in found.items()]
    emit({"webhooks": found}, "\n".join(lines) or "No relay is a provider's API.", as_json)


@command(delivery)
@click.option("--believe", metavar="PROVIDER", default="", help="Its readers are gone: end their subscriptions.")
@click.option("--forgive", metavar="PROVIDER", default="", help="They are there: undo what was ended, too.")
def surges(believe: str, forgive: str, as_json: bool) -> None:
    """Providers of which too many readers were said to be gone at once: nothing ends until you have looked."""
    from handbill.delivery.actions import believe_gone
    from handbill.delivery.queries import surges as held
    from handbill.subscribers.actions import forgive_gone

    if believe:
        count = believe_gone(believe, now())
        emit({"ended": count}, f"{count} readers of {believe} get no more mail.", as_json)
    elif forgive:
        count = forgive_gone(forgive, now())
        emit({"forgiven": count}, f"Readers of {forgive} are mailed again; {count} who had ended read on.", as_json)
    else:
        rows = [dataclasses.asdict(one) for one in held()]
        lines = [f"{row['provider']}: {row['held']} readers, since {row['since']:%Y-%m-%d %H:%M} UTC" for row in rows]
        emit({"surges": rows}, "\n".join(lines) or "Nothing is held.", as_json)


def _data(found: Answer) -> dict[str, Any]:
    return dataclasses.asdict(found)


def _lines(found: Answer) -> list[str]:
    if not found.known:
        why = f" Delivery mails it no more: {found.suppressed}." if found.suppressed else ""
        return [f"Nobody has signed up with this address.{why}"]
    return [_standing(found), *(line for copy in found.copies for line in _copy(copy))]


def _standing(found: Answer) -> str:
    stopped = f" Delivery mails the address no more: {found.suppressed}." if found.suppressed else ""
    if found.reading:
        return f"Reads the paper.{stopped}"
    if not found.confirmed:
        return f"Signed up, and has not confirmed.{stopped}"
    when = f" on {found.ended_at:%Y-%m-%d}" if found.ended_at else ""
    return f"Gets no more issues: ended{when} ({found.ended or 'unknown'}).{stopped}"


def _copy(copy: CopyTold) -> list[str]:
    at = f" at {copy.settled:%Y-%m-%d %H:%M} UTC" if copy.settled else ""
    by = f" by {copy.relay}: {copy.reply}" if copy.relay else ""
    twice = f" It may have come twice ({copy.repeats})." if copy.repeats else ""
    head = f"{copy.handed_over:%Y-%m-%d}  {copy.kind}  {copy.mailing}: {copy.state}{at}{by}{twice}"
    tries = [
        f"    {one.at:%Y-%m-%d %H:%M} UTC  {one.source or one.relay or 'no relay'}: {one.outcome}"
        f" ({one.reason or 'other'}) {one.code or ''} {one.reply}".rstrip()
        for one in copy.tries
    ]
    return [head, *tries]
