"""One round of sending: the engine's pools over the relays, and turns of the journal between (ADR-0005, ADR-0041).

Each turn is one transaction: the outcomes of what came back, and the intents of the next copies. What is in hand, from
its intent until its outcome is committed, is never more than the connections in use times ``WINDOW``: so much a kill
may repeat, under the same Message-IDs and counted. No transaction is open while a relay is spoken to: connections have
``IN_FLIGHT`` copies each to go on with meanwhile.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import Error, connection, transaction

from handbill.delivery.address import lifted
from handbill.delivery.engine.judge import ACCEPTED, ACTS, DEFERRED, REFUSED, RELAY, STOP, SWITCH
from handbill.delivery.engine.loop import send_all
from handbill.delivery.engine.outcome import UNTOUCHED, Copy, Outcome, RelayTrouble
from handbill.delivery.engine.phrases import BLOCKED
from handbill.delivery.engine.pool import Limits, Pool
from handbill.delivery.engine.protocol import Told
from handbill.delivery.engine.retry import FIRST_WAIT, STALE
from handbill.delivery.engine.stamp import StampError
from handbill.delivery.errors import NoJournal, NoRelay
from handbill.delivery.hand import Hand
from handbill.delivery.journal import NOT_GOING, Claimed, Journal, Tried
from handbill.delivery.models import Delivery, Mailing, Suppression
from handbill.delivery.queries import is_anything_due
from handbill.delivery.records import SendRound
from handbill.delivery.relays import Lane, Ways, pool_of
from handbill.delivery.shape import AT_ONCE, STORM, STORM_REASONS, Ration, portion, put_off
from handbill.delivery.stale import LAPSED, LATER
from handbill.delivery.stamps import Stamps
from handbill.kit.errors import GiveUp

WINDOW = 20  # copies in hand for each connection
IN_FLIGHT = 10  # of these on a connection's wire
MOST_A_TURN = 500
LEASE_SECONDS = 420
LOOK_SECONDS = 1.0  # between looks at what others changed; and what a host that is lost may repeat
STOPS = 20  # refusals of the letter itself, before its mailing is held
BLOCKS = 10  # refusals of receivers who block a relay, before it is left alone
ELSEWHERE = frozenset({"smtputf8", "lost", "closing"})
"""Reasons to be put off that are a relay's own."""

STALE_REASONS = STORM_REASONS | {"lost"}
WRITE_SECONDS = 60  # for how long the outcomes of a round are tried to be written: longer than locks hold
RETRY_SECONDS = 1  # after each

SUPPRESSED = str(Delivery.State.SUPPRESSED)


