"""Forget copies that are old: a mailing keeps its totals (ADR-0040). Small transactions, so that memory stays flat and
nobody waits long for the database; a sweep that is cut off goes on where it stopped.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from handbill.delivery.models import Attempt, Body, Delivery, Feedback, Mailing, Piece, Proof, Suppression, Total
from handbill.delivery.proof import FRESH
from handbill.work.actions import standing_job
from handbill.work.records import Kept

BATCH = 1000  # copies a transaction
MOST_BATCHES = 20  # a call
GRACE = timedelta(days=2)  # a night was missed
MOST_MAILINGS = 200  # a call; sign-ups have one each


def fold_old(now: datetime, most: int = MOST_BATCHES) -> int:
    """Fold up to ``most`` batches of copies older than ``retention_days`` into totals; how many copies.

    One that is not settled stays, and so does its mailing's letter. Old word of what came back is forgotten, too.
    """
    before = now - timedelta(days=settings.HANDBILL.retention_days)
    folded = 0
    with standing_job("forget copies", now) as ours:
        if ours:
            Feedback.objects.filter(at__lt=before).delete()
            Proof.objects.filter(at__lt=now - FRESH).delete()
            old = Mailing.objects.filter(created_at__lt=before, sealed_at__lt=before, folded_at=None)
            for mailing in old.order_by("pk")[:MOST_MAILINGS]:
                while folded < most * BATCH and (count := _fold_batch(mailing)):
                    folded += count
                _close(mailing, now)
    return folded


def enforce(now: datetime) -> None:
    """Forget all that is older than it is kept, batch by batch."""
    while fold_old(now):
        pass


def kept(now: datetime) -> list[Kept]:
    """Each kind, with what should have been forgotten by now; copies still under way aren't late."""
    days = settings.HANDBILL.retention_days
    before = now - timedelta(days=days) - GRACE
    late = Delivery.objects.filter(mailing__created_at__lt=before, mailing__sealed_at__lt=before, next_at=None)
    return [
        Kept("copies of letters", f"{days} days (retention_days)", Delivery.objects.count(), late.count()),
        Kept(
            "notes on mails that came back",
            f"{days} days (retention_days)",
            Feedback.objects.count(),
            Feedback.objects.filter(at__lt=before).count(),
        ),
        Kept(
            "words that an address is gone",
            f"{FRESH.days} days, a keyed hash",
            Proof.objects.count(),
            Proof.objects.filter(at__lt=now - FRESH - GRACE).count(),
        ),
        Kept("addresses that must not be mailed", "for good, a keyed hash", Suppression.objects.count(), 0),
    ]


def _fold_batch(mailing: Mailing) -> int:
    """In the order of the index on a mailing's recipients: by id the database would sort all of them for each batch."""
    with transaction.atomic():
        settled = Delivery.objects.filter(mailing=mailing, next_at=None).select_for_update()
        rows = list(settled.order_by("recipient").values_list("pk", "state", "repeats")[:BATCH])
        _add(mailing, rows)
        _forget([pk for pk, _, _ in rows])
    return len(rows)


def _forget(keys: list[int]) -> None:
    """By keys in the text: Django would read each row again and ask for a parameter each."""
    Attempt.objects.filter(delivery_id__in=keys).delete()
    if keys:
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM delivery_delivery WHERE id IN ({', '.join(map(str, keys))})")  # noqa: S608


def _add(mailing: Mailing, rows: list[tuple[int, str, int]]) -> None:
    counts: Counter[str] = Counter()
    repeats: Counter[str] = Counter()
    for _, state, repeated in rows:
        counts[state] += 1
        repeats[state] += repeated
    for state, count in counts.items():
        total, _ = Total.objects.get_or_create(mailing=mailing, state=state, defaults={"count": 0})
        Total.objects.filter(pk=total.pk).update(count=F("count") + count, repeats=F("repeats") + repeats[state])


def _close(mailing: Mailing, now: datetime) -> None:
    """Once no copy is left, the letters go, too."""
    with transaction.atomic():
        if not Delivery.objects.filter(mailing=mailing).exists():
            Body.objects.filter(mailing=mailing).delete()
            Piece.objects.filter(mailing=mailing).delete()
            Mailing.objects.filter(pk=mailing.pk).update(folded_at=now)
