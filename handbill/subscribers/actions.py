"""Sign up, confirm, choose, pause, leave and come back, and end what delivery found to be over.

Each may be repeated without harm. What needs a reader's token raises WrongLink or TestLink for another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max, Q, QuerySet

from handbill.delivery import actions as delivery
from handbill.delivery.address import address_hash, all_hashes, normalise, with_later
from handbill.delivery.queries import feedback_after
from handbill.delivery.records import Feedback
from handbill.kit.crypto import read_token, seal, sign_token
from handbill.subscribers import consent, mails, rows
from handbill.subscribers.errors import ExpiredLink, SignUpBusy, WrongLink
from handbill.subscribers.models import Asking, Cursor, Former, Move, Subscriber, Subscription
from handbill.subscribers.queries import (
    REACHABLE,
    read_reachable,
    reader_id,
    reader_token,
    reading,
    told_of,
    wishes_of,
)
from handbill.subscribers.records import Asked, Choice, Reachable, Shown, Welcome
from handbill.subscribers.wishes import (
    Wishes,
    move,
    next_issue,
    read_audience,
    write_alerts,
    write_audience,
    write_leading,
)
from handbill.topics.models import Topic

FEEDBACK_CHUNK = 500
ALERT_CHUNK = 900  # readers a transaction; SQLite may know no more than 999 parameters
UNDO_WITHIN = timedelta(days=30)
LONGEST_PAUSE = timedelta(days=366)
Reason = Subscription.Reason
AlertRule: TypeAlias = Callable[[Reachable], bool]
"""Whether an alert is for readers who have this in common."""


def ask(address: str, now: datetime, shown: Shown | None = None, topics: Collection[str] = ()) -> Asked:
    """Answer a sign-up: a confirmation for who doesn't read yet, a reminder for who does, at most one mail in 24 hours.

    ``shown``: the words that led to it (the paper's own, now); ``topics``: slugs to begin with, all where none is one.
    Row, evidence and mail are one transaction. An address that must not be mailed is stopped by delivery. Forms and
    the API come in by ``signups.take``: here it shows in the time it takes whose address it is.
    Raises AddressError, with nothing changed, or SignUpBusy when two sign-ups for one address meet twice.
    """
    address = normalise(address)
    for _ in range(2):
        try:
            with transaction.atomic():
                return _ask(address, now, shown, topics)
        except IntegrityError:
            continue  # somebody signed up the same address in between: now it is known
    raise SignUpBusy("This address is being signed up at this moment. Try again in a minute.")


def confirm(token: str, now: datetime) -> Welcome:
    """Begin what the person wished for whom the confirmation was mailed to. Raises WrongLink or ExpiredLink."""
    with transaction.atomic():
        subscriber = confirmable(token, now, lock=True)
        if subscriber.audience is None:
            rows.changed(subscriber, now, confirmed_at=now, paused_until=None, feed_since=None)
            rows.begin(subscriber, _wished(subscriber), now)
            rows.evidence(subscriber, "confirmed", now)
            Former.objects.filter(address_hash__in=with_later([subscriber.address_hash])).delete()
    paper = settings.HANDBILL
    first = next_issue(now, wishes_of(subscriber), paper.digest_hour, paper.zone)
    return Welcome(reader_token(subscriber.pk), first)


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
    """End all that a reader gets, at once, and what waits to be sent. False when nothing was running."""
    with transaction.atomic():
        subscriber = rows.locked(reader_id(token))
        if subscriber is None or subscriber.audience is None:
            return False
        _end(rows.running(subscriber.pk), Reason.READER, now)
        rows.changed(subscriber, now, audience=None, paused_until=None, feed_since=None)
        rows.evidence(subscriber, "left", now)
        delivery.call_off(str(subscriber.pk), now)
    return True


def come_back(token: str, now: datetime) -> bool:
    """Undo ``leave``, within 30 days: the same topics again. False when there is nothing to undo, or it is too late."""
    with transaction.atomic():
        subscriber = rows.locked(reader_id(token))
        if subscriber is None or subscriber.audience is not None:
            return False
        topics = last_left(subscriber.pk, now)
        if not topics:
            return False
        rows.begin(subscriber, topics, now)
        rows.evidence(subscriber, "back", now)
    return True


def last_left(identity: UUID, now: datetime) -> set[int | None]:
    """What a reader got when they left of their own will, if that was within 30 days and the last that ended."""
    ended = Subscription.objects.filter(subscriber_id=identity, ended_at__isnull=False)
    last = ended.aggregate(at=Max("ended_at"))["at"]
    if last is None or now - last > UNDO_WITHIN:
        return set()
    return set(ended.filter(ended_at=last, end_reason=Reason.READER).values_list("topic_id", flat=True))


def pause(token: str, until: datetime, now: datetime) -> datetime:
    """Send nothing until ``until``, a year at most, and nothing that waits to be sent; gives back until when.

    Raises NotReading for someone who has left.
    """
    until = min(max(until, now), now + LONGEST_PAUSE)
    with transaction.atomic():
        subscriber = rows.reading(reader_id(token))
        rows.changed(subscriber, now, paused_until=until)
        delivery.call_off(str(subscriber.pk), now)
    return until


def resume(token: str, now: datetime) -> None:
    """End a pause. Raises NotReading for someone who has left."""
    with transaction.atomic():
        rows.changed(rows.reading(reader_id(token)), now, paused_until=None)


def still_reading(token: str, now: datetime) -> None:
    """The answer to "still reading?": they do. A pause that two silences led to ends. Raises NotReading."""
    with transaction.atomic():
        subscriber = rows.reading(reader_id(token))
        paused = None if subscriber.silences else subscriber.paused_until
        rows.changed(subscriber, now, paused_until=paused)


def choose(token: str, topic_slugs: list[str], now: datetime) -> Choice:
    """Follow these topics from now on; none is the whole paper. When every one asked for is gone, all stays as it was.

    Raises NotReading for someone who has left.
    """
    with transaction.atomic():
        subscriber = rows.reading(reader_id(token))
        running = frozenset(rows.running(subscriber.pk).values_list("topic_id", flat=True))
        wanted = set(topic_slugs)  # as a form gave them: compared here, PostgreSQL takes no NUL
        topics = {topic.slug: topic for topic in Topic.objects.filter(retired=False) if topic.slug in wanted}
        gone = tuple(sorted(wanted - topics.keys()))
        if gone and not topics:
            return Choice(_names(Topic.objects.filter(pk__in=[pk for pk in running if pk])), gone, kept=True)
        _apply(subscriber, consent.change(running, frozenset(topic.pk for topic in topics.values())), now)
    return Choice(_names(topics.values()), gone)


def wish(token: str, wanted: Wishes, now: datetime) -> datetime:
    """Have the paper as often, when and in the form that is wanted; when the next issue is due, in the reader's zone.

    Who goes to another hour, zone or cadence gets no issue of a day they had one of, no article twice, and misses none
    (``wishes.move``). Raises NotReading for someone who has left.
    """
    paper = settings.HANDBILL
    with transaction.atomic():
        reader = rows.reading(reader_id(token))
        clock = (paper.digest_hour, paper.zone)
        told = move(wishes_of(reader), wanted, told_of(reader), reader.confirmed_at or now, now, *clock)
        kept = (told.by, told.day, told.until, told.first) if told else (None,) * 4
        moved = dict(zip(("told_by", "told_day", "told_until", "first_day"), kept, strict=True))
        rows.changed(reader, now, **asdict(wanted) | {"leading": write_leading(wanted.leading)}, **moved)
    return next_issue(now, wanted, *clock, after=told.first - timedelta(days=1) if told else None)


def give_alert(alert: int, rule: Callable[[], AlertRule], recent: Collection[int], now: datetime) -> int:
    """Write an alert into the row of every reader for whom the rule holds: those get it. How many were found now.

    ``rule`` is asked for anew for each thousand, in their transaction, so that what it goes by is what then stands;
    who has the alert is passed over, so a call that was cut off is simply made again. Of the alerts a row named before,
    only ``recent`` ones stay.
    """
    given, last = 0, None
    while True:
        with transaction.atomic():
            rest = reading(now).exclude(alerted__contains=write_alerts([alert])).order_by("pk")
            page = list((rest.filter(pk__gt=last) if last else rest).values_list("pk", *REACHABLE)[:ALERT_CHUNK])
            if not page:
                return given
            given += _give(alert, page, rule(), recent)
        last = page[-1][0]


def _give(alert: int, page: list[Any], holds: AlertRule, recent: Collection[int]) -> int:
    chosen: dict[frozenset[int], list[UUID]] = defaultdict(list)
    for pk, *columns in page:
        one = read_reachable(columns)
        if holds(one):
            chosen[one.alerts].append(pk)
    for had, keys in chosen.items():
        text = write_alerts({alert, *(had & frozenset(recent))})
        Subscriber.objects.filter(pk__in=keys).update(alerted=text)
    return sum(map(len, chosen.values()))


def pull_feedback(now: datetime) -> int:
    """End the subscriptions of readers whose address is gone or who complained; returns how many readers.

    Who has a private feed reads on by it: only their mail ends. A block, a full mailbox or a delay ends nothing
    (design, decision 6). Reads each event once, by a cursor.
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


def forgive_gone(provider: str, now: datetime, who: str = "") -> int:
    """Readers of a provider who were said to be gone are there: mail them again; how many read on who had ended.

    Whoever began anew meanwhile, or left otherwise, stays as they are.
    """
    with transaction.atomic():
        Cursor.objects.select_for_update().get_or_create(name="delivery")  # what is not pulled yet must not end anyone
        return sum(_read_on(recipient) for recipient in delivery.forgive_gone(provider, now, who))


def _read_on(recipient: str) -> bool:
    try:
        identity = UUID(recipient)
    except ValueError:
        return False
    last = Subscription.objects.filter(subscriber_id=identity, ended_at__isnull=False).order_by("-ended_at").first()
    if last is None or last.end_reason != Reason.GONE or rows.running(identity).exists():
        return False
    ended = Subscription.objects.filter(subscriber_id=identity, end_reason=Reason.GONE, ended_at=last.ended_at)
    ended.update(ended_at=None, end_reason="")
    audience = write_audience(rows.running(identity).values_list("topic_id", flat=True))
    Subscriber.objects.filter(pk=identity).update(audience=audience)
    return True


def forget_unconfirmed(now: datetime) -> int:
    """Delete who signed up and did not confirm within 72 hours of the last mail; returns how many.

    Who came with a list is kept longer (``lists_in.asking``).
    """
    before = now - consent.CONFIRM_WITHIN
    stale = Q(asked_at__lte=before) | Q(asked_at__isnull=True, created_at__lte=before)
    _, deleted = Subscriber.objects.filter(stale, confirmed_at=None, brought_by=None).delete()
    return deleted.get("subscribers.Subscriber", 0)


def forget_asking(now: datetime) -> int:
    """Delete what was kept to mail nobody too often, once it is 30 days old, and moves nobody confirmed; how many."""
    asked, _ = Asking.objects.filter(at__lte=now - consent.MONTH).delete()
    moves, _ = Move.objects.filter(asked_at__lte=now - consent.CONFIRM_WITHIN).delete()
    return asked + moves


def _ask(address: str, now: datetime, shown: Shown | None, topics: Collection[str]) -> Asked:
    subscriber = Subscriber.objects.select_for_update().filter(address_hash__in=all_hashes(address)).first()
    confirmed = subscriber is not None and subscriber.confirmed_at is not None
    running = subscriber is not None and subscriber.audience is not None
    where = consent.standing(subscriber is not None, confirmed, running)
    mail = consent.mail_for(where, rows.mailed(address, now), now)
    if mail is consent.Mail.NOTHING:
        return Asked(mail.value)
    subscriber = subscriber or _new(address, now)
    subscriber.asked_at = now
    if mail is consent.Mail.CONFIRMATION:
        subscriber.wished = _wish(topics)
    subscriber.save(update_fields=["asked_at", "wished"])
    if mail is consent.Mail.CONFIRMATION:
        rows.evidence(subscriber, "asked", now, shown)
        token = sign_token(settings.KEYS.token, "confirm", consent.confirm_subject(subscriber.pk, now))
        rows.mail(subscriber, address, mails.confirmation(token), now)
    else:
        rows.mail(subscriber, address, mails.reminder(), now)
    return Asked(mail.value)


def _wish(slugs: Collection[str]) -> str:
    topics = [topic.pk for topic in Topic.objects.filter(retired=False) if topic.slug in slugs] if slugs else []
    return write_audience(topics) or ""


def _wished(subscriber: Subscriber) -> set[int | None]:
    """The topics of them that are left; all of the paper where none is."""
    topics = Topic.objects.filter(retired=False, pk__in=read_audience(subscriber.wished))
    return set(topics.values_list("pk", flat=True)) or {None}


def _new(address: str, now: datetime) -> Subscriber:
    subscriber = Subscriber(address_hash=address_hash(address), created_at=now)
    subscriber.address_sealed = seal(settings.KEYS.address, address, str(subscriber.pk))
    subscriber.save(force_insert=True)
    return subscriber


def _end(running: QuerySet[Subscription], reason: str, now: datetime) -> int:
    return running.update(ended_at=now, end_reason=reason)


def _apply(subscriber: Subscriber, change: consent.Change, now: datetime) -> None:
    named = [pk for pk in change.end if pk is not None]
    ending = Q(topic_id__in=named) | (Q(topic__isnull=True) if None in change.end else Q(pk__in=[]))
    _end(rows.running(subscriber.pk).filter(ending), Reason.CHANGED, now)
    rows.begin(subscriber, change.begin, now)


def _names(topics) -> tuple[str, ...]:
    return tuple(topic.name for topic in sorted(topics, key=lambda topic: (topic.position, topic.name)))


def _heed(event: Feedback, now: datetime) -> bool:
    """Whether it ended anything. What began after the event is somebody who came back."""
    ending = consent.ENDED_BY.get(event.ends)
    try:
        identity = UUID(event.recipient)
    except ValueError:
        return False  # a test letter's recipient is no reader
    over = rows.running(identity).filter(started_at__lte=event.at)
    if ending is None or not over.exists():
        return False
    by_feed = Subscriber.objects.filter(pk=identity, feed_since__isnull=False)
    if by_feed.update(paused_until=consent.UNTIL_THEY_SAY):
        return True
    _end(over, ending, now)
    audience = write_audience(rows.running(identity).values_list("topic_id", flat=True))
    Subscriber.objects.filter(pk=identity).update(audience=audience)
    return True
