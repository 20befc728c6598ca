"""Who reads what. Streams: memory stays flat however many readers there are.

Pages are read by key, each a short query of its own, so that the caller may write between two of them (an open SQLite
cursor would forbid it).
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Count, Q, QuerySet

from handbill.delivery import queries as delivery
from handbill.delivery.address import address_hash, all_hashes
from handbill.kit.crypto import read_token, sign_token, unseal
from handbill.kit.errors import GiveUp
from handbill.subscribers.errors import NotReading, TestLink, WrongLink
from handbill.subscribers.models import Subscriber, Subscription
from handbill.subscribers.records import Answer, Group, Preferences, Reachable, Reader, ReaderLinks, Wanted
from handbill.subscribers.wishes import (
    Slot,
    Told,
    Wishes,
    leading_among,
    read_alerts,
    read_audience,
    read_leading,
    slot_of,
    write_alerts,
)

CHUNK = 1000
logger = logging.getLogger(__name__)
TOKEN_PURPOSE = "reader"  # noqa: S105
TEST_SUBJECT = "test~"
"""How the subject of a token begins that belongs to no reader: the links of a test letter change nothing."""


def audiences(now: datetime) -> dict[frozenset[int], int]:
    """Topic ids chosen together, with their number of readers; the empty set is the whole paper."""
    rows = reading(now).order_by().values_list("audience").annotate(Count("pk"))
    return {read_audience(text): count for text, count in rows}


def slots(now: datetime) -> dict[Slot, int]:
    """The slots that readers are in, with their number by mail: 0 where they read by feed alone."""
    columns = ("cadence", "weekday", "hour", "zone")
    rows = reading(now).order_by().values_list(*columns).annotate(Count("pk"))
    by_feed = by_feed_alone(now).order_by().values_list(*columns).distinct()
    return {Slot(*slot): 0 for slot in by_feed} | {Slot(*slot): count for *slot, count in rows}


def groups(slot: Slot, day: date, now: datetime, after: date | None = None) -> dict[Group, int]:
    """Who gets the slot's issue of a local day: groups, with their number of readers by mail. Counted by the database.

    Those who read it by feed alone are there with 0: an issue is planned for them as for any other.
    ``after``: the day of the slot's issue before. Readers whose first issue should have come since then are told of by
    ``Group.told``.
    """
    found: dict[Group, int] = defaultdict(int)
    for rows in members(slot, day, now):
        for *columns, count in rows.order_by().values_list(*_GROUP).annotate(Count("pk")):
            found[_group(columns, day, after)] += count
    for rows in _in_slot(by_feed_alone(now), slot, day):
        for columns in rows.order_by().values_list(*_GROUP).distinct():
            found.setdefault(replace(_group(columns, day, after), alerts=frozenset()), 0)
    return dict(found)


def groups_of_slots(asked: Mapping[Slot, tuple[date, date | None]], now: datetime) -> dict[Slot, dict[Group, int]]:
    """``groups`` of many slots, each with its ``day`` and ``after``: by one walk over all readers, not one a slot."""
    found: dict[Slot, dict[Group, int]] = {slot: defaultdict(int) for slot in asked}
    for slot, group, count in _in_slots(reading(now), asked):
        found[slot][group] += count
    for slot, group, _ in _in_slots(by_feed_alone(now), asked):
        found[slot].setdefault(replace(group, alerts=frozenset()), 0)
    return {slot: dict(groups) for slot, groups in found.items()}


def _in_slots(
    rows: QuerySet[Subscriber], asked: Mapping[Slot, tuple[date, date | None]]
) -> Iterator[tuple[Slot, Group, int]]:
    """What ``_in_slot`` finds in each slot, with its number."""
    by_key = {slot.key: slot for slot in asked}
    by, day, first = (_GROUP.index(name) for name in ("told_by", "told_day", "first_day"))
    for (cadence, weekday, hour, zone, *columns), count in _counted(
        rows, "cadence", "weekday", "hour", "zone", *_GROUP
    ):
        slot, gone = Slot(cadence, weekday, hour, zone), by_key.get(columns[by])
        if slot in asked and (columns[first] is None or columns[first] <= asked[slot][0]):
            yield slot, _group(columns, *asked[slot]), count
        if gone is not None and columns[day] == asked[gone][0]:
            yield gone, _group(columns, *asked[gone]), count


def _counted(rows: QuerySet[Subscriber], *names: str) -> Iterable[tuple[Sequence[Any], int]]:
    """The different values of some columns, with their numbers. SQLite would sort the rows for it, on the disk where
    they are many: counting them here takes two thirds of the time.
    """
    listed = rows.order_by().values_list(*names)
    if connection.vendor == "sqlite":
        return Counter(listed.iterator(chunk_size=10 * CHUNK)).items()
    return ((values, count) for *values, count in listed.annotate(Count("pk")).iterator())


def readers(
    now: datetime, slot: Slot | None = None, day: date | None = None, after: date | None = None
) -> Iterator[Reader]:
    """Every confirmed person with a running subscription that doesn't pause, by their ids, addresses unsealed; or those
    who get the slot's issue of a local day (``groups``).

    One whose address doesn't open is left out and logged by id. Raises GiveUp, at the end, when no address opens: then
    it is the key that is wrong, and nobody may be passed over.
    """
    yield from _opened([reading(now)] if slot is None or day is None else members(slot, day, now), now, day, after)


def alerted_readers(alert: int, now: datetime) -> Iterator[Reader]:
    """Who was given an alert (``actions.give_alert``) and still reads, as ``readers``."""
    yield from _opened([alerted(alert, now)], now)


def alerted_groups(alert: int, now: datetime) -> dict[Group, int]:
    """The same, counted by the database."""
    found: dict[Group, int] = defaultdict(int)
    for *columns, count in alerted(alert, now).order_by().values_list(*_GROUP).annotate(Count("pk")):
        found[_group(columns, None, None)] += count
    return dict(found)


def alerted(alert: int, now: datetime) -> QuerySet[Subscriber]:
    """Rows of who was given an alert and still wants such."""
    return reading(now).filter(alerted__contains=write_alerts([alert]), wants_alerts=True)


def reachable(now: datetime) -> dict[Reachable, int]:
    """Who reads at this moment, by all that decides on an alert, with their number. Counted by the database."""
    rows = reading(now).order_by().values_list(*REACHABLE).annotate(Count("pk"))
    found: dict[Reachable, int] = defaultdict(int)
    for *columns, count in rows:
        found[read_reachable(columns)] += count
    return dict(found)


REACHABLE = ("cadence", "weekday", "hour", "zone", "audience", "alerted", "wants_alerts", "told_by")


def read_reachable(columns: Sequence[Any]) -> Reachable:
    """Of a row's columns, REACHABLE."""
    *slot, audience, alerts, wants_alerts, before = columns
    return Reachable(Slot(*slot), read_audience(audience), read_alerts(alerts), wants_alerts, before)


