"""When a reader is gone: by one definite answer, or by two mailings' answers that are half a day apart (ADR-0040).

Relays' replies and bounces are counted alike. Nothing else ends a subscription but a complaint;
and where too many of a provider are said to be gone at once, not even that (``surge``).
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Sum

from handbill.delivery.address import lifted, with_later
from handbill.delivery.models import Delivery, Proof, Suppression, Tally

GONE = "gone"
Fate = Proof.Fate
APART = timedelta(hours=12)  # a server that is out of its mind for a morning proves nothing
FRESH = timedelta(days=60)
WINDOW = timedelta(hours=24)
TRIED_DAYS = 7  # bounces come days after their issue
FEWEST, MANY, SHARE = 10, 50, 20  # readers; one in SHARE

log = logging.getLogger(__name__)


class Said(NamedTuple):
    """What one mailing's copy learnt of an address: it is unknown, moved or closed. ``provider`` receives for it."""

    address_hash: str
    mailing: int
    definite: bool
    provider: str


def count_gone(said: Iterable[Said], now: datetime) -> set[str]:
    """Write down who is said to be gone and suppress whom that proves; the hashes of those. Call in a transaction."""
    said = sorted(one for one in said if one.address_hash)  # the definite word comes last
    by_hash = {lifted(one.address_hash): one for one in said}
    if not by_hash:
        return set()
    earlier = Proof.objects.filter(address_hash__in=by_hash, at__gt=now - FRESH, at__lte=now - APART)
    again = {
        found
        for found, mailing in earlier.values_list("address_hash", "mailing_id")
        if mailing != by_hash[found].mailing
    }
    proven = again | {found for found, one in by_hash.items() if one.definite}
    held = held_of({found: by_hash[found].provider for found in proven}, now)
    fates = {found: Fate.HELD if found in held else Fate.ENDED for found in proven}
    rows = [
        Proof(address_hash=found, mailing_id=one.mailing, at=now, provider=one.provider, fate=fates.get(found, ""))
        for found, one in by_hash.items()
    ]
    Proof.objects.bulk_create(
        [row for row in rows if row.fate],
        update_conflicts=True,
        unique_fields=["address_hash", "mailing"],
        update_fields=["fate", "at"],
    )
    Proof.objects.bulk_create([row for row in rows if not row.fate], ignore_conflicts=True)
    if held:
        log.error("Readers said to be gone are held, for too many are at once: %d. See `handbill doctor`.", len(held))
    suppress_all(proven - held, GONE, now)
    return proven - held


def most_gone(tried: int) -> int:
    """How many of a provider's ``tried`` readers may be gone within a day; pure.

    50, or one in twenty where that is more; of fewer than 100 readers half, though 10 at least.
    """
    return max(FEWEST, min(MANY, tried // 2), tried // SHARE)


def held_of(proven: Mapping[str, str], now: datetime) -> set[str]:
    """Of addresses proven gone (hash to provider), those whose proof is held. Call in a transaction."""
    by_provider: dict[str, list[str]] = defaultdict(list)
    for found, provider in sorted(proven.items()):
        by_provider[provider].append(found)
    held: set[str] = set()
    for provider, hashes in by_provider.items():
        proofs = Proof.objects.filter(provider=provider)
        if proofs.filter(fate=Fate.HELD).exists():
            held.update(hashes)
            continue
        ended = proofs.filter(fate=Fate.ENDED, at__gt=now - WINDOW).values("address_hash").distinct().count()
        if ended + len(hashes) > FEWEST:
            held.update(hashes[max(0, most_gone(_tried(provider, now)) - ended) :])
    return held


def suppress_all(hashes: Iterable[str], reason: str, now: datetime) -> None:
    """Never mail these addresses again; the first reason stays."""
    rows = [Suppression(address_hash=found, reason=reason, at=now) for found in sorted(with_later(hashes))]
    Suppression.objects.bulk_create(rows, ignore_conflicts=True)


def take_back(hashes: Iterable[str]) -> None:
    """These addresses are alive: what was said of them counts no longer. A complaint stays."""
    hashes = with_later(hashes)
    Suppression.objects.filter(address_hash__in=hashes, reason=GONE).delete()
    Proof.objects.filter(address_hash__in=hashes).delete()


def _tried(provider: str, now: datetime) -> int:
    """Readers of a provider, by the fullest day of the last week."""
    days = Tally.objects.filter(provider=provider, day__gt=now.date() - timedelta(days=TRIED_DAYS))
    days = days.filter(outcome__in=[Delivery.State.ACCEPTED, Delivery.State.REFUSED])
    return max((count for _, count in days.order_by().values_list("day").annotate(Sum("count"))), default=0)
