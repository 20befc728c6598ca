"""Ask those who are held, once each and spread over days, whether they want the paper; and forget who didn't say.

Asking begins with a person's command; from then on the tick looks at the rows (ADR-0001). What stops it is the answer,
or the retention: who was asked in vain is remembered by a keyed hash, so that no later list has them asked again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from handbill.delivery.address import with_later
from handbill.kit.crypto import sign_token, unseal
from handbill.kit.errors import GiveUp
from handbill.subscribers import consent, mails, rows
from handbill.subscribers.models import Former, Import, Subscriber

A_ROUND = 200  # mails; the tick comes back for more
CHUNK = 1000
_DAY = timedelta(days=1)
_ANSWER = consent.CONFIRM_WITHIN


@dataclass(frozen=True, slots=True)
class AskingPlan:
    """How many are to be asked, and in how many days the last of them is."""

    held: int
    days: int


def held() -> QuerySet[Subscriber]:
    """Who came with a list, without proof, and has neither been asked nor signed up since."""
    return Subscriber.objects.filter(brought_by__isnull=False, confirmed_at=None, asked_at=None)


def begin_asking(a_day: int, now: datetime, *, dry: bool = False) -> AskingPlan:
    """Ask ``a_day`` of them a day from now on, list by list. Raises GiveUp if that takes longer than they are kept."""
    imports = list(Import.objects.filter(pk__in=held().values("brought_by")).exclude(counts={}))
    counts = [held().filter(brought_by=one).count() for one in imports]
    days = max((-(-count // a_day) for count in counts), default=0)
    kept = settings.HANDBILL.held_days - _ANSWER // _DAY
    if days > kept:
        raise GiveUp(
            f"At {a_day} a day the last of them would be asked after {days} days, and they are kept for {kept}."
            " Ask more a day, or raise held_days."
        )
    if not dry:
        for one in imports:
            one.asking_since, one.a_day = one.asking_since or now, a_day
            one.save(update_fields=["asking_since", "a_day"])
    return AskingPlan(sum(counts), days)


def ask_held(now: datetime) -> int:
    """Ask the next of them, up to the day's share of each list; how many were."""
    asked = 0
    for one in Import.objects.filter(asking_since__isnull=False):
        lately = Subscriber.objects.filter(brought_by=one, confirmed_at=None, asked_at__gt=now - _DAY).count()
        share = min(one.a_day - lately, A_ROUND - asked)
        for pk in held().filter(brought_by=one).order_by("pk").values_list("pk", flat=True)[: max(share, 0)]:
            asked += _ask(pk, now)
    return asked


def _ask(pk: UUID, now: datetime) -> bool:
    with transaction.atomic():
        person = held().select_for_update().filter(pk=pk).first()
        if person is None:
            return False
        person.asked_at = now
        person.save(update_fields=["asked_at"])
        token = sign_token(settings.KEYS.token, "confirm", consent.confirm_subject(person.pk, now))
        address = unseal(settings.KEYS.address, bytes(person.address_sealed), str(pk))
        rows.mail(person, address, mails.asked_again(token), now)
    return True


def stale(now: datetime) -> QuerySet[Subscriber]:
    """Those who were kept for ``held_days``, counted from the day when asking began."""
    before = now - settings.HANDBILL.held_days * _DAY
    old = Q(asking_since__lte=before) | Q(asking_since=None, at__lte=before)
    return Subscriber.objects.filter(
        Q(asked_at=None) | Q(asked_at__lte=now - _ANSWER),
        confirmed_at=None,
        brought_by__in=Import.objects.filter(old).values("pk"),
    )


def forget_held(now: datetime) -> int:
    """Delete the ``stale``; how many."""
    forgotten = 0
    while page := list(stale(now).values_list("pk", "address_hash", "asked_at")[:CHUNK]):
        asked_in_vain = with_later(hashed for _, hashed, asked in page if asked)
        silent = [Former(address_hash=hashed, at=now, reason="silent") for hashed in asked_in_vain]
        with transaction.atomic():
            Former.objects.bulk_create(silent, ignore_conflicts=True)
            Subscriber.objects.filter(pk__in=[pk for pk, _, _ in page], confirmed_at=None).delete()
        forgotten += len(page)
    return forgotten
