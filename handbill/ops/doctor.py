"""Examine a newsroom: each check looks at one thing and says what is wrong and the fix."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection

from handbill.kit import maildir
from handbill.kit.settings import Settings
from handbill.ops.net import answers

OK, WARN, WRONG = "ok", "warning", "wrong"
_SIGNS = {OK: "✓", WARN: "!", WRONG: "✗"}
_LEAST_FREE = 1024**3


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation. ``fix`` is empty when all is well."""

    level: str
    what: str
    fix: str = ""

    def line(self) -> str:
        return f"{_SIGNS[self.level]} {self.what}" + (f"\n    → {self.fix}" if self.fix else "")


def examine() -> list[Finding]:
    """All findings, in the order of the checks. A check that breaks is itself a finding."""
    found: list[Finding] = []
    for check in CHECKS:
        try:
            found += check(settings.HANDBILL)
        except Exception as error:
            found.append(
                Finding(
                    WRONG,
                    f"{check.__name__.strip('_')} could not be checked: {type(error).__name__}",
                    "Mend what stands above this line first, then run doctor again.",
                )
            )
    return found


def _keys(newsroom: Settings) -> Iterator[Finding]:
    loose = [p.name for p in newsroom.keys_folder.iterdir() if stat.S_IMODE(p.stat().st_mode) & 0o077]
    if loose:
        yield Finding(WRONG, f"others on this machine can read keys/{loose[0]}", f"chmod 600 {newsroom.keys_folder}/*")
    else:
        yield Finding(OK, "keys are there and private")


def _database(newsroom: Settings) -> Iterator[Finding]:
    from django.db.migrations.executor import MigrationExecutor

    try:
        executor = MigrationExecutor(connection)
        todo = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        yield Finding(WRONG, "the database doesn't answer", "Check `database` in handbill.toml and that it runs.")
        return
    if todo:
        yield Finding(WRONG, "the database is older than the program", "Start `handbill run`: it updates it.")
    else:
        yield Finding(OK, "the database answers and is up to date")


def _relays(newsroom: Settings) -> Iterator[Finding]:
    from handbill.delivery.queries import why_relay_is_unusable

    for relay in newsroom.relays:
        if why := why_relay_is_unusable(relay):
            yield Finding(WRONG, why, "Until then no mail goes through it.")
        elif answers(f"{relay.host}:{relay.port}", seconds=5):
            yield Finding(OK, f"relay {relay.name} answers")
        else:
            yield Finding(
                WRONG,
                f"relay {relay.name} ({relay.host}:{relay.port}) doesn't answer: no mail can leave",
                "Start it, or write the address of your mail server under [[relays]].",
            )


def _calls(newsroom: Settings) -> Iterator[Finding]:
    """What the sending calls a person for, and what a person keeps from being sent."""
    from handbill.delivery.standing import SURGE, calls, relay_standings
    from handbill.kit.clock import now

    for call in calls():
        if call.reason == SURGE:
            continue  # told with the bounces
        fix = "See the desk's page Delivery: it says what to do, and has the button."
        yield Finding(WRONG, f"{call.about} needs a person: {call.why}", fix)
    for relay in relay_standings(now()):
        if relay.state == "off":
            yield Finding(WARN, f"relay {relay.name} is switched off at the desk", "Switch it on there, at Delivery.")


def _sign_ups(newsroom: Settings) -> Iterator[Finding]:
    from handbill.subscribers.rush import standing

    found = standing()
    if found.rush:
        came = f"sign-ups in an hour: {found.rush.came}, where {found.rush.allowed} are answered; {found.waiting} wait"
        yield Finding(WRONG, came, "At the desk, Sign-ups: let them go or throw them away.")


def _sender(newsroom: Settings) -> Iterator[Finding]:
    if parseaddr(newsroom.from_address)[1].endswith("@localhost"):
        yield Finding(WARN, "from_address is the default", 'Write your own, such as "The Paper <news@paper.example>".')
    if not newsroom.postal_address:
        yield Finding(WARN, "postal_address is empty", "Most countries ask for one in each mail; write yours.")


def _letter(newsroom: Settings) -> Iterator[Finding]:
    """Whether the newsroom's own design of the letter is sound."""
    from handbill.digest.design import FOLDER
    from handbill.digest.design_check import check_design

    folder = newsroom.home / FOLDER
    for trouble in check_design(folder)[1] if folder.is_dir() else ():
        yield Finding(WARN, f"{FOLDER}/{trouble}", "Till it is mended, letters have the shipped design.")


