"""A reader's private feed: the issues planned for them, at an address nobody can guess, where mail does not reach them.

The address holds a token of its own, which opens the feed and nothing else: it is given to programs and services that
fetch feeds, and the reader's own links are not in it. Fetching it is written down nowhere and is no sign of life
(ADR-0105).
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from handbill.delivery import actions as delivery
from handbill.kit.crypto import read_token, sign_token
from handbill.subscribers import rows
from handbill.subscribers.consent import UNTIL_THEY_SAY
from handbill.subscribers.errors import NotReading, WrongLink
from handbill.subscribers.models import Subscriber, Subscription
from handbill.subscribers.queries import reader_id, told_of, wishes_of
from handbill.subscribers.records import Feed, FeedStanding
from handbill.subscribers.wishes import slot_of

PURPOSE = "feed"
FORMATS = {"rss.xml": "RSS", "atom.xml": "Atom", "feed.json": "JSON Feed"}
"""The last part of a feed's address, and what its format is called in any language."""


def standing(token: str, now: datetime) -> FeedStanding:
    """Where the feed of the reader with ``token`` stands; changes nothing. Raises NotReading, WrongLink or TestLink."""
    row = Subscriber.objects.filter(pk=reader_id(token), audience__isnull=False).first()
    if row is None:
        raise NotReading("There is no running subscription to change. Sign up to come back.")
    mailed = row.paused_until is None or row.paused_until <= now
    return FeedStanding(_token(row) if row.feed_since else "", mailed)


def address(feed_token: str, name: str) -> str:
    """Where a feed is fetched in one of its formats."""
    return f"{settings.HANDBILL.public_address}/private-feed/{feed_token}/{name}"


def begin(token: str, now: datetime, *, instead: bool = False) -> None:
    """Give the reader a feed; ``instead`` of mail, which then comes no more until they want it again.

    Who has one keeps its address. Raises NotReading, WrongLink or TestLink, as all that follow.
    """
    with transaction.atomic():
        row = rows.reading(reader_id(token))
        number = row.feed_number if row.feed_since else row.feed_number + 1
        paused = UNTIL_THEY_SAY if instead else row.paused_until
        rows.changed(row, now, feed_since=row.feed_since or now, feed_number=number, paused_until=paused)
        if instead:
            delivery.call_off(str(row.pk), now)


def renew(token: str, now: datetime) -> None:
    """Another address for the reader's feed: the one before opens nothing from now on."""
    with transaction.atomic():
        row = rows.reading(reader_id(token))
        rows.changed(row, now, feed_since=row.feed_since or now, feed_number=row.feed_number + 1)


def end(token: str, now: datetime) -> None:
    """No feed any more: its address opens nothing, and no later one is the same."""
    with transaction.atomic():
        rows.changed(rows.reading(reader_id(token)), now, feed_since=None)


def opened(feed_token: str) -> Feed:
    """The feed at an address. Raises WrongLink, the same for one that never was, was renewed, or is over."""
    identity, _, number = (read_token(settings.KEYS.token, PURPOSE, feed_token) or "").partition("~")
    row = _row(identity, number)
    if row is None or row.feed_since is None:
        raise WrongLink("There is no feed at this address.")
    chosen = Subscription.objects.filter(subscriber=row).values_list("topic_id", "started_at", "ended_at")
    return Feed(
        id=str(row.pk),
        since=row.confirmed_at or row.created_at,
        began=row.feed_since,
        slot=slot_of(wishes_of(row)),
        told=told_of(row),
        wishes=wishes_of(row),
        chosen=tuple(chosen),
    )


def _row(identity: str, number: str) -> Subscriber | None:
    try:
        asked = {"pk": UUID(identity), "feed_number": int(number)}
    except ValueError:
        return None
    return Subscriber.objects.filter(**asked, feed_since__isnull=False, audience__isnull=False).first()


def _token(row: Subscriber) -> str:
    return sign_token(settings.KEYS.token, PURPOSE, f"{row.pk}~{row.feed_number}")
