"""Find texts that are the same: reprinted, lightly edited, cut, wrapped in another. Pure.

A text is known by its marks: hashes of its runs of five words, of which only those divisible by its ``rate`` are kept,
so that any text has about fifty. Two texts are the same when they share enough of the shorter one's marks. What an
outlet prints under many of its texts is no mark of any of them, and what everybody prints isn't either.
Source: ADR-0030.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from handbill.stories.pieces import word_hashes

RUN = 5  # words
MOST_MARKS = 64  # about; a text with more runs keeps every second, fourth, … sixteenth of them
COARSEST = 16
SHARE = 0.45  # of the shorter text's marks
LONG, SHARE_OF_LONG = 80, 0.27  # so many runs in common, reckoned from the marks, are no quotation: less will do
FEWEST = 3  # marks that two texts must share
BOILERPLATE = 3  # an outlet's texts that have a mark from which on it is the outlet's, not the text's
LEAST_LEFT = 0.12  # a text that is boilerplate but for so little is an outlet's new version of one text
COMMON = 60  # texts that have a mark from which on it says nothing
HASH_BITS, TEXT_BITS = 35, 28  # a mark and a text that has it are one number of 63 bits: eight bytes and no row around
ONE_TEXT = (1 << TEXT_BITS) - 1
AT_ONCE = 500  # texts compared in one step, which bounds the memory

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]

_FACTORS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5, 1], np.uint64)
_MIX = np.uint64(0xFF51AFD7ED558CCD)


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """What a text is known by: distinct multiples of ``rate`` below 2**HASH_BITS, ascending; alike in every process."""

    rate: int
    hashes: Ints


NO_MARKS = Marks(1, np.zeros(0, np.int64))


@dataclass(frozen=True, slots=True)
class Text:
    """A text to be compared. ``id`` is below 2**TEXT_BITS."""

    id: int
    outlet: int | str
    marks: Marks


@dataclass(frozen=True, slots=True)
class Holder:
    """What is kept of a text beside its marks. ``size`` counts them, boilerplate left out unless it is ``all_own``."""

    outlet: int | str
    rate: int
    size: int
    all_own: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """A known text with a share (0 to 1) of the shorter one's marks, out of ``shared`` that both have."""

    text: int
    share: float
    shared: int


class Table(Protocol):
    """Where marks are kept: in memory, or in a database. A *use* is ``hash << TEXT_BITS | text``."""

    def uses(self, hashes: Ints) -> Ints:
        """The uses of these hashes (ascending, distinct), in any order; about COMMON at most are kept of one."""

    def holders(self, texts: Ints) -> Mapping[int, Holder]:
        """Those of the texts that are still known."""

    def insert(self, holders: Mapping[int, Holder], uses: Ints) -> None:
        """Keep texts and their uses; what is kept already stays."""


def spans(starts: Ints, lengths: Ints) -> Ints:
    """The positions start, start + 1, … of each span, one span after the other."""
    return np.arange(lengths.sum()) + np.repeat(starts - np.cumsum(lengths) + lengths, lengths)


def firsts(ascending: Ints) -> Ints:
    """The positions at which another number begins."""
    new = np.ones(len(ascending), np.bool_)
    np.not_equal(ascending[1:], ascending[:-1], out=new[1:])
    return np.flatnonzero(new)


def distinct(numbers: Ints) -> Ints:
    """Each of the numbers once, ascending; many times faster than ``np.unique``, which hashes them."""
    ascending = np.sort(numbers)
    return ascending[firsts(ascending)]


class Memory:
    """A Table in memory, of eight bytes a use. Remembers ``most`` texts at least and twice as many at most."""

    def __init__(self, most: int = 1 << TEXT_BITS) -> None:
        self._most = most
        self._older, self._newer = _Heap(), _Heap()

    def uses(self, hashes: Ints) -> Ints:
        """As Table says."""
        return np.concatenate([self._older.uses(hashes), self._newer.uses(hashes)])

    def holders(self, texts: Ints) -> Mapping[int, Holder]:
        """As Table says."""
        kept = (self._newer.holders, self._older.holders)
        return {text: holders[text] for text in texts.tolist() for holders in kept if text in holders}

    def insert(self, holders: Mapping[int, Holder], uses: Ints) -> None:
        """As Table says."""
        if len(self._newer.holders) >= self._most:
            self._older, self._newer = self._newer, _Heap()
        self._newer.insert(holders, uses)


