"""Maildirs, ours and other programs': a mail is there whole or not at all, also after a power cut.

A mail is written to ``tmp/``, and renamed into ``new/`` once the disk has it; who has read it renames it into ``cur/``.
"""

from __future__ import annotations

import errno
import heapq
import os
import secrets
import time
from pathlib import Path

PARTS = ("tmp", "new", "cur")
STALE_SECONDS = 36 * 3600  # after which a file in tmp/ is what a crash left
SEEN = ":2,S"


def prepare(folder: Path) -> None:
    """Make ``folder`` a maildir that only its owner reads, and clear what a crash left in it. Raises OSError."""
    for part in PARTS:
        (folder / part).mkdir(mode=0o700, parents=True, exist_ok=True)
    _sync(folder)
    for leftover in (folder / "tmp").iterdir():
        if time.time() - leftover.lstat().st_mtime > STALE_SECONDS:
            leftover.unlink(missing_ok=True)


def deliver(folder: Path, data: bytes) -> Path:
    """Write a mail into ``new/``, and return once it would survive a power cut.

    Raises OSError when it can't be kept; then nothing of it is left.
    """
    name = f"{time.time_ns()}.{os.getpid()}.{secrets.token_hex(8)}"
    draft, mail = folder / "tmp" / name, folder / "new" / name
    try:
        with draft.open("xb", buffering=0) as file:
            os.fchmod(file.fileno(), 0o600)
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) :]
            os.fsync(file.fileno())
        draft.rename(mail)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    _sync(folder / "new")
    return mail


def waiting(folder: Path, limit: int) -> list[Path]:
    """Up to ``limit`` unread mails that we may read, by name: about in the order of their arrival.

    Links and folders are no mails. Raises OSError when the folder can't be read, or no mail be moved within it.
    """
    for part in ("new", "cur"):
        if not os.access(folder / part, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder / part))
    with os.scandir(folder / "new") as found:
        return [
            folder / "new" / name for name in heapq.nsmallest(limit, (each.name for each in found if _is_mail(each)))
        ]


def _is_mail(entry: os.DirEntry[str]) -> bool:
    return not entry.name.startswith(".") and entry.is_file(follow_symlinks=False) and os.access(entry.path, os.R_OK)


def read(mail: Path, most: int) -> bytes:
    """The first ``most`` bytes of a mail. Raises OSError when it can't be read, or is a link."""
    with os.fdopen(os.open(mail, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
        return file.read(most)


def mark_seen(mail: Path) -> None:
    """Move a mail from ``new/`` to ``cur/`` with the flag of one that is read; harmless when it is gone already."""
    name = mail.name if ":2," in mail.name else mail.name + SEEN
    try:
        mail.rename(mail.parent.parent / "cur" / name)
    except FileNotFoundError:
        (mail.parent.parent / "cur").stat()  # raises, unless it is only the mail that is gone


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
