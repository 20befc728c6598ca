"""Bring a list in: read its rows, judge each, write them in batches. A dry run does all but write.

A batch is one transaction, and a file that was cut off is simply brought in again: what was done is found, and counted
as it was the first time. A second run of a whole file changes nothing.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO

from django.db import IntegrityError, transaction

from handbill.delivery.address import AddressError, all_hashes, changing_keys, normalise, normalised_hashes
from handbill.kit.errors import TryLater
from handbill.subscribers.lists_in.bulk import collect_young, larger_cache, no_collections
from handbill.subscribers.lists_in.plan import EMPTY, ROLE, is_role, judge, proof, without_proof
from handbill.subscribers.lists_in.read import rows
from handbill.subscribers.lists_in.records import Brought, Fate, Known, Row, State, Verdict, Wanted
from handbill.subscribers.lists_in.seen import Seen
from handbill.subscribers.lists_in.store import UNKNOWN, Changes, Entry, look_up, write
from handbill.subscribers.lists_in.unpack import ListError, tables
from handbill.subscribers.models import Former, Import
from handbill.topics.models import Topic

TRIES = 5  # of a batch, when somebody signs up one of its addresses in between
LONGEST_NAME, LONGEST_KIND = 150, 20
WHOLE: frozenset[int | None] = frozenset([None])
Told = Callable[[str, Sequence[tuple[Row, Verdict]]], None]
NOTHING_HERE = (
    "No column of addresses was found. Name it with --column address=NAME as the table's first line writes it."
)
NO_TABLE = "This is no table of addresses. Posts of WordPress come in with `handbill import wordpress`."


@dataclass(slots=True)
class _Run:
    now: datetime
    word: str
    topics: dict[str, int]
    row: Import | None  # None: a dry run
    continued: bool
    seen: Seen = field(default_factory=Seen)
    fates: Counter[Fate] = field(default_factory=Counter)
    ended: int = 0
    changed: bool = False


def bring_in(
    file: BinaryIO, name: str, wanted: Wanted, by: str, now: datetime, *, dry: bool = False, tell: Told | None = None
) -> Brought:
    """Bring the list in ``file`` (seekable) in, or only say what would become of it.

    ``tell`` gets each batch as it is done: the table's name, its rows and their verdicts. Raises ListError when there
    is nothing to read; what an archive's earlier tables brought stays.
    """
    row, continued = (None, False) if dry else _import(file, by, now)
    run = _Run(now, wanted.proof, _topics(), row, continued)
    try:
        with larger_cache(), no_collections():
            kinds, passed_over = _through(file, name, wanted, run, tell)
    except ListError:
        _drop_unused(run)
        raise
    kind = ", ".join(dict.fromkeys(kinds))
    counts = _finish(run, kind)
    if not kinds:
        raise ListError(_nothing(file))
    return Brought(kind, counts, passed_over, run.ended, dry)


def _through(file: BinaryIO, name: str, wanted: Wanted, run: _Run, tell: Told | None) -> tuple[list[str], list[str]]:
    """All tables of the file; the programs they are from, and the names of those without addresses."""
    kinds: list[str] = []
    passed_over: list[str] = []
    for table, stream in tables(file, name):
        found = rows(stream, table, wanted, run.now)
        if found is None:
            passed_over.append(table)
            continue
        kinds.append(found[0])
        for batch in found[1]:
            told = list(zip(batch, _batch(batch, found[0], run), strict=True))
            run.fates.update(verdict.fate for _, verdict in told)
            if tell:
                tell(table, told)
            collect_young()
    return kinds, passed_over


def _batch(batch: list[Row], program: str, run: _Run) -> list[Verdict]:
    checked = [_check(row) for row in batch]
    good = [(row, address) for row, address in zip(batch, checked, strict=True) if isinstance(address, str)]
    hashes = normalised_hashes(address for _, address in good)
    asked = [(*pair, *more) for pair, more in zip(good, zip(hashes, run.seen.add(hashes), strict=True), strict=True)]
    decided = iter(_settle(asked, program, run))
    return [address if isinstance(address, Verdict) else next(decided) for address in checked]


def _check(row: Row) -> str | Verdict:
    """A row's address as it is mailed, or why there is none."""
    if row.fault:
        return Verdict(Fate.REFUSED, row.fault)
    if not row.address:
        return EMPTY
    try:
        address = normalise(row.address)
    except AddressError as error:
        return Verdict(Fate.REFUSED, str(error))
    return ROLE if is_role(address) else address