class _Heap:
    """Sorted runs of uses, each at least twice as long as the next, so that keeping n of them costs n log n."""

    def __init__(self) -> None:
        self.holders: dict[int, Holder] = {}
        self._runs: list[Ints] = []

    def uses(self, hashes: Ints) -> Ints:
        low = hashes << TEXT_BITS
        found = [np.zeros(0, np.int64)]
        for run in self._runs:
            starts, ends = run.searchsorted(low), run.searchsorted(low + ONE_TEXT, "right")
            found.append(run[spans(starts, ends - starts)])
        return np.concatenate(found)

    def insert(self, holders: Mapping[int, Holder], uses: Ints) -> None:
        self.holders.update(holders)
        self._runs.append(np.sort(uses))
        while len(self._runs) > 1 and len(self._runs[-2]) < 2 * len(self._runs[-1]):
            self._runs.append(np.sort(np.concatenate([self._runs.pop(), self._runs.pop()])))


def marks(text: str) -> Marks:
    """The marks of a text; none for one of fewer than RUN words. Reads the beginning of a long one."""
    found = word_hashes(text)
    count = len(found) - RUN + 1
    if count < 1:
        return NO_MARKS
    runs = found[:count] * _FACTORS[0]
    for start in range(1, RUN):
        runs += found[start : start + count] * _FACTORS[start]
    runs ^= runs >> np.uint64(33)
    runs *= _MIX
    runs >>= np.uint64(64 - HASH_BITS)
    rate = 1
    while count > MOST_MARKS * rate and rate < COARSEST:
        rate *= 2
    return Marks(rate, distinct(runs[runs & np.uint64(rate - 1) == 0].astype(np.int64)))


def recognise(texts: Iterable[Text], table: Table) -> dict[int, list[Match]]:
    """The known texts, and others of ``texts``, that are the same as each, the surest first; keeps all in the table.

    ``texts`` have distinct ids; one that is known already is compared again, with what is known now. Nobody's text
    matches one of fewer than FEWEST marks. Texts that have no match are left out.
    """
    batch = [text for text in texts if len(text.marks.hashes)]
    if not batch:
        return {}
    seen = _Seen(batch, table)
    steps = [range(first, min(first + AT_ONCE, len(batch))) for first in range(0, len(batch), AT_ONCE)]
    for step in steps:
        seen.tell_versions(step)
    for step in steps:
        seen.tell_own(step)
    found: dict[int, list[Match]] = {}
    for step in steps:
        for text, match in seen.compare(step):
            found.setdefault(text, []).append(match)
    table.insert(seen.new_holders(), seen.new_uses())
    return {text: sorted(matches, key=lambda m: (-m.share, -m.shared, m.text)) for text, matches in found.items()}


