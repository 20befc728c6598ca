"""Who reads what. Streams: memory stays flat however many readers there are.

Pages are read by key, each a short query of its own, so that the caller may write between two of them (an open SQLite
cursor would forbid it).
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from handbill.delivery import queries as delivery
from handbill.delivery.address import address_hash
from handbill.kit.crypto import read_token, sign_token, unseal
from handbill.kit.errors import GiveUp
from handbill.subscribers.errors import TestLink, WrongLink
from handbill.subscribers.models import Subscriber, Subscription
from handbill.subscribers.records import Answer, Preferences, Reader, ReaderLinks

CHUNK = 1000
logger = logging.getLogger(__name__)
TOKEN_PURPOSE = "reader"  # noqa: S105
TEST_SUBJECT = "test~"
"""How the subject of a token begins that belongs to no reader: the links of a test letter change nothing."""


def audiences() -> dict[frozenset[int], int]:
    """Topic ids chosen together, with their number of readers; the empty set is the whole paper."""
    counts: Counter[frozenset[int]] = Counter()
    for page in _pages(("pk",)):
        counts.update(_audiences_of([pk for (pk,) in page]).values())
    return dict(counts)


def readers() -> Iterator[Reader]:
    """Every confirmed person with a running subscription, in the order of their ids, addresses unsealed.

    One whose address doesn't open is left out and logged by id. Raises GiveUp, at the end, when no address opens: then
    it is the key that is wrong, and nobody may be passed over.
    """
    opened, trouble = False, None
    for page in _pages(("pk", "address_sealed")):
        chosen = _audiences_of([pk for pk, _ in page])
        for pk, sealed in page:
            try:
                address = unseal(settings.KEYS.address, sealed, str(pk))
            except GiveUp as error:
                logger.error("Reader %s is left out: %s", pk, error)
                trouble = error
                continue
            opened = True
            if pk in chosen:
                yield Reader(str(pk), address, chosen[pk])
    if trouble and not opened:
        raise trouble


def reader_token(subscriber_id: str | UUID) -> str:
    """The token of a reader's own links."""
    return sign_token(settings.KEYS.token, TOKEN_PURPOSE, str(subscriber_id))


def reader_links(token: str) -> ReaderLinks:
    """The addresses of a reader's own pages. ``token`` may be delivery's slot, which is stamped later."""
    public = settings.HANDBILL.public_address
    return ReaderLinks(f"{public}/preferences/{token}/", f"{public}/unsubscribe/{token}/")


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
    return Preferences(token, reading=bool(running), chosen=tuple(slug for slug in running if slug is not None))


def _pages(columns: tuple[str, ...]) -> Iterator[list[tuple[Any, ...]]]:
    last: UUID | None = None
    while page := list(_reading(last).values_list(*columns)[:CHUNK]):
        yield page
        last = page[-1][0]


def _reading(after: UUID | None) -> QuerySet[Subscriber]:
    running = Subscription.objects.filter(subscriber=OuterRef("pk"), ended_at__isnull=True)
    rows = Subscriber.objects.filter(Exists(running), confirmed_at__isnull=False).order_by("pk")
    return rows if after is None else rows.filter(pk__gt=after)


def answer(address: str, now: datetime, day: date | None = None) -> Answer:
    """What became of the mail to ``address``, of a day or of all days that are kept. Raises AddressError."""
    found = address_hash(address)
    person = Subscriber.objects.filter(address_hash=found).first()
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


def _audiences_of(ids: list[UUID]) -> dict[UUID, frozenset[int]]:
    rows = Subscription.objects.filter(subscriber_id__in=ids, ended_at__isnull=True)
    topics: dict[UUID, set[int | None]] = defaultdict(set)
    for subscriber_id, topic_id in rows.values_list("subscriber_id", "topic_id"):
        topics[subscriber_id].add(topic_id)
    return {pk: frozenset() if None in chosen else frozenset(chosen) for pk, chosen in topics.items()}  # type: ignore[arg-type]
