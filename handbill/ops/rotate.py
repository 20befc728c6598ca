"""Change the keys that seal and find addresses, while everything runs (ADR-0056).

What is under way stands in ``keys/changing``, and how far it is in the key files and the rows themselves: a run that
was killed is simply begun again. Each step waits until every process knows of it before the next.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from django.conf import settings

from handbill.kit.errors import GiveUp, TryLater
from handbill.kit.keys import KEPT, NEXT, load_key, new_secret, rewrite
from handbill.subscribers.renew import TABLES, drop_old, renew, write_ahead

SETTLED = 30.0  # seconds: longer than a process takes to look at its keys and to end a transaction begun before
CHANGED = ("address", "lookup")
Wait = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Rotated:
    """How many rows were renewed, and whether a change that had been cut off was gone on with."""

    rows: int
    continued: bool


def rotate(today: date, wait: Wait, say: Callable[[str], None]) -> Rotated:
    """Make a new key for each of CHANGED, bring all rows under it, and drop what the old ones no longer open.

    Raises TryLater when another process is at it, GiveUp when 255 keys were used up.
    """
    folder = settings.HANDBILL.keys_folder
    with _alone(folder) as (marker, continued):
        wanted = _wanted(folder, marker)
        for purpose, number in wanted.items():
            _add(folder / f"{purpose}.key", number, today)
        _settle(wait, say, "The new keys are there; waiting until every process knows them")
        if load_key(folder / "lookup.key").current != wanted["lookup"]:  # later, it would bring back who was forgiven
            write_ahead(TABLES)
        for purpose, number in wanted.items():
            _turn_to(folder / f"{purpose}.key", number)
            _settle(wait, say, f"New rows use the new {purpose} key; waiting until those under way are written")
        rows = _renew_all(wait, say)
        drop_old(TABLES)
        _drop(folder / "address.key", wanted["address"])
        _keep(folder / "lookup.key", wanted["lookup"])
        marker.unlink()
    settings.KEYS.look()
    return Rotated(rows, continued)


def _renew_all(wait: Wait, say: Callable[[str], None]) -> int:
    """Until a pass finds nothing: what was being written during one may be made from what it had read before."""
    total = 0
    while done := renew(TABLES):
        total += done
        _settle(wait, say, f"{total:,} rows renewed; looking whether any was written meanwhile")
    return total


@contextmanager
def _alone(folder: Path) -> Iterator[tuple[Path, bool]]:
    marker = folder / "changing"
    continued = marker.exists() and marker.stat().st_size > 0
    with marker.open("a+") as file:
        marker.chmod(0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise TryLater("Another process is changing the keys. Look again in a few minutes.") from None
        yield marker, continued


def _wanted(folder: Path, marker: Path) -> dict[str, int]:
    """The number of each new key, decided once."""
    told = marker.read_text().split()
    if len(told) == len(CHANGED):
        return dict(zip(CHANGED, map(int, told), strict=True))
    wanted = {purpose: max(load_key(folder / f"{purpose}.key").by_id) + 1 for purpose in CHANGED}
    if max(wanted.values()) > 255:
        raise GiveUp("All 255 numbers of keys are used up. Take the list out and bring it into a new newsroom.")
    _write_down(marker, wanted)
    return wanted


def _write_down(marker: Path, wanted: dict[str, int]) -> None:
    """In place, since the file itself is the lock: a half-written one holds fewer words, and is written anew."""
    marker.write_text(" ".join(str(wanted[purpose]) for purpose in CHANGED))


def _add(path: Path, number: int, today: date) -> None:
    if number not in load_key(path).by_id:
        rewrite(path, [*_lines(path), f"{number} {new_secret()} {today.isoformat()} {NEXT}"])


def _turn_to(path: Path, number: int) -> None:
    rewrite(path, [line.removesuffix(f" {NEXT}") if _is(line, number) else line for line in _lines(path)])


def _drop(path: Path, number: int) -> None:
    rewrite(path, [line for line in _lines(path) if _is(line, number)])


def _keep(path: Path, number: int) -> None:
    """Later hashes are made from the earlier ones, so an earlier key stays; without the later it finds nothing."""
    kept = [line if _is(line, number) or line.endswith(f" {KEPT}") else f"{line} {KEPT}" for line in _lines(path)]
    rewrite(path, kept)


def _lines(path: Path) -> list[str]:
    return [line.strip() for line in path.read_text("ascii").splitlines() if line.strip()]


def _is(line: str, number: int) -> bool:
    return line.split()[0] == str(number)


def _settle(wait: Wait, say: Callable[[str], None], what: str) -> None:
    say(what)
    wait(SETTLED)
    settings.KEYS.look()
