"""Ask readers who gave no sign of life whether they still read; two silences pause, never delete. Nothing is tracked.

A sign of life is something a reader did on their pages. So most are asked once in ``still_reading_days``, and one press
is the answer.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from handbill.delivery import actions as delivery
from handbill.delivery.records import Recipient
from handbill.kit.crypto import unseal
from handbill.subscribers import consent, mails
from handbill.subscribers.consent import Step
from handbill.subscribers.models import Subscriber
from handbill.subscribers.queries import reading

BATCH = 500  # readers a call: the questions of a large list are spread over ticks


def heed_silence(now: datetime) -> int:
    """Ask or pause up to 500 readers who are due; how many. Each step is one transaction with its mail."""
    days = settings.HANDBILL.still_reading_days
    if not days:
        return 0
    before = now - timedelta(days=days)
    seen = Q(seen_at__lte=before) | Q(seen_at__isnull=True, created_at__lte=before)
    quiet = Q(still_asked_at__isnull=True) & seen
    unanswered = Q(still_asked_at__lte=now - consent.MONTH)
    with transaction.atomic():
        due = list(reading(now).filter(quiet | unanswered).select_for_update().order_by("pk")[:BATCH])
        steps = {row: _step(row, days, now) for row in due}
        _pause([row for row, step in steps.items() if step is Step.PAUSE])
        _ask([row for row, step in steps.items() if step is Step.ASK], now)
    return len(due)


def _step(row: Subscriber, days: int, now: datetime) -> Step:
    return consent.after_silence(row.seen_at or row.created_at, row.still_asked_at, row.silences, days, now)


def _pause(rows: list[Subscriber]) -> None:
    keys = [row.pk for row in rows]
    Subscriber.objects.filter(pk__in=keys).update(paused_until=consent.UNTIL_THEY_SAY, silences=consent.MOST_SILENCES)


def _ask(rows: list[Subscriber], now: datetime) -> None:
    if not rows:
        return
    again = [row.pk for row in rows if row.still_asked_at is not None]
    Subscriber.objects.filter(pk__in=again).update(silences=F("silences") + 1)
    Subscriber.objects.filter(pk__in=[row.pk for row in rows]).update(still_asked_at=now)
    letter = mails.still_reading()
    people = [
        Recipient(str(row.pk), unseal(settings.KEYS.address, bytes(row.address_sealed), str(row.pk)), letter.key)
        for row in rows
    ]
    delivery.hand_over(f"still:{rows[0].pk}:{consent.unix_day(now)}", "notice", [letter], people, now)