def _opened(
    parts: Iterable[QuerySet[Subscriber]], now: datetime, day: date | None = None, after: date | None = None
) -> Iterator[Reader]:
    opened, trouble, groups = False, None, dict[tuple[Any, ...], Group]()
    for page in _pages(parts, ("pk", "address_sealed", "confirmed_at", *_GROUP)):
        for pk, sealed, since, *columns in page:
            try:
                address = unseal(settings.KEYS.address, sealed, str(pk))
            except GiveUp as error:
                logger.error("Reader %s is left out: %s", pk, error)
                trouble = error
                continue
            opened = True
            group = groups.get(tuple(columns)) or groups.setdefault(tuple(columns), _group(columns, day, after))
            yield Reader(str(pk), address, group, since or now)
    if trouble and not opened:
        raise trouble


def members(slot: Slot, day: date, now: datetime) -> list[QuerySet[Subscriber]]:
    """Who is mailed the slot's issue of a local day: who is in it, and who moved away since it was due."""
    return _in_slot(reading(now), slot, day)


def _in_slot(rows: QuerySet[Subscriber], slot: Slot, day: date) -> list[QuerySet[Subscriber]]:
    begun = Q(first_day__isnull=True) | Q(first_day__lte=day)
    here = rows.filter(begun, zone=slot.zone, hour=slot.hour, cadence=slot.cadence, weekday=slot.weekday)
    return [here, rows.filter(told_by=slot.key, told_day=day)]


_GROUP = (
    *("audience", "language", "form", "plain", "alerted", "leading"),
    *("told_by", "told_day", "told_until", "first_day"),
)


def _group(columns: Sequence[Any], day: date | None, after: date | None) -> Group:
    """``day`` None: of no issue, so in what order one has its topics is nothing to it."""
    text, language, form, plain, alerts, leading, by, told_day, until, first = columns
    audience = read_audience(text)
    begins = by is not None and day is not None and first <= day and (after is None or first > after)
    told = Told(by, told_day, until, first) if begins else None
    ahead = leading_among(read_leading(leading), audience) if day is not None else ()
    return Group(audience, language, form, plain, told, read_alerts(alerts), ahead)


def reader_token(subscriber_id: str | UUID) -> str:
    """The token of a reader's own links."""
    return sign_token(settings.KEYS.token, TOKEN_PURPOSE, str(subscriber_id))


def reader_links(token: str) -> ReaderLinks:
    """The addresses of a reader's own pages. ``token`` may be delivery's slot, which is stamped later."""
    public = settings.HANDBILL.public_address
    return ReaderLinks(*(f"{public}/{page}/{token}/" for page in ("preferences", "unsubscribe", "still", "pause")))


