"""Sign-ups: written down the same way whoever's address it is, and answered later, each in its turn (ADR-0052).

A form, the API and another site's form all come in by ``take``. What a sign-up means (a confirmation, a reminder,
nothing) is found out by ``answer``, which the tick calls: neither the answer nor the time it took tells who asked.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Window
from django.db.models.functions import RowNumber

from handbill.delivery.address import normalise, normalised_hash
from handbill.kit.crypto import seal, unseal
from handbill.kit.day_key import day_hash, forget_day_keys
from handbill.kit.errors import GiveUp, TryLater
from handbill.subscribers import actions, brakes, rows, rush, slips
from handbill.subscribers.brakes import DAY, HOUR
from handbill.subscribers.consent import CONFIRM_WITHIN
from handbill.subscribers.models import Cursor, SignUp, Turn
from handbill.subscribers.records import Shown, Slip, Taken

logger = logging.getLogger(__name__)
MOST_TOPICS, LONGEST_SLUG = 500, 100
CHUNK = 25  # a transaction: a form waits for one at most
MOST_A_ROUND = 300  # sign-ups; the tick comes back for more
LOOK = 500  # rows among which turns are given
MOST_WAITING = 100_000  # sign-ups; what is over is the newest of the networks that most came from


def take(
    address: str,
    now: datetime,
    *,
    network: str = "",
    topics: Collection[str] = (),
    shown: Shown | None = None,
    sure: bool = False,
) -> Taken | Slip:
    """Write a sign-up down, by one statement, whoever's address it is; or ask back, where its domain looks like a slip.

    ``network``: as ``brakes.network_of`` gives it; only a hash of it is kept, and only for the day. ``topics``: slugs
    wished for. ``shown``: the words agreed to where they aren't those of the paper's own form. ``sure``: ask nothing
    back. Raises AddressError, with nothing written.
    """
    address = normalise(address)
    meant = None if sure else slips.meant(address)
    if meant:
        return Slip(address, meant)
    shown = shown or rows.shown_now("asked", now)
    domain = address.rpartition("@")[2]
    row = SignUp(address_hash=normalised_hash(address), at=shown.at, wording=shown.wording, version=shown.version)
    row.address_sealed = seal(settings.KEYS.address, address, str(row.pk))
    row.topics = [slug[:LONGEST_SLUG] for slug in topics][:MOST_TOPICS]
    row.network = _today("network", network, now) if network else ""
    row.domain = "" if domain in slips.LARGE else _today("domain", domain, now)
    row.save(force_insert=True)
    return Taken(row.pk)


def prove(identity: UUID) -> bool:
    """A proof of work came for a sign-up: it waits among those who gave one. False when it waits no more."""
    return bool(SignUp.objects.filter(pk=identity).update(proved=True))


def answer(now: datetime) -> int:
    """Answer those whose turn it is, see whether too many come, and forget what is over; how many were answered.

    Each chunk is one transaction with its rows, mails and what the brakes count: a kill between two loses nobody and
    mails nobody twice.
    """
    forget_day_keys(settings.HANDBILL.run_folder, now)
    Turn.objects.filter(at__lte=now - DAY).delete()
    answered, failed = 0, set[UUID]()
    while answered < MOST_A_ROUND:
        with transaction.atomic():
            lock()
            done = _chunk(now, failed)
        answered += done
        if not done:
            break
    _forget(now)
    with transaction.atomic():
        lock()
        rush.watch(now)
    return answered


def let_go(who: str, now: datetime) -> int:
    """All that wait are answered next, whatever the brakes say; how many. An address is still mailed once a day."""
    with transaction.atomic():
        lock()
        count = SignUp.objects.filter(let_go=False).update(let_go=True)
        rush.note(who, "let go", count, now)
    return count


def throw_away(who: str, now: datetime, busiest: bool = False) -> int:
    """Forget all that wait, or those of the network that most came from; how many. They get no mail."""
    with transaction.atomic():
        lock()
        waiting = SignUp.objects.all()
        if busiest and (largest := rush.by_network()[:1]):
            waiting = waiting.filter(network=largest[0][0])
        count, _ = waiting.delete()
        rush.note(who, "thrown away", count, now)
    return count


def lock() -> None:
    """Held until the transaction ends: turns are given by one at a time."""
    Cursor.objects.select_for_update().get_or_create(name="sign-ups")


def _chunk(now: datetime, failed: set[UUID]) -> int:
    chosen = list(SignUp.objects.filter(let_go=True).exclude(pk__in=failed).order_by("at")[:CHUNK])
    if not chosen:
        keys = _whose_turn(now, failed)
        chosen = list(SignUp.objects.filter(pk__in=keys).order_by("at"))
    one_each = {row.address_hash: row for row in reversed(chosen)}
    return sum(_answer(row, now, failed) for row in reversed(one_each.values()))


def _whose_turn(now: datetime, failed: set[UUID]) -> list[Any]:
    if not SignUp.objects.exclude(pk__in=failed).exists():
        return []
    room = min(CHUNK, rush.room(now))
    if room <= 0:
        return []
    networks, domains = _left("network", now), _left("domain", now)
    waiting = SignUp.objects.exclude(pk__in=failed)
    waiting = waiting.exclude(network__in=_none(networks)).exclude(domain__in=_none(domains))
    rank = Window(RowNumber(), partition_by=[F("network"), F("proved")], order_by=[F("at"), F("pk")])
    near = waiting.annotate(rank=rank).filter(rank__lte=brakes.MOST_OF_ONE[HOUR]).order_by("rank", "at")[:LOOK]
    found = sorted(near.values_list("at", "pk", "network", "domain", "proved"))
    return brakes.turns([brakes.Waiting(*one[1:]) for one in found], room, networks, domains)


def _left(what: str, now: datetime) -> dict[str, int]:
    """What the networks or domains that had turns lately have left of their shares, this hour and this day."""
    left: dict[str, int] = {}
    for span, most in brakes.MOST_OF_ONE.items():
        used = Turn.objects.filter(at__gt=now - span, let_go=False).exclude(**{what: ""})
        for name, count in used.order_by().values_list(what).annotate(Count("pk")):
            left[name] = min(left.get(name, brakes.MOST_OF_ONE[HOUR]), max(most - count, 0))
    return left


def _none(left: dict[str, int]) -> list[str]:
    return [name for name, count in left.items() if count == 0]


def _answer(row: SignUp, now: datetime, failed: set[UUID]) -> int:
    """Answer one, and with it all others of its address; 0 where it can't be answered now: it stays."""
    try:
        address = unseal(settings.KEYS.address, bytes(row.address_sealed), str(row.pk))
        with transaction.atomic():
            actions.ask(address, now, Shown(row.at, row.wording, row.version), row.topics)
    except (GiveUp, TryLater) as error:
        logger.error("Sign-up %s is not answered: %s", row.pk, error)
        failed.add(row.pk)
        return 0
    SignUp.objects.filter(address_hash=row.address_hash).delete()
    Turn.objects.create(at=now, network=row.network, domain=row.domain, let_go=row.let_go)
    return 1


def _forget(now: datetime) -> None:
    """Sign-ups that waited for 72 hours, and those over what is kept."""
    lapsed, _ = SignUp.objects.filter(at__lte=now - CONFIRM_WITHIN).delete()
    over = SignUp.objects.count() - MOST_WAITING
    for name, count in rush.by_network() if over > 0 else ():
        if over <= 0:
            break
        newest = SignUp.objects.filter(network=name).order_by("-at").values("pk")[: min(over, count)]
        over -= SignUp.objects.filter(pk__in=list(newest.values_list("pk", flat=True))).delete()[0]
    if lapsed:
        logger.warning("Sign-ups that waited for three days and are forgotten: %d", lapsed)


def _today(what: str, name: str, now: datetime) -> str:
    return day_hash(settings.HANDBILL.run_folder, now, f"{what}\0{name}")
