"""Sign up, confirm, choose, leave, and end what delivery found to be over. Each may be repeated without harm."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q

from handbill.delivery import actions as delivery
from handbill.delivery.address import address_hash, normalise
from handbill.delivery.queries import feedback_after
from handbill.delivery.records import Feedback, LetterBody, Recipient
from handbill.kit.crypto import read_token, seal, sign_token
from handbill.subscribers import consent, mails
from handbill.subscribers.errors import ExpiredLink, NotReading, SignUpBusy, WrongLink
from handbill.subscribers.models import Consent, Cursor, Subscriber, Subscription
from handbill.subscribers.queries import reader_id, reader_token
from handbill.subscribers.records import Asked, Choice, Welcome
from handbill.subscribers.wording import VERSION, consent_words
from handbill.topics.models import Topic

FEEDBACK_CHUNK = 500
Reason = Subscription.Reason


def ask(address: str, now: datetime) -> Asked:
    """Take a sign-up: a confirmation for who doesn't read yet, a reminder for who does, at most one mail in 24 hours.

    Row, evidence and mail are one transaction. An address that must not be mailed is stopped by delivery.
    Raises AddressError, with nothing changed, or SignUpBusy when two sign-ups for one address meet twice.
    """
    address = normalise(address)
    for _ in range(2):
        try:
            with transaction.atomic():
                return _ask(address, now)
        except IntegrityError:
            continue  # somebody signed up the same address in between: now it is known
    raise SignUpBusy("This address is being signed up at this moment. Try again in a minute.")


def confirm(token: str, now: datetime) -> Welcome:
    """Begin the whole paper for the person the confirmation was mailed to. Raises WrongLink or ExpiredLink."""
    with transaction.atomic():
        subscriber = confirmable(token, now, lock=True)
        if not _running(subscriber.pk).exists():
            subscriber.confirmed_at = now
            subscriber.save(update_fields=["confirmed_at"])
            Subscription.objects.create(subscriber=subscriber, topic=None, started_at=now)
            _evidence(subscriber, "confirmed", now)
    paper = settings.HANDBILL
    return Welcome(reader_token(subscriber.pk), consent.first_issue(now, paper.digest_hour, paper.zone))


def confirmable(token: str, now: datetime, lock: bool = False) -> Subscriber:
    """The person a confirmation token is for; changes nothing. Raises WrongLink or ExpiredLink."""
    parts = consent.read_subject(read_token(settings.KEYS.token, "confirm", token) or "")
    if parts is None:
        raise WrongLink("This confirmation link is not one of ours. Open it again from the letter.")
    rows = Subscriber.objects.select_for_update() if lock else Subscriber.objects
    subscriber = rows.filter(pk=parts[0]).first()
    if subscriber is None or not consent.still_good(parts[1], subscriber.asked_at or subscriber.created_at, now):
        raise ExpiredLink("This confirmation is older than three days. Sign up once more for a new link.")
    return subscriber


def leave(token: str, now: datetime) -> bool:
    """End all that a reader gets, at once, and what waits to be sent. False when nothing was running.

    Raises WrongLink or TestLink.
    """
    identity = reader_id(token)
    with transaction.atomic():
        subscriber = Subscriber.objects.select_for_update().filter(pk=identity).first()
        if subscriber is None:
            return False
        ended = _end(_running(identity), Reason.READER, now)
        if ended:
            _evidence(subscriber, "left", now)
            delivery.call_off(str(identity), now)
    return bool(ended)


def choose(token: str, topic_slugs: list[str], now: datetime) -> Choice:
    """Follow these topics from now on; none is the whole paper. When every one asked for is gone, all stays as it was.

    Raises WrongLink, TestLink, or NotReading for someone who has left.
    """
    identity = reader_id(token)
    with transaction.atomic():
        Subscriber.objects.select_for_update().filter(pk=identity).first()
        running = frozenset(_running(identity).values_list("topic_id", flat=True))
        if not running:
            raise NotReading("There is no running subscription to change. Sign up to come back.")
        wanted = set(topic_slugs)  # as a form gave them: compared here, PostgreSQL takes no NUL
        topics = {topic.slug: topic for topic in Topic.objects.filter(retired=False) if topic.slug in wanted}
        gone = tuple(sorted(wanted - topics.keys()))
        if gone and not topics:
            return Choice(_names(Topic.objects.filter(pk__in=[pk for pk in running if pk])), gone, kept=True)
        _apply(identity, consent.change(running, frozenset(topic.pk for topic in topics.values())), now)
    return Choice(_names(topics.values()), gone)


def pull_feedback(now: datetime) -> int:
    """End the subscriptions of readers whose address is gone or who complained; returns how many readers.

    A block, a full mailbox or a delay ends nothing (design, decision 6). Reads each event once, by a cursor.
    """
    total = 0
    while True:
        with transaction.atomic():
            cursor = Cursor.objects.select_for_update().get_or_create(name="delivery")[0]
            events = feedback_after(cursor.position, FEEDBACK_CHUNK)
            if not events:
                return total
            total += sum(_heed(event, now) for event in events)
            cursor.position = max(event.cursor for event in events)
            cursor.save(update_fields=["position"])


def forget_unconfirmed(now: datetime) -> int:
    """Delete who did not confirm within 72 hours of the last mail; returns how many."""
    before = now - consent.CONFIRM_WITHIN
    stale = Q(asked_at__lte=before) | Q(asked_at__isnull=True, created_at__lte=before)
    _, deleted = Subscriber.objects.filter(stale, confirmed_at__isnull=True).delete()
    return deleted.get("subscribers.Subscriber", 0)


def _ask(address: str, now: datetime) -> Asked:
    subscriber = Subscriber.objects.select_for_update().filter(address_hash=address_hash(address)).first()
    confirmed = subscriber is not None and subscriber.confirmed_at is not None
    running = subscriber is not None and _running(subscriber.pk).exists()
    where = consent.standing(subscriber is not None, confirmed, running)
    mail = consent.mail_for(where, subscriber.asked_at if subscriber else None, now)
    if mail is consent.Mail.NOTHING:
        return Asked(mail.value)
    subscriber = subscriber or _new(address, now)
    subscriber.asked_at = now
    subscriber.save(update_fields=["asked_at"])
    if mail is consent.Mail.CONFIRMATION:
        _evidence(subscriber, "asked", now)
        token = sign_token(settings.KEYS.token, "confirm", consent.confirm_subject(subscriber.pk, now))
        _mail(subscriber, address, mails.confirmation(token), "confirm", now)
    else:
        _mail(subscriber, address, mails.reminder(), "remind", now)
    return Asked(mail.value)


def _new(address: str, now: datetime) -> Subscriber:
    subscriber = Subscriber(address_hash=address_hash(address), created_at=now)
    subscriber.address_sealed = seal(settings.KEYS.address, address, str(subscriber.pk))
    subscriber.save(force_insert=True)
    return subscriber


def _mail(subscriber: Subscriber, address: str, letter: LetterBody, what: str, now: datetime) -> None:
    delivery.hand_over(
        reference=f"{what}:{subscriber.pk}:{consent.unix_day(now)}",
        kind="confirmation",
        letters=[letter],
        recipients=[Recipient(str(subscriber.pk), address, letter.key)],
        now=now,
    )


def _evidence(subscriber: Subscriber, how: str, now: datetime) -> None:
    paper = settings.HANDBILL
    words = consent_words(how, paper.language, paper.name)
    Consent.objects.create(subscriber=subscriber, at=now, how=how, wording=words, version=VERSION)


def _running(identity: UUID):
    return Subscription.objects.filter(subscriber_id=identity, ended_at__isnull=True)


def _end(rows, reason: str, now: datetime) -> int:
    return rows.update(ended_at=now, end_reason=reason)


def _apply(identity: UUID, change: consent.Change, now: datetime) -> None:
    named = [pk for pk in change.end if pk is not None]
    ending = Q(topic_id__in=named) | (Q(topic__isnull=True) if None in change.end else Q(pk__in=[]))
    _end(_running(identity).filter(ending), Reason.CHANGED, now)
    Subscription.objects.bulk_create(
        Subscription(subscriber_id=identity, topic_id=pk, started_at=now) for pk in change.begin
    )


def _names(topics) -> tuple[str, ...]:
    return tuple(topic.name for topic in sorted(topics, key=lambda topic: (topic.position, topic.name)))


def _heed(event: Feedback, now: datetime) -> bool:
    """Whether it ended anything. What began after the event is somebody who came back."""
    ending = consent.ENDED_BY.get(event.ends)
    try:
        identity = UUID(event.recipient)
    except ValueError:
        return False  # a test letter's recipient is no reader
    return ending is not None and bool(_end(_running(identity).filter(started_at__lte=event.at), ending, now))
