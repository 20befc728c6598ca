"""Take leases and give them back. Short transactions only; the work itself happens outside of them."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connection, connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q

from handbill.work.models import Job, Leased

T = TypeVar("T", bound=Leased)
LONGEST_LEASE = timedelta(hours=2)
_PLAIN = frozenset({str, int, bool, type(None)})


def due(model: type[Leased], now: datetime) -> Q:
    """The condition that a row is due and nobody holds it.

    A lease that ends later than any lease does was given by a clock that was far ahead: nobody holds it.
    """
    over = Q(lease_until__lte=now) | Q(lease_until__gt=now + LONGEST_LEASE)
    return Q(next_at__lte=now) & (Q(lease_until__isnull=True) | over)


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
    """``finish`` for many rows, each with its ``next_at`` and outcome, in one short transaction.

    Rows that somebody else holds by now stay as they are. One statement runs for all rows with the same columns, which
    costs a fifth of an update for each.
    """
    alike: dict[tuple[type[Leased], tuple[str, ...]], list[tuple[Leased, list[object]]]] = defaultdict(list)
    for row, next_at, outcome in outcomes:
        values = {"next_at": next_at, "lease_until": None, "lease_token": "", **outcome}
        alike[type(row), tuple(values)].append((row, list(values.values())))
    statements = [_finishing(model, names, rows) for (model, names), rows in alike.items()]
    if not statements:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        for sql, parameters in statements:
            cursor.executemany(sql, parameters)


def _finishing(
    model: type[Leased], names: tuple[str, ...], rows: list[tuple[Leased, list[object]]]
) -> tuple[str, list[list[Any]]]:
    """A statement for rows that get values in the same columns, and its parameters."""
    here = connections[DEFAULT_DB_ALIAS]
    known = {field.name: field for field in model._meta.concrete_fields}
    fields, quote = [known[name] for name in names], here.ops.quote_name
    columns = ", ".join(f"{quote(str(field.column))} = %s" for field in fields)
    key = quote(str(model._meta.pk.column))
    sql = f"UPDATE {quote(model._meta.db_table)} SET {columns} WHERE {key} = %s AND lease_token = %s"  # noqa: S608
    parameters = [
        [plain(field, value, here) for field, value in zip(fields, values, strict=True)] + [row.pk, row.lease_token]
        for row, values in rows
    ]
    return sql, parameters


def plain(field: models.Field[Any, Any], value: object, connection: BaseDatabaseWrapper) -> Any:
    """``value`` as the database's driver takes it for a column; most are such already, and asking the field is slow."""
    return value if type(value) in _PLAIN else field.get_db_prep_save(value, connection)


def release_all() -> int:
    """Give back every lease of every room; how many there were.

    Only for the start of a newsroom on one machine, when no worker can be alive; leases that run out do the same later.
    """
    rooms = [model for model in apps.get_models() if issubclass(model, Leased)]
    held = [model._default_manager.filter(lease_until__isnull=False) for model in rooms]
    return sum(rows.update(lease_until=None, lease_token="") for rows in held)


def job_done_at(name: str) -> datetime | None:
    """When a standing job was last done to its end; None: never."""
    return Job.objects.filter(name=name).values_list("done_at", flat=True).first()


@contextmanager
def standing_job(name: str, now: datetime, seconds: int = 300, *, every: timedelta = timedelta()) -> Iterator[bool]:
    """Hold the job ``name`` while the block runs; yields False when another worker holds it.

    Done, it is not due again before ``every`` is over.

    A block that raises leaves the lease to run out, so that a fault doesn't spin.
    """
    job, _ = Job.objects.get_or_create(name=name, defaults={"next_at": now})
    if job.next_at and job.next_at > now + every + LONGEST_LEASE:  # so said a clock that was far ahead
        Job.objects.filter(name=name).update(next_at=now)
    held = lease(Job.objects.filter(name=name), now, seconds, 1)
    yield bool(held)
    if held:
        finish(held[0], next_at=now + every, done_at=now)
