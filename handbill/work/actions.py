"""Take leases and give them back. Short transactions only; the work itself happens outside of them."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypeVar

from django.apps import apps
from django.db import connection, models, transaction
from django.db.models import Q

from handbill.work.models import Job, Leased

T = TypeVar("T", bound=Leased)


def due(model: type[Leased], now: datetime) -> Q:
    """The condition that a row is due and nobody holds it."""
    return Q(next_at__lte=now) & (Q(lease_until__isnull=True) | Q(lease_until__lte=now))


def lease(rows: models.QuerySet[T], now: datetime, seconds: int, limit: int) -> list[T]:
    """Take up to ``limit`` due rows of ``rows`` for ``seconds``; the earliest due come first.

    Each returned row carries the new ``lease_token``. Two workers never get the same row.
    """
    token = secrets.token_hex(16)
    until = now + timedelta(seconds=seconds)
    with transaction.atomic():
        candidates = rows.filter(due(rows.model, now)).order_by("next_at", "pk")
        taken = list(candidates.select_for_update(skip_locked=True, of=("self",))[:limit])
        rows.model._default_manager.filter(pk__in=[row.pk for row in taken]).update(
            lease_until=until, lease_token=token
        )
    for row in taken:
        row.lease_until, row.lease_token = until, token
    return taken


def finish(row: Leased, next_at: datetime | None, **outcome: object) -> bool:
    """Write the outcome and give the lease back, unless somebody else holds the row by now (then False)."""
    changed = (
        type(row)
        ._default_manager.filter(pk=row.pk, lease_token=row.lease_token)
        .update(next_at=next_at, lease_until=None, lease_token="", **outcome)
    )
    return changed == 1


def finish_all(outcomes: Iterable[tuple[Leased, datetime | None, Mapping[str, object]]]) -> None:
    """``finish`` for many rows of one model, each with its ``next_at`` and outcome; call it in a transaction.

    Rows that somebody else holds by now stay as they are. One statement runs for all rows with the same columns, which
    costs a fifth of an update for each.
    """
    alike: dict[tuple[type[Leased], tuple[str, ...]], list[tuple[Leased, list[object]]]] = defaultdict(list)
    for row, next_at, outcome in outcomes:
        values = {"next_at": next_at, "lease_until": None, "lease_token": "", **outcome}
        alike[type(row), tuple(values)].append((row, list(values.values())))
    for (model, names), rows in alike.items():
        known = {field.name: field for field in model._meta.concrete_fields}
        fields, quote = [known[name] for name in names], connection.ops.quote_name
        columns = ", ".join(f"{quote(str(field.column))} = %s" for field in fields)
        key = quote(str(model._meta.pk.column))
        sql = f"UPDATE {quote(model._meta.db_table)} SET {columns} WHERE {key} = %s AND lease_token = %s"  # noqa: S608
        parameters = [
            [field.get_db_prep_save(value, connection) for field, value in zip(fields, values, strict=True)]
            + [row.pk, row.lease_token]
            for row, values in rows
        ]
        with connection.cursor() as cursor:
            cursor.executemany(sql, parameters)


def release_all() -> int:
    """Give back every lease of every room; how many there were.

    Only for the start of a newsroom on one machine, when no worker can be alive; leases that run out do the same later.
    """
    rooms = [model for model in apps.get_models() if issubclass(model, Leased)]
    held = [model._default_manager.filter(lease_until__isnull=False) for model in rooms]
    return sum(rows.update(lease_until=None, lease_token="") for rows in held)


@contextmanager
def standing_job(name: str, now: datetime, seconds: int = 300, *, every: timedelta = timedelta()) -> Iterator[bool]:
    """Hold the job ``name`` while the block runs; yields False when another worker holds it.

    Done, it is not due again before ``every`` is over.

    A block that raises leaves the lease to run out, so that a fault doesn't spin.
    """
    Job.objects.get_or_create(name=name, defaults={"next_at": now})
    held = lease(Job.objects.filter(name=name), now, seconds, 1)
    yield bool(held)
    if held:
        finish(held[0], next_at=now + every)
