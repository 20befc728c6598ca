"""Take the whole list out, as a table (CSV) or an object a line (JSON). Written as it is read: memory stays flat.

Each time is recorded with who did it, told to the other admins, and marked: one address in it is the newsroom's own and
stands in no other copy, so that mail to it tells which copy went astray. Format: ``lists_in.own``.
"""

from __future__ import annotations

import csv
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parseaddr
from io import TextIOWrapper
from itertools import groupby
from tempfile import TemporaryFile
from typing import Any, BinaryIO, TextIO

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction

from handbill.delivery import actions as delivery
from handbill.delivery.address import address_hash, all_hashes
from handbill.delivery.records import Recipient
from handbill.kit.crypto import unseal
from handbill.kit.errors import GiveUp
from handbill.subscribers import mails
from handbill.subscribers.lists_in.own import COLUMNS, defused
from handbill.subscribers.lists_in.uploads import folder
from handbill.subscribers.models import Consent, Export, Subscriber, Subscription
from handbill.subscribers.wishes import read_leading
from handbill.topics.models import Topic

KINDS = ("csv", "json")
CHUNK = 1000
ADMINS = "Admins"  # the group of the desk
_LETTERS = "abcdefghijkmnopqrstuvwxyz"
_ENDED = {"gone": "gone", "complaint": "complaint"}
Person = dict[str, Any]


def take_out(out: TextIO, kind: str, by: str, now: datetime) -> Export:
    """Write every subscriber to ``out``; gives back the record. ``by``: an admin's address, or who sits at the machine.

    The record and the mails to the other admins come first: no list leaves unseen, also when writing fails halfway.
    """
    mark = _mark()
    with transaction.atomic():
        export = Export.objects.create(at=now, by=by[:150], kind=kind, rows=0, canary_hash=address_hash(mark))
        _tell(export, by, now)
    people = _with_mark(_people(), mark, now)
    export.rows = (_write_csv if kind == "csv" else _write_json)(out, people) - 1
    export.save(update_fields=["rows"])
    return export


def export_marked(address: str) -> Export | None:
    """The export whose mark ``address`` is. Raises AddressError."""
    return Export.objects.filter(canary_hash__in=all_hashes(address)).first()


def as_file(kind: str, by: str, now: datetime) -> tuple[Export, BinaryIO]:
    """The same as a file without a name, open at its start: nothing of it is left once it is closed. Raises GiveUp."""
    made = TemporaryFile(dir=folder())  # noqa: SIM115 - closed by who sends it
    text = TextIOWrapper(made, encoding="utf-8", newline="", write_through=True)
    try:
        export = take_out(text, kind, by, now)
    except BaseException:
        made.close()
        raise
    text.detach()
    made.seek(0)
    return export, made


def exports_since(moment: datetime) -> list[Export]:
    """The lists taken out since, the newest first."""
    return list(Export.objects.filter(at__gte=moment).order_by("-at"))


def last_exports(most: int = 10) -> list[Export]:
    """The lists taken out last, the newest first."""
    return list(Export.objects.order_by("-at")[:most])


def _write_csv(out: TextIO, people: Iterable[Person]) -> int:
    writer, count = csv.writer(out, lineterminator="\n"), 0
    writer.writerow(COLUMNS)
    for person in people:
        writer.writerow([defused(_cell(person[name])) for name in COLUMNS])
        count += 1
    return count


def _write_json(out: TextIO, people: Iterable[Person]) -> int:
    count = 0
    for person in people:
        out.write(json.dumps({name: _plain(value) for name, value in person.items()}, ensure_ascii=False) + "\n")
        count += 1
    return count


def _plain(value: Any) -> Any:
    return _text(value) if isinstance(value, datetime) else value


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ";".join(value)
    return "" if value is None or value is False else "true" if value is True else str(_plain(value))


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _people() -> Iterator[Person]:
    """Everyone, by id. One whose address doesn't open stops it: a list with holes would look whole. Raises GiveUp."""
    last = None
    rows = Subscriber.objects.select_related("brought_by").order_by("pk")
    while page := list(rows[:CHUNK] if last is None else rows.filter(pk__gt=last)[:CHUNK]):
        ids = [row.pk for row in page]
        subscriptions = _by_person(Subscription.objects.filter(subscriber__in=ids).order_by("subscriber_id", "pk"))
        consents = _by_person(Consent.objects.filter(subscriber__in=ids).order_by("subscriber_id", "pk"))
        slugs = dict(Topic.objects.values_list("pk", "slug"))  # a topic may be new since the page before
        for row in page:
            yield _person(row, subscriptions.get(row.pk, []), consents.get(row.pk, []), slugs)
        last = page[-1].pk