class _Seen:
    """All uses of the marks of a batch, by the batch itself and by what a table knows.

    Holders have places: ``ids`` ascending, ``outlets`` numbered, ``rates``, ``sizes``, ``all_own``. ``own`` tells for
    each mark of the batch, in order, whether it is its text's own.
    """

    def __init__(self, batch: Sequence[Text], table: Table) -> None:
        self.batch = batch
        lengths = np.array([len(text.marks.hashes) for text in batch])
        self.ends = np.append(0, np.cumsum(lengths))
        self.hashes = np.concatenate([text.marks.hashes for text in batch])
        self.texts = np.repeat(np.arange(len(batch)), lengths)
        mine = self.hashes << TEXT_BITS | np.array([text.id for text in batch])[self.texts]
        self.known = distinct(table.uses(distinct(self.hashes)))
        uses = distinct(np.concatenate([self.known, mine]))
        self._describe(table.holders(distinct(self.known & ONE_TEXT)), distinct(uses & ONE_TEXT))
        places = self.ids.searchsorted(uses & ONE_TEXT)
        kept = self.rates[places] > 0  # a text that is forgotten has no rate
        self.users, self.used = places[kept], uses[kept] >> TEXT_BITS
        self.own = np.ones(len(self.hashes), np.bool_)
        self.mine = mine
        self._starts = self.used.searchsorted(self.hashes)
        self._counts = self.used.searchsorted(self.hashes, "right") - self._starts

    def _describe(self, known: Mapping[int, Holder], ids: Ints) -> None:
        number: dict[int | str, int] = {}
        here = {text.id: Holder(text.outlet, text.marks.rate, 0) for text in self.batch}
        forgotten = Holder("", 0, 0)
        rows = [here.get(one) or known.get(one, forgotten) for one in ids.tolist()]
        self.ids = ids
        self.outlets = np.array([number.setdefault(row.outlet, len(number)) for row in rows])
        self.rates, self.sizes = np.array([row.rate for row in rows]), np.array([row.size for row in rows])
        self.all_own = np.array([row.all_own for row in rows])
        self.place = ids.searchsorted([text.id for text in self.batch])

    def _users(self, chosen: range) -> tuple[slice, Ints, Ints, Flags]:
        """Of the marks of some texts: where they are, then for each of their uses the mark and the user, and which
        marks are common. At most COMMON uses of one are looked at."""
        marks_ = slice(self.ends[chosen.start], self.ends[chosen.stop])
        starts, counts = self._starts[marks_], self._counts[marks_]
        few = np.minimum(counts, COMMON)
        return marks_, np.repeat(np.arange(len(few)), few), self.users[spans(starts, few)], counts >= COMMON

    def tell_versions(self, chosen: range) -> None:
        """Tell which of some texts are nearly nothing but what other texts of their outlets have as well."""
        marks_, mark, user, _ = self._users(chosen)
        text = self.texts[marks_]
        own = self._prints(text, mark, user) < BOILERPLATE
        left, whole = np.bincount(text, weights=own), np.bincount(text)
        all_own = left < np.maximum(FEWEST, LEAST_LEFT * whole)
        self.all_own[self.place[chosen.start : chosen.stop]] = all_own[chosen.start :]

    def tell_own(self, chosen: range) -> None:
        """Tell the marks of some texts that are their own from what their outlets print under texts of all kinds."""
        marks_, mark, user, _ = self._users(chosen)
        text = self.texts[marks_]
        others = ~self.all_own[user]
        own = self._prints(text, mark[others], user[others]) < BOILERPLATE
        own |= self.all_own[self.place[text]]
        self.own[marks_] = own
        sizes = np.bincount(text - chosen.start, weights=own, minlength=len(chosen)).astype(np.int64)
        self.sizes[self.place[chosen.start : chosen.stop]] = sizes

    def _prints(self, text: Ints, mark: Ints, user: Ints) -> Floats:
        """How many texts of its outlet have each mark."""
        alike = self.outlets[user] == self.outlets[self.place[text]][mark]
        return np.bincount(mark, weights=alike, minlength=len(text)).astype(np.float64)

    def compare(self, chosen: range) -> Iterable[tuple[int, Match]]:
        """The matches of some texts. Two are compared at the coarser of their rates; the marks that the other has at
        that rate are reckoned from their number."""
        marks_, mark, user, common = self._users(chosen)
        able = (self.own[marks_] & ~common & ~self._printed(len(common), mark, user))[mark]
        mark, user = mark[able], user[able]
        text, hashes = self.texts[marks_][mark], self.hashes[marks_][mark]
        coarse = np.maximum(self.rates[self.place[text]], self.rates[user])
        able = (hashes & (coarse - 1) == 0) & (self.place[text] != user)
        pairs, shared = np.unique(text[able] * len(self.ids) + user[able], return_counts=True)
        pairs, shared = pairs[shared >= FEWEST], shared[shared >= FEWEST]
        text, user = np.divmod(pairs, len(self.ids))
        coarse = np.maximum(self.rates[self.place[text]], self.rates[user])
        smaller = np.minimum(self._sizes_at(marks_, text, coarse), self.sizes[user] * self.rates[user] / coarse)
        share = np.minimum(1.0, shared / np.maximum(1.0, smaller))
        same = share >= np.where(shared * coarse >= LONG, SHARE_OF_LONG, SHARE)
        columns = (text[same], self.ids[user[same]], share[same], shared[same])
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return [(self.batch[one].id, Match(*match)) for one, *match in rows]

    def _printed(self, count: int, mark: Ints, user: Ints) -> Flags:
        """For each of ``count`` marks whether any outlet prints it under texts of all kinds."""
        others = ~self.all_own[user]
        prints = np.sort(mark[others] * len(self.ids) + self.outlets[user[others]])
        often = prints[BOILERPLATE - 1 :][prints[BOILERPLATE - 1 :] == prints[: 1 - BOILERPLATE]]
        printed = np.zeros(count, np.bool_)
        printed[often // len(self.ids)] = True
        return printed

    def _sizes_at(self, marks_: slice, text: Ints, coarse: Ints) -> Floats:
        """How many own marks the texts have at each rate."""
        sizes = np.zeros(len(text))
        for rate in np.unique(coarse).tolist():
            kept = self.own[marks_] & (self.hashes[marks_] & (rate - 1) == 0)
            counts = np.bincount(self.texts[marks_], weights=kept, minlength=len(self.batch))
            sizes[coarse == rate] = counts[text[coarse == rate]]
        return sizes

    def new_holders(self) -> dict[int, Holder]:
        """What is to be kept of the batch."""
        rows = zip(self.batch, self.sizes[self.place].tolist(), self.all_own[self.place].tolist(), strict=True)
        return {text.id: Holder(text.outlet, text.marks.rate, size, all_own) for text, size, all_own in rows}

    def new_uses(self) -> Ints:
        """The uses to be kept: those that aren't yet, of marks that aren't common yet."""
        new = np.sort(self.mine)
        new = new[self.known.take(self.known.searchsorted(new), mode="clip") != new] if len(self.known) else new
        hashes = new >> TEXT_BITS
        known = self.known >> TEXT_BITS
        before = known.searchsorted(hashes, "right") - known.searchsorted(hashes)
        rank = np.arange(len(new)) - hashes.searchsorted(hashes)
        return new[before + rank < COMMON]
