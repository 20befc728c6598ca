"""What is known of a batch's addresses, and the writing of its readers and leavers: one transaction, the caller's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import attrgetter
from secrets import token_bytes
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings

from handbill.delivery import actions as delivery
from handbill.delivery.address import all_hashes, with_later
from handbill.delivery.queries import suppressed_among
from handbill.kit import clock
from handbill.kit.crypto import seal
from handbill.kit.keys import Key
from handbill.subscribers.lists_in.bulk import Bulk, found_among
from handbill.subscribers.lists_in.records import Known, Row, State
from handbill.subscribers.models import Consent, Export, Former, Import, Subscriber, Subscription
from handbill.subscribers.wishes import Wishes, write_audience, write_leading

UNKNOWN = Known()
_READER = (
    *("id", "address_sealed", "address_hash", "created_at", "confirmed_at", "brought_by_id", "audience", "seen_at"),
    *("cadence", "weekday", "hour", "zone", "language", "form", "plain", "wants_alerts", "leading", "paused_until"),
)
_SUBSCRIPTION = ("subscriber_id", "topic_id", "started_at")
_CONSENT = ("subscriber_id", "at", "how", "proof", "wording", "version")
_FORMER = ("address_hash", "at", "reason")
_ENDS = {State.LEFT: "reader", State.CLEANED: "gone", State.COMPLAINT: "complaint"}
_FORMER_REASON = {State.LEFT: "left", State.CLEANED: "cleaned", State.COMPLAINT: "complaint"}


class Entry(NamedTuple):
    """One row that is to be written. ``consent``: when, or None where it isn't known; ``topics``: None is all.

    ``leading``: those to come first.
    """

    row: Row
    address: str
    hash: str
    proven: bool
    consent: datetime | None
    evidence: str
    topics: frozenset[int | None]
    leading: tuple[int, ...] = ()


@dataclass(slots=True)
class Changes:
    """What a batch leads to, by hash. ``begin``: readers, or those who are held; ``prove``: held ones who now read.

    By id: ``end``: readers who left; ``drop``: held ones who did.
    """

    begin: dict[str, Entry] = field(default_factory=dict)
    prove: dict[str, Entry] = field(default_factory=dict)
    former: dict[str, State] = field(default_factory=dict)
    end: dict[UUID, State] = field(default_factory=dict)
    drop: set[UUID] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.begin or self.prove or self.former or self.end or self.drop)


def look_up(names: Mapping[str, str], run: Import | None) -> Mapping[str, Known]:
    """What is known of those of the addresses of which anything is. ``names``: each hash to look under, to its own."""
    found = {}
    columns = ("id", "address_hash", "confirmed_at", "audience", "brought_by_id")
    for pk, hashed, confirmed, audience, brought in found_among(Subscriber, columns, "address_hash", names):
        mine = run is not None and brought == run.pk
        found[names[hashed]] = Known(True, confirmed, audience is not None, brought is not None, mine, id=pk)
    for hashed, reason in _barred(names):
        found[names[hashed]] = replace(found.get(names[hashed], UNKNOWN), barred=reason)
    return found


def _barred(hashes: Collection[str]) -> Iterable[tuple[str, str]]:
    yield from ((hashed, "suppressed") for hashed in suppressed_among(hashes))
    yield from found_among(Former, ("address_hash", "reason"), "address_hash", hashes)
    yield from ((hashed, "canary") for (hashed,) in found_among(Export, ("canary_hash",), "canary_hash", hashes))


def write(changes: Changes, run: Import, now: datetime) -> int:
    """Write them; how many readers' subscriptions ended. Raises IntegrityError when somebody else was quicker."""
    if changes.begin:
        _begin(changes.begin.values(), run, now)
    for entry in changes.prove.values():
        _prove(entry, run, now)
    if changes.former:
        Bulk(Former, _FORMER).insert(_former(changes.former, now))
    if changes.drop:
        Subscriber.objects.filter(pk__in=changes.drop, confirmed_at=None).delete()
    return sum(_end(pk, state, now) for pk, state in changes.end.items())


