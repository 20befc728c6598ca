"""Decide which relay a copy goes through, when it may go, and how long trouble keeps a way closed. Pure.

A *way* is a relay, or a provider that receives. Times are aware datetimes; ``seconds`` are those of a clock that only
grows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from handbill.delivery.engine import phrases
from handbill.delivery.engine.judge import CALLS
from handbill.kit.mail_settings import Relay

WARM_UP_FIRST_DAY = 200  # copies
WARM_UP_GROWTH = 1.5  # a day: 200, 300, 450 … a million on the 22nd
WARM_UP_DAYS = 28
SHORTEST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
LONG_WAIT = timedelta(hours=1)  # where the provider must be spoken to
LONGEST_LONG_WAIT = timedelta(hours=6)
AT_ONCE = frozenset({phrases.ACCOUNT, phrases.QUOTA, phrases.AUTHENTICATION, phrases.RELAYING, phrases.SENDER})
"""Reasons that close a relay at the first word: the same would be said of every copy."""

SETUP = "setup"
"""What is wrong at home, such as a password that is nowhere to be read."""

STORM = 10  # deferrals of one provider in a row
STORM_REASONS = frozenset({phrases.RATE, phrases.BLOCKED, phrases.GREYLISTED, phrases.POLICY, "closing", "", "system"})


@dataclass(frozen=True, slots=True)
class State:
    """What is known of a way. ``until`` None: all is well."""

    failures: int = 0
    since: datetime | None = None
    until: datetime | None = None
    reason: str = ""
    why: str = ""
    calls: bool = False
    off: bool = False

    def lets_through(self, now: datetime) -> bool:
        """Whether mail may go this way; once ``until`` is over the next copies are a probe.

        One that is farther off than any wait was set by a clock that was far ahead.
        """
        waits = self.until is not None and now < self.until <= now + 2 * LONGEST_LONG_WAIT
        return not (self.off or waits)


def opened(state: State, reason: str, why: str, now: datetime) -> State:
    """After trouble: closed for longer each time it comes again."""
    long = reason in AT_ONCE or reason == phrases.BLOCKED
    first, most = (LONG_WAIT, LONGEST_LONG_WAIT) if long else (SHORTEST_WAIT, LONGEST_WAIT)
    wait = min(first * 2 ** min(state.failures, 16), most)
    calls = reason in CALLS or reason == SETUP
    return State(state.failures + 1, state.since or now, now + wait, reason, why[:500], calls, state.off)


def closed(state: State) -> State:
    """After a copy got through."""
    return State(off=state.off)


def daily_budget(relay: Relay, today: date) -> int | None:
    """How many copies ``relay`` may take today, by its limit and its warm-up; None: no limit."""
    limits = [relay.daily] if relay.daily else []
    if relay.warm_up is not None:
        age = (today - relay.warm_up).days
        if age < WARM_UP_DAYS:
            limits.append(int(WARM_UP_FIRST_DAY * WARM_UP_GROWTH ** max(age, 0)) if age >= 0 else 0)
    return min(limits) if limits else None


@dataclass(slots=True)
class Ration:
    """A rate as a pace: one copy each ``1 / rate`` seconds, a second's worth at once after a rest."""

    rate: float  # copies a second; 0: no limit
    free_at: float = 0.0  # seconds

    def left(self, seconds: float) -> int:
        """How many copies may go now."""
        if not self.rate:
            return 1 << 30
        return max(0, int((seconds - max(self.free_at, seconds - 1.0)) * self.rate + 1e-6))

    def take(self, count: int, seconds: float) -> None:
        """So many go now."""
        if self.rate:
            self.free_at = max(self.free_at, seconds - 1.0) + count / self.rate

    def wait(self, place: int, seconds: float) -> float:
        """In how many seconds the copy at ``place`` (0: the next one) may go."""
        return max(0.0, max(self.free_at, seconds - 1.0) + (place + 1) / self.rate - seconds) if self.rate else 0.0


@dataclass(frozen=True, slots=True)
class Way:
    """A relay as it stands: ``sent`` copies in this round, ``budget`` left today (None: no limit)."""

    relay: Relay
    open: bool
    sent: int = 0
    budget: int | None = None

    @property
    def fit(self) -> bool:
        return self.open and (self.budget is None or self.budget > 0)


def ranked(relays: Iterable[Relay]) -> list[Relay]:
    """By priority, then as they stand in the settings."""
    return sorted(relays, key=lambda relay: relay.priority)


def portion(ways: Sequence[Way], name: str, count: int) -> int:
    """How many of ``count`` copies the relay ``name`` may have now, of ``ways`` in the order of their ranking.

    The first that is fit has all but the shares of those behind it; when none before it is fit, the next is first.
    Every share gets its part of what was sent so far, so that a standby stays known to those who receive.
    """
    way = next(way for way in ways if way.relay.name == name)
    if not way.fit:
        return 0
    most = count if way.budget is None else min(count, way.budget)
    first = next(one for one in ways if one.fit)
    if way is first:
        return most
    total = sum(one.sent for one in ways) + count
    return max(0, min(most, total * way.relay.share // 100 - way.sent))


def put_off(
    providers: Sequence[str], rations: Mapping[str, Ration], shut: Mapping[str, float], seconds: float
) -> list[float]:
    """For each copy of a batch, in order: in how many seconds it may go (0: now), by its provider's pace.

    ``shut`` gives the seconds for which a provider is left alone. Copies of one provider keep their order, and none
    waits for another provider's sake.
    """
    places: dict[str, int] = {}
    waits = []
    for provider in providers:
        wait = shut.get(provider, 0.0)
        ration = rations.get(provider)
        if ration and not wait:
            place = places.get(provider, 0)
            places[provider] = place + 1
            wait = 0.0 if place < ration.left(seconds) else ration.wait(place, seconds)
        waits.append(wait)
    return waits
