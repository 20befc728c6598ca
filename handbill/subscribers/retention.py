"""How long this room keeps what it knows of people, and forgetting it. Each may be repeated or cut off (ADR-0057)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from handbill.kit.settings import Settings
from handbill.subscribers import actions, consent
from handbill.subscribers.api import tokens
from handbill.subscribers.lists_in import asking, uploads
from handbill.subscribers.models import (
    ApiUse,
    Asking,
    Consent,
    Export,
    Former,
    Move,
    SignUp,
    Subscriber,
    Subscription,
    Turn,
    Upload,
)
from handbill.subscribers.own_data import forget
from handbill.work.records import Kept

MOST = 5000  # people a night and call: a large list's leavers are spread, and nobody waits for the database
_DAY = timedelta(days=1)
GRACE = timedelta(days=2)  # a night was missed
_REASONS = {"gone": Former.Reason.CLEANED, "complaint": Former.Reason.COMPLAINT}


def enforce(now: datetime) -> None:
    """Forget all that is older than it is kept."""
    actions.forget_unconfirmed(now)
    actions.forget_asking(now)
    SignUp.objects.filter(at__lte=now - consent.CONFIRM_WITHIN).delete()
    Turn.objects.filter(at__lte=now - _DAY).delete()
    asking.forget_held(now)
    forget_left(now)
    forget_exports(now)
    uploads.forget(now)
    tokens.forget_uses(now)


def forget_left(now: datetime) -> int:
    """Delete who left ``left_days`` ago, with their evidence; a keyed hash stays, so that no list revives them."""
    forgotten = 0
    for pk in list(_left_before(now - _days("left_days")).values_list("pk", flat=True)[:MOST]):
        with transaction.atomic():
            row = Subscriber.objects.select_for_update().filter(pk=pk, audience=None).first()
            if row is not None:
                last = row.subscriptions.exclude(ended_at=None).order_by("-ended_at").first()
                forget(row, _REASONS.get(last.end_reason if last else "", Former.Reason.LEFT), now)
                forgotten += 1
    return forgotten


def forget_exports(now: datetime) -> int:
    """Delete the records of lists that were taken out ``export_days`` ago: their marks are told no more."""
    return Export.objects.filter(at__lte=now - _days("export_days")).delete()[0]


def kept(now: datetime) -> list[Kept]:
    """Each kind, with what should have been forgotten by now."""
    late = now - GRACE
    unconfirmed = Subscriber.objects.filter(confirmed_at=None, brought_by=None)
    old = Q(asked_at__lte=late - consent.CONFIRM_WITHIN)
    newsroom: Settings = settings.HANDBILL
    held_late = asking.stale(late)
    left, exports = _left_before(now), Export.objects.all()
    return [
        Kept("readers", "until they leave", Subscriber.objects.filter(audience__isnull=False).count(), 0),
        Kept(
            "sign-ups that wait their turn",
            "72 hours",
            SignUp.objects.count(),
            SignUp.objects.filter(at__lte=late - consent.CONFIRM_WITHIN).count(),
        ),
        Kept(
            "networks that sign-ups came from",
            "a day, hashed with a key of the day",
            Turn.objects.count(),
            Turn.objects.filter(at__lte=late - _DAY).count(),
        ),
        Kept("sign-ups without a confirmation", "72 hours", unconfirmed.count(), unconfirmed.filter(old).count()),
        Kept(
            "readers of a list without proof of consent",
            f"{newsroom.held_days} days (held_days)",
            Subscriber.objects.filter(confirmed_at=None, brought_by__isnull=False).count(),
            held_late.count(),
        ),
        Kept(
            "readers who left",
            f"{newsroom.left_days} days (left_days), then a keyed hash",
            left.count(),
            _left_before(late - _days("left_days")).count(),
        ),
        Kept(
            "addresses that were typed",
            "30 days, a keyed hash",
            Asking.objects.count(),
            Asking.objects.filter(at__lte=late - consent.MONTH).count(),
        ),
        Kept(
            "new addresses without a confirmation",
            "72 hours",
            Move.objects.count(),
            Move.objects.filter(asked_at__lte=late - consent.CONFIRM_WITHIN).count(),
        ),
        Kept(
            "uses of the API",
            f"{tokens.USES_KEPT.days} days, without addresses",
            ApiUse.objects.count(),
            ApiUse.objects.filter(at__lte=late - tokens.USES_KEPT).count(),
        ),
        Kept("who must not be brought back", "for good, a keyed hash", Former.objects.count(), 0),
        Kept(
            "lists given in at the desk",
            "a day, in a file of their own",
            Upload.objects.count(),
            Upload.objects.filter(at__lte=late - uploads.KEPT).count(),
        ),
        Kept(
            "records of lists taken out",
            f"{newsroom.export_days} days (export_days)",
            exports.count(),
            exports.filter(at__lte=late - _days("export_days")).count(),
        ),
    ]


def without_evidence() -> int:
    """Readers who get the paper and of whose consent nothing is written down."""
    confirmed = Consent.objects.filter(subscriber=OuterRef("pk"), how__in=("confirmed", "imported"))
    return Subscriber.objects.filter(~Exists(confirmed), audience__isnull=False).count()


def _left_before(moment: datetime) -> QuerySet[Subscriber]:
    """Who read once and has got nothing since before ``moment``."""
    later = Subscription.objects.filter(subscriber=OuterRef("pk"), ended_at__gt=moment)
    return Subscriber.objects.filter(~Exists(later), audience=None, confirmed_at__isnull=False)


def _days(setting: str) -> timedelta:
    return timedelta(days=getattr(settings.HANDBILL, setting))