def _begin(entries: Collection[Entry], run: Import, now: datetime) -> None:
    in_order = sorted(entries, key=_hash_of)  # as their index has them
    pairs = list(zip(_new_ids(len(entries), clock.now()), in_order, strict=True))
    key = settings.KEYS.address
    Bulk(Subscriber, _READER).insert(_reader(pk, entry, run.pk, now, key) for pk, entry in pairs)
    Bulk(Consent, _CONSENT).insert(_consent(pk, entry, now) for pk, entry in pairs)
    Bulk(Subscription, _SUBSCRIPTION).insert(
        (pk, topic, entry.consent or now) for pk, entry in pairs if entry.proven for topic in entry.topics
    )


def _new_ids(count: int, at: datetime) -> list[str]:
    """UUIDs of version 7 (RFC 9562) in order. They begin with the moment: so what a list brings stands together in each
    index by reader, where random ids would have every batch write to all of its pages (ADR-0108).
    """
    drawn, moment = token_bytes(10 * count).hex(), f"{int(at.timestamp() * 1000):012x}"
    head = f"{moment[:8]}-{moment[8:]}-7"
    texts = sorted(drawn[at : at + 19] for at in range(0, len(drawn), 20))
    return [f"{head}{t[:3]}-{'89ab'[int(t[3], 16) & 3]}{t[4:7]}-{t[7:]}" for t in texts]


def _reader(pk: str, entry: Entry, run: int, now: datetime, key: Key) -> tuple[Any, ...]:
    row, wishes = entry.row, entry.row.wishes or _PLAIN
    confirmed = (entry.consent or now) if entry.proven else None
    return (
        *(pk, seal(key, entry.address, pk), entry.hash),
        *(row.joined or row.opted_in or confirmed or now, confirmed, run),
        *(write_audience(entry.topics) if entry.proven else None, now if entry.proven else None),
        *(wishes.cadence, wishes.weekday, wishes.hour, wishes.zone, wishes.language, wishes.form, wishes.plain),
        *(wishes.wants_alerts, write_leading(entry.leading), row.paused_until),
    )


def _consent(pk: UUID | str, entry: Entry, now: datetime) -> tuple[Any, ...]:
    """The words that were agreed to are the other program's, and not known here."""
    return (pk, entry.consent or now, "imported" if entry.proven else "held", entry.evidence, "", "")


def _prove(entry: Entry, run: Import, now: datetime) -> None:
    subscriber = Subscriber.objects.select_for_update().get(address_hash__in=all_hashes(entry.address))
    subscriber.confirmed_at, subscriber.seen_at, subscriber.brought_by = entry.consent or now, now, run
    subscriber.audience = write_audience(entry.topics)
    subscriber.save(update_fields=["confirmed_at", "seen_at", "brought_by", "audience"])
    Bulk(Consent, _CONSENT).insert([_consent(subscriber.pk, entry, now)])
    Bulk(Subscription, _SUBSCRIPTION).insert((subscriber.pk, topic, entry.consent or now) for topic in entry.topics)


def _former(leavers: Mapping[str, State], now: datetime) -> Iterable[tuple[str, datetime, str]]:
    for hashed, state in leavers.items():
        yield from ((later, now, _FORMER_REASON[state]) for later in with_later([hashed]))


def _end(pk: UUID, state: State, now: datetime) -> int:
    subscriber = Subscriber.objects.select_for_update().filter(pk=pk, audience__isnull=False).first()
    if subscriber is None:
        return 0
    running = Subscription.objects.filter(subscriber=subscriber, ended_at=None)
    running.update(ended_at=now, end_reason=_ENDS[state])
    subscriber.audience, subscriber.paused_until = None, None
    subscriber.save(update_fields=["audience", "paused_until"])
    delivery.call_off(str(subscriber.pk), now)
    return 1


_PLAIN, _hash_of = Wishes(), attrgetter("hash")
