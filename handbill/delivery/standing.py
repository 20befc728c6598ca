"""How the sending stands, for who looks after it: mailings by provider, relays, what needs a person. Changes nothing.

A mailing's copies are counted where they lie, so this costs a second or two when there are a million of them: the
caller keeps the answer for a while.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.db.models import Count, Min, OuterRef, Subquery, Sum

from handbill.delivery.engine.dkim import KeyTrouble
from handbill.delivery.letters import LIST_MAIL
from handbill.delivery.models import Act, Attempt, Breaker, Delivery, Mailing
from handbill.delivery.records import (
    ActTold,
    Call,
    Held,
    MailingStanding,
    Progress,
    ProviderStanding,
    RelayStanding,
)
from handbill.delivery.relays import Lane, Ways, sent_today
from handbill.delivery.shape import State as WayState
from handbill.delivery.signing import signers
from handbill.delivery.surge import surges

State = Delivery.State
OTHER = "other"
MOST_ACTS = 20
MOST_UNFINISHED = 50  # older mailings shown because copies of theirs are left
_ACT = ("at", "who", "what", "about", "why", "count")
SURGE = "surge"
_HELD = (State.DEFERRED, State.REFUSED, State.IN_DOUBT)


class Counted(NamedTuple):
    """Copies of a provider in a state. ``provider`` is empty where it isn't well-known."""

    provider: str
    state: str
    copies: int
    repeats: int


def mailing_standings(now: datetime, most: int, kinds: Collection[str] = LIST_MAIL) -> list[MailingStanding]:
    """The last ``most`` mailings of these kinds, and older ones with copies left (held, on their way), newest first."""
    open_ways = {row.about: row for row in Breaker.objects.filter(about__startswith="provider ", until__gt=now)}
    rows = Mailing.objects.filter(kind__in=kinds).order_by("-pk")
    shown = list(rows[:most])
    if len(shown) == most:
        unsent = Delivery.objects.filter(next_at__isnull=False).order_by().values_list("mailing", flat=True).distinct()
        shown += rows.filter(pk__lt=shown[-1].pk, pk__in=list(unsent))[:MOST_UNFINISHED]
    return [_mailing(row, open_ways) for row in shown]


def relay_standings(now: datetime) -> list[RelayStanding]:
    """Every relay, in the order in which they are used."""
    ways, sent = Ways.load(now), sent_today(now)
    first = next(iter(ways.fit(now)), None)
    return [_relay(lane, ways.state(f"relay {lane.relay.name}"), lane is first, sent, now) for lane in ways.lanes]


def calls() -> list[Call]:
    """What needs a person: a missing key, relays that won't have us, providers that block us, refused letters, surges.

    Of a surge ``reason`` is SURGE: many of a provider's readers are said to be gone at once (``surge``).
    """
    known = {f"relay {relay.name}" for relay in settings.HANDBILL.relays}
    rows = Breaker.objects.filter(calls=True, until__isnull=False, off=False).order_by("about")
    troubles = [
        Call(f"{row.about} {row.since:%Y%m%d%H%M%S}", row.about, row.reason, row.why, row.since)
        for row in rows
        if row.since and (row.about in known or row.about.startswith("provider "))
    ]
    held = Mailing.objects.filter(held_at__isnull=False, held_by="").exclude(why="").order_by("pk")
    return (
        _signing()
        + troubles
        + [
            Call(f"surge {one.provider} {one.since:%Y%m%d%H%M%S}", f"provider {one.provider}", SURGE, "", one.since)
            for one in surges()
        ]
        + [
            Call(f"{row.reference} {row.held_at:%Y%m%d%H%M%S}", row.reference, "content", row.why, row.held_at)
            for row in held
            if row.held_at and row.deliveries.filter(next_at__isnull=False).exists()
        ]
    )


def _signing() -> list[Call]:
    try:
        signers()
    except KeyTrouble as trouble:
        return [Call("signing", "signing", "setup", str(trouble))]
    return []


