"""Write and remove the files of the site, each in one step: a reader or a crash never meets half a file."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from handbill.site.plan import file_of


def write(folder: Path, path: str, content: bytes) -> None:
    """Put ``content`` at the public ``path`` below ``folder``: a temporary file beside it, then one rename."""
    target = folder / file_of(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        draft.write_bytes(content)
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def remove(folder: Path, path: str) -> bool:
    """Take the file of ``path`` away, and the folders it leaves empty. Says whether there was one."""
    target = folder / file_of(path)
    try:
        target.unlink()
    except FileNotFoundError:
        return False
    prune(folder, target.parent)
    return True


def prune(folder: Path, empty: Path) -> None:
    """Take away ``empty`` and the folders above it, below ``folder``, as far as nothing is in them."""
    while empty != folder:
        try:
            empty.rmdir()
        except OSError:
            break
        empty = empty.parent


def there(folder: Path, path: str) -> bool:
    """Whether ``path`` has a file."""
    return (folder / file_of(path)).is_file()


def names(folder: Path) -> set[str]:
    """Every file below ``folder``, relative and with ``/``: also drafts that a crash left."""
    found: set[str] = set()
    for parent, _, files in os.walk(folder):
        found |= {(Path(parent) / name).relative_to(folder).as_posix() for name in files}
    return found
