"""Feedback into the room: each mail that came back is read in the cell, found its copy, and heeded once (ADR-0040).

What a mail tells is written with its copy as an Attempt, which ``queries.feedback_after`` hands on. An unknown address
that is proven and a complaint suppress; a block, a full mailbox, a policy and an auto-reply never do. The mail itself
is not kept, and nothing of it is logged.
"""

from __future__ import annotations

import logging
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction

from handbill.delivery.address import AddressError, all_hashes
from handbill.delivery.engine import feedback as read
from handbill.delivery.engine.comeback import Comeback, identity_of, read_comeback
from handbill.delivery.engine.feedback import Told
from handbill.delivery.engine.parts import MAX_BYTES
from handbill.delivery.journal import hold_the_news
from handbill.delivery.models import Attempt, Delivery, Feedback
from handbill.delivery.paths import copy_of
from handbill.delivery.proof import Said, count_gone, suppress_all
from handbill.kit import maildir
from handbill.kit.errors import HandbillError
from handbill.kit.sandbox import Sandbox
from handbill.work.actions import standing_job

BOUNCES = "bounces"  # the folder of the newsroom's inbox
LIMIT = 500  # mails of a place a call
KNOWN = "known"
COMPLAINT = "complaint"
HARMLESS = frozenset({"not-spam", "auth-failure", "dmarc", "virus"})
"""Kinds of complaints in which no reader asks to be left alone."""

log = logging.getLogger(__name__)
sandbox = Sandbox(workers=1)
Result = Feedback.Result


def take_in(now: datetime, limit: int = LIMIT) -> Counter[str]:
    """Take in up to ``limit`` mails of each maildir; how many came to which result (``Feedback.Result`` or KNOWN).

    One worker does this at a time. A mail leaves its place only once the database has what came of it.
    """
    counts: Counter[str] = Counter()
    with standing_job("bounces", now) as ours:
        if ours:
            for folder, settle in _maildirs():
                for mail in _waiting(folder, limit):
                    counts.update(_take(mail, settle, now))
    return counts


def file_feedback(data: bytes, now: datetime) -> str:
    """Heed one mail, once; a ``Feedback.Result``, or KNOWN. Only a database that is gone gets past this."""
    try:
        return file_comeback(_read(data), now)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        return file_comeback(_failed(data, error), now)


def file_comeback(mail: Comeback, now: datetime) -> str:
    """Heed what was read of a mail, or told by a webhook, once; a ``Feedback.Result``, or KNOWN."""
    with transaction.atomic():
        hold_the_news()
        row, new = Feedback.objects.get_or_create(
            identity=mail.identity, defaults={"at": now, "kind": mail.kind, "result": Result.NOTHING}
        )
        if not new:
            return KNOWN
        row.result = _heed(mail, now)
        row.save(update_fields=["result"])
    return str(row.result)


def _heed(mail: Comeback, now: datetime) -> Result:
    if mail.kind == Result.UNREADABLE:
        return Result.UNREADABLE
    if mail.kind not in (read.BOUNCE, read.COMPLAINT):
        return Result.NOTHING
    copy = copy_of(mail, now)
    if copy is None:
        return Result.STRAY
    return _heed_complaint(copy, mail, now) if mail.kind == read.COMPLAINT else _heed_bounce(copy, mail, now)


def _heed_complaint(copy: Delivery, mail: Comeback, now: datetime) -> Result:
    ends = "" if mail.complains in HARMLESS else COMPLAINT
    if ends and copy.address_hash:
        suppress_all([copy.address_hash], COMPLAINT, now)
    _note(copy, now, source="complaint", outcome=Delivery.State.REFUSED, reason=mail.complains, ends=ends)
    return Result.FILED


def _heed_bounce(copy: Delivery, mail: Comeback, now: datetime) -> Result:
    told = told_of_copy(mail.recipients, lambda address: _is_of(address, copy))
    if told.reason == "delivered":
        return Result.NOTHING
    said = Said(copy.address_hash, copy.mailing_id, told.definite, copy.provider)
    proven = told.reader_gone and count_gone([said], now)
    outcome = Delivery.State.DEFERRED if told.reason == "deferred" else Delivery.State.REFUSED
    _note(
        copy,
        now,
        source="bounce",
        outcome=outcome,
        reason=told.reason[:20],
        reply=told.status[:20],
        ends="gone" if proven else "",
    )
    return Result.FILED


def told_of_copy(recipients: tuple[Told, ...], is_ours: Callable[[str], bool]) -> Told:
    """What a bounce tells of a copy's reader; pure.

    Where it names the reader, that; else the kindest word on anybody: the copy was passed on, and of those it went to
    some are well. A word on another whole address, to which the reader's mail is sent on, is not definite.
    """
    if not recipients:
        return Told("", reason="other")
    named = [told for told in recipients if is_ours(told.address)]
    told = min(named or recipients, key=lambda one: (one.reader_gone, one.definite))
    strange = not named and "@" in told.address
    return Told(told.address, told.status, told.reason, told.reader_gone, told.definite and not strange)


def _note(copy: Delivery, now: datetime, **told: str) -> None:
    Attempt.objects.create(delivery=copy, at=now, **told)


def _is_of(address: str, copy: Delivery) -> bool:
    try:
        return copy.address_hash in all_hashes(address)
    except AddressError:
        return False


def _read(data: bytes) -> Comeback:
    try:
        return sandbox.run(read_comeback, data[:MAX_BYTES])
    except HandbillError:
        return Comeback(identity_of(data), str(Result.UNREADABLE))


def _failed(data: bytes, error: Exception) -> Comeback:
    """What is logged says where, but not what: an error's own words may repeat the mail's."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    log.error("A mail that came back failed: %s at %s:%s", type(error).__name__, frame.filename, frame.lineno)
    return Comeback(identity_of(data), str(Result.UNREADABLE))


def _maildirs() -> Iterator[tuple[Path, Callable[[Path], None]]]:
    """The folders to look into, with what is done with a mail taken in: only our own are deleted."""
    own = settings.HANDBILL.inbox_folder / BOUNCES
    if own.is_dir():
        yield own, lambda mail: mail.unlink(missing_ok=True)
    if settings.HANDBILL.bounce_maildir:
        yield Path(settings.HANDBILL.bounce_maildir), maildir.mark_seen


def _waiting(folder: Path, limit: int) -> list[Path]:
    try:
        return maildir.waiting(folder, limit)
    except OSError as error:
        log.error(
            "The maildir %s can't be used (%s). Let the newsroom's user read and write it.", folder, error.strerror
        )
        return []


def _take(mail: Path, settle: Callable[[Path], None], now: datetime) -> list[str]:
    try:
        result = file_feedback(maildir.read(mail, MAX_BYTES), now)
        settle(mail)
    except OSError as error:
        log.error("A mail in %s can't be read or moved (%s).", mail.parent, error.strerror)
        return []
    return [result]
