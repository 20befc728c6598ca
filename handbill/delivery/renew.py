"""Bring rows under the current keys in batches, while others read and write (ADR-0056). Serves the rooms above, too.

A row is renewed by its hash: it tells its key, and the sealed address beside it is never newer. What was done is seen
in the rows, so a pass that was cut off is simply begun again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, models, transaction
from django.db.models import Q, QuerySet

from handbill.delivery.address import lifted, with_later
from handbill.delivery.models import Delivery, Proof, Suppression
from handbill.kit.crypto import seal, unseal
from handbill.kit.errors import GiveUp
from handbill.kit.lookup import ending

logger = logging.getLogger(__name__)
CHUNK = 1000  # rows a transaction


def _delete(model: type[models.Model], pk: Any, hashed: str) -> None:
    model._default_manager.filter(pk=pk).delete()


@dataclass(frozen=True, slots=True)
class Table:
    """Where hashes are kept. ``bound``: the columns that make what its sealed address is bound to, joined by colons.

    ``bars``: its rows keep an address out; they are written under a coming key at once and old ones deleted at the end.
    ``twice``: called where a row of the same address has the new hash already.
    """

    model: type[models.Model]
    hash: str = "address_hash"
    sealed: str = ""
    bound: tuple[str, ...] = ("pk",)
    bars: bool = False
    twice: Callable[[type[models.Model], Any, str], None] = _delete


TABLES = (
    Table(Suppression, bars=True),
    Table(Delivery, sealed="address_sealed", bound=("mailing__reference", "recipient")),
    Table(Proof),
)


def write_ahead(tables: Sequence[Table]) -> None:
    """Write what bars an address under the coming key, too, before anybody writes anything else under it."""
    for table in tables:
        rows, last = table.model._default_manager.order_by("pk"), 0
        while table.bars and (page := list(rows.filter(pk__gt=last)[:CHUNK])):
            last = page[-1].pk
            copies = [copy for row in page for copy in _copies(table, row)]
            table.model._default_manager.bulk_create(copies, ignore_conflicts=True)


def _copies(table: Table, row: models.Model) -> list[models.Model]:
    """The row under each later key."""
    values = {
        field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if not field.primary_key
    }
    hashed = values.pop(table.hash)
    return [table.model(**{table.hash: later}, **values) for later in with_later([hashed]) - {hashed}]


def renew(tables: Sequence[Table]) -> int:
    """One pass over the rows that carry an earlier key; how many were renewed."""
    return sum(_renew(table) for table in tables if not table.bars)


def drop_old(tables: Sequence[Table]) -> None:
    """Delete the rows under an earlier key of what bars an address: each stands under the current one as well."""
    for table in tables:
        if table.bars:
            _old(table).delete()


def _old(table: Table) -> QuerySet[Any]:
    new = Q(**{f"{table.hash}__endswith": ending(settings.KEYS.lookup.current)})
    return table.model._default_manager.exclude(new | Q(**{table.hash: ""})).order_by("pk")


def _renew(table: Table) -> int:
    columns = ("pk", table.hash, *((table.sealed, *table.bound) if table.sealed else ()))
    old, last, done = _old(table), None, 0
    while True:
        with transaction.atomic():
            some = old if last is None else old.filter(pk__gt=last)
            rows = list(some.select_for_update(of=("self",)).values_list(*columns)[:CHUNK])
            if not rows:
                return done
            _write(table, [_renewed(*row) for row in rows])
        last = rows[-1][0]
        done += len(rows)


def _renewed(pk: Any, hashed: str, sealed: bytes | None = None, *bound: Any) -> tuple[Any, ...]:
    """The values of an update. A copy that is done has no address any more."""
    if sealed is None:
        return lifted(hashed), pk
    return lifted(hashed), _resealed(bytes(sealed), ":".join(map(str, bound)), pk), pk


def _resealed(sealed: bytes, bound: str, pk: Any) -> bytes:
    """What doesn't open under any key stays as it is, and is told by its row's id."""
    key = settings.KEYS.address
    try:
        return seal(key, unseal(key, sealed, bound), bound) if sealed else sealed
    except GiveUp as error:
        logger.error("The address of row %s was not renewed: %s", pk, error)
        return sealed


def _write(table: Table, rows: list[tuple[Any, ...]]) -> None:
    """All at once, or one by one where two rows turn out to be one address's."""
    try:
        with transaction.atomic():
            _update(table, rows)
    except IntegrityError:
        for row in rows:
            try:
                with transaction.atomic():
                    _update(table, [row])
            except IntegrityError:
                table.twice(table.model, row[-1], row[0])


def _update(table: Table, rows: list[tuple[Any, ...]]) -> None:
    key = table.model._meta.pk
    quoted = connection.ops.quote_name
    columns = ", ".join(f"{quoted(name)} = %s" for name in filter(None, (table.hash, table.sealed)))
    text = f"UPDATE {quoted(table.model._meta.db_table)} SET {columns} WHERE {quoted(str(key.column))} = %s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.executemany(text, [(*row[:-1], key.get_db_prep_value(row[-1], connection)) for row in rows])
