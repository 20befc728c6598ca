"""Make one recipient's copy: letters compiled once and kept at hand, and what is stamped into each of their copies."""

from __future__ import annotations

from collections import OrderedDict
from urllib.parse import urlsplit

from django.conf import settings

from handbill.delivery.engine.dkim import SignedStamp
from handbill.delivery.engine.outcome import Copy
from handbill.delivery.engine.stamp import Stamp, compile_letter
from handbill.delivery.journal import Claimed
from handbill.delivery.models import Body, Mailing
from handbill.delivery.paths import Marks
from handbill.delivery.sealed import open_address
from handbill.delivery.signing import signers

MOST_LETTERS = 512  # kept compiled: some 30 MB


class Stamps:
    """Compiles each letter of a round once, to be signed where the settings say so. Raises KeyTrouble without a key."""

    def __init__(self) -> None:
        self._compiled: OrderedDict[int, Stamp | SignedStamp] = OrderedDict()
        self._signers = signers()
        self._at_host = f"@{_host()}"
        self._marks = Marks()

    def copy(self, row: Claimed, mailing: Mailing) -> Copy:
        """The copy of ``row``, which is its key. Raises StampError, or GiveUp when its address can't be opened."""
        stamp = self._compiled.get(row.body) or self._compile(row.body, mailing.kind)
        reference, recipient, marks = mailing.reference, row.recipient, self._marks
        to = open_address(row.sealed, reference, recipient)
        name = marks.message_name(reference, recipient)
        parts, size = stamp.parts(to, name + self._at_host, mailing.created_at, marks.reader_token(recipient))
        return Copy(row, marks.sender(row.id, stamp.envelope_from), to, parts, size, name)

    def _compile(self, body: int, kind: str) -> Stamp | SignedStamp:
        plain = compile_body(Body.objects.get(pk=body), kind)
        stamp = self._compiled[body] = SignedStamp(plain, self._signers) if self._signers else plain
        if len(self._compiled) > MOST_LETTERS:
            self._compiled.popitem(last=False)
        return stamp


def compile_body(body: Body, kind: str) -> Stamp:
    """The letter of a mailing of that kind with the headers of ours. Raises StampError."""
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
