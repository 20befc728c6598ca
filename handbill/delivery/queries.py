"""How far a mailing is, what came back, and whether there is anything to send."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count, QuerySet, Sum
from django.db.models.expressions import RawSQL

from handbill.delivery.address import lifted
from handbill.delivery.engine.outcome import RelayTrouble
from handbill.delivery.engine.pool import Limits
from handbill.delivery.hook_signs import key_of as webhook_key  # noqa: F401 - for the rooms above
from handbill.delivery.letters import sample
from handbill.delivery.models import Attempt, Body, Delivery, Mailing, Suppression, Tally, Total
from handbill.delivery.models import Feedback as Comeback
from handbill.delivery.paths import hook_address as hook_address
from handbill.delivery.records import CopyTold, Feedback, Progress, ProviderTold, Try
from handbill.delivery.relays import pool_of
from handbill.delivery.standing import Counted, add_up
from handbill.delivery.surge import surges as surges
from handbill.kit.mail_settings import Relay
from handbill.work.actions import due

State = Delivery.State
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def progress(reference: str) -> Progress:
    """Recipients of a mailing by state; copies being sent this moment count as waiting. Unknown reference: zeros.

    ``total`` grows until the mailing is sealed.
    """
    return add_up(Counted("", *values) for values in [*_copies(reference), *_totals(reference)])


def copies_of(recipient: str, now: datetime, day: date | None = None) -> list[CopyTold]:
    """What became of a recipient's copies as long as they are kept (``retention_days``), the newest first.

    ``day``: only of mailings handed over on that day, in the newsroom's zone.
    """
    newsroom = settings.HANDBILL
    since = now - timedelta(days=newsroom.retention_days)
    rows = Delivery.objects.filter(mailing__created_at__gt=since, recipient=recipient).order_by("-pk")
    mailings = Mailing.objects.in_bulk([row["mailing_id"] for row in rows.values("mailing_id")])
    told = [_told(row, mailings[row["mailing_id"]]) for row in rows.values()]
    return [copy for copy in told if day in (None, copy.handed_over.astimezone(newsroom.zone).date())]


def why_relay_is_unusable(relay: Relay) -> str:
    """What is missing before a relay can be asked at all: its password, its key, what its provider needs; or ""."""
    try:
        pool_of(relay, lambda count: None, Limits())
    except RelayTrouble as trouble:
        return str(trouble)
    return ""


def suppressed(hashed: str) -> str:
    """Why the address of that hash must not be mailed, or ""."""
    return Suppression.objects.filter(address_hash=lifted(hashed)).values_list("reason", flat=True).first() or ""


def suppressed_among(hashes: Collection[str]) -> set[str]:
    """Those of the hashes, some ten thousand at most, whose address must not be mailed.

    As one parameter: Django spends more on ten thousand of them than the database on the rows.
    """
    given = list(hashes)
    some = RawSQL("SELECT unnest(%s::text[])", [given])
    if connection.vendor == "sqlite":
        some = RawSQL("SELECT value FROM json_each(%s)", [json.dumps(given)])
    return set(Suppression.objects.filter(address_hash__in=some).values_list("address_hash", flat=True))


def sample_copy() -> bytes | None:
    """A copy of the newest issue's letter as it is sent, with nobody's links; None while there is none."""
    body = Body.objects.filter(mailing__kind="issue").order_by("-pk").values_list("pk", flat=True).first()
    return None if body is None else sample(body, "issue").copy("reader@mail.example", "sample", EPOCH, "nobody")


def came_back_since(since: datetime) -> Counter[tuple[str, str]]:
    """How many mails came back, by kind and result."""
    rows = Comeback.objects.filter(at__gt=since).values_list("kind", "result").order_by().annotate(Count("pk"))
    return Counter({(kind, result): count for kind, result, count in rows})


def _copies(reference: str) -> Iterable[tuple[str, int, int]]:
    rows = Delivery.objects.filter(mailing__reference=reference).order_by()
    return rows.values_list("state").annotate(Count("pk"), Sum("repeats"))


def _totals(reference: str) -> Iterable[tuple[str, int, int]]:
    return Total.objects.filter(mailing__reference=reference).values_list("state", "count", "repeats")


def _told(row: Mapping[str, Any], mailing: Mailing) -> CopyTold:
    """An accepted copy's own row says by whom, where it has the columns for it; else the Attempt does."""
    fields = ("at", "relay", "outcome", "code", "reply", "reason", "source", "ends")
    tries = [
        Try(*values) for values in Attempt.objects.filter(delivery_id=row["id"]).order_by("pk").values_list(*fields)
    ]
    taken = next((one for one in reversed(tries) if one.outcome == State.ACCEPTED), None)
    return CopyTold(
        mailing=mailing.reference,
        kind=mailing.kind,
        handed_over=mailing.created_at,
        state=row["state"],
        settled=row["settled_at"],
        relay=row.get("relay") or (taken.relay if taken else ""),
        reply=row.get("reply") or (taken.reply if taken else ""),
        repeats=row["repeats"],
        tries=tuple(one for one in tries if one.outcome != State.ACCEPTED),
    )


def feedback_after(cursor: int, limit: int) -> list[Feedback]:
    """Up to ``limit`` refusals, bounces and complaints after ``cursor`` (0 at first), oldest first.

    The last one's cursor is the next. Only one that ``ends`` means that the reader gets no more mail: any other is
    about us, the letter, a mailbox in trouble, or not proven yet (ADR-0006).
    """
    refused = Attempt.objects.filter(pk__gt=cursor, outcome=State.REFUSED).order_by("pk")
    return [
        Feedback(cursor=pk, recipient=recipient, state=outcome, reason=reason, at=at, ends=ends)
        for pk, recipient, outcome, reason, at, ends in refused.values_list(
            "pk", "delivery__recipient", "outcome", "reason", "at", "ends"
        )[:limit]
    ]


def provider_report(since: date) -> list[ProviderTold]:
    """What became of copies from that day (UTC) on: by day, provider, relay, outcome and reason."""
    fields = ("day", "provider", "relay", "outcome", "reason", "count", "first_at", "last_at")
    rows = Tally.objects.filter(day__gte=since).order_by(*fields[:5]).values_list(*fields)
    return [ProviderTold(day, provider or "other", *rest) for day, provider, *rest in rows]


def anything_due(now: datetime) -> int:
    """How many copies could be sent right now."""
    return _due(now).count()


def is_anything_due(now: datetime) -> bool:
    """The same in less time, however many there are."""
    return _due(now).exists()


def _due(now: datetime) -> QuerySet[Delivery]:
    held = list(Mailing.objects.filter(held_at__isnull=False).values_list("pk", flat=True))
    return Delivery.objects.filter(due(Delivery, now)).exclude(mailing_id__in=held)
