"""The journal: intents and outcomes of copies. Called inside a short transaction, never around the network.

A settled copy's address is wiped: its hash is enough to know it by, and nobody's mailbox is kept longer than needed.

An outcome changes a Delivery only while its lease token still holds: a worker that was paused past its lease leaves a
row alone that another one has taken since. The Attempt is written all the same, for it happened.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F

from handbill.delivery.engine.judge import ACCEPTED, DEFERRED, IN_DOUBT, REFUSED, RELAY, judge
from handbill.delivery.engine.retry import next_try
from handbill.delivery.engine.session import Outcome
from handbill.delivery.engine.weigh import GONE_REASONS
from handbill.delivery.models import Attempt, Delivery, Suppression
from handbill.delivery.proof import GONE, Said, count_gone, take_back
from handbill.work.actions import finish, lease
from handbill.work.models import Job

State = Delivery.State
NEWS = "delivery news"  # the job whose row orders what queries.feedback_after reads
_DOUBTFUL = (State.SENDING, State.IN_DOUBT)


@dataclass(frozen=True, slots=True)
class Tried:
    """A claimed row and what came of it; without an outcome it was not tried and is given back."""

    row: Delivery
    outcome: Outcome | None = None
    relay: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where a copy stands after a try; ``next_at`` None: settled."""

    state: str
    reason: str
    next_at: datetime | None


def claim(now: datetime, seconds: int, size: int) -> list[Delivery]:
    """Lease up to ``size`` due copies and write their intents; suppressed ones are settled here and now.

    A row that was ``sending`` (its worker died) or in doubt counts a repeat: this try may be its second copy.
    ``state`` of the returned rows is the one before the claim, or suppressed.
    """
    rows = lease(Delivery.objects.select_related("mailing"), now, seconds, size)
    stopped = _suppress(rows, now)
    going = [row for row in rows if row.pk not in stopped]
    intent = Delivery.objects.filter(pk__in=[row.pk for row in going])
    intent.filter(state__in=_DOUBTFUL).update(repeats=F("repeats") + 1)
    intent.update(state=State.SENDING, tries=F("tries") + 1)
    return rows


def write_outcomes(tried: Iterable[Tried], now: datetime) -> Counter[str]:
    """Write what came of a window; counts by final state."""
    tried = list(tried)
    settled = [(one, _verdict(one, one.outcome, now)) for one in tried if one.outcome is not None]
    _finish_all(settled, now)
    _give_back([one.row for one in tried if one.outcome is None])
    if any(verdict.state == REFUSED for _, verdict in settled):
        hold_the_news()
    proven = _learn([one for one, _ in settled], now)
    Attempt.objects.bulk_create(
        _attempt(one, one.outcome, verdict, now, proven) for one, verdict in settled if one.outcome
    )
    return Counter(verdict.state for _, verdict in settled)


def _verdict(one: Tried, outcome: Outcome, now: datetime) -> Verdict:
    if outcome.state in (ACCEPTED, REFUSED):
        return Verdict(outcome.state, outcome.reason, None)
    state = DEFERRED if outcome.state == RELAY else outcome.state
    next_at = next_try(one.row.tries + 1, one.row.mailing.created_at, now, in_doubt=state == IN_DOUBT)
    return Verdict(state, outcome.reason, next_at) if next_at else Verdict(REFUSED, "expired", None)


def _finish_all(settled: list[tuple[Tried, Verdict]], now: datetime) -> None:
    """``work.actions.finish`` for a whole window: one statement for all copies that ended alike."""
    alike: dict[tuple[str, str, datetime | None], list[int]] = defaultdict(list)
    for one, verdict in settled:
        alike[one.row.lease_token, verdict.state, verdict.next_at].append(one.row.pk)
    for (token, state, next_at), keys in alike.items():
        outcome = {"next_at": next_at} if next_at else settlement(now)
        Delivery.objects.filter(pk__in=keys, lease_token=token).update(
            state=state, lease_until=None, lease_token="", **outcome
        )


def settlement(now: datetime) -> dict[str, Any]:
    """The fields of a copy that is settled, whichever way."""
    return {"next_at": None, "settled_at": now, "address_sealed": b""}


def _attempt(one: Tried, outcome: Outcome, verdict: Verdict, now: datetime, proven: set[str]) -> Attempt:
    return Attempt(
        delivery=one.row,
        at=one.at or now,
        relay=one.relay,
        outcome=verdict.state,
        code=outcome.code,
        reply=outcome.reply[:500],
        reason=verdict.reason,
        ends=GONE if verdict.reason in GONE_REASONS and one.row.address_hash in proven else "",
    )


def _give_back(rows: list[Delivery]) -> None:
    for row in rows:
        finish(row, row.next_at, state=row.state, tries=row.tries, repeats=row.repeats)


def _suppress(rows: list[Delivery], now: datetime) -> set[int]:
    """Settle who must not be mailed. An address that was gone may still be asked to confirm: its owner is back."""
    why = dict(
        Suppression.objects.filter(address_hash__in={row.address_hash for row in rows}).values_list(
            "address_hash", "reason"
        )
    )
    stopped = [row for row in rows if _stops(why.get(row.address_hash), row.mailing.kind)]
    for row in stopped:
        finish(row, state=State.SUPPRESSED, **settlement(now))
        row.state = State.SUPPRESSED
    return {row.pk for row in stopped}


def _stops(reason: str | None, kind: str) -> bool:
    return reason is not None and not (reason == GONE and kind == "confirmation")


def _learn(tried: list[Tried], now: datetime) -> set[str]:
    """Count who is said to be gone; one whose confirmation is accepted is back. The hashes of who is proven gone."""
    done = [(one.row, one.outcome) for one in tried if one.outcome]
    back = [
        row.address_hash for row, outcome in done if outcome.state == ACCEPTED and row.mailing.kind == "confirmation"
    ]
    if back:
        take_back(back)
    return count_gone(
        [
            Said(row.address_hash, row.mailing_id, judge("rcpt", outcome.code, outcome.reply).definite)
            for row, outcome in done
            if outcome.state == REFUSED and outcome.reason in GONE_REASONS
        ],
        now,
    )


def hold_the_news() -> None:
    """Refusals are committed in the order of their ids, so that a cursor never passes one that is still to come."""
    Job.objects.get_or_create(name=NEWS, defaults={"next_at": None})
    Job.objects.select_for_update().get(name=NEWS)
