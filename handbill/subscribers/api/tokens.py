"""Keys for other tools: made and withdrawn by an admin, known by their digest, each use written down (ADR-0058)."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max

from handbill.kit.errors import GiveUp
from handbill.subscribers.models import ApiToken, ApiUse

SCOPES = {
    "topics:read": "read the topics",
    "subscribers:read": "look readers up and list them, without addresses",
    "subscribers:write": "ask an address to confirm, end what a reader gets, change their topics",
}
PREFIX = "handbill_"  # so that who finds one in a file knows what it opens
A_MINUTE = 300  # requests of a token
MINUTE = timedelta(minutes=1)
USES_KEPT = timedelta(days=90)
_NAME = re.compile(r"[\w][\w .-]{0,59}")


def make(name: str, scopes: Collection[str], by: str, now: datetime) -> str:
    """A new token, which is shown this once. Raises GiveUp for a name that is taken or none, or an unknown scope."""
    if not _NAME.fullmatch(name) or "@" in name:
        raise GiveUp("Name the tool in letters, digits, blanks, dots and dashes: 60 characters at most.")
    if not scopes or set(scopes) - set(SCOPES):
        raise GiveUp(f"Write one scope or more of {', '.join(SCOPES)}.")
    if ApiToken.objects.filter(name=name).exists():
        raise GiveUp(f"There was a token named {name} before. Name this one otherwise: its uses stand beside its name.")
    token = PREFIX + secrets.token_urlsafe(32)
    ApiToken.objects.create(name=name, digest=_digest(token), scopes=sorted(scopes), made_at=now, made_by=by[:150])
    return token


def withdraw(name: str, by: str, now: datetime) -> None:
    """From now on it opens nothing. Raises GiveUp where there is none that does."""
    if not ApiToken.objects.filter(name=name, withdrawn_at=None).update(withdrawn_at=now, withdrawn_by=by[:150]):
        raise GiveUp(f"There is no token named {name} that opens anything.")


def tokens() -> list[tuple[ApiToken, datetime | None]]:
    """All, the newest first, each with when it was used last, as far as that is kept."""
    used = dict(ApiUse.objects.values_list("token").annotate(Max("at")))
    return [(one, used.get(one.pk)) for one in ApiToken.objects.order_by("-made_at", "-pk")]


def token_of(given: str) -> ApiToken | None:
    """The token's row, unless it was withdrawn or is none."""
    return ApiToken.objects.filter(digest=_digest(given), withdrawn_at=None).first()


def begin_use(token: ApiToken, what: str, now: datetime) -> ApiUse | None:
    """Write a use down before it acts; None when the token was used too often in the last minute."""
    with transaction.atomic():
        ApiToken.objects.select_for_update().get(pk=token.pk)
        if ApiUse.objects.filter(token=token, at__gt=now - MINUTE).count() >= A_MINUTE:
            return None
        return ApiUse.objects.create(token=token, at=now, what=what)


def end_use(use: ApiUse, status: int) -> None:
    """How it ended."""
    ApiUse.objects.filter(pk=use.pk).update(status=status)


def forget_uses(now: datetime) -> int:
    """Delete uses older than ``USES_KEPT``; how many."""
    return ApiUse.objects.filter(at__lte=now - USES_KEPT).delete()[0]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
