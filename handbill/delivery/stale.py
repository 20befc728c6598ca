"""What is left of an older issue: a reader's newer one goes first, and once they have it the older lapses (ADR-0084).

An issue is old for a reader only once a newer one was handed over for that same reader, so nobody is left with neither;
and who is still owed one stands before all others in the next, so that a budget too small for all goes around.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Q

from handbill.delivery.engine.retry import GIVE_UP_AFTER
from handbill.delivery.models import Delivery, Mailing

if TYPE_CHECKING:
    from handbill.delivery.journal import Claimed

State = Delivery.State
ISSUE = "issue"
LAPSED, LATER = str(State.LAPSED), "later"
FRESH = timedelta(hours=6)  # an issue handed over since is nobody's older one; so an ordinary day costs nothing
AGAIN = timedelta(minutes=15)  # until an older copy that waits for its reader's newer one is looked at again
FREE = (State.WAITING, State.DEFERRED)  # what may be with the reader already is settled as ever


def fate(newer: Iterable[tuple[str, bool]]) -> str:
    """LAPSED, LATER, or empty where a copy goes out. Pure.

    ``newer``: its reader's copies of newer issues, by state and whether they are still to be settled.
    """
    known = list(newer)
    if any(state == State.ACCEPTED for state, _ in known):
        return LAPSED
    return LATER if any(unsettled for _, unsettled in known) else ""


def is_old(mailing: Mailing, now: datetime) -> bool:
    """Whether readers may have been handed a newer issue since."""
    return mailing.kind == ISSUE and mailing.sealed_at is not None and mailing.sealed_at <= now - FRESH


def fates(rows: Sequence[Claimed], mailings: Collection[Mailing]) -> dict[int, str]:
    """By copy, of those of old ``mailings`` that don't go out now: LAPSED or LATER. Changes nothing."""
    found: dict[int, str] = {}
    for mailing in mailings:
        ones = [row for row in rows if row.mailing == mailing.pk and row.state in FREE]
        told = _told(_after(mailing), {row.recipient for row in ones}) if ones else {}
        found |= {row.id: word for row in ones if (word := fate(told.get(row.recipient, ())))}
    return found


def unfinished(now: datetime) -> list[Mailing]:
    """Old issues that still have copies to send, the first handed over first. Reads all copies that are unsent."""
    unsent = Delivery.objects.filter(next_at__isnull=False).order_by().values_list("mailing", flat=True).distinct()
    young = now - FRESH - GIVE_UP_AFTER
    old = Mailing.objects.filter(kind=ISSUE, sealed_at__gt=young, sealed_at__lte=now - FRESH, pk__in=list(unsent))
    return list(old.order_by("sealed_at", "pk"))


def owed_to(recipients: Collection[str], issues: Sequence[Mailing]) -> set[str]:
    """Who of these waits for one of the issues, and was sent none since."""
    owed: set[str] = set()
    for mailing in issues:
        left = mailing.deliveries.filter(recipient__in=recipients, next_at__isnull=False)
        ones = set(left.values_list("recipient", flat=True))
        told = _told(_after(mailing), ones) if ones else {}
        owed |= {one for one in ones if fate(told.get(one, ())) != LAPSED}
    return owed


def _after(mailing: Mailing) -> list[int]:
    """Issues handed over after this one, or still being handed over."""
    newer = Mailing.objects.filter(Q(sealed_at__gt=mailing.sealed_at) | Q(sealed_at=None), kind=ISSUE)
    return list(newer.exclude(pk=mailing.pk).values_list("pk", flat=True))


def _told(newer: Collection[int], recipients: Collection[str]) -> dict[str, list[tuple[str, bool]]]:
    told: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    rows = Delivery.objects.filter(mailing_id__in=newer, recipient__in=recipients)
    for recipient, state, next_at in rows.values_list("recipient", "state", "next_at"):
        told[recipient].append((state, next_at is not None))
    return told
