"""Take mailings, hand their copies to a relay, and keep the list of addresses that must not be mailed.

``Delivery`` rows are the journal: intent before, outcome after (ADR-0005). The dispatch itself is in ``send``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice

from django.conf import settings
from django.db import Error, transaction
from django.db.models import Q

from handbill.delivery.address import AddressError, address_hash, all_hashes, normalise
from handbill.delivery.collect import check_mailbox as check_mailbox
from handbill.delivery.collect import collect as collect_bounces  # noqa: F401 - for the rooms above
from handbill.delivery.engine.dkim import KeyTrouble
from handbill.delivery.engine.retry import GIVE_UP_AFTER
from handbill.delivery.errors import MailingError, NoJournal, NoRelay
from handbill.delivery.feedback import BOUNCES as BOUNCES
from handbill.delivery.feedback import take_in as take_in_bounces  # noqa: F401 - for the rooms above
from handbill.delivery.journal import settlement
from handbill.delivery.letters import LIST_MAIL
from handbill.delivery.letters import file_letters as store
from handbill.delivery.models import Act, Breaker, Delivery, Mailing, Suppression
from handbill.delivery.paths import is_return_path as is_return_path
from handbill.delivery.proof import suppress_all, take_back
from handbill.delivery.records import LetterBody, Recipient, SendRound
from handbill.delivery.sealed import seal_address
from handbill.delivery.send import Dispatch
from handbill.delivery.stale import ISSUE, owed_to, unfinished
from handbill.delivery.surge import believe as believe_gone  # noqa: F401 - for the rooms above
from handbill.delivery.surge import forgive as forgive_gone  # noqa: F401
from handbill.kit.providers import provider_of

logger = logging.getLogger(__name__)
CHUNK = 1000  # recipients a transaction: memory stays flat whatever the size of the mailing
MOST_OF_WHY = 300  # characters
RANKS = timedelta(hours=1)  # a rank is a microsecond in the hour before the hand-over, so that one index serves both
FARTHEST = timedelta(days=1)  # no copy is put off for longer
HEAD_START = timedelta(days=1)  # who waits for a confirmation is not kept waiting by a long issue under way


def hand_over(
    reference: str, kind: str, letters: Iterable[LetterBody], recipients: Iterable[Recipient], now: datetime
) -> Mailing:
    """Take a mailing: every recipient gets one Delivery, due at once, under the letter it names.

    Idempotent by ``reference``: a sealed mailing comes back untouched and nothing is read from the iterables; an
    unsealed one (its hand-over was cut off) is continued, and who is in already is passed over. ``recipients`` is
    read once, in chunks of 1,000. One whose address is no address is filed as refused. Who is still owed an older issue
    comes before all others (ADR-0084). ``letters`` are those that ``file_letters`` wasn't given before.
    Raises MailingError when a recipient names a letter that the mailing doesn't have; what came before stays.
    """
    mailing = file_letters(reference, kind, letters, now)
    if mailing.sealed_at is not None:
        return mailing
    bodies = dict(mailing.bodies.values_list("key", "pk"))
    issues = unfinished(now) if kind == ISSUE else []
    for chunk in _chunks(recipients):
        behind = owed_to([one.id for one in chunk], issues)
        rows = [_delivery(mailing, bodies, one, now - RANKS if one.id in behind else now) for one in chunk]
        Delivery.objects.bulk_create(rows, ignore_conflicts=True)
    mailing.sealed_at = now
    mailing.save(update_fields=["sealed_at"])
    return mailing


def file_letters(reference: str, kind: str, letters: Iterable[LetterBody], now: datetime) -> Mailing:
    """Take letters of a mailing before their recipients are known; all or none.

    One that is there already, by its key, stays as it was; a sealed mailing takes no more. What letters have in common
    should stand in pieces of its own (``records.Written``): then thousands of letters cost little more than one.
    """
    mailing, _ = Mailing.objects.get_or_create(reference=reference, defaults={"kind": kind, "created_at": now})
    if mailing.sealed_at is None:
        store(mailing, letters)
    return mailing


def withdraw(reference: str) -> None:
    """Forget a mailing that has letters and no recipient."""
    Mailing.objects.filter(reference=reference, deliveries=None).delete()


def send_batch(
    now: datetime,
    limit: int = 500,
    stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
) -> SendRound:
    """Send up to ``limit`` due copies over the relays; once ``stop`` says so, only what is in flight is finished.

    ``clock`` gives seconds that only grow. Raises TryLater when no relay takes mail, letters can't be signed as they
    should, or the database can't be written: nothing is lost, every copy stays due a little later.
    """
    try:
        return Dispatch(now, stop, clock).run(limit)
    except KeyTrouble as trouble:
        logger.error("No mail is sent. %s", trouble)
        raise NoRelay(f"No mail is sent; every copy stays due. {trouble}") from None
    except Error as fault:
        raise NoJournal.because(fault) from fault


def mend_dates(now: datetime) -> int:
    """Copies that a clock which was far ahead put off until then are due now; how many there were."""
    astray = Delivery.objects.filter(next_at__gt=now + FARTHEST)
    return astray.update(next_at=now) if astray.exists() else 0


def suppress(address: str, reason: str, now: datetime) -> None:
    """Never mail ``address`` again, also what is under way; the first reason stays. Raises AddressError."""
    suppress_all([address_hash(address)], reason[:40], now)


def allow(address: str) -> None:
    """Lift the suppression of ``address``, if there is one. Raises AddressError."""
    found = all_hashes(address)
    Suppression.objects.filter(address_hash__in=found).delete()
    take_back(found)


def call_off(recipient: str, now: datetime) -> int:
    """Send ``recipient`` no copy of an issue, alert or notice that still waits, since they left; how many there were.

    One that a worker has in hand is left to it. Asks only mailings young enough to be tried still.
    """
    since = now - 2 * GIVE_UP_AFTER
    young = Mailing.objects.filter(kind__in=(*LIST_MAIL, "notice"), created_at__gt=since).values_list("pk", flat=True)
    waiting = Delivery.objects.filter(mailing_id__in=list(young), recipient=recipient, next_at__isnull=False)
    free = waiting.filter(Q(lease_until__isnull=True) | Q(lease_until__lte=now))
    return free.update(state=Delivery.State.SUPPRESSED, lease_until=None, lease_token="", **settlement(now))


def forget_address(recipient: str, now: datetime) -> int:
    """Take the address out of a recipient's copies that are done, since they were erased; how many there were.

    One that a worker has in hand keeps it until it is folded away (``retention_days``).
    """
    since = now - timedelta(days=settings.HANDBILL.retention_days) - 2 * GIVE_UP_AFTER
    kept = Mailing.objects.filter(created_at__gt=since).values_list("pk", flat=True)
    done = Delivery.objects.filter(mailing_id__in=list(kept), recipient=recipient, next_at__isnull=True)
    return done.update(address_sealed=b"")


def hold(reference: str, why: str, now: datetime, who: str = "") -> bool:
    """Send nothing more of a mailing until ``go_on``; what is on the wire is finished. False: it is held already."""
    with transaction.atomic():
        free = Mailing.objects.filter(reference=reference, held_at__isnull=True)
        held = bool(free.update(held_at=now, held_by=who, why=why[:MOST_OF_WHY]))
        return held and _record(Act.What.HOLD, reference, now, who, why)


def go_on(reference: str, now: datetime, who: str = "") -> bool:
    """Send a held mailing on. False: it isn't held."""
    with transaction.atomic():
        held = Mailing.objects.filter(reference=reference, held_at__isnull=False)
        return bool(held.update(held_at=None, held_by="", why="")) and _record(Act.What.GO_ON, reference, now, who)


