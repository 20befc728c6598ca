"""Bytes of a table become text, and text becomes records: lines, or several where a quoted cell has line breaks.

Pure, and flat in memory: a line or a quoted cell that never ends is cut off and told as a fault. Bytes that are no
UTF-8 become lone surrogates, which ``mended`` reads as Windows-1252 cell by cell, so that one bad name spoils no file.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from handbill.subscribers.lists_in.unpack import Source

CHUNK = 1024 * 1024  # bytes
LONGEST_RECORD = 256 * 1024  # characters
MOST_LINES = 200  # of one record
BATCH = 5_000  # records
TOO_LONG = "\0too long"
"""Stands for a record that was too long to be kept."""


def records(stream: Source) -> Iterator[list[str]]:
    """The records in order, in batches of about BATCH; the last line may lack its end. Empty lines are kept."""
    batch: list[str] = []
    pending: list[str] = []  # lines of a record whose quote is open
    for lines in _lines(stream):
        for line in lines:
            if pending or line.count('"') & 1:
                batch += _joined(pending, line)
            else:
                batch.append(line)
        if len(batch) >= BATCH:
            yield batch
            batch = []
    batch += pending
    if batch:
        yield batch


def mended(text: str) -> str:
    """A cell without lone surrogates: its bytes as Windows-1252, or with U+FFFD where they are none."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape").decode("cp1252", "replace")
    return text


def _joined(pending: list[str], line: str) -> list[str]:
    """What is whole after ``line``. A quote that stays open too long was none: its lines count one by one."""
    closes = bool(pending) and line.count('"') & 1
    pending.append(line)
    if closes:
        whole = ["\n".join(pending)]
    elif len(pending) > MOST_LINES or sum(map(len, pending)) > LONGEST_RECORD:
        whole = list(pending)
    else:
        return []
    pending.clear()
    return whole


def _lines(stream: Source) -> Iterator[list[str]]:
    rest, skipping, ending = "", False, ""
    for text in _texts(stream):
        ending = ending or _line_end(text)
        *lines, rest = (rest + text).split(ending)
        if skipping and lines:
            lines[0], skipping = TOO_LONG, False
        if len(rest) > LONGEST_RECORD:
            rest, skipping = "", True
        yield [TOO_LONG if len(line) > LONGEST_RECORD else line.rstrip("\r") for line in lines]
    if skipping:
        yield [TOO_LONG]
    elif rest:
        yield [rest.rstrip("\r")]


def _texts(stream: Source) -> Iterator[str]:
    data = stream.read(CHUNK)
    decoder = codecs.getincrementaldecoder(_encoding(data))(
        "replace" if _encoding(data).startswith("utf-16") else "surrogateescape"
    )
    while data:
        yield decoder.decode(data)
        data = stream.read(CHUNK)
    if rest := decoder.decode(b"", final=True):
        yield rest


def _encoding(start: bytes) -> str:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    sample = start[:2000]
    if sample[1::2].count(0) > len(sample) // 4:
        return "utf-16-le"
    if sample[0::2].count(0) > len(sample) // 4:
        return "utf-16-be"
    return "utf-8-sig"


def _line_end(text: str) -> str:
    return "\r" if "\n" not in text and "\r" in text else "\n"
