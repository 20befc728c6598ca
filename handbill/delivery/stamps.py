"""Compiled letters at hand, and what is stamped into one recipient's copy."""

from __future__ import annotations

from collections import OrderedDict
from urllib.parse import urlsplit

from django.conf import settings

from handbill.delivery.engine.stamp import Stamp, compile_letter
from handbill.delivery.models import Body, Delivery
from handbill.kit.crypto import keyed_hash, sign_token

MOST_LETTERS = 64  # kept compiled


class Stamps:
    """Compiles each letter of a round once."""

    def __init__(self) -> None:
        self._compiled: OrderedDict[int, Stamp] = OrderedDict()

    def of(self, row: Delivery) -> Stamp:
        """The compiled letter of ``row``. Raises StampError."""
        stamp = self._compiled.get(row.body_id)
        if stamp is None:
            stamp = self._compiled[row.body_id] = _compile(Body.objects.get(pk=row.body_id), row.mailing.kind)
            if len(self._compiled) > MOST_LETTERS:
                self._compiled.popitem(last=False)
        return stamp


def message_id(reference: str, recipient: str) -> str:
    """The same for every try of one copy, and telling nothing about the reader."""
    digest = keyed_hash(settings.KEYS.lookup, f"message-id\0{reference}\0{recipient}")
    return f"{digest[:40]}@{_host()}"


def reader_token(recipient: str) -> str:
    """What fills a letter's slots: opens this reader's own pages."""
    return sign_token(settings.KEYS.token, "reader", recipient)


def _compile(body: Body, kind: str) -> Stamp:
    issue = kind == "issue"
    return compile_letter(
        sender=body.sender,
        subject=body.subject,
        html=body.html,
        text=body.text,
        language=body.language,
        one_click=body.one_click if issue else "",
        headers=[("List-Id", f"<digest.{_host()}>")] if issue else [("Auto-Submitted", "auto-generated")],
    )


def _host() -> str:
    return urlsplit(settings.HANDBILL.public_address).hostname or "localhost"
