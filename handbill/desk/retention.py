"""How long the desk keeps what it knows of those who log in, or try to (ADR-0057)."""

from __future__ import annotations

from datetime import datetime, timedelta

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.contrib.sessions.models import Session

from handbill.work.records import Kept

GRACE = timedelta(days=2)  # a night was missed
_TRIES = (AccessAttempt, AccessFailureLog, AccessLog)


def enforce(now: datetime) -> None:
    """Forget failed log-ins that are older than ``login_days``, and sessions that are over."""
    for model in _TRIES:
        model.objects.filter(attempt_time__lte=now - _days()).delete()
    Session.objects.filter(expire_date__lte=now).delete()


def kept(now: datetime) -> list[Kept]:
    """Each kind, with what should have been forgotten by now."""
    late = now - GRACE
    tries = sum(model.objects.count() for model in _TRIES)
    old = sum(model.objects.filter(attempt_time__lte=late - _days()).count() for model in _TRIES)
    over = Session.objects.filter(expire_date__lte=late).count()
    return [
        Kept("failed log-ins, with their network address", f"{_days().days} days (login_days)", tries, old),
        Kept("sessions at the desk", "until they are over", Session.objects.count(), over),
    ]


def _days() -> timedelta:
    return timedelta(days=settings.HANDBILL.login_days)
