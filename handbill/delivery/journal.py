"""The journal: intents and outcomes of copies. Called inside a short transaction, never around the network.

A settled copy's address is wiped: its hash is enough to know it by, and nobody's mailbox is kept longer than needed.
An accepted copy's own row tells by whom and with what words; every other try is an Attempt.

An outcome changes a Delivery only while its lease token still holds: a worker that was paused past its lease leaves a
row alone that another one has taken since. The Attempt is written all the same, for it happened.

Each statement here runs for hundreds of copies, and plain tuples stand for their rows: what a copy costs in the journal
is a fraction of what it costs to send (ADR-0041).
"""

from __future__ import annotations

import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence, Set
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import F

from handbill.delivery.address import changing_keys, lifted
from handbill.delivery.engine.judge import ACCEPTED, DEFERRED, IN_DOUBT, REFUSED, RELAY, judge
from handbill.delivery.engine.outcome import Outcome
from handbill.delivery.engine.phrases import FULL
from handbill.delivery.engine.retry import next_try, next_try_full
from handbill.delivery.engine.weigh import GONE_REASONS
from handbill.delivery.models import Attempt, Delivery, Mailing, Suppression
from handbill.delivery.proof import GONE, Said, count_gone, take_back
from handbill.delivery.stale import AGAIN, LAPSED, LATER, fates, is_old
from handbill.work.models import Job

State = Delivery.State
NEWS = "delivery news"  # the job whose row orders what queries.feedback_after reads
MOST_MAILINGS = 1000  # kept at hand
_DOUBTFUL = (State.SENDING, State.IN_DOUBT)
NOT_GOING = frozenset({str(State.SUPPRESSED), LAPSED, LATER})
_REPLY = 500  # characters
_ADD = (
    "INSERT INTO delivery_tally (day, provider, relay, outcome, reason, count, first_at, last_at) VALUES {}"
    " ON CONFLICT (day, provider, relay, outcome, reason) DO UPDATE"
    " SET count = delivery_tally.count + excluded.count, last_at = excluded.last_at"
)
_INTEND = (  # keys in its text: the ORM spends more on so many parameters than the database on the rows
    "UPDATE delivery_delivery SET state = %s, tries = tries + 1, lease_until = %s, lease_token = %s WHERE id IN ({})"
)
_PUT_OFF = (
    "UPDATE delivery_delivery SET state = told.column2, repeats = repeats - told.column3, next_at = told.column4,"
    " tries = tries - 1, lease_until = NULL, lease_token = ''"
    " FROM (VALUES {}) AS told WHERE delivery_delivery.id = told.column1 AND lease_token = %s"
)
_ACCEPT = (  # begins with UPDATE, or sqlite3 counts no rows
    "UPDATE delivery_delivery SET state = %s, next_at = NULL, settled_at = %s, address_sealed = %s, relay = %s,"
    " reply = told.column2, lease_until = NULL, lease_token = ''"
    " FROM (VALUES {}) AS told WHERE delivery_delivery.id = told.column1 AND lease_token = %s"
)


_DUE = (
    "SELECT id, mailing_id, body_id, recipient, address_sealed, address_hash, provider, state, tries,"
    " (SELECT reason FROM delivery_suppression WHERE address_hash = delivery_delivery.address_hash)"
    " FROM delivery_delivery WHERE next_at <= %s AND (lease_until IS NULL OR lease_until <= %s) AND mailing_id NOT IN"
    " (SELECT id FROM delivery_mailing WHERE held_at IS NOT NULL) ORDER BY next_at, id LIMIT %s"
)


class Claimed(NamedTuple):
    """A copy in hand. ``state`` and ``tries`` are those before the claim; ``suppressed``: why it must not be mailed."""

    id: int
    mailing: int
    body: int
    recipient: str
    sealed: bytes
    address_hash: str
    provider: str
    state: str
    tries: int
    suppressed: str | None


class Tried(NamedTuple):
    """What came of a copy. ``final`` False: it moves to another relay, so only the try itself is written."""

    row: Claimed
    outcome: Outcome
    relay: str = ""
    final: bool = True


class Verdict(NamedTuple):
    """Where a copy stands after a try; ``next_at`` None: settled."""

    state: str
    reason: str
    next_at: datetime | None


