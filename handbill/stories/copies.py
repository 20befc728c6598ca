"""Find texts that are the same: reprinted, lightly edited, cut, wrapped in another. Pure.

A text is known by its marks: hashes of its runs of five words, of which only those divisible by its ``rate`` are kept,
so that any text has about fifty. Two texts are the same when they share enough of the shorter one's marks. What an
outlet prints under many of its texts is no mark of any of them, and what everybody prints isn't either.
Source: ADR-0030.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol
from zlib import crc32

import numpy as np

from handbill.kit.text import words

RUN = 5  # words
READ_CHARACTERS = 40_000
MOST_MARKS = 64  # about; a text with more runs keeps every second, fourth, … sixteenth of them
COARSEST = 16
SHARE = 0.45  # of the shorter text's marks
LONG, SHARE_OF_LONG = 80, 0.27  # so many runs in common, reckoned from the marks, are no quotation: less will do
FEWEST = 3  # marks that two texts must share
BOILERPLATE = 3  # an outlet's texts that have a mark from which on it is the outlet's, not the text's
LEAST_LEFT = 0.12  # a text that is boilerplate but for so little is an outlet's new version of one text
COMMON = 60  # texts that have a mark from which on it says nothing

_INVISIBLE = re.compile("[\xad\u200b\u200c\u200d\u2060\ufeff]")
_WORD = re.compile(r"[^\W_]+")
_UNSPACED = re.compile("[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u9fff\U00020000-\U0003134f]")
_FACTORS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5, 1], np.uint64)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_BITS = np.uint64(20)  # what is shifted out: 44 bits are kept, few enough to be small on disk


@dataclass(frozen=True, slots=True)
class Marks:
    """What a text is known by: distinct multiples of ``rate``, each below 2**44. The same in every process."""

    rate: int
    hashes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Holder:
    """A known text that has a mark. ``rate`` and ``size`` are those of its own marks, boilerplate left out."""

    text: int
    outlet: int | str
    rate: int
    size: int


@dataclass(frozen=True, slots=True)
class Match:
    """A known text with a share (0 to 1) of the shorter one's marks, out of ``shared`` that both have."""

    text: int
    share: float
    shared: int


class Table(Protocol):
    """Where marks are kept: in memory, or a table with an index on the hash."""

    def holders(self, hashes: Sequence[int]) -> Mapping[int, Sequence[Holder]]:
        """The texts that have each hash; at most COMMON of them need be given for one."""

    def insert(self, holder: Holder, hashes: Sequence[int]) -> None:
        """Keep a text's marks; a text is inserted once."""


class Memory:
    """A Table in memory."""

    def __init__(self) -> None:
        self._rows: dict[int, list[Holder]] = {}

    def holders(self, hashes: Sequence[int]) -> Mapping[int, Sequence[Holder]]:
        """As Table says."""
        return {h: rows for h in hashes if (rows := self._rows.get(h)) is not None}

    def insert(self, holder: Holder, hashes: Sequence[int]) -> None:
        """As Table says."""
        for h in hashes:
            rows = self._rows.setdefault(h, [])
            if len(rows) < COMMON:
                rows.append(holder)


def marks(text: str) -> Marks:
    """The marks of a text; none for one of fewer than RUN words. Reads at most READ_CHARACTERS, and
    remembers the texts of the last rounds."""
    return _marks(text[:READ_CHARACTERS])


@lru_cache(maxsize=12_000)
def _marks(text: str) -> Marks:
    found = _words(text)
    if len(found) < RUN:
        return Marks(1, ())
    codes = np.fromiter(map(code, found), np.uint64, len(found))
    count = len(codes) - RUN + 1
    runs = np.zeros(count, np.uint64)
    for start, factor in enumerate(_FACTORS):
        runs += codes[start : start + count] * factor
    runs = ((runs ^ (runs >> np.uint64(33))) * _MIX) >> _BITS
    rate = 1
    while count > MOST_MARKS * rate and rate < COARSEST:
        rate *= 2
    kept = runs[runs % np.uint64(rate) == 0]
    return Marks(rate, tuple(dict.fromkeys(kept.tolist())))


def _words(text: str) -> list[str]:
    """Words for comparing only: faster than ``kit.text.words``, which a script without spaces is left to."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
        if _UNSPACED.search(text):
            return words(text)
    return _WORD.findall(text.casefold())


@lru_cache(maxsize=200_000)
def code(word: str) -> int:
    """A number for a word, below 2**32, the same in every process."""
    return crc32(word.encode("utf-8", "replace"))


def same_texts(mine: Marks, outlet: int | str, table: Table) -> list[Match]:
    """The known texts that are the same as one of ``outlet`` with these marks, the surest first.

    The text itself is among them if it was inserted. Nobody's text matches one of fewer than FEWEST marks.
    """
    known = table.holders(mine.hashes)
    own = telling(mine, outlet, known)
    kept = frozenset(own)
    shared: dict[Holder, list[int]] = defaultdict(list)
    for h in own:
        rows = known.get(h, ())
        if len(rows) < COMMON:
            for holder in rows:
                shared[holder].append(h)
    matches = [_match(mine.rate, kept, holder, hashes) for holder, hashes in shared.items() if len(hashes) >= FEWEST]
    return sorted((m for m in matches if m is not None), key=lambda m: (-m.share, -m.shared, m.text))


def telling(mine: Marks, outlet: int | str, known: Mapping[int, Sequence[Holder]]) -> tuple[int, ...]:
    """The marks that are the text's own: without the boilerplate of its outlet, unless nearly nothing were left."""
    own = tuple(h for h in mine.hashes if _prints(outlet, known.get(h, ())) < BOILERPLATE)
    return own if len(own) >= max(FEWEST, LEAST_LEFT * len(mine.hashes)) else mine.hashes


def _prints(outlet: int | str, rows: Iterable[Holder]) -> int:
    return sum(holder.outlet == outlet for holder in rows)


def _match(rate: int, mine: frozenset[int], holder: Holder, hashes: Sequence[int]) -> Match | None:
    """Compared at the coarser of both rates; the other's marks at that rate are reckoned from their number."""
    coarse = max(rate, holder.rate)
    ours = len(mine) if coarse == rate else sum(h % coarse == 0 for h in mine)
    theirs = holder.size * holder.rate / coarse
    shared = sum(h % coarse == 0 for h in hashes)
    if shared < FEWEST:
        return None
    share = min(1.0, shared / max(1.0, min(ours, theirs)))
    enough = SHARE_OF_LONG if shared * coarse >= LONG else SHARE
    return Match(holder.text, share, shared) if share >= enough else None


def insert_all(texts: Iterable[tuple[int, int | str, Marks]], table: Table) -> None:
    """Keep many texts (id, outlet, marks) at once, so that their outlets' boilerplate is known from the first on."""
    batch = list(texts)
    prints: dict[int | str, Counter[int]] = defaultdict(Counter)
    for _, outlet, mine in batch:
        prints[outlet].update(mine.hashes)
    for text, outlet, mine in batch:
        printed = prints[outlet]
        own = sum(printed[h] < BOILERPLATE for h in mine.hashes)
        size = own if own >= max(FEWEST, LEAST_LEFT * len(mine.hashes)) else len(mine.hashes)
        table.insert(Holder(text, outlet, mine.rate, size), mine.hashes)
