"""Collect bounces from a mailbox at a mail server, into our own maildir, where they wait as those that LMTP brought.

A mail is written down and synced, then remembered as read, then settled at its server: a crash in between makes us read
it once more, and ``feedback`` heeds it once. Nothing is judged here.
"""

from __future__ import annotations

import logging
import os
import ssl
import time
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings

from handbill.delivery.engine.collect import Box, MailboxTrouble, open_box
from handbill.delivery.models import Mailbox
from handbill.kit import accounts, maildir
from handbill.kit.pinned import Limits, TooMuch
from handbill.work.actions import standing_job

EVERY = timedelta(minutes=1)
LIMIT = 200  # mails a round
SECONDS = 120.0  # a round
MOST_BYTES = 64 * 1024 * 1024  # a round
PASSWORD = "HANDBILL_BOUNCE_MAILBOX_PASSWORD"  # noqa: S105 - a name

log = logging.getLogger(__name__)


def collect(now: datetime, context: ssl.SSLContext | None = None) -> int:
    """Fetch what is new in the mailbox of the settings; how many mails. One worker does so at a time.

    Raises MailboxTrouble when it can't be read: what came before is safe, and it is tried again five minutes later.
    """
    account = settings.HANDBILL.bounce_mailbox
    if account is None:
        return 0
    with standing_job("collect bounces", now, every=EVERY) as ours:
        return _collect(account, now, context) if ours else 0


def password_of_mailbox() -> str:
    """From the environment or ``keys/bounce-mailbox``. Raises MailboxTrouble when it is nowhere to be read."""
    given = os.environ.get(PASSWORD)
    if given is not None:
        return given
    path = settings.HANDBILL.keys_folder / "bounce-mailbox"
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise MailboxTrouble(f"The bounce mailbox has no password. Write it into {path}.") from None


def check_mailbox(account: accounts.Mailbox, context: ssl.SSLContext | None = None) -> int:
    """How many mails the mailbox holds; nothing is read. Raises MailboxTrouble."""
    with open_box(account, password_of_mailbox(), _limits(), context) as box:
        return len(box.uids())


def _collect(account: accounts.Mailbox, now: datetime, context: ssl.SSLContext | None) -> int:
    row, _ = Mailbox.objects.get_or_create(place=account.place[:500])
    try:
        with open_box(account, password_of_mailbox(), _limits(), context) as box:
            count = _read_new(row, box)
    except (MailboxTrouble, TooMuch) as error:
        why = str(error) if isinstance(error, MailboxTrouble) else "The bounce mailbox sends more than a round reads."
        Mailbox.objects.filter(pk=row.pk).update(looked_at=now, trouble=why[:300])
        log.error("%s", why)
        raise MailboxTrouble(why) from None
    Mailbox.objects.filter(pk=row.pk).update(looked_at=now, trouble="")
    return count


def _limits() -> Limits:
    return Limits(time.monotonic() + SECONDS, MOST_BYTES)


def _read_new(row: Mailbox, box: Box) -> int:
    after, folder = settings.HANDBILL.bounce_mailbox_after, settings.HANDBILL.inbox_folder / "bounces"
    there = box.uids()
    row.turn_to(box.validity, there)
    count = 0
    for uid in there:
        known = row.knows(uid)
        if not known:
            if count >= LIMIT:
                break
            count += _keep(row, box, uid, folder, first=not count)
        if after != accounts.KEEP:
            box.settle(uid, after)
    return count


def _keep(row: Mailbox, box: Box, uid: str, folder: Path, *, first: bool) -> int:
    """Write one mail down. One that alone is more than a round may read is passed over, or nothing came after it."""
    try:
        data = box.read(uid)
    except TooMuch:
        if first:
            row.remember(uid)
            log.error("A mail in the bounce mailbox is larger than %d MiB and is left unread.", MOST_BYTES >> 20)
        raise
    if data is not None:
        _deliver(folder, data)
    row.remember(uid)
    return int(data is not None)


def _deliver(folder: Path, data: bytes) -> None:
    try:
        maildir.prepare(folder)
        maildir.deliver(folder, data)
    except OSError as error:
        raise MailboxTrouble(f"A bounce can't be kept in {folder} ({error.strerror}). Make room.") from None