class Journal:
    """One worker's hand in the journal: all it claims carries its ``token``."""

    def __init__(self) -> None:
        self.token = secrets.token_hex(16)
        self._mailings: dict[int, Mailing] = {}

    def mailing(self, number: int) -> Mailing:
        """The mailing of a claimed copy."""
        return self._mailings[number]

    def claim(self, now: datetime, seconds: float, size: int) -> list[Claimed]:
        """Lease up to ``size`` due copies and write their intents; whom to leave alone is settled here and now.

        What doesn't go out comes back as well, in a state of NOT_GOING: suppressed, or of an older issue (``stale``).

        A row that was ``sending`` (its worker died) or in doubt counts a repeat: this try may be its second copy.
        """
        claimed = _due_copies(now, size)
        self._learn_mailings({row.mailing for row in claimed})
        stopped = [row for row in claimed if row.suppressed and self.stops(row, row.suppressed)]
        out = {row.id for row in stopped}
        going = [row for row in claimed if row.id not in out] if stopped else claimed
        older = self._leave_older(going, now)
        going = [row for row in going if row.id not in older] if older else going
        self._intend(going, now + timedelta(seconds=seconds))
        left = [row._replace(state=older[row.id]) for row in claimed if row.id in older]
        if not stopped:
            return [*going, *left] if left else claimed
        Delivery.objects.filter(pk__in=out).update(
            state=State.SUPPRESSED, lease_until=None, lease_token="", **settlement(now)
        )
        _tally(Counter((row.provider, "", str(State.SUPPRESSED), "") for row in stopped), now)
        return [*going, *left, *(row._replace(state=str(State.SUPPRESSED)) for row in stopped)]

    def _leave_older(self, rows: list[Claimed], now: datetime) -> dict[int, str]:
        """Settle or put off what is left of older issues, as ``stale`` has it; by copy which of the two."""
        mailings = [self.mailing(number) for number in {row.mailing for row in rows}]
        found = fates(rows, [mailing for mailing in mailings if is_old(mailing, now)])
        if not found:
            return found
        lapsed = [row for row in rows if found.get(row.id) == LAPSED]
        later = [number for number, word in found.items() if word == LATER]
        free = {"lease_until": None, "lease_token": ""}
        Delivery.objects.filter(pk__in=later).update(next_at=now + AGAIN, **free)
        Delivery.objects.filter(pk__in=[row.id for row in lapsed]).update(state=State.LAPSED, **free, **settlement(now))
        _tally(Counter((row.provider, "", LAPSED, "") for row in lapsed), now)
        return found

    def stops(self, row: Claimed, reason: str) -> bool:
        """Whether a suppression holds: an address that was gone may still be asked to confirm, its owner is back."""
        return not (reason == GONE and self.mailing(row.mailing).kind == "confirmation")

    def last_tries(self, rows: Iterable[Claimed]) -> dict[int, tuple[str, str]]:
        """The relay that had each copy last and the reason why it went no further, where there was one."""
        tries = Attempt.objects.filter(delivery_id__in=[row.id for row in rows], source="").exclude(relay="")
        told = tries.order_by("pk").values_list("delivery_id", "relay", "reason")
        return {number: (relay, reason) for number, relay, reason in told}

    def renew(self, rows: Iterable[Claimed], until: datetime) -> None:
        """Hold what is in hand for longer."""
        self._mine([row.id for row in rows]).update(lease_until=until)

    def suppress(self, rows: Sequence[Claimed], now: datetime) -> None:
        """Settle claimed copies whose readers left meanwhile; no try was made of them."""
        if not rows:
            return
        changed = self._mine([row.id for row in rows]).update(
            state=State.SUPPRESSED, tries=F("tries") - 1, lease_until=None, lease_token="", **settlement(now)
        )
        _tally(Counter([(row.provider, "", str(State.SUPPRESSED), "") for row in rows][:changed]), now)

    def give_back(self, rows: Iterable[Claimed], next_at: datetime | None = None) -> None:
        """Claimed copies that were not tried are as they were before; due at ``next_at`` where that is given."""
        alike: dict[str, list[int]] = defaultdict(list)
        for row in rows:
            alike[row.state].append(row.id)
        later = {} if next_at is None else {"next_at": next_at}
        for state, keys in alike.items():
            repeats = F("repeats") - 1 if state in _DOUBTFUL else F("repeats")
            self._mine(keys).update(
                state=state, tries=F("tries") - 1, repeats=repeats, lease_until=None, lease_token="", **later
            )

    def put_off(self, rows: Sequence[tuple[Claimed, datetime]]) -> None:
        """Claimed copies that were not tried are as they were before, and due later, each at a time of its own."""
        if not rows:
            return
        adapt = connection.ops.adapt_datetimefield_value
        flat = [value for row, at in rows for value in (row.id, row.state, int(row.state in _DOUBTFUL), adapt(at))]
        with connection.cursor() as cursor:
            cursor.execute(_PUT_OFF.format(", ".join(["(%s, %s, %s, %s)"] * len(rows))), [*flat, self.token])

    def write(self, tried: Sequence[Tried], now: datetime) -> Counter[str]:
        """Write what came of copies; counts by final state."""
        accepted = [one for one in tried if one.outcome.state == ACCEPTED]
        others = [one for one in tried if one.outcome.state != ACCEPTED] if len(accepted) < len(tried) else []
        doubts = _doubts([one.row.id for one in others if one.outcome.state == IN_DOUBT])
        judged = [(one, self._verdict(one, doubts[one.row.id] + 1, now)) for one in others]
        self._settle_accepted(accepted, now)
        self._finish([(one, verdict) for one, verdict in judged if one.final], now)
        if any(verdict.state == REFUSED for _, verdict in judged):
            hold_the_news()
        told = Counter([(one.row.provider, one.relay, ACCEPTED, "") for one in accepted])
        told.update((one.row.provider, one.relay, verdict.state, verdict.reason) for one, verdict in judged)
        _tally(told, now)
        proven = self._learn(tried, now)
        Attempt.objects.bulk_create([_attempt(one, verdict, now, proven) for one, verdict in judged])
        counts = Counter(verdict.state for one, verdict in judged if one.final)
        counts[ACCEPTED] += len(accepted)
        return counts

    def _mine(self, keys: list[int]) -> Any:
        return Delivery.objects.filter(pk__in=keys, lease_token=self.token)

    def _learn_mailings(self, numbers: set[int]) -> None:
        if len(self._mailings) > MOST_MAILINGS:
            self._mailings.clear()
        missing = [number for number in numbers if number not in self._mailings]
        if missing:
            self._mailings.update(Mailing.objects.in_bulk(missing))

    def _intend(self, going: list[Claimed], until: datetime) -> None:
        if not going:
            return
        doubtful = [row.id for row in going if row.state in _DOUBTFUL]
        if doubtful:
            Delivery.objects.filter(pk__in=doubtful).update(repeats=F("repeats") + 1)
        keys = ", ".join(str(int(row.id)) for row in going)
        with connection.cursor() as cursor:
            cursor.execute(
                _INTEND.format(keys),
                [str(State.SENDING), connection.ops.adapt_datetimefield_value(until), self.token],
            )

    def _settle_accepted(self, accepted: list[Tried], now: datetime) -> None:
        """One statement for all copies, each with the words of its acceptance: they name it in the relay's log."""
        by_relay: dict[str, list[Tried]] = defaultdict(list)
        for one in accepted:
            by_relay[one.relay].append(one)
        for relay, ones in by_relay.items():
            if _accept([(one.row.id, one.outcome.reply[:_REPLY]) for one in ones], relay, self.token, now) < len(ones):
                keys = [one.row.id for one in ones]
                held = set(Delivery.objects.filter(pk__in=keys, settled_at=now).values_list("pk", flat=True))
                lost = [one for one in ones if one.row.id not in held]
                Attempt.objects.bulk_create([_attempt(one, Verdict(ACCEPTED, "", None), now) for one in lost])

    def _verdict(self, one: Tried, doubts: int, now: datetime) -> Verdict:
        """``doubts``: how many tries of the copy ended in doubt, with this one if it did."""
        outcome = one.outcome
        if not one.final:
            return Verdict(DEFERRED, outcome.reason, None)
        if outcome.state == REFUSED:
            again = next_try_full(one.row.tries + 1, now) if outcome.reason == FULL else None
            return Verdict(DEFERRED if again else REFUSED, outcome.reason, again)
        state = DEFERRED if outcome.state == RELAY else outcome.state
        since = self.mailing(one.row.mailing).created_at
        next_at = next_try(one.row.tries + 1, since, now, doubts=doubts if state == IN_DOUBT else 0)
        gave_up = "lost" if state == IN_DOUBT else "expired"
        return Verdict(state, outcome.reason, next_at) if next_at else Verdict(REFUSED, gave_up, None)

    def _finish(self, settled: list[tuple[Tried, Verdict]], now: datetime) -> None:
        alike: dict[tuple[str, datetime | None], list[int]] = defaultdict(list)
        for one, verdict in settled:
            alike[verdict.state, verdict.next_at].append(one.row.id)
        for (state, next_at), keys in alike.items():
            outcome = {"next_at": next_at} if next_at else settlement(now)
            self._mine(keys).update(state=state, lease_until=None, lease_token="", **outcome)

    def _learn(self, tried: Sequence[Tried], now: datetime) -> set[str]:
        """Count who is said to be gone, and take back whose confirmation is accepted; hashes of the proven gone."""
        asked = {number for number in {one.row.mailing for one in tried} if self.mailing(number).kind == "confirmation"}
        back = [one.row.address_hash for one in tried if one.row.mailing in asked and one.outcome.state == ACCEPTED]
        if back:
            take_back(back)
        return count_gone(
            [
                Said(
                    row.address_hash,
                    row.mailing,
                    judge(outcome.stage or "rcpt", outcome.code, outcome.reply).definite,
                    row.provider,
                )
                for row, outcome, _, _ in tried
                if outcome.state == REFUSED and outcome.reason in GONE_REASONS
            ],
            now,
        )


