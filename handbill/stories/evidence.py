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
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

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
NEIGHBOURS = 6  # the likeliest others of each report that are weighed in full
HINT = 4.0  # what shared words must add up to for that

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
        codes = np.concatenate([one.codes for one in said]) if said else np.zeros(0, np.int64)
        order = np.argsort(codes, kind="stable")
        fresh = np.diff(codes[order], prepend=-1) > 0
        terms = np.empty(len(codes), np.int64)
        terms[order] = np.cumsum(fresh) - 1
        ends = np.cumsum([len(one.codes) for one in said])
        self._terms: list[Ints] = np.split(terms, ends[:-1]) if said else []
        self._spread = np.bincount(terms)
        telling = np.bincount(terms, weights=_flags(said))
        self._weight = np.where(telling * 2 >= self._spread, TELLING, 1.0)
        used_by = (self._spread + 0.5) / (len(said) + BACKGROUND)
        share = np.minimum(used_by, COMMONEST)
        self._before = FAITH * share
        self._nothing = _lgamma(self._before)
        self._expected = FAITH * float(self._weight @ share)
        self._worth = self._weight * np.log(1 + 1 / self._before)
        self._core = np.where(used_by < COMMONEST, self._worth, 0.0)
        self._lead = np.where((self._spread > 1) & (self._spread <= LEADS), self._worth, 0.0)
        self._place = np.zeros(len(self._spread))
        owners = np.repeat(np.arange(len(said)), [len(one.codes) for one in said])
        self._users = owners[order]
        self._starts = [0, *np.cumsum(self._spread).tolist()]

    def words(self, reports: Sequence[int]) -> Words:
        """What these reports say together; positions in the sequence that the evidence was made of."""
        if len(reports) == 1:
            alone = self._terms[reports[0]]
            return self._words(1, alone, np.ones(len(alone)))
        terms = np.concatenate([self._terms[report] for report in reports])
        return self._words(len(reports), *np.unique(terms, return_counts=True))

    def both(self, one: Words, other: Words) -> Words:
        """What two groups say together."""
        terms, where = np.unique(np.concatenate([one.terms, other.terms]), return_inverse=True)
        raw = np.concatenate([one.counts / one.loud, other.counts / other.loud])
        return self._words(one.size + other.size, terms, np.rint(np.bincount(where, weights=raw)))

    def _words(self, size: int, terms: Ints, counted: Floats | Ints) -> Words:
        counts: Floats = counted.astype(np.float64)
        loud = min(1.0, LOUDEST / size)
        spread: Floats = np.bincount(counted.astype(np.int64), weights=self._weight[terms], minlength=size + 1).astype(
            np.float64
        )
        return Words(size, terms, counts * loud, loud, spread, _absent(spread, loud, size * loud))

    def neighbours(self, report: int, first: int, last: int) -> list[int]:
        """The likeliest of the reports ``first`` to ``last`` (excluded) to tell the event of ``report``."""
        leads = [t for t in self._terms[report].tolist() if self._lead[t]]
        if not leads:
            return []
        found = [self._users[self._starts[t] : self._starts[t + 1]] for t in leads]
        worth = np.repeat(self._lead[leads], [len(users) for users in found])
        scores = np.bincount(np.concatenate(found), weights=worth, minlength=last)[first:last]
        scores[report - first] = 0.0
        likely = np.flatnonzero(scores > HINT)
        if len(likely) > NEIGHBOURS:
            least = np.partition(scores[likely], -NEIGHBOURS)[-NEIGHBOURS]
            likely = likely[scores[likely] >= least][: 2 * NEIGHBOURS]
        return [int(other) + first for other in likely]

    def weigh(self, one: Words, others: Sequence[Words]) -> list[float]:
        """The evidence, in natural logarithms, that ``one`` and each of the ``others`` tell one event."""
        if not others:
            return []
        terms = np.concatenate([other.terms for other in others])
        owner = np.repeat(np.arange(len(others)), [len(other.terms) for other in others])
        self._place[one.terms] = one.counts
        shared = self._place[terms] > 0
        mine = self._place[terms[shared]]
        self._place[one.terms] = 0.0
        theirs = np.concatenate([other.counts for other in others])[shared]
        terms, owner = terms[shared], owner[shared]
        total = np.array([one.size * one.loud + other.size * other.loud for other in others])
        before = self._before[terms]
        said = (
            _lgamma(before + mine + theirs) + self._nothing[terms] - _lgamma(before + mine) - _lgamma(before + theirs)
        )
        whole = one.loud == 1.0 and all(other.loud == 1.0 for other in others)
        gain = self._weight[terms] * (said + _unsaid(mine, theirs, total[owner], whole))
        gains = np.bincount(owner, weights=gain, minlength=len(others))
        return [round(float(gains[k]) + self._apart(one, other, total[k]), 6) for k, other in enumerate(others)]

    def _apart(self, one: Words, other: Words, total: float) -> float:
        """The evidence as if the two shared no word, and what sharing a size is worth."""
        lost = _absent(one.spread, one.loud, total) + _absent(other.spread, other.loud, total) - one.own - other.own
        seen = _harmonic(total) - _harmonic(one.size * one.loud) - _harmonic(other.size * other.loud)
        return lost - self._expected * seen

    def has_core(self, group: Words) -> bool:
        """Whether most of the group's reports share words that tell: else it is a chain of neighbours."""
        core = group.terms[group.counts > MAJORITY * group.size * group.loud]
        return float(self._core[core].sum()) >= CORE

    def heaviest(self, report: int, other: int) -> list[int]:
        """The codes' positions in ``report`` of the words it shares with ``other``, the weightiest first."""
        mine = self._terms[report]
        shared = np.flatnonzero(np.isin(mine, self._terms[other], assume_unique=True))
        order = np.argsort(-self._worth[mine[shared]], kind="stable")
        return [int(k) for k in shared[order]]


def bar(crowd: int, one: int, other: int) -> float:
    """What the evidence must exceed where ``crowd`` reports could meet, for groups of so many reports."""
    drawn = math.lgamma(one + other) - math.lgamma(one) - math.lgamma(other)
    return DOUBT + math.log(max(crowd, 1)) - DRAW * drawn


def _flags(said: Sequence[Said]) -> Floats:
    return np.concatenate([one.telling for one in said]).astype(np.float64) if said else np.zeros(0)


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
