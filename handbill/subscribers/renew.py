"""This room's tables that hold an address's hash, for a change of keys (``delivery.renew``)."""

from __future__ import annotations

from typing import Any

from handbill.delivery.renew import TABLES as DELIVERY
from handbill.delivery.renew import Table, drop_old, renew, write_ahead
from handbill.subscribers.models import Asking, Export, Former, Move, SignUp, Subscriber

__all__ = ["TABLES", "drop_old", "renew", "write_ahead"]


def _one_of_two(model: Any, pk: Any, hashed: str) -> None:
    """Two sign-ups for one address fell into the moment at which the keys changed: who reads stays."""
    old, new = Subscriber.objects.get(pk=pk), Subscriber.objects.get(address_hash=hashed)
    if old.audience is not None and new.audience is None:
        new.delete()  # the next pass renews the old one
    else:
        old.delete()


TABLES = (
    *DELIVERY,
    Table(Former, bars=True),
    Table(Subscriber, sealed="address_sealed", twice=_one_of_two),
    Table(SignUp, sealed="address_sealed"),
    Table(Move, sealed="address_sealed", bound=("subscriber_id",)),
    Table(Asking),
    Table(Export, hash="canary_hash"),
)
"""Every table with such a hash, here and below; a test holds it to the models."""