def _doubts(keys: list[int]) -> Counter[int]:
    """How many tries of each copy ended in doubt."""
    tries = Attempt.objects.filter(delivery_id__in=keys, outcome=State.IN_DOUBT) if keys else Attempt.objects.none()
    return Counter(tries.values_list("delivery_id", flat=True))


def settlement(now: datetime) -> dict[str, Any]:
    """The fields of a copy that is settled, whichever way."""
    return {"next_at": None, "settled_at": now, "address_sealed": b""}


def _due_copies(now: datetime, size: int) -> list[Claimed]:
    """By SQL as it stands: what the ORM spends on building it is half of what a claim costs."""
    at = connection.ops.adapt_datetimefield_value(now)
    lock = " FOR UPDATE OF delivery_delivery SKIP LOCKED" if connection.features.has_select_for_update else ""
    with connection.cursor() as cursor:
        cursor.execute(_DUE + lock, [at, at, size])
        found = [Claimed(*row) for row in cursor.fetchall()]
    return _barred_meanwhile(found) if changing_keys() else found


def _barred_meanwhile(found: list[Claimed]) -> list[Claimed]:
    """During a change of keys a copy may carry the old hash of an address that is barred under the new one alone."""
    barred = Suppression.objects.filter(address_hash__in={lifted(row.address_hash) for row in found})
    reasons = dict(barred.values_list("address_hash", "reason"))
    return [row._replace(suppressed=row.suppressed or reasons.get(lifted(row.address_hash))) for row in found]