def acts(about: str = "", most: int = MOST_ACTS) -> list[ActTold]:
    """What people did, the newest first; of a relay or mailing alone where ``about`` names it."""
    rows = Act.objects.filter(about=about) if about else Act.objects.all()
    return [ActTold(*values) for values in rows.order_by("-pk").values_list(*_ACT)[:most]]


def add_up(counted: Iterable[Counted]) -> Progress:
    """Copies by state; those being sent this moment count as waiting."""
    count: Counter[str] = Counter()
    repeats = 0
    for one in counted:
        count[one.state] += one.copies
        repeats += one.repeats
    return Progress(
        total=sum(count.values()),
        waiting=count[State.WAITING] + count[State.SENDING],
        accepted=count[State.ACCEPTED],
        deferred=count[State.DEFERRED],
        refused=count[State.REFUSED],
        in_doubt=count[State.IN_DOUBT],
        suppressed=count[State.SUPPRESSED],
        repeats=repeats,
        lapsed=count[State.LAPSED],
    )


def _mailing(row: Mailing, open_ways: dict[str, Breaker]) -> MailingStanding:
    counted = _counted(row)
    by_provider: dict[str, list[Counted]] = defaultdict(list)
    for one in counted:
        by_provider[one.provider].append(one)
    held = _held(row)
    shown = [_provider(name, ones, held, open_ways.get(f"provider {name}")) for name, ones in by_provider.items()]
    return MailingStanding(
        reference=row.reference,
        kind=row.kind,
        handed_over=row.created_at,
        sealed=row.sealed_at is not None,
        held_at=row.held_at,
        held_by=row.held_by,
        why=row.why,
        progress=add_up([*counted, *_folded(row)]),
        providers=tuple(sorted(shown, key=lambda one: (one.provider == OTHER, -one.progress.total, one.provider))),
        acts=tuple(acts(row.reference)),
    )


def _counted(mailing: Mailing) -> list[Counted]:
    rows = mailing.deliveries.order_by().values_list("provider", "state").annotate(Count("pk"), Sum("repeats"))
    return [Counted(*values) for values in rows]


def _folded(mailing: Mailing) -> list[Counted]:
    """Copies that are forgotten by now: of whom, nobody knows."""
    return [Counted("", *values) for values in mailing.totals.values_list("state", "count", "repeats")]


def _held(mailing: Mailing) -> list[Held]:
    tries = Attempt.objects.filter(delivery=OuterRef("pk"), source="")
    rows = mailing.deliveries.filter(state__in=_HELD).order_by()
    named = rows.annotate(
        reason=Subquery(tries.order_by("-pk").values("reason")[:1]),
        began=Subquery(tries.order_by("pk").values("at")[:1]),
    )
    grouped = named.values_list("provider", "state", "reason").annotate(Count("pk"), Min("began"), Min("next_at"))
    found = [Held(provider, state, reason or "", *rest) for provider, state, reason, *rest in grouped]
    return sorted(found, key=lambda one: (one.provider, one.state, -one.count, one.reason))


def _provider(name: str, counted: list[Counted], held: list[Held], way: Breaker | None) -> ProviderStanding:
    mine = tuple(one for one in held if one.provider == name)
    trouble = (way.until, way.since, way.reason, way.why) if way else (None, None, "", "")
    return ProviderStanding(name or OTHER, add_up(counted), mine, *trouble)


def _relay(lane: Lane, state: WayState, first: bool, sent: dict[str, int], now: datetime) -> RelayStanding:
    resting = state.until is not None and state.until > now
    if state.off:
        word = "off"
    elif resting:
        word = "resting"
    elif lane.left == 0:
        word = "used up"
    else:
        word = "first" if first else "share" if lane.relay.share else "standby"
    taken = sent.get(lane.relay.name, 0)
    return RelayStanding(
        name=lane.relay.name,
        state=word,
        share=lane.relay.share,
        sent=taken,
        budget=lane.limit,
        probed=bool(state.until) and not resting,
        since=state.since,
        until=state.until if resting else None,
        reason=state.reason,
        why=state.why,
        calls=state.calls,
    )
