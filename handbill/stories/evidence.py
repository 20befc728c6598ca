"""Weigh whether two groups of reports tell one event, by the words they use and the words they don't. Pure.

A group is taken to draw each word with a chance of its own, about which nothing is known before but how common the word
is (a beta distribution around its share of all reports). The evidence is the logarithm of how much likelier the words
of both groups are if they have one chance in common than if each has its own: rare words that both use speak for
one event, words that most of one group use and none of the other speak against it. It needs no threshold: above
zero is one event; ``bar`` asks for more, the more reports there are that could meet by accident.
Source: ADR-0019; the model is that of Bayesian hierarchical clustering (Heller and Ghahramani, 2005).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from handbill.stories.copies import distinct, spans
from handbill.stories.terms import Said

FAITH = 6.0  # reports' worth of belief that a group uses a word as often as everybody does
TELLING = 2.0  # a name or a number counts as so many plain words
BACKGROUND = 40  # reports imagined beside those seen, so that a small batch doesn't think every word common
COMMONEST = 0.1  # share of reports from which on words are equally common
LOUDEST = 20.0  # a group speaks as if by so many reports at most: a long story has room for new words
DRAW = 0.5  # how much large groups draw reports to them: 0 not at all, 1 as their size
DOUBT = 2.0  # what is asked beyond chance: neighbours of one valley share words that no other report has
MAJORITY = 0.5  # of a story's reports use each word of its core
CORE = 3.0  # what those words must be worth: else the group is a chain of neighbours
LEADS = 600  # a word that more reports use is no lead to follow
MOST_LEADS = 60  # of a report are followed, the weightiest
NEIGHBOURS = 8  # the likeliest others of each report that are weighed in full
FAINT = 0.5  # of the likeliest one's hints: others that have less aren't weighed
HINT = 2.0  # what shared words must add up to for that
AT_ONCE_ALONE = 2_000_000  # bytes for the words of those that are weighed in one step
AT_ONCE = 400_000  # pairs of reports are looked at in one step, which bounds the memory

_OWNER_BITS = 24  # hold the number of a report at hand
_MOST_LOUD = int(2 * LOUDEST)  # reports that two groups speak as if by

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Words:
    """What a group of ``size`` reports says: its ``terms`` (ascending), ``counts`` of reports that use each.

    ``loud`` is what one report counts, at most 1. ``spread`` holds the weight of all terms used by 0, 1, 2, … reports;
    ``own`` is what it costs that only those use them.
    """

    size: int
    terms: Ints
    counts: Floats
    loud: float
    spread: Floats
    own: float


class Evidence:
    """The words of all reports at hand: how common each is, and what it is worth."""

    def __init__(self, said: Sequence[Said]) -> None:
        self._said = said
        owners = np.repeat(np.arange(len(said)), [len(one.packed) for one in said])
        packed = np.concatenate([one.packed for one in said]) if said else np.zeros(0, np.int64)
        # One number a word of a report, which sorts fastest: the word, whether it tells, the report.
        uses = np.sort((packed >> 1) << _OWNER_BITS | owners)
        codes = uses >> (_OWNER_BITS + 1)
        first = np.flatnonzero(np.diff(codes, prepend=-1))
        self._codes = codes[first]
        self._users = (uses & ((1 << _OWNER_BITS) - 1)).astype(np.int32)
        self._starts = np.append(first, len(uses))
        self._spread = np.diff(self._starts)
        tells = np.add.reduceat(uses >> _OWNER_BITS & 1, first) if len(first) else first
        self._weight = np.where(tells * 2 >= self._spread, TELLING, 1.0)
        self._value(len(said))
        self._place = np.zeros(len(self._codes))
        self._terms: dict[int, Ints] = {}
        self._singles: dict[int, Words] = {}

    def _value(self, reports: int) -> None:
        """What each word is worth. All that depends only on how many reports use it is reckoned once a number."""
        kinds, kind = np.unique(self._spread, return_inverse=True)
        used_by = (kinds + 0.5) / (reports + BACKGROUND)
        share = np.minimum(used_by, COMMONEST)
        before = FAITH * share
        rises = np.log(before[:, None] + np.arange(_MOST_LOUD))
        self._rises = np.concatenate([np.zeros((len(kinds), 1)), np.cumsum(rises, axis=1)], axis=1)
        self._kind, self._before = kind, before[kind]
        self._expected = FAITH * float(self._weight @ share[kind])
        self._worth = self._weight * np.log(1 + 1 / before)[kind]
        self._core = np.where((used_by < COMMONEST)[kind], self._worth, 0.0)
        both = self._rises[:, 2] - self._rises[:, 1] - self._rises[:, 1]
        unsaid = float(_STEPS[0] + _STEPS[2] - _STEPS[1] - _STEPS[1])
        self._weight_alone = self._weight * (both[kind] + unsaid)  # what a word is worth that two reports share
        self._lead = np.where((self._spread > 1) & (self._spread <= LEADS), self._worth, 0.0)

    def _of(self, report: int) -> Ints:
        """The terms of a report: places of its words among all words."""
        if (found := self._terms.get(report)) is None:
            found = self._terms[report] = np.searchsorted(self._codes, self._said[report].codes)
        return found

    def words(self, reports: Sequence[int]) -> Words:
        """What these reports say together; positions in the sequence that the evidence was made of."""
        if len(reports) == 1:
            return self._alone(reports[0])
        terms = np.concatenate([self._of(report) for report in reports])
        return self._words(len(reports), *np.unique(terms, return_counts=True))

    def _alone(self, report: int) -> Words:
        if (found := self._singles.get(report)) is None:
            terms = self._of(report)
            spread = np.array([0.0, self._weight[terms].sum()])
            found = Words(1, terms, np.ones(len(terms)), 1.0, spread, _absent(spread, 1.0, 1.0))
            self._singles[report] = found
        return found

    def both(self, one: Words, other: Words) -> Words:
        """What two groups say together."""
        self._place[one.terms] = one.counts / one.loud
        self._place[other.terms] += other.counts / other.loud
        terms = distinct(np.sort(np.concatenate([one.terms, other.terms])))
        raw = self._place[terms]
        self._place[terms] = 0.0
        return self._words(one.size + other.size, terms, np.rint(raw))

    def _words(self, size: int, terms: Ints, counted: Floats | Ints) -> Words:
        counts: Floats = counted.astype(np.float64)
        loud = min(1.0, LOUDEST / size)
        spread: Floats = np.bincount(counted.astype(np.int64), weights=self._weight[terms], minlength=size + 1).astype(
            np.float64
        )
        return Words(size, terms, counts * loud, loud, spread, _absent(spread, loud, size * loud))

    def neighbours(self, reports: Sequence[int], within: Sequence[tuple[int, int]]) -> list[list[int]]:
        """For each of ``reports`` the likeliest of others to tell its event: first to last (excluded) ``within``."""
        step = max(1, AT_ONCE // max(1, len(self._said)))
        steps = range(0, len(reports), step)
        return [found for n in steps for found in self._neighbours(reports[n : n + step], within[n : n + step])]

    def _neighbours(self, reports: Sequence[int], within: Sequence[tuple[int, int]]) -> Iterator[list[int]]:
        leads = [self._leads(report) for report in reports]
        terms = np.concatenate(leads)
        lengths = self._spread[terms]
        size = len(self._said)
        cells = np.repeat(np.repeat(np.arange(len(reports)) * size, [len(found) for found in leads]), lengths)
        cells += self._users[spans(self._starts[terms], lengths)]
        worth = np.repeat(self._lead[terms], lengths)
        scores: Floats = np.bincount(cells, weights=worth, minlength=len(reports) * size).astype(np.float64, copy=False)
        for row, report, (first, last) in zip(scores.reshape(-1, size), reports, within, strict=True):
            row[report] = 0.0
            yield _likeliest(row[first:last], first)

    def _leads(self, report: int) -> Ints:
        terms = self._of(report)
        leads = terms[self._lead[terms] > 0]
        if len(leads) <= MOST_LEADS:
            return leads
        return leads[np.argpartition(-self._lead[leads], MOST_LEADS)[:MOST_LEADS]]

    def weigh_alone(self, pairs: Sequence[tuple[int, int]]) -> list[float]:
        """What ``weigh`` says of pairs of single reports; the same, but all at once, since most are weighed so."""
        step = max(1, AT_ONCE_ALONE // max(1, len(self._codes)))
        return [weight for n in range(0, len(pairs), step) for weight in self._weigh_alone(pairs[n : n + step])]

    def _weigh_alone(self, pairs: Sequence[tuple[int, int]]) -> list[float]:
        words = {report: self._alone(report) for pair in pairs for report in pair}
        rows = {one: row for row, one in enumerate(dict.fromkeys(one for one, _ in pairs))}
        said = np.zeros((len(rows), len(self._codes)), np.bool_)
        for one, row in rows.items():
            said[row, words[one].terms] = True
        lengths = [len(words[other].terms) for _, other in pairs]
        terms = np.concatenate([words[other].terms for _, other in pairs])
        shared = said[np.repeat([rows[one] for one, _ in pairs], lengths), terms]
        gain = self._weight_alone[terms[shared]]
        owner = np.repeat(np.arange(len(pairs)), lengths)[shared]
        gains = np.bincount(owner, weights=gain, minlength=len(pairs)).tolist()
        apart = (self._apart(words[one], words[other], 2.0) for one, other in pairs)
        return [round(a + b, 6) for a, b in zip(gains, apart, strict=True)]

    def weigh(self, one: Words, others: Sequence[Words]) -> list[float]:
        """The evidence, in natural logarithms, that ``one`` and each of the ``others`` tell one event."""
        if not others:
            return []
        terms = np.concatenate([other.terms for other in others])
        self._place[one.terms] = one.counts
        mine = self._place[terms]
        self._place[one.terms] = 0.0
        shared = np.flatnonzero(mine)
        owner = np.repeat(np.arange(len(others)), [len(other.terms) for other in others])[shared]
        theirs = np.concatenate([other.counts for other in others])[shared]
        terms, mine = terms[shared], mine[shared]
        total = np.array([one.size * one.loud + other.size * other.loud for other in others])
        whole = one.loud == 1.0 and all(other.loud == 1.0 for other in others)
        said = self._said_whole(terms, mine, theirs) if whole else self._said_in_part(terms, mine, theirs)
        gain = self._weight[terms] * (said + _unsaid(mine, theirs, total[owner], whole))
        gains = np.bincount(owner, weights=gain, minlength=len(others)).tolist()
        totals = total.tolist()
        return [round(gains[k] + self._apart(one, other, totals[k]), 6) for k, other in enumerate(others)]

    def _said_whole(self, terms: Ints, mine: Floats, theirs: Floats) -> Floats:
        """What it is worth that whole numbers of reports use the words: looked up."""
        kind, one, other = self._kind[terms], mine.astype(np.intp), theirs.astype(np.intp)
        rises = self._rises
        return np.asarray(rises[kind, one + other] - rises[kind, one] - rises[kind, other])

    def _said_in_part(self, terms: Ints, mine: Floats, theirs: Floats) -> Floats:
        before = self._before[terms]
        return _lgamma(before + mine + theirs) + _lgamma(before) - _lgamma(before + mine) - _lgamma(before + theirs)

    def _apart(self, one: Words, other: Words, total: float) -> float:
        """The evidence as if the two shared no word, and what sharing a size is worth."""
        lost = _absent(one.spread, one.loud, total) + _absent(other.spread, other.loud, total) - one.own - other.own
        seen = _harmonic(total) - _harmonic(one.size * one.loud) - _harmonic(other.size * other.loud)
        return lost - self._expected * seen

    def has_core(self, group: Words) -> bool:
        """Whether most of the group's reports share words that tell: else it is a chain of neighbours."""
        core = group.terms[group.counts > MAJORITY * group.size * group.loud]
        return float(self._core[core].sum()) >= CORE

    def titled(self, report: int) -> set[int]:
        """The numbers of the words in the title of ``report``."""
        return set(self._said[report].titled.tolist())

    def heaviest(self, report: int, other: int) -> list[int]:
        """The numbers of the words that ``report`` shares with ``other``, the weightiest first."""
        shared = np.intersect1d(self._of(report), self._of(other), assume_unique=True)
        heaviest: list[int] = self._codes[shared[np.argsort(-self._worth[shared], kind="stable")]].tolist()
        return heaviest


