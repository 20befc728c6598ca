"""A recipient's address at rest: sealed, and bound to its mailing and recipient, so that it opens nowhere else."""

from __future__ import annotations

from django.conf import settings

from handbill.kit.crypto import seal, unseal


def seal_address(address: str, reference: str, recipient: str) -> bytes:
    """Seal ``address`` for one recipient of the mailing ``reference``."""
    return seal(settings.KEYS.address, address, f"{reference}:{recipient}")


def open_address(sealed: bytes, reference: str, recipient: str) -> str:
    """The address that ``seal_address`` sealed. Raises GiveUp when the key or the row was changed."""
    return unseal(settings.KEYS.address, sealed, f"{reference}:{recipient}")
