"""A key of a day, to count by what must not be known: a file beside the database, gone when the day is over.

What was hashed with it yesterday can be told by nobody any more. Days are UTC's.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import tempfile
from datetime import UTC, datetime
from pathlib import Path

KEY_BYTES = 32
_NAME = "day-{:%Y-%m-%d}.key"
HASH_LENGTH = 32  # hexadecimal characters


def day_hash(folder: Path, now: datetime, text: str) -> str:
    """Keyed hash of ``text`` that holds for this day only; the key is made in ``folder`` where there is none yet."""
    return hmac.new(_key(folder, now), text.encode(), hashlib.sha256).hexdigest()[:HASH_LENGTH]


def forget_day_keys(folder: Path, now: datetime) -> int:
    """Throw away the keys of all other days; how many there were."""
    today = _NAME.format(now.astimezone(UTC))
    old = [path for path in folder.glob(_NAME.partition("{")[0] + "*.key") if path.name != today]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _key(folder: Path, now: datetime) -> bytes:
    path = folder / _NAME.format(now.astimezone(UTC))
    while True:  # at midnight another process may throw it away just after it was made
        with contextlib.suppress(FileNotFoundError):
            return path.read_bytes()
        _make(path)
        forget_day_keys(folder, now)


def _make(path: Path) -> None:
    """Whole or not at all; whoever comes second takes the first one's."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(prefix=".day-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
        with contextlib.suppress(FileExistsError):
            os.link(unfinished, path)
    finally:
        Path(unfinished).unlink()
