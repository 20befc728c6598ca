"""What hubs say to us at the callback: that they ask back, that they refuse, that a feed has changed (ADR-0029).

A telling is a doorbell (ADR-0001): it says only *when* to fetch. Its body is checked against the signature and dropped,
never read, so that the web server meets no stranger's document.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F

from handbill.kit.crypto import keyed_hash
from handbill.kit.text import shorten
from handbill.sources import actions as sources
from handbill.wire.hub import PATIENCE, is_genuine, promised_until, renew_at
from handbill.wire.models import Push

BRAKE = timedelta(minutes=1)  # between two visits to a feed, however often its hub tells us
SULK = timedelta(days=1)  # before a hub that refused is asked again
DENIED = "Its hub refuses to tell us of changes, so the feed is polled as ever."


def confirm(token: str, mode: str, topic: str, lease_seconds: str, now: datetime) -> bool:
    """A hub makes sure that we want what it was asked for. True only if we asked just that within the last hour.

    This is the one GET that changes something: it begins or ends the subscription, as WebSub (5.3) has it.
    """
    push = Push.objects.filter(token=token).first()
    if push is None or push.topic != topic or mode != ("unsubscribe" if push.ending else "subscribe"):
        return False
    if push.asked_at is None or abs(now - push.asked_at) > PATIENCE:
        return False
    row = Push.objects.filter(pk=push.pk, asked_at=push.asked_at)
    if push.ending:
        return row.update(confirmed_at=now, next_at=now) == 1
    until = promised_until(now, lease_seconds)
    kept = {"confirmed_at": now, "expires_at": until, "next_at": renew_at(now, until), "failures": 0, "failure": ""}
    return row.update(**kept) == 1


def deny(token: str, topic: str, reason: str, now: datetime) -> bool:
    """A hub refuses, or ends what it promised: written down, and asked again in a day. False: no such subscription."""
    push = Push.objects.filter(token=token, ending=False).first()
    if push is None or push.topic != topic:
        return False
    said = shorten(reason, 200)
    Push.objects.filter(pk=push.pk).update(
        asked_at=None,
        expires_at=None,
        next_at=now + SULK,
        failures=push.failures + 1,
        failure=f"{DENIED} It says: {said}" if said else DENIED,
    )
    return True


def be_told(token: str, signature: str, body: Iterable[bytes], now: datetime) -> bool:
    """A hub says that a feed has changed. False: no such subscription, and the hub may forget it.

    What isn't signed with our secret changes nothing; the hub is not told so (WebSub, 8). ``body`` is not even read
    while an earlier telling waits for its visit.
    """
    push = Push.objects.select_related("feed").filter(token=token, ending=False).first()
    if push is None:
        return False
    visited = push.feed.fetched_at
    waiting = push.told_at and visited and push.told_at > visited
    if not waiting and is_genuine(signature, secrets_of(token), body):
        Push.objects.filter(pk=push.pk).update(told_at=now)
        wake_told(now)
    return True


def wake_told(now: datetime) -> None:
    """Make due every feed that its hub told us of since its last visit, a minute after that visit at the earliest.

    The tick does it too: a telling that comes while its feed is being fetched is thus not lost. A failing feed keeps
    its own pace: its server may have asked for it.
    """
    told = Push.objects.filter(
        ending=False,
        told_at__gt=F("feed__fetched_at"),
        feed__fetched_at__lte=now - BRAKE,
        feed__failures=0,
        feed__next_at__gt=now,
    )
    if waiting := list(told.values_list("feed_id", flat=True)):
        sources.make_due(waiting, now)


def secrets_of(token: str) -> tuple[str, ...]:
    """What the hub signs with, made from the newsroom's keys: the current one first, then those of earlier keys."""
    key = settings.KEYS.token
    ids = [key.current, *(number for number in key.by_id if number != key.current)]
    return tuple(keyed_hash(replace(key, current=number), f"websub\0{token}") for number in ids)
