"""Open a list's file: the tables in it, one after the other, whether it is an archive or a table by itself.

A stranger's archive may be a bomb: its entries, their size, their ratio and the sum are capped, and nothing is unpacked
to the disk. Who left comes first, so that a row elsewhere in the archive can't bring them back.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO, Protocol

from handbill.kit.errors import GiveUp

MOST_ENTRIES = 20_000  # Substack writes three files a post
MOST_BYTES = 4 * 1024**3  # inflated, all tables together: some 20 million rows
MOST_RATIO = 100  # inflated to packed; exports have 3 to 15
FREE_BYTES = 1024**2  # up to here the ratio is not asked
_END = b"PK\5\6"
_END_SIZE = 22 + 65_535  # with the longest comment
_LEAVING = ("unsub", "clean", "bounce", "remov", "suppress", "complain")


class ListError(GiveUp):
    """The file is no list that can be read. The sentence says what to do and repeats nothing of the file."""


class Source(Protocol):
    """What a table's bytes are read from."""

    def read(self, most: int, /) -> bytes: ...


class _Unpacked:
    """An entry of an archive, read with errors of ours. It never gives more than the archive's directory says."""

    def __init__(self, packed: IO[bytes]) -> None:
        self._packed = packed

    def read(self, most: int, /) -> bytes:
        with _told():
            return self._packed.read(most)


def tables(file: BinaryIO, name: str) -> Iterator[tuple[str, Source]]:
    """Each table's name and bytes. ``file`` can seek; ``name`` is its own. Raises ListError, also while it is read."""
    file.seek(0)
    start = file.read(4)
    file.seek(0)
    if start[:2] != b"PK":
        yield name, file
        return
    _check_entries(file)
    with _told():
        archive = zipfile.ZipFile(file)
    with archive:
        for entry in _tables_of(archive):
            with _told():
                packed = archive.open(entry)
            with packed:
                yield entry.filename.rpartition("/")[2], _Unpacked(packed)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error, ValueError):
        raise ListError("The archive is damaged or cut short. Download the export again.") from None
    except RuntimeError:  # zipfile's word for a password
        raise ListError("The archive needs a password. Unpack it and import the tables in it.") from None


def _tables_of(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    entries = [entry for entry in archive.infolist() if entry.filename.lower().endswith((".csv", ".tsv"))]
    entries = [entry for entry in entries if not entry.filename.startswith("__MACOSX/")]
    if not entries:
        raise ListError("The archive holds no .csv file. Unpack it and name the file of addresses.")
    for entry in entries:
        if entry.file_size > FREE_BYTES and entry.file_size > MOST_RATIO * max(entry.compress_size, 1):
            raise ListError("The archive unpacks to far more than a list would: it was not opened.")
    if sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise ListError("The archive unpacks to more than 4 GiB. Import its tables one by one.")
    return sorted(entries, key=lambda entry: (not _is_of_who_left(entry.filename), entry.filename))


def _is_of_who_left(name: str) -> bool:
    return any(word in name.lower() for word in _LEAVING)


def _check_entries(file: BinaryIO) -> None:
    """The directory is read whole by zipfile, so its length is asked before."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _END_SIZE))
    tail = file.read()
    file.seek(0)
    at = tail.rfind(_END)
    if at < 0:
        raise ListError("The archive is damaged or cut short. Download the export again.")
    if int.from_bytes(tail[at + 10 : at + 12], "little") > MOST_ENTRIES:
        raise ListError(f"The archive holds more than {MOST_ENTRIES:,} files. Unpack it and import the tables in it.")
    if int.from_bytes(tail[at + 12 : at + 16], "little") > 64 * 1024**2:
        raise ListError("The archive's directory is too large. Unpack it and import the tables in it.")
