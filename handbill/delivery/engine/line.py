"""The line to the outside: the first relay that works, in the order of the settings, with one open session.

A relay that can't be opened, or that fails ``MOST_STRIKES`` copies in a row for reasons of its own, is put aside for
the rest of the round; the next one takes over.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from handbill.delivery.engine.session import Outcome, RelayTrouble, Session
from handbill.kit.settings import Relay

MOST_STRIKES = 3
logger = logging.getLogger(__name__)


class Line:
    """Sends copies over one session at a time; ``open_session`` opens one or raises RelayTrouble."""

    def __init__(self, relays: Iterable[Relay], open_session: Callable[[Relay], Session]) -> None:
        self._relays = list(relays)
        self._open_session = open_session
        self._session: Session | None = None
        self._strikes = 0
        self._trouble = "There is no relay in handbill.toml."

    @property
    def relay_name(self) -> str:
        """Who took or refused the last copy."""
        return self._session.relay.name if self._session else ""

    def ready(self) -> Session:
        """The open session, opened anew or with the next relay where need be.

        Raises RelayTrouble, with the last relay's sentence, when none is left.
        """
        if self._session and self._strikes >= MOST_STRIKES:
            self._put_aside(f"Relay {self._session.relay.name} failed {self._strikes} copies in a row.")
        while self._session is None or not self._session.alive:
            if not self._relays:
                raise RelayTrouble(self._trouble)
            try:
                self._session = self._open_session(self._relays[0])
            except RelayTrouble as trouble:
                self._put_aside(str(trouble))
        return self._session

    def send(self, envelope_from: str, to: str, data: bytes) -> Outcome:
        """Offer one copy to whichever relay is ready. Raises RelayTrouble when none is: the copy was not tried."""
        outcome = self.ready().send(envelope_from, to, data)
        self._strikes = self._strikes + 1 if outcome.strike else 0
        return outcome

    def close(self) -> None:
        """End the session, if one is open."""
        if self._session:
            self._session.close()

    def _put_aside(self, sentence: str) -> None:
        self.close()
        relay = self._relays.pop(0)
        self._session, self._strikes, self._trouble = None, 0, sentence
        logger.warning("Mail relay %s put aside for this round: %s", relay.name, sentence)
