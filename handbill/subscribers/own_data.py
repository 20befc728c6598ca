"""A reader's own data: taken along, moved to another address, or erased. By the link of any issue, with no password.

Who holds such a link may do all this in the reader's name; so the old address is told of a move, and neither a page nor
a mail shows an address that wasn't typed into it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from handbill.delivery import actions as delivery
from handbill.delivery.address import address_hash, all_hashes, normalise, with_later
from handbill.delivery.queries import copies_of
from handbill.kit.crypto import read_token, seal, sign_token, unseal
from handbill.subscribers import consent, mails, rows
from handbill.subscribers.errors import AddressTaken, ExpiredLink, WrongLink
from handbill.subscribers.models import Consent, Former, Move, SignUp, Subscriber, Subscription
from handbill.subscribers.queries import reader_id, reader_token
from handbill.subscribers.wishes import read_audience, read_leading
from handbill.topics.models import Topic

PURPOSE = "move"


def ask_move(token: str, address: str, now: datetime) -> None:
    """Mail a link to ``address`` that moves the reader there. Raises NotReading, AddressError, WrongLink or TestLink.

    Nothing tells whether the address is a reader's already: that one is mailed a reminder. An address is mailed as
    seldom as by sign-ups (``consent.may_mail``); a later move takes the place of an earlier one.
    """
    address = normalise(address)
    hashes = all_hashes(address)
    with transaction.atomic():
        subscriber = rows.reading(reader_id(token))
        if subscriber.address_hash in hashes or not consent.may_mail(rows.mailed(address, now), now):
            return
        if Subscriber.objects.filter(address_hash__in=hashes, audience__isnull=False).exists():
            rows.mail(subscriber, address, mails.taken(), now, own=False)
            return
        sealed = seal(settings.KEYS.address, address, str(subscriber.pk))
        fields = {"address_sealed": sealed, "address_hash": address_hash(address), "asked_at": now}
        Move.objects.update_or_create(subscriber=subscriber, defaults=fields)
        link = sign_token(settings.KEYS.token, PURPOSE, f"{consent.confirm_subject(subscriber.pk, now)}~{_moment(now)}")
        rows.mail(subscriber, address, mails.move(link), now, own=False)


def movable(link: str, now: datetime) -> Move:
    """The move that a mailed link is for; changes nothing. Raises WrongLink or ExpiredLink."""
    subject, _, moment = (read_token(settings.KEYS.token, PURPOSE, link) or "").rpartition("~")
    parts = consent.read_subject(subject)
    if parts is None:
        raise WrongLink("This link is not one of ours. Open it again from the letter.")
    move = Move.objects.filter(subscriber_id=parts[0]).first()
    if move is None or _moment(move.asked_at) != moment or now - move.asked_at >= consent.CONFIRM_WITHIN:
        raise ExpiredLink("This link was used already, or is older than three days. Ask for the change once more.")
    return move


def confirm_move(link: str, now: datetime) -> str:
    """Send what comes next to the new address, and tell the old one; gives the reader's token.

    Somebody at the new address who never confirmed, or left, becomes one with the reader. Raises WrongLink,
    ExpiredLink, NotReading, or AddressTaken when the address gets the paper by now.
    """
    with transaction.atomic():
        subscriber = rows.reading(movable(link, now).subscriber_id)
        move = movable(link, now)
        new = all_hashes(unseal(settings.KEYS.address, bytes(move.address_sealed), str(subscriber.pk)))
        other = Subscriber.objects.select_for_update().filter(address_hash__in=new).first()
        if other is not None and other.audience is not None:
            raise AddressTaken("That address gets the paper already. Nothing was changed.")
        if other is not None:
            other.delete()
        old = _opened(subscriber)
        fields = {"address_sealed": move.address_sealed, "address_hash": move.address_hash}
        rows.changed(subscriber, now, **fields)
        rows.evidence(subscriber, "moved", now)
        Former.objects.filter(address_hash__in=new).delete()
        move.delete()
        rows.mail(subscriber, old, mails.moved(), now, own=False)
    return reader_token(subscriber.pk)


def own_data(token: str, now: datetime) -> dict[str, Any]:
    """All that is kept of a reader, as one JSON object. Raises WrongLink, TestLink, or ExpiredLink where none is."""
    identity = reader_id(token)
    person = Subscriber.objects.filter(pk=identity).first()
    if person is None:
        raise ExpiredLink("Nothing is kept of this reader any more.")
    kept = {"told_by", "told_day", "told_until", "first_day", "paused_until", "seen_at", "created_at", "confirmed_at"}
    wishes = {"cadence", "weekday", "hour", "zone", "language", "form", "plain", "wants_alerts"}
    return {
        "paper": settings.HANDBILL.name,
        "address": _opened(person),
        **{name: _text(getattr(person, name)) for name in sorted(kept)},
        "wishes": {name: getattr(person, name) for name in sorted(wishes)} | {"leading": _leading(person)},
        "alerted": person.alerted,
        "feed": {"since": _text(person.feed_since), "addresses": person.feed_number},
        "brought_by": str(person.brought_by) if person.brought_by else None,
        "wished": [topic.name for topic in Topic.objects.filter(pk__in=read_audience(person.wished))],
        "subscriptions": [_subscription(row) for row in person.subscriptions.select_related("topic").order_by("pk")],
        "consents": [
            {"at": _text(row.at), "how": row.how, "wording": row.wording, "version": row.version, "proof": row.proof}
            for row in Consent.objects.filter(subscriber=person).order_by("pk")
        ],
        "letters": [
            {"handed_over": _text(copy.handed_over), "kind": copy.kind, "state": copy.state}
            for copy in copies_of(str(person.pk), now)
        ],
    }


def erase(token: str, now: datetime) -> bool:
    """Forget a reader: only a keyed hash stays, so that no list brings them back. False when nobody is there.

    Letters on their way may still arrive; copies that are done lose their address at once. Raises as all here do.
    """
    with transaction.atomic():
        subscriber = rows.locked(reader_id(token))
        if subscriber is None:
            return False
        forget(subscriber, Former.Reason.ERASED, now)
    return True


def forget(subscriber: Subscriber, reason: str, now: datetime) -> None:
    """Delete a person's rows; a keyed hash stays with the first reason."""
    bars = [Former(address_hash=one, at=now, reason=reason) for one in with_later([subscriber.address_hash])]
    Former.objects.bulk_create(bars, ignore_conflicts=True)
    SignUp.objects.filter(address_hash__in=with_later([subscriber.address_hash])).delete()
    delivery.call_off(str(subscriber.pk), now)
    for recipient in (str(subscriber.pk), rows.elsewhere(subscriber)):
        delivery.forget_address(recipient, now)
    subscriber.delete()


def _opened(person: Subscriber) -> str:
    return unseal(settings.KEYS.address, bytes(person.address_sealed), str(person.pk))


def _leading(person: Subscriber) -> list[str]:
    ids = read_leading(person.leading)
    names = dict(Topic.objects.filter(pk__in=ids).values_list("pk", "name"))
    return [names[pk] for pk in ids if pk in names]


def _moment(asked: datetime) -> str:
    """What tells a reader's move from an earlier one."""
    return f"{asked.timestamp():.6f}".replace(".", "")


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _subscription(row: Subscription) -> dict[str, Any]:
    topic = row.topic.name if row.topic else None
    return {"topic": topic, "from": _text(row.started_at), "to": _text(row.ended_at), "ended": row.end_reason}
