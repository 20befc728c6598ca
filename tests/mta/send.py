"""Send copies by the engine and keep what was told of each."""

from __future__ import annotations

import itertools
import ssl
from collections import Counter
from collections.abc import Iterable

from handbill.delivery.engine.connection import Patience
from handbill.delivery.engine.greeting import Terms
from handbill.delivery.engine.loop import send_all
from handbill.delivery.engine.outcome import Copy, Outcome
from handbill.delivery.engine.pool import Limits, Manners, Pool
from handbill.kit.mail_settings import Relay

PATIENCE = Patience(connect=5, reply=10, final=10, idle=0.2)
FROM = "news@paper.example"
BODY = (
    b"From: news@paper.example\r\nDate: Sun, 1 Mar 2026 06:30:00 +0000\r\n"
    b"Subject: Morning\r\nMessage-ID: <one@paper.example>\r\n\r\nGood morning.\r\n"
)


def copy_to(to: str, body: bytes = BODY, sender: str = FROM) -> Copy:
    """A copy whose key is its address."""
    return Copy(to, sender, to, [body], len(body))


def readers(count: int, word: str = "reader", **options) -> list[Copy]:
    return [copy_to(f"{word}{n}@mail.example", **options) for n in range(count)]


class Sending:
    """All ``copies`` through one relay, until the engine is done; each must have been told of exactly once.

    ``left`` are those that it never asked for.
    """

    def __init__(
        self,
        relay: Relay,
        copies: Iterable[Copy],
        *,
        manners: Manners | None = None,
        context: ssl.SSLContext | None = None,
        password: str = "",
        patience: Patience = PATIENCE,
        **limits: int,
    ) -> None:
        self._copies = iter(copies)
        told: list[tuple[str, Outcome]] = []
        pulled: list[Copy] = []

        def source(count: int) -> list[Copy] | None:
            pulled.extend(found := list(itertools.islice(self._copies, count)))
            return found or None

        terms = Terms(relay, "paper.example", password)
        self.pool = Pool(terms, source, Limits(**limits, patience=patience), manners=manners, context=context)
        send_all([self.pool], lambda pool, more: told.extend(more))
        assert Counter(key for key, _ in told) == Counter(copy.key for copy in pulled)
        self.outcomes = dict(told)
        self.left = list(self._copies)

    @property
    def states(self) -> Counter[str]:
        return Counter(outcome.state for outcome in self.outcomes.values())

    @property
    def accepted(self) -> set[str]:
        return {key for key, outcome in self.outcomes.items() if outcome.state == "accepted"}

    @property
    def trouble(self) -> str:
        return str(self.pool.trouble or "")

    @property
    def manners(self) -> Manners:
        return self.pool.manners