def reader_id(token: str) -> UUID:
    """Whom a reader's token belongs to, whether or not the row is still there. Raises WrongLink or TestLink."""
    subject = read_token(settings.KEYS.token, TOKEN_PURPOSE, token)
    if subject is not None and subject.startswith(TEST_SUBJECT):
        raise TestLink("This link stands in a test letter and belongs to no reader. Nothing was changed.")
    try:
        return UUID(subject or "")
    except ValueError:
        raise WrongLink("This link is not one of ours. Open it again from the letter.") from None


def preferences(token: str) -> Preferences:
    """What the reader with ``token`` gets now. Raises WrongLink or TestLink."""
    running = list(
        Subscription.objects.filter(subscriber_id=reader_id(token), ended_at__isnull=True)
        .order_by("topic__position", "topic__name")
        .values_list("topic__slug", flat=True)
    )
    row = Subscriber.objects.filter(pk=reader_id(token)).first()
    chosen = tuple(slug for slug in running if slug is not None)
    if row is None:
        return Preferences(token, bool(running), chosen)
    return Preferences(token, bool(running), chosen, row.paused_until, wishes_of(row), row.feed_since is not None)


def reading_preferences(token: str) -> Preferences:
    """``preferences`` of somebody who gets the paper. Raises NotReading besides."""
    held = preferences(token)
    if not held.reading:
        raise NotReading("There is no running subscription to change. Sign up to come back.")
    return held


def reading(now: datetime) -> QuerySet[Subscriber]:
    """Who gets an issue by mail at this moment."""
    awake = Q(paused_until__isnull=True) | Q(paused_until__lte=now)
    return Subscriber.objects.filter(awake, audience__isnull=False)


def by_feed_alone(now: datetime) -> QuerySet[Subscriber]:
    """Who has a private feed and gets no mail."""
    return Subscriber.objects.filter(feed_since__isnull=False, audience__isnull=False, paused_until__gt=now)


def wishes_of(row: Subscriber) -> Wishes:
    """What the reader's row says of how often, when and in what form."""
    return Wishes(
        cadence=row.cadence,  # type: ignore[arg-type]
        weekday=row.weekday,
        hour=row.hour,
        zone=row.zone,
        language=row.language,
        form=row.form,  # type: ignore[arg-type]
        plain=row.plain,
        wants_alerts=row.wants_alerts,
        leading=read_leading(row.leading),
    )


def told_of(row: Subscriber) -> Told | None:
    """What the reader's row keeps of their last move to another slot."""
    if row.told_by is None or row.told_day is None or row.told_until is None or row.first_day is None:
        return None
    return Told(row.told_by, row.told_day, row.told_until, row.first_day)


def _pages(parts: Iterable[QuerySet[Subscriber]], columns: tuple[str, ...]) -> Iterator[list[tuple[Any, ...]]]:
    for part in parts:
        rows, last = part.order_by("pk").values_list(*columns), None
        while page := list(rows[:CHUNK] if last is None else rows.filter(pk__gt=last)[:CHUNK]):
            yield page
            last = page[-1][0]


def wanted(address: str, day: date, after: date | None = None) -> Wanted | None:
    """What the reader of an address wants of a day's issue; None where there is no such reader. Raises AddressError."""
    found = address_hash(address)
    row = Subscriber.objects.filter(address_hash=found).first()
    if row is None:
        return None
    columns = [getattr(row, name) for name in _GROUP]
    return Wanted(
        id=str(row.pk),
        slot=slot_of(wishes_of(row)),
        group=_group([columns[0] or "", *columns[1:]], day, after),
        reading=row.audience is not None,
        confirmed=row.confirmed_at is not None,
        paused_until=row.paused_until,
        suppressed=delivery.suppressed(found),
        first=row.first_day,
        by_feed=row.feed_since is not None,
    )


def answer(address: str, now: datetime, day: date | None = None) -> Answer:
    """What became of the mail to ``address``, of a day or of all days that are kept. Raises AddressError."""
    found = address_hash(address)
    person = Subscriber.objects.filter(address_hash__in=all_hashes(address)).first()
    if person is None:
        return Answer(known=False, suppressed=delivery.suppressed(found))
    subscriptions = Subscription.objects.filter(subscriber=person)
    last = subscriptions.filter(ended_at__isnull=False).order_by("-ended_at").first()
    return Answer(
        known=True,
        confirmed=person.confirmed_at is not None,
        reading=subscriptions.filter(ended_at__isnull=True).exists(),
        ended=last.end_reason if last else "",
        ended_at=last.ended_at if last else None,
        suppressed=delivery.suppressed(found),
        copies=tuple(delivery.copies_of(str(person.pk), now, day)),
    )
