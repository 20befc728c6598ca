"""One round of sending: windows of intents, then the network, then outcomes (ADR-0005).

Each turn of the journal is one transaction: the outcomes of the window just sent, and the intents of the next. So a
kill loses at most one window of outcomes; its rows are still ``sending`` when their lease is over, and are sent again
under the same Message-ID, counted as repeats. No transaction is open while a relay is spoken to.
"""

from __future__ import annotations

import ipaddress
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from handbill.delivery.engine.judge import DEFERRED, REFUSED
from handbill.delivery.engine.line import Line
from handbill.delivery.engine.session import Outcome, RelayTrouble, Session
from handbill.delivery.engine.stamp import StampError
from handbill.delivery.errors import NoRelay
from handbill.delivery.journal import Tried, claim, write_outcomes
from handbill.delivery.models import Delivery
from handbill.delivery.paths import sender_of
from handbill.delivery.records import SendRound
from handbill.delivery.relays import password_of
from handbill.delivery.sealed import open_address
from handbill.delivery.stamps import Stamps, message_id, reader_token
from handbill.kit.errors import GiveUp
from handbill.kit.settings import Relay
from handbill.work.actions import due

WINDOW = 20  # copies: what a kill may repeat
WINDOW_SECONDS = 60  # then the rest of the window is given back
LEASE_SECONDS = 420  # longer than a window, its last copy and a change of relays


class Dispatch:
    """A round: ``clock`` gives seconds that only grow, so that leases follow the time that passes after ``now``."""

    def __init__(self, now: datetime, stop: Callable[[], bool], clock: Callable[[], float] = time.monotonic) -> None:
        self._began = now
        self._stop = stop
        self._clock = clock
        self._zero = clock()
        self._line = Line(settings.HANDBILL.relays, _open_session)
        self._stamps = Stamps()
        self._tried: list[Tried] = []
        self._counts: Counter[str] = Counter()

    def run(self, limit: int) -> SendRound:
        """Send up to ``limit`` due copies. Raises NoRelay when nobody takes mail; every outcome is written first."""
        try:
            while limit > 0 and not self._stop() and (window := self._next_window(min(limit, WINDOW))):
                limit -= len(window)
                self._send(window)
        except RelayTrouble as trouble:
            raise NoRelay(f"No mail could be handed to a relay; every copy stays due. {trouble}") from trouble
        finally:
            self._line.close()
            self._turn(0)
        return self._round()

    def _now(self) -> datetime:
        return self._began + timedelta(seconds=self._clock() - self._zero)

    def _next_window(self, size: int) -> list[Delivery]:
        """Intents are only written with an open line, so that a relay that is down leaves no trace in the journal."""
        if not Delivery.objects.filter(due(Delivery, self._now())).exists():
            return []
        self._line.ready()
        return self._turn(size)

    def _turn(self, size: int) -> list[Delivery]:
        """Outcomes are forgotten only once they are committed: after a fault of the database they are written again."""
        now = self._now()
        with transaction.atomic():
            settled = write_outcomes(self._tried, now)
            claimed = claim(now, LEASE_SECONDS, size) if size else []
        self._tried = []
        self._counts.update(settled)
        self._counts["suppressed"] += sum(row.state == Delivery.State.SUPPRESSED for row in claimed)
        return claimed

    def _send(self, window: list[Delivery]) -> None:
        ends = self._clock() + WINDOW_SECONDS
        left = [row for row in window if row.state != Delivery.State.SUPPRESSED]
        try:
            while left and self._clock() < ends:
                outcome = self._offer(left[0])
                self._tried.append(Tried(left.pop(0), outcome, self._line.relay_name, self._now()))
        finally:
            self._tried += [Tried(row) for row in left]

    def _offer(self, row: Delivery) -> Outcome:
        reference = row.mailing.reference
        try:
            to = open_address(bytes(row.address_sealed), reference, row.recipient)
            stamp = self._stamps.of(row)
            data = stamp.copy(
                to, message_id(reference, row.recipient), row.mailing.created_at, reader_token(row.recipient)
            )
        except StampError as error:
            return Outcome(REFUSED, reply=str(error), reason="content")
        except GiveUp as error:
            return Outcome(DEFERRED, reply=str(error), reason="sealed")
        return self._line.send(sender_of(row.pk, stamp.envelope_from), to, data)

    def _round(self) -> SendRound:
        names = ("accepted", "deferred", "refused", "in doubt", "suppressed")
        return SendRound(*(self._counts[name] for name in names))


def _open_session(relay: Relay) -> Session:
    return Session.open(relay, password_of(relay), hello=_own_name())


def _own_name() -> str:
    """How we greet a relay: a host name, or an address as a literal (RFC 5321 4.1.3)."""
    host = urlsplit(settings.HANDBILL.public_address).hostname or "localhost"
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        return host
    return f"[{host}]" if version == 4 else f"[IPv6:{host}]"
