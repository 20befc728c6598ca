"""The relays of a round of sending: which may be used, which are, and what is known of them (ADR-0041).

A relay's state and a provider's are rows (``Breaker``), so that workers share them and the desk shows them.
"""

from __future__ import annotations

import ipaddress
import logging
import os
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Sum

from handbill.delivery.engine.api_pool import ApiPool
from handbill.delivery.engine.greeting import Terms
from handbill.delivery.engine.outcome import RelayTrouble
from handbill.delivery.engine.pool import Limits, Pool, Source
from handbill.delivery.models import Breaker, Delivery, Tally
from handbill.delivery.shape import SETUP, Ration, State, Way, closed, daily_budget, opened, ranked
from handbill.kit.mail_settings import Relay

logger = logging.getLogger(__name__)
_KEPT = ("failures", "since", "until", "reason", "why", "calls")


@dataclass(slots=True)
class Lane:
    """A relay in this round. ``limit``: a day's budget, ``budget``: what was left of it; ``begun``: copies taken.

    ``pool``: once it is in use.
    """

    relay: Relay
    ration: Ration
    budget: int | None = None
    limit: int | None = None
    begun: int = 0
    blocked: int = 0
    pool: Pool | None = None

    @property
    def left(self) -> int | None:
        """Of today's budget."""
        return None if self.budget is None else max(0, self.budget - self.begun)


@dataclass(slots=True)
class Ways:
    """What is known of relays and providers, read from the rows and written back by ``save``."""

    lanes: list[Lane]
    states: dict[str, State] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)

    @classmethod
    def load(cls, now: datetime) -> Ways:
        """As they stand now, in the order in which they are used."""
        sent = sent_today(now)
        lanes = []
        for relay in ranked(settings.HANDBILL.relays):
            budget = daily_budget(relay, now.date())
            left = None if budget is None else max(0, budget - sent.get(relay.name, 0))
            lanes.append(Lane(relay, Ration(relay.rate), left, budget))
        ways = cls(lanes)
        ways.refresh()
        return ways

    def refresh(self) -> None:
        """Read what others changed; our own changes that aren't saved yet stand."""
        for row in Breaker.objects.all():
            known = self.states.get(row.about, State())
            state = known if row.about in self.changed else State(*(getattr(row, name) for name in _KEPT))
            self.states[row.about] = replace(state, off=row.off)

    def save(self) -> None:
        """Write what changed; whether a relay is switched off is the editor's to say."""
        rows = [
            Breaker(about=about, **{name: getattr(self.states[about], name) for name in _KEPT})
            for about in sorted(self.changed)
        ]
        if rows:
            Breaker.objects.bulk_create(rows, update_conflicts=True, unique_fields=["about"], update_fields=_KEPT)
        self.changed.clear()

    def state(self, about: str) -> State:
        """What is known of ``relay NAME`` or ``provider NAME``."""
        return self.states.get(about, State())

    def open(self, about: str, reason: str, why: str, now: datetime) -> None:
        """Keep it closed to mail for a while: trouble."""
        self.states[about] = opened(self.state(about), reason, why, now)
        self.changed.add(about)
        logger.warning("Mail: %s is left alone until %s. %s", about, self.states[about].until, why)

    def close(self, about: str) -> None:
        """Mail got through."""
        if self.state(about).failures or self.state(about).until:
            self.states[about] = closed(self.state(about))
            self.changed.add(about)

    def ways(self, now: datetime) -> list[Way]:
        """The relays in their order, for ``shape.portion``."""
        return [
            Way(lane.relay, self.state(f"relay {lane.relay.name}").lets_through(now), lane.begun, lane.left)
            for lane in self.lanes
        ]

    def fit(self, now: datetime) -> list[Lane]:
        """Those that may be used now, in their order."""
        return [lane for lane, way in zip(self.lanes, self.ways(now), strict=True) if way.fit]

    def shut_providers(self, now: datetime) -> dict[str, float]:
        """For how many seconds which provider is left alone."""
        return {
            about.removeprefix("provider "): (state.until - now).total_seconds()
            for about, state in self.states.items()
            if about.startswith("provider ") and state.until and not state.lets_through(now)
        }

    def sentence(self, now: datetime) -> str:
        """Why no relay takes mail."""
        return " ".join(_sentence(lane, self.state(f"relay {lane.relay.name}"), now) for lane in self.lanes)


def sent_today(now: datetime) -> dict[str, int]:
    """Copies that each relay took since midnight UTC."""
    taken = Tally.objects.filter(day=now.date(), outcome__in=[Delivery.State.ACCEPTED, Delivery.State.IN_DOUBT])
    return dict(taken.order_by().values_list("relay").annotate(Sum("count")))


def password_of(relay: Relay) -> str:
    """The password: ``HANDBILL_RELAY_PASSWORD_NAME`` or the file ``keys/relay-NAME``; empty for a relay without a user.

    Raises RelayTrouble when it is nowhere to be read.
    """
    if not relay.user and not relay.provider:
        return ""
    given = os.environ.get(f"HANDBILL_RELAY_PASSWORD_{relay.name.upper().replace('-', '_')}")
    if given is not None:
        return given
    path = settings.HANDBILL.keys_folder / f"relay-{relay.name}"
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise RelayTrouble(f"Relay {relay.name} has no password or key. Write it into {path}.", SETUP) from None


def pool_of(relay: Relay, source: Source, limits: Limits) -> Pool:
    """A pool of connections to a relay, of whichever kind. Raises RelayTrouble."""
    password = password_of(relay)
    if relay.provider:
        from handbill.delivery.api import poster  # its libraries cost everybody else half a second

        return ApiPool(relay, poster(relay, password), source, limits)
    return Pool(Terms(relay, own_name(), password), source, limits)


def own_name() -> str:
    """How we greet a relay: a host name, or an address as a literal (RFC 5321 4.1.3)."""
    host = urlsplit(settings.HANDBILL.public_address).hostname or "localhost"
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        return host
    return f"[{host}]" if version == 4 else f"[IPv6:{host}]"


def _sentence(lane: Lane, state: State, now: datetime) -> str:
    if state.off:
        return f"Relay {lane.relay.name} is switched off at the desk."
    if lane.left == 0:
        return f"Relay {lane.relay.name} has used up what it may send today."
    if state.until and state.until > now:
        return f"{state.why} It is tried again at {state.until:%H:%M} UTC."
    return state.why
