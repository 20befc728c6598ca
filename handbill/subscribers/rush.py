"""A rush: more sign up than the newsroom answers by itself (ADR-0053). It is watched, told, and settled at the desk.

How many are answered follows from how many confirm: usually, and right now (``brakes.allowance``).
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db.models import Count, Min

from handbill.delivery.records import Call
from handbill.subscribers.brakes import DAY, HOUR, USUAL_OVER, allowance
from handbill.subscribers.consent import MONTH
from handbill.subscribers.models import Rush, SignUp, Subscriber, Turn
from handbill.subscribers.records import RushTold, SignUps

logger = logging.getLogger(__name__)
SPANS = (HOUR, DAY)
ABOUT = "sign-ups"
"""What a call for a person is about."""


def room(now: datetime) -> int:
    """How many sign-ups may be answered now."""
    return min(allowed(span, now) - _turns(span, now) for span in SPANS)


def allowed(span: timedelta, now: datetime) -> int:
    """How many sign-ups are answered in ``span`` without an editor's word."""
    return allowance(span, _confirmed(USUAL_OVER, now), _confirmed(span, now))


def watch(now: datetime) -> None:
    """Begin a rush when more came in an hour or a day than is answered, or wait; end it an hour after the last such."""
    running = _running()
    waiting = SignUp.objects.count()
    if not waiting and running is None:
        return
    most = allowed(HOUR, now)
    came = _came(HOUR, now)
    over = came > most or waiting > most or _came(DAY, now) > allowed(DAY, now)
    if over and running is None:
        logger.warning("Sign-ups in the last hour: %d, and %d are answered by themselves", came, most)
        Rush.objects.create(since=now, over_at=now, came=came, allowed=most)
    elif over and running:
        running.over_at, running.came = now, max(running.came, came)
        running.save(update_fields=["over_at", "came"])
    elif running and now - running.over_at >= HOUR:
        running.ended_at = now
        running.save(update_fields=["ended_at"])
    Rush.objects.filter(ended_at__lte=now - MONTH).delete()


def is_on() -> bool:
    """Whether there is a rush. One short query, the same for every sign-up."""
    return Rush.objects.filter(ended_at=None).exists()


def calls() -> list[Call]:
    """The rush, as what needs a person: told once for each."""
    running = _running()
    if running is None:
        return []
    key = f"{ABOUT} {running.since:%Y%m%d%H%M%S}"
    return [Call(key, ABOUT, "rush", "", running.since)]


def note(who: str, what: str, count: int, now: datetime) -> None:
    """Keep what a person did about the sign-ups that waited."""
    logger.info("Sign-ups that were %s: %d", what, count)
    if running := _running():
        running.acts.append({"at": now.isoformat(), "who": who, "what": what, "count": count})
        running.save(update_fields=["acts"])


def by_network() -> list[tuple[str, int]]:
    """How many wait of each network (a hash of the day), the most first."""
    counted = SignUp.objects.order_by().values_list("network").annotate(Count("pk"))
    return sorted(counted, key=lambda one: (-one[1], one[0]))


def standing() -> SignUps:
    """Where sign-ups stand, for the desk and the doctor."""
    running, networks = _running(), by_network()
    told = RushTold(running.since, running.came, running.allowed, tuple(running.acts)) if running else None
    return SignUps(
        waiting=sum(count for _, count in networks),
        oldest=SignUp.objects.aggregate(at=Min("at"))["at"],
        networks=len(networks),
        busiest=networks[0][1] if networks else 0,
        rush=told,
    )


def _running() -> Rush | None:
    return Rush.objects.filter(ended_at=None).first()


def _confirmed(span: timedelta, now: datetime) -> int:
    """Who signed up here and pressed the button: nobody can do that for another's address."""
    return Subscriber.objects.filter(brought_by=None, confirmed_at__gt=now - span).count()


def _turns(span: timedelta, now: datetime) -> int:
    return Turn.objects.filter(at__gt=now - span, let_go=False).count()


def _came(span: timedelta, now: datetime) -> int:
    return _turns(span, now) + SignUp.objects.filter(at__gt=now - span).count()
