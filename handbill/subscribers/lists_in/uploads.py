"""Lists that come in at the desk: kept in a private file, tried by background work, brought in by a button (ADR-0106).

A step that is cut off is begun again: a try writes nothing, and bringing a file in twice changes nothing. What becomes
of each row stands in a second file, by its number, without an address. Both go once the list is in, or after a day.
"""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TextIO

from django.conf import settings
from django.db import transaction

from handbill.kit import clock
from handbill.kit.errors import GiveUp, HandbillError
from handbill.subscribers.lists_in.actions import bring_in
from handbill.subscribers.lists_in.own import defused
from handbill.subscribers.lists_in.programs import NAMES as NAMES
from handbill.subscribers.lists_in.records import Brought, Fate, Row, Verdict, Wanted
from handbill.subscribers.models import Upload
from handbill.work.actions import finish, lease

MOST_BYTES = 256 * 1024 * 1024  # of a file; larger ones come in by the command line
KEPT = timedelta(days=1)
LEASE_SECONDS = 300
TOLD_EVERY = 2.0  # seconds
MOST_TRIES = 3  # of a step that is cut off
State = Upload.State
UNDER_WAY = (State.TRYING, State.BRINGING)


class LostHold(HandbillError):
    """The list was thrown away, or another worker has taken it: stop."""


def folder() -> Path:
    """Where the files lie: readable by the newsroom's own user only, and in no backup."""
    found: Path = settings.HANDBILL.run_folder / "lists"
    found.mkdir(mode=0o700, parents=True, exist_ok=True)
    return found


def private(name: str) -> int:
    """A new file there with mode 0600, as a descriptor to write to. Raises OSError."""
    return os.open(folder() / name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)


def give_in(file: str, name: str, program: str, proof: str, by: str, now: datetime) -> Upload:
    """Have the list in ``file`` (of ``folder``) tried. Raises GiveUp for a program that is none."""
    if program and program not in NAMES:
        raise GiveUp("Choose whose export it is from the list, or let it be recognised.")
    words = " ".join(proof.split())[:500]
    return Upload.objects.create(
        at=now, next_at=now, by=by[:150], name=name[:150], file=file, program=program, proof=words
    )


def go_ahead(pk: int, by: str, now: datetime) -> bool:
    """Bring in a list that was tried. False where it isn't one, or not any more."""
    tried = Upload.objects.filter(pk=pk, state=State.TRIED)
    return bool(tried.update(state=State.BRINGING, by=by[:150], next_at=now, percent=0, begun=0))


def throw_away(pk: int) -> bool:
    """Forget a list and its files, unless it is being brought in."""
    found = Upload.objects.filter(pk=pk).exclude(state=State.BRINGING)
    files = list(found.values_list("file", flat=True))
    gone, _ = found.delete()
    for name in files if gone else ():
        _remove(name)
    return bool(gone)


def recent(now: datetime) -> list[Upload]:
    """Those that are not forgotten yet, the newest first."""
    return list(Upload.objects.filter(at__gt=now - KEPT).order_by("-pk"))


def fates(upload: Upload, fate: str = "", skip: int = 0, most: int | None = None) -> Iterator[tuple[str, ...]]:
    """Rows of (table, number, fate, reason) in the file's order: those of one fate, or all."""
    shown = 0
    with suppress(FileNotFoundError), fates_file(upload).open(encoding="utf-8", newline="") as file:
        for row in islice(csv.reader(file), 1, None):
            if fate and row[2] != fate:
                continue
            shown += 1
            if most is not None and shown > skip + most:
                return
            if shown > skip:
                yield tuple(row)


def fates_file(upload: Upload) -> Path:
    """The table of what becomes of each row, with a first line; it may not be there."""
    return folder() / f"{upload.file}.fates"


def work(now: datetime) -> bool:
    """Take the list that waits longest a step further; False when none does, or another worker is at it."""
    held = lease(Upload.objects.filter(state__in=UNDER_WAY), now, LEASE_SECONDS, 1)
    if not held:
        return False
    [upload] = held
    if upload.begun >= MOST_TRIES:
        _fail(upload, f"It was cut off {MOST_TRIES} times. Bring it in by the command line, which says why.")
        return True
    Upload.objects.filter(pk=upload.pk).update(begun=upload.begun + 1)
    with suppress(LostHold):
        _step(upload, now)
    return True


def forget(now: datetime) -> int:
    """Delete lists older than a day with their files, and files that no row knows; how many lists."""
    old = Upload.objects.filter(at__lte=now - KEPT)
    names = list(old.values_list("file", flat=True))
    with transaction.atomic():
        old.delete()
    for name in names:
        _remove(name)
    known = set(Upload.objects.values_list("file", flat=True))
    for path in folder().iterdir():
        if path.name.partition(".")[0] not in known and path.stat().st_mtime <= (now - KEPT).timestamp():
            path.unlink(missing_ok=True)
    return len(names)


def _step(upload: Upload, now: datetime) -> None:
    dry = upload.state == State.TRYING
    try:
        with (folder() / upload.file).open("rb") as file, _anew(upload) as told:
            wanted = Wanted(program=upload.program, proof=upload.proof)
            done = bring_in(file, upload.name, wanted, upload.by, now, dry=dry, tell=_teller(upload, file, told))
    except FileNotFoundError:
        return _fail(upload, "Its file is gone. Give it in again.")
    except GiveUp as error:
        return _fail(upload, str(error))
    _done(upload, done)
    if not dry:
        (folder() / upload.file).unlink(missing_ok=True)
    return None


def _teller(upload: Upload, file: BinaryIO, told: TextIO) -> Callable[[str, Sequence[tuple[Row, Verdict]]], None]:
    size, last = max(os.fstat(file.fileno()).st_size, 1), time.monotonic()

    def tell(table: str, rows: Sequence[tuple[Row, Verdict]]) -> None:
        nonlocal last
        csv.writer(told).writerows(
            (defused(table), row.number, verdict.fate.value, verdict.reason) for row, verdict in rows
        )
        if time.monotonic() - last >= TOLD_EVERY:
            last = time.monotonic()
            _hold_on(upload, min(99, file.tell() * 100 // size))

    return tell


def _hold_on(upload: Upload, percent: int) -> None:
    until = clock.now() + timedelta(seconds=LEASE_SECONDS)
    mine = Upload.objects.filter(pk=upload.pk, lease_token=upload.lease_token)
    if not mine.update(percent=percent, lease_until=until):
        raise LostHold("The list was thrown away, or another worker has it.")


def _done(upload: Upload, done: Brought) -> None:
    outcome = {"counts": done.fates, "kind": done.kind[:100], "passed_over": done.passed_over[:50]}
    state = State.TRIED if done.dry else State.BROUGHT
    finish(upload, None, state=state, percent=100, ended=done.ended, begun=0, **outcome)


def _fail(upload: Upload, why: str) -> None:
    finish(upload, None, state=State.FAILED, trouble=why[:300])
    (folder() / upload.file).unlink(missing_ok=True)


def _anew(upload: Upload) -> TextIO:
    fates_file(upload).unlink(missing_ok=True)
    file = os.fdopen(private(fates_file(upload).name), "w", encoding="utf-8", newline="")
    csv.writer(file).writerow(("file", "row", "fate", "reason"))
    return file


def _remove(name: str) -> None:
    for path in (folder() / name, folder() / f"{name}.fates"):
        path.unlink(missing_ok=True)


ORDER = tuple(fate.value for fate in Fate)
"""Fates in the order to be shown."""