def stop(reference: str, why: str, now: datetime, who: str = "") -> int:
    """Send no copy of a mailing that still waits, ever; how many there were. What a worker has in hand is left to it.

    The mailing stays held, so that none comes back.
    """
    with transaction.atomic():
        mailings = Mailing.objects.filter(reference=reference)
        if mailings.update(held_at=now, held_by=who, why=why[:MOST_OF_WHY]):
            _record(Act.What.STOP, reference, now, who, why)
    waiting = Delivery.objects.filter(mailing__reference=reference, next_at__isnull=False)
    free = waiting.filter(Q(lease_until__isnull=True) | Q(lease_until__lte=now))
    stopped = 0
    while keys := list(free.values_list("pk", flat=True)[:CHUNK]):
        stopped += free.filter(pk__in=keys).update(
            state=Delivery.State.SUPPRESSED, lease_until=None, lease_token="", **settlement(now)
        )
    return stopped


def switch_relay(name: str, now: datetime, *, on: bool, who: str = "") -> None:
    """Use a relay, at once and whatever trouble it gave; or don't, until it is switched on again."""
    trouble = {"failures": 0, "since": None, "until": None, "reason": "", "why": "", "calls": False} if on else {}
    with transaction.atomic():
        Breaker.objects.update_or_create(about=f"relay {name}", defaults={"off": not on, **trouble})
        _record(Act.What.ON if on else Act.What.OFF, f"relay {name}", now, who)


def _record(what: str, about: str, now: datetime, who: str, why: str = "") -> bool:
    Act.objects.create(at=now, who=who, what=what, about=about, why=why[:MOST_OF_WHY])
    return True


def _delivery(mailing: Mailing, bodies: dict[str, int], one: Recipient, now: datetime) -> Delivery:
    if one.letter not in bodies:
        raise MailingError(
            f"Mailing {mailing.reference} has no letter {one.letter!r}. Hand over every letter its readers name."
        )
    row = Delivery(mailing=mailing, body_id=bodies[one.letter], recipient=one.id)
    try:
        address = normalise(one.address)
    except AddressError:
        row.address_sealed, row.state, row.settled_at = b"", Delivery.State.REFUSED, now
        return row
    row.address_sealed = seal_address(address, mailing.reference, one.id)
    row.address_hash = address_hash(address)
    row.provider = provider_of(address)
    row.next_at = _due_at(one.rank, now) if mailing.kind == "issue" else now - HEAD_START
    return row


def _due_at(rank: int, now: datetime) -> datetime:
    """At once, and those of a lower rank before those of a higher one."""
    return now - RANKS + min(timedelta(microseconds=max(rank, 0)), RANKS)


def _chunks(recipients: Iterable[Recipient]) -> Iterator[list[Recipient]]:
    stream = iter(recipients)
    while chunk := list(islice(stream, CHUNK)):
        yield chunk
