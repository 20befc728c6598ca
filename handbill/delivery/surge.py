"""Too many readers of one provider said to be gone at once: their proofs are held and the editor called (ADR-0061).

A provider that is under attack, moves, or lost its directory calls readers unknown who are there. Once one proof of a
provider is held, all that come after it are, until an editor believes them or forgives their readers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Min

from handbill.delivery.address import with_later
from handbill.delivery.journal import hold_the_news
from handbill.delivery.models import Act, Attempt, Delivery, Proof, Suppression
from handbill.delivery.proof import GONE, WINDOW, suppress_all
from handbill.delivery.records import Surge

CHUNK = 500
Fate = Proof.Fate


def surges() -> list[Surge]:
    """What is held, by provider."""
    held = Proof.objects.filter(fate=Fate.HELD).order_by().values_list("provider")
    found = held.annotate(Count("address_hash", distinct=True), Min("at"))
    return [Surge(provider or "other", count, since) for provider, count, since in sorted(found)]


def believe(provider: str, now: datetime, who: str = "") -> int:
    """These readers are gone, an editor (``who``) says; how many. Their subscriptions end as by any bounce."""
    with transaction.atomic():
        held = Proof.objects.select_for_update().filter(provider=_plain(provider), fate=Fate.HELD)
        rows = list(held.values_list("pk", "mailing_id", "address_hash"))
        _end(((mailing, found) for _, mailing, found in rows), now)
        Proof.objects.filter(pk__in=[pk for pk, _, _ in rows]).update(fate=Fate.SURE)
        count = len({found for _, _, found in rows})
        if rows:
            Act.objects.create(at=now, who=who, what=Act.What.END, about=f"provider {provider}", count=count)
    return count


def forgive(provider: str, now: datetime, who: str = "") -> list[str]:
    """These readers are there: whoever was held, or ended in the day before; their recipients. Call in a transaction.

    What was said of them counts no longer, and what ``queries.feedback_after`` would still tell of it ends nothing.
    """
    proofs = Proof.objects.select_for_update().filter(provider=_plain(provider))
    since = proofs.filter(fate=Fate.HELD).aggregate(Min("at"))["at__min"]
    if since is None:
        return []
    Act.objects.create(at=now, who=who, what=Act.What.KEEP, about=f"provider {provider}")
    wrong = proofs.filter(fate__in=[Fate.HELD, Fate.ENDED], at__gt=since - WINDOW)
    hashes = sorted(set(wrong.values_list("address_hash", flat=True)))
    recipients: set[str] = set()
    for start in range(0, len(hashes), CHUNK):
        some = with_later(hashes[start : start + CHUNK])
        told = Attempt.objects.filter(delivery__address_hash__in=some, ends=GONE, at__gt=since - WINDOW)
        recipients.update(told.values_list("delivery__recipient", flat=True))
        told.update(ends="")
        Suppression.objects.filter(address_hash__in=some, reason=GONE).delete()
        Proof.objects.filter(address_hash__in=some).delete()
    return sorted(recipients)


def _end(said: Iterable[tuple[int, str]], now: datetime) -> None:
    hold_the_news()
    by_mailing: dict[int, list[str]] = defaultdict(list)
    for mailing, found in said:
        by_mailing[mailing].append(found)
    for mailing, hashes in by_mailing.items():
        for start in range(0, len(hashes), CHUNK):
            some = with_later(hashes[start : start + CHUNK])
            copies = Delivery.objects.filter(mailing_id=mailing, address_hash__in=some)
            told = {"at": now, "source": "editor", "outcome": Delivery.State.REFUSED, "reason": GONE, "ends": GONE}
            Attempt.objects.bulk_create([Attempt(delivery=copy, **told) for copy in copies])
            suppress_all(some, GONE, now)


def _plain(provider: str) -> str:
    return "" if provider == "other" else provider
