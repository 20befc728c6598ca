"""Make one recipient's copy: letters compiled once and kept at hand, and what is stamped into each of their copies."""

from __future__ import annotations

from collections.abc import Iterable

from handbill.delivery.engine.dkim import SignedStamp
from handbill.delivery.engine.outcome import Copy
from handbill.delivery.engine.stamp import Stamp
from handbill.delivery.journal import Claimed
from handbill.delivery.letters import Compiler, host
from handbill.delivery.models import Mailing
from handbill.delivery.paths import Marks
from handbill.delivery.sealed import open_address
from handbill.delivery.signing import signers

MOST_LETTERS = 4096  # kept compiled: some 1 KB each, besides the pieces they share


class Stamps:
    """Compiles each letter of a round once, to be signed where the settings say so. Raises KeyTrouble without a key."""

    def __init__(self) -> None:
        self._compiled: dict[int, Stamp | SignedStamp] = {}
        self._compiler = Compiler()
        self._signers = signers()
        self._at_host = f"@{host()}"
        self._marks = Marks()

    def learn(self, rows: Iterable[Claimed]) -> None:
        """Read the letters of copies in hand."""
        if missing := {row.body for row in rows} - self._compiled.keys():
            self._compiler.read(missing)

    def copy(self, row: Claimed, mailing: Mailing) -> Copy:
        """The copy of ``row``, which is its key. Raises StampError, or GiveUp when its address can't be opened."""
        stamp = self._compiled.get(row.body) or self._compile(row, mailing.kind)
        reference, recipient, marks = mailing.reference, row.recipient, self._marks
        to = open_address(row.sealed, reference, recipient)
        name = marks.message_name(reference, recipient)
        parts, size = stamp.parts(to, name + self._at_host, mailing.created_at, marks.reader_token(recipient))
        return Copy(row, marks.sender(row.id, stamp.envelope_from), to, parts, size, name)

    def _compile(self, row: Claimed, kind: str) -> Stamp | SignedStamp:
        self._compiler.read([row.body])
        plain = self._compiler.compile(row.body, kind)
        if len(self._compiled) >= MOST_LETTERS:
            del self._compiled[next(iter(self._compiled))]
        stamp = self._compiled[row.body] = SignedStamp(plain, self._signers) if self._signers else plain
        return stamp