class Dispatch:
    """A round: ``clock`` gives seconds that only grow, so that leases follow the time that passes after ``now``."""

    def __init__(self, now: datetime, stop: Callable[[], bool], clock: Callable[[], float] = time.monotonic) -> None:
        self._began, self._zero = now, clock()
        self._stop, self._clock = stop, clock
        self._journal, self._stamps = Journal(), Stamps()
        self._ways = Ways.load(now)
        self._pools: list[Pool] = []
        self._lanes: dict[Pool, Lane] = {}
        self._rations = {name: Ration(rate) for name, rate in settings.HANDBILL.provider_rates}
        self._hand = Hand()
        self._tried: list[Tried] = []
        self._gone: list[Claimed] = []
        self._newest_left: int | None = None  # the newest suppression that was looked at
        self._counts: Counter[str] = Counter()
        self._storms: Counter[str] = Counter()
        self._stops: Counter[int] = Counter()
        self._fault: Error | None = None
        self._limit = self._unsent = self._put_off = 0
        self._exhausted = self._plain = self._wired = False
        self._next_look = self._next_sync = self._lease_ends = 0.0

    def run(self, limit: int) -> SendRound:
        """Send up to ``limit`` due copies. Raises NoRelay when nobody takes mail; every outcome is written first.

        Raises NoJournal after a fault of the database: what was on the wire is finished, and written if that can be.
        """
        if not is_anything_due(self._began):
            return self._round()
        self._limit = limit
        self._open_lanes()
        self._wired = True
        try:
            send_all(self._pools, self._report, self._look_round, self._clock)
            self._wired = False
        finally:
            self._end()
        if self._fault:
            raise NoJournal.because(self._fault) from self._fault
        if (self._unsent or not self._exhausted) and not self._stop() and not self._ways.fit(self._now()):
            raise NoRelay(
                f"No mail could be handed to a relay; every copy stays due. {self._ways.sentence(self._now())}"
            )
        return self._round()

    def _now(self) -> datetime:
        return self._began + timedelta(seconds=self._clock() - self._zero)

    # What the engine asks

    def _source(self, lane: Lane, count: int) -> Sequence[Copy] | None:
        if self._fault or lane.left == 0 or (self._exhausted and not self._hand):
            return None
        try:
            copies = self._copies(lane, count)
        except Error as error:
            self._fault = error
            return None
        lane.begun += len(copies)
        lane.ration.take(len(copies), self._clock())
        return copies

    def _copies(self, lane: Lane, count: int) -> list[Copy]:
        self._let_go_of_lapsed()
        copies = self._moved_here(lane, count) if self._hand.elsewhere else []
        most = self._portion(lane, count - len(copies))
        if most and not self._hand.ready and not self._exhausted:
            self._turn(min(MOST_A_TURN, self._capacity() - len(self._hand), self._limit))
        while most and self._hand.ready:
            if copy := self._made(self._hand.next()):
                copies.append(copy)
                most -= 1
        return copies

    def _moved_here(self, lane: Lane, count: int) -> list[Copy]:
        """Copies that other relays refused, and this one did not."""
        most = min(count, lane.ration.left(self._clock()), count if lane.left is None else lane.left)
        return [copy for row in self._hand.moved(lane.relay.name, most) if (copy := self._made(row))]

    def _portion(self, lane: Lane, count: int) -> int:
        if self._plain:
            return count
        return min(portion(self._ways.ways(self._now()), lane.relay.name, count), lane.ration.left(self._clock()))

    def _made(self, row: Claimed) -> Copy | None:
        """The copy of a row; its outcome is known already where none can be made."""
        try:
            return self._stamps.copy(row, self._journal.mailing(row.mailing))
        except StampError as error:
            self._settle(row, Outcome(REFUSED, reply=str(error), reason="content"), "")
        except GiveUp as error:
            self._settle(row, Outcome(DEFERRED, reply=str(error), reason="sealed"), "")
        return None

    def _let_go_of_lapsed(self) -> None:
        """Paused past the lease: somebody else may have sent by now what isn't on the wire yet."""
        if self._hand and self._clock() >= self._lease_ends:
            self._hand.let_go()
            self._lease_ends = self._clock() + LEASE_SECONDS

    def _report(self, pool: Pool, told: list[Told]) -> None:
        lane = self._lanes[pool]
        name, through, settle = lane.relay.name, set[str](), self._settle
        for row, outcome in told:
            if outcome.state == ACCEPTED:
                settle(row, outcome, name)
                through.add(row.provider)
                if self._storms:
                    self._storms.pop(row.provider, None)
            else:
                self._unhappy(lane, row, outcome)
        if through:
            self._got_through(name if pool.trouble is None else "", through)

    def _got_through(self, relay: str, providers: set[str]) -> None:
        if relay:
            self._ways.close(f"relay {relay}")
        for provider in providers:
            if self._ways.state(f"provider {provider}").lets_through(self._now()):
                self._ways.close(f"provider {provider}")

    def _settle(self, row: Claimed, outcome: Outcome, relay: str) -> None:
        self._hand.settle(row)
        self._tried.append(Tried(row, outcome, relay))

    # What trouble leads to

    def _unhappy(self, lane: Lane, row: Claimed, outcome: Outcome) -> None:
        act = ACTS.get(outcome.reason, "")
        if outcome.state == UNTOUCHED:
            lane.begun -= 1
            self._hand.give_back(row)
        elif _is_about_the_relay(outcome, act):
            self._blame(lane, outcome)
            self._move(lane, row, outcome)
        else:
            self._count(row, outcome, act)
            self._settle(row, outcome, lane.relay.name)

    def _move(self, lane: Lane, row: Claimed, outcome: Outcome) -> None:
        """To a relay that didn't refuse it yet, for nobody took it; where there is none, as it was told."""
        lane.begun -= 1
        if self._hand.move(row, lane.relay.name, self._fit()):
            self._tried.append(Tried(row, outcome, lane.relay.name, final=False))
        else:
            self._settle(row, outcome, lane.relay.name)

    def _blame(self, lane: Lane, outcome: Outcome) -> None:
        lane.blocked += outcome.reason == BLOCKED
        at_once = outcome.state == RELAY and outcome.reason in AT_ONCE
        unsaid = lane.pool and not (lane.pool.trouble and lane.pool.trouble.reason)
        if lane.pool and unsaid and (at_once or lane.blocked >= BLOCKS):
            why = f"Relay {lane.relay.name} won't have us: {outcome.code} {outcome.reply[:300]}"
            self._ways.open(f"relay {lane.relay.name}", outcome.reason, why, self._now())
            lane.pool.trouble = RelayTrouble(why, outcome.reason)

    def _count(self, row: Claimed, outcome: Outcome, act: str) -> None:
        """Several answers of one kind say more than each of them."""
        if outcome.state == DEFERRED and outcome.stage in ("rcpt", "data", "dot") and outcome.reason in STORM_REASONS:
            self._storms[row.provider] += 1
            if row.provider and self._storms[row.provider] == STORM:
                del self._storms[row.provider]
                why = f"{STORM} copies in a row were put off: {outcome.code} {outcome.reply[:300]}"
                self._ways.open(f"provider {row.provider}", outcome.reason, why, self._now())
        if outcome.state == REFUSED and act == STOP:
            self._stops[row.mailing] += 1

    def _hold_refused_letters(self, now: datetime) -> None:
        """A letter that is refused for what it says is not put before all the others."""
        for number, count in self._stops.items():
            if count >= STOPS and count * 10 > self._counts[ACCEPTED]:
                why = f"{count} readers' providers refused the letter itself. Look at why, then go on or stop."
                Mailing.objects.filter(pk=number, held_at__isnull=True).update(held_at=now, why=why)
        self._stops = Counter({number: count for number, count in self._stops.items() if count < STOPS})

    # Turns

    def _capacity(self) -> int:
        return WINDOW * sum(pool.limits.connections for pool in self._pools if pool.trouble is None)

    def _turn(self, size: int) -> None:
        """Outcomes are forgotten only once they are committed: after a fault of the database they are written again."""
        now, seconds = self._now(), self._clock()
        with _durably(seconds >= self._next_sync), transaction.atomic():
            settled = self._journal.write(self._tried, now) if self._tried else Counter()
            self._journal.suppress(self._gone, now)
            self._ways.save()
            claimed = self._claim(now, size) if size > 0 else []
        if seconds >= self._next_sync:
            self._next_sync = seconds + LOOK_SECONDS
        self._tried = []
        self._counts.update(settled)
        self._counts[SUPPRESSED] += len(self._gone) + sum(row.state == SUPPRESSED for row in claimed)
        self._counts.update(row.state for row in claimed if row.state in (LAPSED, LATER))
        self._gone = []
        going = [row for row in claimed if row.state not in NOT_GOING]
        self._hand.take(going, self._last_relays(going))
        self._stamps.learn(going)

    def _last_relays(self, going: list[Claimed]) -> dict[int, str]:
        """A copy put off again and again goes to another relay than last time, unless the reader is why."""
        stale = [row for row in going if row.tries >= STALE] if len(self._ways.lanes) > 1 else []
        tried = self._journal.last_tries(stale) if stale else {}
        last = {number: relay for number, (relay, reason) in tried.items() if reason in STALE_REASONS}
        fit = self._fit() if last else set()
        return {number: relay for number, relay in last.items() if fit - {relay}}

    def _fit(self) -> set[str]:
        return {lane.relay.name for lane in self._ways.fit(self._now())}

    def _claim(self, now: datetime, size: int) -> list[Claimed]:
        if not self._hand:
            self._lease_ends = self._clock() + LEASE_SECONDS
        seconds = self._lease_ends - self._clock()
        claimed = self._journal.claim(now, seconds, size)
        self._limit -= len(claimed)
        self._exhausted = len(claimed) < size or self._limit <= 0
        shut = self._ways.shut_providers(now)
        return self._paced(claimed, shut, now) if self._rations or shut else claimed

    def _paced(self, claimed: list[Claimed], shut: dict[str, float], now: datetime) -> list[Claimed]:
        """Those that may go now; the others are put off in their order, so that they stand in nobody's way."""
        able = [row for row in claimed if row.state not in NOT_GOING]
        waits = put_off([row.provider for row in able], self._rations, shut, self._clock())
        later = [(row, int(wait) + 1) for row, wait in zip(able, waits, strict=True) if wait]
        self._journal.put_off(
            [
                (row, now + timedelta(seconds=wait, microseconds=self._put_off + n))
                for n, (row, wait) in enumerate(later)
            ]
        )
        self._put_off += len(later)
        going = [row for row, wait in zip(able, waits, strict=True) if not wait]
        for provider, count in Counter(row.provider for row in going).items():
            if provider in self._rations:
                self._rations[provider].take(count, self._clock())
        return [*going, *(row for row in claimed if row.state in NOT_GOING)]

    def _look_round(self) -> bool:
        """Whether to stop; every so often, see what others changed and open the lanes that are needed."""
        self._note_trouble()
        if self._fault is None and self._clock() >= self._next_look:
            self._next_look = self._clock() + LOOK_SECONDS
            try:
                self._look()
            except Error as error:
                self._fault = error
        self._open_lanes()
        return self._fault is not None or self._stop() or not self._ways.fit(self._now())

    def _look(self) -> None:
        now = self._now()
        self._hold_refused_letters(now)
        held = set(Mailing.objects.filter(held_at__isnull=False).values_list("pk", flat=True))
        newest = Suppression.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        since = newest if self._newest_left is None else self._newest_left
        left = Suppression.objects.filter(pk__gt=since).values_list("address_hash", "reason")
        self._newest_left = newest
        self._drop_ready(held, dict(left))
        self._ways.refresh()
        for lane in self._ways.lanes:
            if lane.pool and not lane.pool.trouble and self._ways.state(f"relay {lane.relay.name}").off:
                lane.pool.trouble = RelayTrouble(f"Relay {lane.relay.name} is switched off at the desk.")
        if self._tried or self._gone or self._ways.changed:
            self._turn(0)
        self._let_go_of_lapsed()
        if self._hand and self._clock() >= self._lease_ends - 2 * LEASE_SECONDS / 3:
            self._journal.renew(self._hand.rows.values(), now + timedelta(seconds=LEASE_SECONDS))
            self._lease_ends = self._clock() + LEASE_SECONDS

    def _drop_ready(self, held: set[int], left: dict[str, str]) -> None:
        """Of what is not on the wire yet: whose mailing is held, who left, and what no relay will take any more."""
        ready = self._hand.waiting
        back = [row for row in ready if row.mailing in held]
        who = [(row, lifted(row.address_hash)) for row in ready] if left else []
        gone = [row for row, found in who if found in left and self._journal.stops(row, left[found])]
        stuck = self._hand.stuck(self._fit())
        self._gone += [row for row in gone if row.mailing not in held]
        self._journal.give_back(back)
        self._journal.give_back(stuck, self._now() + FIRST_WAIT)
        self._hand.drop(row.id for row in (*back, *gone, *stuck))

    # Relays

    def _note_trouble(self) -> None:
        """A pool that gave up: its relay is left alone for a while, and what it had not begun is for others."""
        for pool, lane in self._lanes.items():
            if pool.trouble and lane.pool is pool:
                lane.pool = None
                about = f"relay {lane.relay.name}"
                if self._ways.state(about).lets_through(self._now()):
                    self._ways.open(about, pool.trouble.reason, str(pool.trouble), self._now())
            if pool.trouble and (told := pool.give_back()):
                self._report(pool, told)

    def _open_lanes(self) -> None:
        """The first relay that is fit, those that have a share, and those that a moved copy needs."""
        fit = self._ways.fit(self._now())
        wanted = [lane for place, lane in enumerate(fit) if place == 0 or lane.relay.share or self._needed(lane)]
        for lane in wanted:
            if lane.pool is None:
                self._open(lane)
        limited = any(lane.budget is not None or lane.relay.rate for lane in wanted)
        self._plain = len(self._pools) == 1 and not limited

    def _needed(self, lane: Lane) -> bool:
        return any(self._hand.open_to(row, lane.relay.name) for row in self._hand.elsewhere)

    def _open(self, lane: Lane) -> None:
        relay = lane.relay
        limits = Limits(relay.connections, IN_FLIGHT, relay.messages or 1 << 60)
        try:
            lane.pool = pool_of(relay, partial(self._source, lane), limits)
        except RelayTrouble as trouble:
            self._ways.open(f"relay {relay.name}", trouble.reason, str(trouble), self._now())
            return
        self._pools.append(lane.pool)
        self._lanes[lane.pool] = lane

    # The end

    def _end(self) -> None:
        """Write every outcome that is known, whatever happened, and give back what was not begun."""
        self._note_trouble()
        left = self._hand.waiting if self._wired else list(self._hand.rows.values())
        self._unsent, self._next_sync = len(left), 0.0
        ends = self._clock() + WRITE_SECONDS
        while (fault := self._fault_of_writing(left)) and self._clock() < ends:
            self._fault = self._fault or fault
            _pause(self._clock, RETRY_SECONDS)
        if fault:
            raise NoJournal.because(fault, len(self._tried)) from fault

    def _fault_of_writing(self, left: list[Claimed]) -> Error | None:
        try:
            self._turn(0)
            with transaction.atomic():
                self._journal.give_back(left)
        except Error as error:
            if not connection.in_atomic_block:
                connection.close()  # a broken one never mends; the next is another
            return error
        return None

    def _round(self) -> SendRound:
        names = ("accepted", "deferred", "refused", "in doubt", "suppressed", LAPSED, LATER)
        return SendRound(*(self._counts[name] for name in names))


def _pause(clock: Callable[[], float], seconds: float) -> None:
    ends = clock() + seconds
    while clock() < ends:
        time.sleep(0.01)


def _is_about_the_relay(outcome: Outcome, act: str) -> bool:
    """Whether another relay may have the copy at once: this one didn't take it, and the reader isn't why."""
    if outcome.state == DEFERRED:
        return outcome.reason in ELSEWHERE
    return outcome.state == RELAY or (outcome.state == REFUSED and act == SWITCH)


@contextlib.contextmanager
def _durably(wanted: bool) -> Iterator[None]:
    """SQLite in WAL mode syncs at a commit only when told to; that syncs all commits before it, too.

    Without it a host that loses power may forget commits since the last checkpoint.
    """
    if not wanted or connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    _pragma("FULL")
    try:
        yield
    finally:
        _pragma("NORMAL")


def _pragma(level: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA synchronous = {level}")
