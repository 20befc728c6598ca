"""What the acts of a reader have in common: their locked row, the evidence, a mail, and what changed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from handbill.delivery import actions as delivery
from handbill.delivery.address import address_hash, all_hashes
from handbill.delivery.records import LetterBody, Recipient
from handbill.subscribers import consent
from handbill.subscribers.errors import NotReading
from handbill.subscribers.models import Asking, Consent, Subscriber, Subscription
from handbill.subscribers.records import Shown
from handbill.subscribers.wishes import write_audience
from handbill.subscribers.wording import VERSION, consent_words


def mail(subscriber: Subscriber, address: str, letter: LetterBody, now: datetime, own: bool = True) -> None:
    """Hand one letter to delivery for ``address``: at most one of a kind (``letter.key``) a day and person.

    Where it isn't the reader's ``own`` address, what delivery learns of it says nothing of the reader.
    """
    Asking.objects.create(address_hash=address_hash(address), at=now)
    recipient = str(subscriber.pk) if own else elsewhere(subscriber)
    delivery.hand_over(
        reference=f"{letter.key}:{subscriber.pk}:{consent.unix_day(now)}",
        kind="confirmation",
        letters=[letter],
        recipients=[Recipient(recipient, address, letter.key)],
        now=now,
    )


def elsewhere(subscriber: Subscriber) -> str:
    """What delivery calls a reader at an address that isn't theirs, or not yet, or no more."""
    return f"elsewhere~{subscriber.pk}"


def mailed(address: str, now: datetime) -> list[datetime]:
    """When an address was mailed because somebody typed it, in the last 30 days."""
    since = now - consent.MONTH
    return list(Asking.objects.filter(address_hash__in=all_hashes(address), at__gt=since).values_list("at", flat=True))


def evidence(subscriber: Subscriber, how: str, now: datetime, shown: Shown | None = None) -> None:
    """Keep which words led to an act, and when; ``shown`` where they weren't shown right now."""
    shown = shown or shown_now(how, now)
    fields = {"at": shown.at, "wording": shown.wording, "version": shown.version}
    Consent.objects.create(subscriber=subscriber, how=how, **fields)


def shown_now(how: str, now: datetime) -> Shown:
    """The words that the paper's own pages show for an act."""
    paper = settings.HANDBILL
    return Shown(now, consent_words(how, paper.language, paper.name), VERSION)


def locked(identity: UUID) -> Subscriber | None:
    """A person's row, held until the transaction ends."""
    return Subscriber.objects.select_for_update().filter(pk=identity).first()


def reading(identity: UUID) -> Subscriber:
    """The row of somebody who gets the paper, held. Raises NotReading."""
    subscriber = locked(identity)
    if subscriber is None or subscriber.audience is None:
        raise NotReading("There is no running subscription to change. Sign up to come back.")
    return subscriber


def running(identity: UUID) -> QuerySet[Subscription]:
    """What has not ended."""
    return Subscription.objects.filter(subscriber_id=identity, ended_at__isnull=True)


def begin(subscriber: Subscriber, topics: Collection[int | None], now: datetime) -> None:
    """Topics beside those that run; the row says then what all of them are."""
    Subscription.objects.bulk_create(Subscription(subscriber=subscriber, topic_id=pk, started_at=now) for pk in topics)
    changed(subscriber, now, audience=write_audience(running(subscriber.pk).values_list("topic_id", flat=True)))


def changed(subscriber: Subscriber, now: datetime, **fields: Any) -> None:
    """Something the reader did: it is a sign of life, too."""
    fields |= {"seen_at": now, "silences": 0, "still_asked_at": None}
    for name, value in fields.items():
        setattr(subscriber, name, value)
    subscriber.save(update_fields=list(fields))
