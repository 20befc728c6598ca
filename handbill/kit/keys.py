"""The newsroom's keys: files in ``keys/``, made at ``init``, readable by their owner only, never in the database.

Each file holds one ``ID BASE64`` line per key; the last line is the current one, earlier lines stay readable.
"""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path

from handbill.kit.errors import GiveUp

PURPOSES = ("address", "lookup", "token", "django")
KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Key:
    """One purpose's keys by id (1 to 255); ``current`` is the id to write with."""

    current: int
    by_id: dict[int, bytes]

    @property
    def secret(self) -> bytes:
        return self.by_id[self.current]


@dataclass(frozen=True, slots=True)
class Keyring:
    """A newsroom's keys: ``address`` seals, ``lookup`` hashes, ``token`` signs links, ``django`` signs sessions."""

    address: Key
    lookup: Key
    token: Key
    django: Key


def make_keys(folder: Path) -> None:
    """Write what is missing; a key that is there is never touched. Each file appears whole or not at all."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for purpose in PURPOSES:
        if not (folder / f"{purpose}.key").exists():
            _make(folder / f"{purpose}.key")


def _make(path: Path) -> None:
    """A name is given only to what is on the disk: a key lost after it sealed an address can't be made again."""
    handle, unfinished = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(f"1 {base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(unfinished, path)
    finally:
        Path(unfinished).unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def load_keys(folder: Path) -> Keyring:
    """Read every key. Raises GiveUp when one is missing or broken: without it addresses can't be read."""
    return Keyring(**{purpose: _load(folder / f"{purpose}.key") for purpose in PURPOSES})


def _load(path: Path) -> Key:
    try:
        pairs = [line.split() for line in path.read_text("ascii").splitlines() if line.strip()]
        by_id = {int(number): base64.b64decode(text, validate=True) for number, text in pairs}
        if not by_id or any(len(key) != KEY_BYTES or not 0 < number < 256 for number, key in by_id.items()):
            raise ValueError
    except (OSError, ValueError):
        raise GiveUp(
            f"The key {path} is missing or broken. Put back the keys folder from your backup;"
            " a new key can't read the addresses sealed with the old one."
        ) from None
    return Key(int(pairs[-1][0]), by_id)