def bar(crowd: int, one: int, other: int) -> float:
    """What the evidence must exceed where ``crowd`` reports could meet, for groups of so many reports."""
    drawn = math.lgamma(one + other) - math.lgamma(one) - math.lgamma(other)
    return DOUBT + math.log(max(crowd, 1)) - DRAW * drawn


def _likeliest(scores: Floats, first: int) -> list[int]:
    least = max(HINT, FAINT * float(scores.max(initial=0.0)))
    likely = np.flatnonzero(scores > least)
    if len(likely) > NEIGHBOURS:
        least = np.partition(scores[likely], -NEIGHBOURS)[-NEIGHBOURS]
        likely = likely[scores[likely] >= least][: 2 * NEIGHBOURS]
    return (likely + first).tolist()


def _unsaid(mine: Floats, theirs: Floats, total: Floats, whole: bool) -> Floats:
    """What it is worth that so many of ``total`` reports don't use the words; ``whole`` numbers are looked up."""
    if not whole:
        most = FAITH + total
        return _lgamma(most - mine - theirs) + _lgamma(most) - _lgamma(most - mine) - _lgamma(most - theirs)
    one, other, most = mine.astype(np.intp), theirs.astype(np.intp), total.astype(np.intp)
    return np.asarray(_STEPS[most - one - other] + _STEPS[most] - _STEPS[most - one] - _STEPS[most - other])


