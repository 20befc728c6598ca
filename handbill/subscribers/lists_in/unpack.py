"""Open a list's file: the tables in it, one after the other, whether it is an archive or a table by itself.

A stranger's archive may be a bomb: its entries, their size, each one's ratio and that of all are capped, and nothing is
unpacked to the disk. Who left comes first, so that a row elsewhere in the archive can't bring them back.
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
MOST_DIRECTORY = 16 * 1024**2  # bytes: of so many entries with names of 800
_END, _END_64, _LOCATOR_64, _ENTRY = b"PK\5\6", b"PK\6\6", b"PK\6\7", b"PK\1\2"  # APPNOTE.TXT 4.3
_END_SIZE, _LONGEST_COMMENT, _MORE_64 = 22, 65_535, 56 + 20
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
    length = _check_entries(file)
    with _told():
        archive = zipfile.ZipFile(file)
    with archive:
        for entry in _tables_of(archive, length):
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


def _tables_of(archive: zipfile.ZipFile, length: int) -> list[zipfile.ZipInfo]:
    entries = [entry for entry in archive.infolist() if entry.filename.lower().endswith((".csv", ".tsv"))]
    entries = [entry for entry in entries if not entry.filename.startswith("__MACOSX/")]
    if not entries:
        raise ListError("The archive holds no .csv file. Unpack it and name the file of addresses.")
    whole = sum(entry.file_size for entry in entries)  # entries may share their bytes, or each be just small enough
    for size, packed in [(whole, length), *((entry.file_size, entry.compress_size) for entry in entries)]:
        if size > FREE_BYTES and size > MOST_RATIO * max(packed, 1):
            raise ListError("The archive unpacks to far more than a list would: it was not opened.")
    if whole > MOST_BYTES:
        raise ListError("The archive unpacks to more than 4 GiB. Import its tables one by one.")
    return sorted(entries, key=lambda entry: (not _is_of_who_left(entry.filename), entry.filename))


def _is_of_who_left(name: str) -> bool:
    return any(word in name.lower() for word in _LEAVING)


def _check_entries(file: BinaryIO) -> int:
    """The archive's length. zipfile reads its directory whole and makes an object of each entry, whatever count is told
    there: so they are counted before.
    """
    length = file.seek(0, 2)
    end, size = _directory(file, length)
    if size > MOST_DIRECTORY:
        raise ListError("The archive's directory is too large. Unpack it and import the tables in it.")
    file.seek(max(0, end - size))
    if file.read(size).count(_ENTRY) > MOST_ENTRIES:
        raise ListError(f"The archive holds more than {MOST_ENTRIES:,} files. Unpack it and import the tables in it.")
    file.seek(0)
    return length


def _directory(file: BinaryIO, length: int) -> tuple[int, int]:
    """Where an archive's directory ends, and its size, found as zipfile finds them."""
    file.seek(max(0, length - _END_SIZE - _LONGEST_COMMENT - _MORE_64))
    tail = file.read()
    plain = tail[-_END_SIZE:].startswith(_END) and tail.endswith(b"\0\0")
    at = len(tail) - _END_SIZE if plain else tail.rfind(_END)
    if at < 0:
        raise ListError("The archive is damaged or cut short. Download the export again.")
    end, size = length - len(tail) + at, tail[at + 12 : at + 16]
    more = tail[at - _MORE_64 : at] if at >= _MORE_64 else b""
    if more.startswith(_END_64) and more[56:].startswith(_LOCATOR_64):
        end, size = end - _MORE_64, more[40:48]
    return end, int.from_bytes(size, "little")
