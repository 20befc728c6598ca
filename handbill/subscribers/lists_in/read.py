"""A list's tables become rows, one for each record and in order, whatever is wrong with it. Pure.

A row that can't be read has a ``fault``; none is left out and none stops the file. A cell that looks like a formula is
text like any other here (it is defused on the way out).
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from handbill.subscribers.lists_in.lines import TOO_LONG, mended, records
from handbill.subscribers.lists_in.own import COLUMNS, more_of, read_line, undefused
from handbill.subscribers.lists_in.programs import PAID_WORDS, Layout, plain_name, recognise
from handbill.subscribers.lists_in.records import Row, State, Wanted
from handbill.subscribers.lists_in.times import reader_of_times
from handbill.subscribers.lists_in.unpack import Source

DELIMITERS = ",;\t"
ONLY_OURS = COLUMNS[5:]  # from the topics on
_HALF = "The row has fewer or more cells than the first line: it may be cut off, or a quote is missing."
_LONG = "The row is too long for a row of a list."
_NOT = frozenset(("", "0", "false", "no"))
_CUT = [TOO_LONG]
_WORD = "The word in its state column is not known. Say what it means with --state WORD=STATE."


def rows(stream: Source, name: str, wanted: Wanted, now: datetime) -> tuple[str, Iterator[list[Row]]] | None:
    """The program a table is from, and its rows in batches; None when it has no column of addresses.

    Raises ListError as ``recognise`` does.
    """
    batches = records(stream)
    first = next(batches, [])
    if first and first[0].lstrip().startswith("{"):
        read_json = lambda batch, number: [read_line(line, number + i, now) for i, line in enumerate(batch)]  # noqa: E731
        return "handbill", _numbered(chain([first], batches), read_json, 1)
    delimiter, first = _declared(first)
    delimiter = delimiter or _delimiter(first[0] if first else "")
    header = _cells(first[0], delimiter) if first else []
    layout = recognise(header or [], name, wanted)
    if layout is None:
        return None
    if not layout.headless:
        del first[0]
    reader = _table_reader(layout, delimiter, now)
    return layout.program, _numbered(chain([first], batches), reader, 1 if layout.headless else 2)


def _numbered(
    batches: Iterator[list[str]] | chain[list[str]], read: Callable[[list[str], int], list[Row]], number: int
) -> Iterator[list[Row]]:
    for batch in batches:
        found = read(batch, number)
        number += len(found)
        yield found


def _table_reader(layout: Layout, delimiter: str, now: datetime) -> Callable[[list[str], int], list[Row]]:
    make = _row_maker(layout, now)

    def read(batch: list[str], number: int) -> list[Row]:
        return [make(cells, number + index) for index, cells in enumerate(_split(batch, delimiter, layout.width))]

    return read


def _split(batch: list[str], delimiter: str, width: int) -> list[list[str] | None]:
    """The cells of each record; None for one that can't be read. All at once where each record is a row."""
    try:
        whole = list(csv.reader(batch, delimiter=delimiter))
    except csv.Error:
        whole = []
    if len(whole) == len(batch) and not any("\n" in record for record in batch):
        return whole  # type: ignore[return-value]
    return [cells for record in batch for cells in _pieces(record, delimiter, width)]


def _pieces(record: str, delimiter: str, width: int) -> list[list[str] | None]:
    """One row; or a row for each line, where lines were joined over a quote that was none."""
    cells = _cells(record, delimiter)
    if "\n" in record and (cells is None or len(cells) != width):
        return [_cells(line, delimiter) for line in record.split("\n")]
    return [cells]


def _cells(record: str, delimiter: str) -> list[str] | None:
    try:
        found = list(csv.reader([record], delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return found[0] if len(found) == 1 else None if found else []


def _row_maker(layout: Layout, now: datetime) -> Callable[[list[str] | None, int], Row]:
    at, width, needed, time = layout.at, layout.width, max(layout.at.values()), reader_of_times(now)
    address, state_of, extra = at["address"], _state_reader(layout), _extra_reader(layout)
    joined, opted_in, confirmed = (at.get(field, width) for field in ("joined", "opted_in", "confirmed"))
    left, cleaned, paid = (at.get(field, width) for field in ("left", "cleaned", "paid"))

    def make(cells: list[str] | None, number: int) -> Row:
        if cells is None or cells == _CUT:
            return Row(number, fault=_HALF if cells is None else _LONG)
        if not any(cells):
            return Row(number)
        if len(cells) != width:
            if any(cells[width:]) or len(cells) <= needed:
                return Row(number, fault=_HALF)
            cells += [""] * (width - len(cells))
        cells.insert(width, "")  # what a column that isn't there says
        state = state_of(cells)
        typed = undefused(mended(cells[address]).strip()) or "?"
        if state is None:
            return Row(number, typed, fault=_WORD)
        ended = time(cells[left]) or time(cells[cleaned])
        payer = cells[paid].strip().lower() not in PAID_WORDS
        times = time(cells[joined]), time(cells[opted_in]), time(cells[confirmed])
        row = Row(number, typed, state, *times, ended, payer)
        return row._replace(**extra(cells)) if extra else row

    return make


def _state_reader(layout: Layout) -> Callable[[Sequence[str]], State | None]:
    """What a row's columns say, the strictest of them; None for a word that isn't known."""
    words, always, none = layout.state_words, layout.always, layout.width
    state, muted, left, cleaned = (layout.at.get(field, none) for field in ("state", "muted", "left", "cleaned"))

    def read(cells: Sequence[str]) -> State | None:
        said = words.get(plain_name(mended(cells[state]))) if cells[state].strip() else always
        if cells[cleaned].strip():
            return State.CLEANED
        if cells[left].strip() and said not in (State.CLEANED, State.COMPLAINT):
            return State.LEFT
        if cells[muted] and cells[muted].strip().lower() not in _NOT:
            return State.LEFT
        return said

    return read


def _extra_reader(layout: Layout) -> Callable[[Sequence[str]], dict[str, Any]] | None:
    """What only our own export, or a column that was named, tells."""
    found = {name: layout.at[name] for name in ONLY_OURS if name in layout.at}
    if not found:
        return None
    return lambda cells: more_of({name: undefused(mended(cells[at]).strip()) for name, at in found.items()})


def _declared(first: list[str]) -> tuple[str, list[str]]:
    """Excel's own first line, such as ``sep=;``, names the delimiter."""
    if first and len(first[0]) == 5 and first[0].lower().startswith("sep=") and first[0][4] in DELIMITERS:
        return first[0][4], first[1:]
    return "", first


def _delimiter(line: str) -> str:
    return max(DELIMITERS, key=line.count)
