"""Where a page of readers ends, in a text that only we can make. It stays good while rows come and go."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings

from handbill.kit.crypto import read_token, sign_token
from handbill.subscribers.api.answers import Problem

PURPOSE = "api page"


def write_cursor(last: UUID) -> str:
    """The text that stands for all after ``last``."""
    return sign_token(settings.KEYS.token, PURPOSE, last.hex)


def read_cursor(text: str) -> UUID | None:
    """After whom a page begins; None for the first. Raises Problem for a text that is none of ours."""
    subject = read_token(settings.KEYS.token, PURPOSE, text) if text else None
    if text and subject is None:
        raise Problem(400, "cursor", "after is what the page before gave as next; leave it out for the first.")
    return UUID(subject) if subject else None