def _accept(replies: list[tuple[int, str]], relay: str, token: str, now: datetime) -> int:
    """How many of the copies were still ours."""
    flat: list[Any] = [value for pair in replies for value in pair]
    settled = [str(State.ACCEPTED), connection.ops.adapt_datetimefield_value(now), b"", relay]
    with connection.cursor() as cursor:
        cursor.execute(_ACCEPT.format(", ".join(["(%s, %s)"] * len(replies))), [*settled, *flat, token])
        return int(cursor.rowcount)


def _tally(told: Counter[tuple[str, str, str, str]], now: datetime) -> None:
    if not told:
        return
    at = connection.ops.adapt_datetimefield_value(now)
    day = connection.ops.adapt_datefield_value(now.date())
    values = [value for key, count in sorted(told.items()) for value in (day, *key, count, at, at)]
    rows = ", ".join(["(%s, %s, %s, %s, %s, %s, %s, %s)"] * len(told))
    with connection.cursor() as cursor:
        cursor.execute(_ADD.format(rows), values)


def _attempt(one: Tried, verdict: Verdict, now: datetime, proven: Set[str] = frozenset()) -> Attempt:
    return Attempt(
        delivery_id=one.row.id,
        at=now,
        relay=one.relay,
        outcome=verdict.state,
        code=one.outcome.code,
        reply=one.outcome.reply[:_REPLY],
        reason=verdict.reason,
        ends=GONE if verdict.reason in GONE_REASONS and lifted(one.row.address_hash) in proven else "",
    )


def hold_the_news() -> None:
    """Refusals are committed in the order of their ids, so that a cursor never passes one that is still to come."""
    Job.objects.get_or_create(name=NEWS, defaults={"next_at": None})
    Job.objects.select_for_update().get(name=NEWS)
