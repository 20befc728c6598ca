"""When a reader is gone: by one definite answer, or by two mailings' answers that are half a day apart (ADR-0040).

Relays' replies and bounces are counted alike. Nothing else ends a subscription but a complaint.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from handbill.delivery.models import Proof, Suppression

GONE = "gone"
APART = timedelta(hours=12)  # a server that is out of its mind for a morning proves nothing
FRESH = timedelta(days=60)


class Said(NamedTuple):
    """What one mailing's copy learnt of an address: it is unknown, moved or closed."""

    address_hash: str
    mailing: int
    definite: bool


def count_gone(said: Iterable[Said], now: datetime) -> set[str]:
    """Write down who is said to be gone and suppress whom that proves; the hashes of those. Call in a transaction."""
    by_hash = {one.address_hash: one for one in sorted(said) if one.address_hash}  # the definite word comes last
    if not by_hash:
        return set()
    earlier = Proof.objects.filter(address_hash__in=by_hash, at__gt=now - FRESH, at__lte=now - APART)
    again = {
        found
        for found, mailing in earlier.values_list("address_hash", "mailing_id")
        if mailing != by_hash[found].mailing
    }
    proven = again | {one.address_hash for one in by_hash.values() if one.definite}
    Proof.objects.bulk_create(
        [Proof(address_hash=found, mailing_id=one.mailing, at=now) for found, one in by_hash.items()],
        ignore_conflicts=True,
    )
    suppress_all(proven, GONE, now)
    return proven


def suppress_all(hashes: Iterable[str], reason: str, now: datetime) -> None:
    """Never mail these addresses again; the first reason stays."""
    rows = [Suppression(address_hash=found, reason=reason, at=now) for found in sorted(hashes)]
    Suppression.objects.bulk_create(rows, ignore_conflicts=True)


def take_back(hashes: Iterable[str]) -> None:
    """These addresses are alive: what was said of them counts no longer. A complaint stays."""
    hashes = list(hashes)
    Suppression.objects.filter(address_hash__in=hashes, reason=GONE).delete()
    Proof.objects.filter(address_hash__in=hashes).delete()
