"""The newsroom's keys: files in ``keys/``, made at ``init``, readable by their owner only, never in the database.

Each file holds a line for each key, ``ID BASE64 DATE``; the last is the one to write with, earlier ones are still read.
During a change of keys (``ops.rotate``) a line ends with ``next``: known, and not written with yet. In ``lookup.key``
it may end with ``kept``: no row has a hash of that key alone, but later hashes are made from it (``lookup``).
"""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from handbill.kit.errors import GiveUp

PURPOSES = ("address", "lookup", "token", "django")
KEY_BYTES = 32
NEXT, KEPT = "next", "kept"
LOOK_EVERY = 1.0  # seconds: so soon a running process knows of a change


@dataclass(frozen=True, slots=True)
class Key:
    """One purpose's keys by id (1 to 255); ``current`` is the id to write with, ``made`` says when, where it is known.

    ``kept``: ids that no row carries.
    """

    current: int
    by_id: Mapping[int, bytes]
    kept: frozenset[int] = frozenset()
    made: Mapping[int, date] = field(default_factory=dict)

    @property
    def secret(self) -> bytes:
        return self.by_id[self.current]

    @property
    def in_use(self) -> frozenset[int]:
        """Ids that a row may carry, now or soon."""
        return frozenset(self.by_id) - self.kept


@dataclass(frozen=True, slots=True)
class Keyring:
    """A newsroom's keys: ``address`` seals, ``lookup`` hashes, ``token`` signs links, ``django`` signs sessions."""

    address: Key
    lookup: Key
    token: Key
    django: Key


class LiveKeys:
    """The keyring of a folder, read anew within LOOK_EVERY of a change: keys are changed while everything runs.

    Files that can't be read at such a moment leave what was read before. ``clock`` gives seconds that only grow.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._clock = folder, clock
        self._ring, self._marks, self._looked = load_keys(folder), _marks(folder), clock()

    address = property(lambda self: self._now().address)
    lookup = property(lambda self: self._now().lookup)
    token = property(lambda self: self._now().token)
    django = property(lambda self: self._now().django)

    def _now(self) -> Keyring:
        if self._clock() - self._looked >= LOOK_EVERY:
            self.look()
        return self._ring

    def look(self) -> None:
        """Read them now if a file changed."""
        self._looked = self._clock()
        with contextlib.suppress(OSError, GiveUp):
            marks = _marks(self._folder)
            if marks != self._marks:
                self._ring, self._marks = load_keys(self._folder), marks


def make_keys(folder: Path) -> None:
    """Write what is missing; a key that is there is never touched. Each file appears whole or not at all."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for purpose in PURPOSES:
        path = folder / f"{purpose}.key"
        if not path.exists():
            with contextlib.suppress(FileExistsError):
                _write(path, f"1 {new_secret()}\n", os.link)


def new_secret() -> str:
    """A fresh key as a file writes it."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def rewrite(path: Path, lines: list[str]) -> None:
    """Put a key file's lines in place of what it holds: whole or not at all, and on the disk before it is used."""
    _write(path, "".join(f"{line}\n" for line in lines), os.replace)


def _write(path: Path, text: str, name: Callable[[str, Path], object]) -> None:
    """A name is given only to what is on the disk: a key lost after it sealed an address can't be made again."""
    handle, unfinished = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        name(unfinished, path)
    finally:
        Path(unfinished).unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def load_keys(folder: Path) -> Keyring:
    """Read every key. Raises GiveUp when one is missing or broken: without it addresses can't be read."""
    return Keyring(**{purpose: load_key(folder / f"{purpose}.key") for purpose in PURPOSES})


def load_key(path: Path) -> Key:
    """One file's keys. Raises GiveUp when it is missing or broken."""
    try:
        lines = [line.split() for line in path.read_text("ascii").splitlines() if line.strip()]
        by_id = {int(number): base64.b64decode(text, validate=True) for number, text, *_ in lines}
        words = {int(number): more for number, _, *more in lines}
        usable = [number for number, more in words.items() if not {NEXT, KEPT} & set(more)]
        if not usable or any(len(key) != KEY_BYTES or not 0 < number < 256 for number, key in by_id.items()):
            raise ValueError
        made = {number: date.fromisoformat(more[0]) for number, more in words.items() if more and more[0][:1].isdigit()}
    except (OSError, ValueError):
        raise GiveUp(
            f"The key {path} is missing or broken. Put back the keys folder from your backup;"
            " a new key can't read the addresses sealed with the old one."
        ) from None
    return Key(usable[-1], by_id, frozenset(number for number, more in words.items() if KEPT in more), made)


def _marks(folder: Path) -> list[tuple[int, int]]:
    """What changes whenever a file does: each is replaced, never written over."""
    found = [(folder / f"{purpose}.key").stat() for purpose in PURPOSES]
    return [(one.st_ino, one.st_mtime_ns) for one in found]
