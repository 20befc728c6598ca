"""What editors decide: the order, whether a day may go, and whether anything is sent. The rules are in ``approval``.

The desk calls these through ``actions``. Each may be repeated without harm.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from django.db import transaction
from django.db.models import QuerySet

from handbill.digest import approval
from handbill.digest.models import Day, Place, Standstill


def approve(day: date, now: datetime, who: str) -> None:
    """The issues of a local date may go, once ten minutes are over in which ``undo`` stops them whole."""
    _decide(day, approved_at=now, approved_by=who)


def undo(day: date, now: datetime) -> bool:
    """Take an approval back. False: it is too late, or there is none."""
    found = Day.objects.filter(date=day, approved_at__gt=now - approval.UNDO_WITHIN)
    return bool(found.update(approved_at=None, approved_by=""))


def hold(day: date, why: str, now: datetime, who: str) -> None:
    """Hand over no issue of a local date until ``release``; what delivery has already is delivery's to hold."""
    _decide(day, held_at=now, held_by=who, why=why[:300])


def release(day: date) -> bool:
    """End a hold. False: there is none."""
    held = Day.objects.filter(date=day, held_at__isnull=False)
    return bool(held.update(held_at=None, held_by="", why=""))


def stand_still(why: str, now: datetime) -> None:
    """Plan and send nothing until a person says ``go_on``: as after a restored backup (ADR-0011)."""
    Standstill.objects.create(since=now, why=why[:300])


def go_on(now: datetime, told_until: datetime | None = None) -> bool:
    """End a standstill; what was published before ``told_until`` counts as told. False: there is none."""
    return bool(_running().update(released_at=now, told_until=told_until))


def standstill() -> str:
    """Why nothing is planned or sent; empty when it is."""
    return _running().values_list("why", flat=True).first() or ""


def decision(day: date) -> approval.Decision:
    """What editors decided about a date."""
    row = Day.objects.filter(date=day).first()
    return approval.Decision(row.approved_at, row.held_at, row.why) if row else approval.Decision()


def arrange(ids: Collection[int]) -> None:
    """Put these articles first in the issues to come, in this order, lead first; all others go by rank."""
    with transaction.atomic():
        Place.objects.all().delete()
        Place.objects.bulk_create(Place(article_id=pk, position=number) for number, pk in enumerate(dict.fromkeys(ids)))


def _decide(day: date, **decided: object) -> None:
    Day.objects.update_or_create(date=day, defaults=decided)


def _running() -> QuerySet[Standstill]:
    return Standstill.objects.filter(released_at__isnull=True)