def _addresses(newsroom: Settings) -> Iterator[Finding]:
    if newsroom.public_address.startswith("http://"):
        yield Finding(
            WARN,
            f"public_address is {newsroom.public_address}: readers outside can't reach it safely",
            "Put a web server with TLS in front and write its https address.",
        )


def _loopback(newsroom: Settings) -> Iterator[Finding]:
    for host, port in sorted(newsroom.allow_loopback):
        yield Finding(
            WARN,
            f"HANDBILL_ALLOW_LOOPBACK lets feeds reach {host}:{port} on this machine",
            "It is meant for tests and the demo only; take it out of the environment.",
        )


def _disk(newsroom: Settings) -> Iterator[Finding]:
    free = shutil.disk_usage(newsroom.home).free
    if free < _LEAST_FREE:
        yield Finding(WRONG, f"only {free // 1024**2} MiB are free on the disk", "Make room before the next issue.")
    else:
        yield Finding(OK, "there is room on the disk")


def _sources(newsroom: Settings) -> Iterator[Finding]:
    from handbill.kit.clock import now
    from handbill.sources.queries import FIXES, health, waiting_long
    from handbill.wire.queries import page_remarks

    rows = health(now(), remarks=page_remarks(now()))
    if not rows:
        yield Finding(
            WARN, "there are no sources", "At the desk, Sources, Add a source; or `handbill import opml FILE`."
        )
    told = [row for row in rows if row.level in ("trouble", "notice")]
    for row in told:
        fix = f"At the desk, Sources, Health: {FIXES[row.fixes[0]]}." if row.fixes else "Subscribe to it once more."
        yield Finding(WARN, f"{row.feed.source}: {row.text}", fix)
    if rows and not told:
        yield Finding(OK, f"all feeds do well ({len(rows)})")
    if waiting := waiting_long(now()):
        late = f"feeds that have been due for half an hour: {waiting}"
        yield Finding(WARN, late, "Start `handbill run`, or `handbill fetch` once.")


def _newsletters(newsroom: Settings) -> Iterator[Finding]:
    from handbill.wire.queries import mails_waiting

    listen = newsroom.newsletter_listen
    if listen and not listen.startswith("/") and not answers(listen):
        yield Finding(WARN, f"nobody takes newsletters in at {listen}", "Start `handbill run`, or `handbill inbox`.")
    if newsroom.newsletter_maildir:
        try:
            maildir.waiting(Path(newsroom.newsletter_maildir), 1)
        except OSError as error:
            what = f"newsletter_maildir = {newsroom.newsletter_maildir!r} can't be used: {error.strerror}"
            yield Finding(WRONG, what, "Let the newsroom's user read and write its new/ and cur/.")
    if waiting := mails_waiting():
        yield Finding(
            WARN, f"newsletters that wait for a person: {waiting}", "At the desk, Sources, Newsletters: say whose."
        )


def _people(newsroom: Settings) -> Iterator[Finding]:
    from django.contrib.auth import get_user_model

    if not get_user_model().objects.filter(is_active=True).exists():
        yield Finding(WARN, "nobody can log in at the desk", "handbill user add YOU@EXAMPLE --role admin")


def _mail(newsroom: Settings) -> Iterator[Finding]:
    from django.utils import timezone

    from handbill.delivery.queries import anything_due

    waiting = anything_due(timezone.now())
    if waiting:
        yield Finding(WARN, f"mails that wait to be sent: {waiting}", "Start `handbill run`, or `handbill send` once.")


def _came_back(newsroom: Settings) -> Iterator[Finding]:
    from datetime import timedelta

    from django.utils import timezone

    from handbill.delivery.queries import came_back_since

    counts = came_back_since(timezone.now() - timedelta(days=1))
    if counts:
        told = ", ".join(f"{count} {kind} ({result})" for (kind, result), count in sorted(counts.items()))
        yield Finding(OK, f"mails that came back in the last day: {told}")


def _bounces(newsroom: Settings) -> Iterator[Finding]:
    from handbill.ops.doctor_bounces import bounces

    yield from bounces(newsroom)


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    _keys,
    _database,
    _disk,
    _addresses,
    _sender,
    _letter,
    _relays,
    _calls,
    _sign_ups,
    _people,
    _sources,
    _newsletters,
    _mail,
    _bounces,
    _came_back,
    _loopback,
)
