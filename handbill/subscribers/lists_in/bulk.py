"""Insert and look up many rows of a table at once: COPY on PostgreSQL, prepared statements on SQLite.

The ORM's own ``bulk_create`` and ``__in`` cost more for a reader than all that is done for them besides.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from itertools import repeat
from typing import Any
from uuid import UUID

from django.db import connection, models

CACHE_KIB = 64 * 1024
"""SQLite's page cache during an import. With the usual 2 MiB, indexes of a million hashes are read again and again."""


class Bulk:
    """Rows of ``model``, given as values of ``names`` (attribute names); other columns get the model's defaults."""

    def __init__(self, model: type[models.Model], names: Sequence[str]) -> None:
        by_name = {field.attname: field for field in model._meta.concrete_fields}
        rest = [field for name, field in by_name.items() if name not in names and not field.auto_created]
        fields = [by_name[name] for name in names] + rest
        columns = ", ".join(_quoted(field) for field in fields)
        self._table = f"{connection.ops.quote_name(model._meta.db_table)} ({columns})"
        self._rest = tuple(field.get_default() for field in rest)
        self._writers = [_writer(field) for field in fields]

    def insert(self, rows: Iterable[Sequence[Any]]) -> None:
        """Raises IntegrityError, with nothing inserted, when a row is there already."""
        rows = list(rows)
        if not rows:
            return
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                with connection.wrap_database_errors, cursor.copy(f"COPY {self._table} FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row((*row, *self._rest))
            else:
                places = ", ".join(["%s"] * len(self._writers))
                columns = [*zip(*rows, strict=True), *map(repeat, self._rest)]
                stored = [
                    map(write, values) if write else values
                    for write, values in zip(self._writers, columns, strict=True)
                ]
                cursor.executemany(f"INSERT INTO {self._table} VALUES ({places})", list(zip(*stored, strict=False)))  # noqa: S608


def found_among(model: type[models.Model], names: Sequence[str], by: str, values: Collection[str]) -> list[Any]:
    """``names`` of the rows whose text column ``by`` has one of the values, which differ, however many."""
    fields = {field.attname: field for field in model._meta.concrete_fields}
    table = connection.ops.quote_name(model._meta.db_table)
    columns = ", ".join(f"{table}.{_quoted(fields[name])}" for name in names)
    source, among = table, "= ANY(%s)"
    given: Any = list(values)
    if connection.vendor == "sqlite":  # each is looked up as it is read; IN would sort them all before
        source, among, given = f"json_each(%s) AS given CROSS JOIN {table}", "= given.value", json.dumps(given)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM {source} WHERE {table}.{_quoted(fields[by])} {among}", [given])  # noqa: S608
        rows = cursor.fetchall()
    return rows if connection.vendor == "postgresql" else [_read(row, [fields[name] for name in names]) for row in rows]


@contextmanager
def larger_cache() -> Iterator[None]:
    """For SQLite, CACHE_KIB of page cache within it; nothing else changes."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        before = cursor.execute("PRAGMA cache_size").fetchone()[0]
        cursor.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA cache_size = {before}")


@contextmanager
def no_collections() -> Iterator[None]:
    """Within it, Python doesn't look for circles among a batch's hundred thousand objects as they come, which make
    next to none: that was a third of an import's time. ``collect_young`` between batches ends those few.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def collect_young() -> None:
    """Free the circles among what was made since the last call."""
    gc.collect(0)


def _quoted(field: models.Field[Any, Any]) -> str:
    return connection.ops.quote_name(str(field.column))


def _writer(field: models.Field[Any, Any]) -> Callable[[Any], Any] | None:
    """How Django's backend for SQLite writes a column's values; None: as they are."""
    kind = field.target_field if isinstance(field, models.ForeignKey) else field
    if isinstance(kind, models.UUIDField):
        return lambda value: str(value).replace("-", "")
    return _text_of_time if isinstance(kind, models.DateTimeField) else None


@lru_cache(maxsize=32_768)  # a batch's: a row's moment stands in three tables
def _text_of_time(value: datetime | None) -> str | None:
    if value is None or value.tzinfo is not UTC:
        return None if value is None else str(value.astimezone(UTC))[:-6]
    return str(value)[:-6]  # without its +00:00


def _read(row: Sequence[Any], fields: Sequence[models.Field[Any, Any]]) -> tuple[Any, ...]:
    return tuple(_value(value, field) for value, field in zip(row, fields, strict=True))


def _value(value: Any, field: models.Field[Any, Any]) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    return UUID(value) if isinstance(field, models.UUIDField) else value