def _settle(asked: list[tuple[Row, str, str, bool]], program: str, run: _Run) -> list[Verdict]:
    """Judge a batch by what is known this moment, and write it, in one transaction."""
    for _ in range(TRIES):
        try:
            with transaction.atomic():
                known = look_up(_names(asked), run.row)
                verdicts, changes = _judge(asked, known, program, run)
                if run.row is not None and changes:
                    run.ended += write(changes, run.row, run.now)
                    run.changed = True
            return verdicts
        except IntegrityError:
            continue
    raise TryLater("Others are changing the same readers at this moment. Bring the file in again in a minute.")


def _names(asked: Iterable[tuple[Row, str, str, bool]]) -> dict[str, str]:
    """Each hash that an address of the batch may be found under, to the one it has here."""
    if not changing_keys():
        return {hashed: hashed for _, _, hashed, _ in asked}
    return {found: hashed for _, address, hashed, _ in asked for found in (hashed, *all_hashes(address))}


def _judge(
    asked: Iterable[tuple[Row, str, str, bool]], known: Mapping[str, Known], program: str, run: _Run
) -> tuple[list[Verdict], Changes]:
    verdicts, changes = [], Changes()
    for row, address, hashed, seen in asked:
        what = known.get(hashed, UNKNOWN)
        evidence = proof(row, program, run.word)
        topics = _chosen(row, run)
        verdict = judge(row, what, evidence is not None, seen, bool(topics))
        verdicts.append(verdict)
        if verdict.fate in (Fate.BEGINS, Fate.HELD):
            when, text = evidence or (None, without_proof(row, program))
            entry = Entry(row, address, hashed, verdict.fate is Fate.BEGINS, when, text, topics, _leading(row, run))
            _arrives(entry, what, changes)
        elif verdict.fate in (Fate.LEFT, Fate.CLEANED):
            _leaves(hashed, row.state, what, changes)
    return verdicts, changes


def _arrives(entry: Entry, what: Known, changes: Changes) -> None:
    """What a run that was cut off has written already is left as it is."""
    if not what.reader:
        changes.begin[entry.hash] = entry
    elif entry.proven and not what.reading:
        changes.prove[entry.hash] = entry


def _leaves(hashed: str, state: State, what: Known, changes: Changes) -> None:
    changes.begin.pop(hashed, None)
    changes.prove.pop(hashed, None)
    if what.barred not in Former.Reason.values:
        changes.former.setdefault(hashed, state)
    if what.id and what.reading:
        changes.end[what.id] = state
    elif what.id and what.confirmed is None:
        changes.drop.add(what.id)


def _chosen(row: Row, run: _Run) -> frozenset[int | None]:
    """The topics a row names that are here, None among them for the whole paper; empty when none of them is."""
    if not row.topics:
        return WHOLE
    return frozenset(run.topics[name.lower()] for name in row.topics if name.lower() in run.topics)


def _leading(row: Row, run: _Run) -> tuple[int, ...]:
    return tuple(run.topics[name.lower()] for name in row.leading if name.lower() in run.topics)


def _topics() -> dict[str, int]:
    found: dict[str, int] = {}
    for pk, slug, name in Topic.objects.filter(retired=False).values_list("pk", "slug", "name"):
        found |= {name.lower(): pk, slug.lower(): pk}
    return found


def _import(file: BinaryIO, by: str, now: datetime) -> tuple[Import, bool]:
    """The row of this import, and whether a run of the same file was cut off before."""
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    file.seek(0)
    old = Import.objects.filter(digest=digest, counts={}).first()
    return (old, True) if old else (Import.objects.create(at=now, by=by[:LONGEST_NAME], digest=digest), False)


def _finish(run: _Run, kind: str) -> dict[str, int]:
    counts = {fate.value: run.fates[fate] for fate in Fate if run.fates[fate]}
    if run.row is not None and not _drop_unused(run):
        run.row.kind, run.row.counts = kind[:LONGEST_KIND], counts
        run.row.save(update_fields=["kind", "counts"])
    return counts


def _drop_unused(run: _Run) -> bool:
    """An import that changed nothing leaves no row."""
    if run.row is None or run.changed or run.continued:
        return False
    run.row.delete()
    return True


def _nothing(file: BinaryIO) -> str:
    file.seek(0)
    return NO_TABLE if file.read(200).lstrip(b"\xef\xbb\xbf \r\n").startswith(b"<") else NOTHING_HERE