def _absent(spread: Floats, loud: float, total: float) -> float:
    """What it costs that of ``total`` reports only those of a group use its words."""
    if len(spread) == 2:
        return float(spread[1]) * (math.lgamma(FAITH + total - loud) - math.lgamma(FAITH + total))
    if loud == 1.0 and total == int(total):
        left = int(total) - np.arange(len(spread))
        return float(spread @ _STEPS[left]) - float(spread.sum()) * float(_STEPS[int(total)])
    used = np.flatnonzero(spread)
    lost = _lgamma(FAITH + total - used.astype(np.float64) * loud) - math.lgamma(FAITH + total)
    return float((spread[used] * lost).sum())


@lru_cache(maxsize=1_000)
def _harmonic(size: float) -> float:
    """digamma(FAITH + size) − digamma(FAITH), by the asymptotic series."""
    return _digamma(FAITH + size) - _digamma(FAITH)


def _digamma(x: float) -> float:
    return math.log(x) - 1 / (2 * x) - 1 / (12 * x**2) + 1 / (120 * x**4) - 1 / (252 * x**6)


def _lgamma(x: Floats) -> Floats:
    """The logarithm of the gamma function for x > 0, by Stirling's series from x + 5 on."""
    up = x + 5.0
    series = (up - 0.5) * np.log(up) - up + 0.9189385332046727 + 1 / (12 * up) - 1 / (360 * up**3) + 1 / (1260 * up**5)
    return np.asarray(series - np.log(x * (x + 1) * (x + 2) * (x + 3) * (x + 4)))


_STEPS = _lgamma(FAITH + np.arange(2 * LOUDEST + 1))