def _by_person(rows: Iterable[Any]) -> dict[Any, list[Any]]:
    return {pk: list(found) for pk, found in groupby(rows, key=lambda row: row.subscriber_id)}


def _person(
    row: Subscriber, subscriptions: list[Subscription], consents: list[Consent], slugs: Mapping[int, str]
) -> Person:
    running = [one for one in subscriptions if one.ended_at is None]
    ends = {one.ended_at: one for one in subscriptions if one.ended_at is not None}
    ended = ends[max(ends)] if ends else None
    return {
        "address": unseal(settings.KEYS.address, bytes(row.address_sealed), str(row.pk)),
        "state": _state(row, running, ended),
        "joined": row.created_at,
        "confirmed": row.confirmed_at,
        "left": None if running or ended is None else ended.ended_at,
        "topics": sorted(slugs[one.topic_id] for one in running if one.topic_id is not None),
        **{name: getattr(row, name) for name in COLUMNS[6:14]},
        "leading": [slugs[pk] for pk in read_leading(row.leading) if pk in slugs],
        "paused_until": row.paused_until,
        "proof": _proof(consents),
        "consents": [
            {"at": _text(one.at), **{name: getattr(one, name) for name in ("how", "wording", "version", "proof")}}
            for one in consents
        ],
    }


def _state(row: Subscriber, running: list[Subscription], ended: Subscription | None) -> str:
    if running:
        return "reading"
    if row.confirmed_at is None:
        return "held" if row.brought_by_id and row.asked_at is None else "unconfirmed"
    return _ENDED.get(ended.end_reason if ended else "", "left")


def _proof(consents: list[Consent]) -> str:
    """What proves it, in one line: the words of a list, or which version of ours they confirmed, and when."""
    given = [one for one in consents if one.how in ("imported", "confirmed", "held")]
    if not given:
        return ""
    one = given[-1]
    return one.proof or f"{settings.HANDBILL.name}: confirmed {_text(one.at)}, words of version {one.version}"


def _mark() -> str:
    """An address like any reader's: a word such as "canary" in it would be taken out by who misuses the list."""
    paper = settings.HANDBILL
    domain = paper.canary_domain or parseaddr(paper.from_address)[1].rpartition("@")[2]
    if "." not in domain:
        raise GiveUp(
            "A list that is taken out is marked with an address of yours. Write canary_domain (or from_address) with a"
            " domain whose mail reaches you into handbill.toml."
        )
    local = "".join(map(secrets.choice, [_LETTERS] * 14))
    return f"{local[:5]}.{local[5:]}@{domain}"


def _with_mark(people: Iterator[Person], mark: str, now: datetime) -> Iterator[Person]:
    """The people, and among them the mark, alike in all but the address to one who reads."""
    place = secrets.randbelow(CHUNK)
    like: Person = dict.fromkeys(COLUMNS) | {
        "state": "reading",
        "joined": now,
        "confirmed": now,
        "topics": [],
        "leading": [],
    }
    for number, person in enumerate(people):
        yield person
        like = person if person["state"] == "reading" else like
        if number == place:
            yield like | {"address": mark}
            mark = ""
    if mark:
        yield like | {"address": mark}


def _tell(export: Export, by: str, now: datetime) -> None:
    """A mail to each admin of the desk but the one who did it."""
    admins = get_user_model().objects.filter(groups__name=ADMINS, is_active=True).exclude(email="")
    letter = mails.taken_out(by, now)
    others = admins.exclude(email__iexact=by).distinct()
    people = [Recipient(f"user-{user.pk}", user.email, letter.key) for user in others]
    if people:
        delivery.hand_over(f"export:{export.pk}", "notice", [letter], people, now)
