"""Weigh whether two groups of reports tell one event, by the words they use and the words they don't. Pure.

A group is taken to use each word at a rate of its own, about which nothing is known before but how common the word is
(a gamma distribution around its share of all other reports). The evidence is the logarithm of how much likelier the
words of both groups are if they have one rate in common than if each has its own: rare words that both use speak for
one event, words that most of one group use and none of the other speak against it. A short report has room for few
words, so its silence says little. It needs no threshold: above zero is one event; ``bar`` asks for more, the more
reports there are that could meet by accident.
Source: ADR-0044, ADR-0045; the model is that of Bayesian hierarchical clustering (Heller and Ghahramani, 2005), with
counts in room (gamma-Poisson) for its coins.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from handbill.stories.copies import distinct, firsts, spans
from handbill.stories.terms import Said

FAITH = 2.2  # full reports' worth of belief that a group uses a word as often as everybody does
FULL = 60  # distinct words of a report that has room for all of an event
ROOM = 0.5  # how a report's room grows with its words: 0 not at all, 1 as their number
TELLING = 2.0  # a name or a number counts as so many plain words
BACKGROUND = 40  # reports imagined beside those seen, so that a small batch doesn't think every word common
COMMONEST = 0.1  # share of reports from which on words are equally common
LOUDEST = 400.0  # a group speaks as if by so many reports at most
ECHO = 0.95  # n reports of one event speak as n to this power, as they repeat one another
PAIR = 2  # of a word's users are the pair that meets by it; those that groups have beyond them prove nothing
CROWD = 0.8  # how the bar rises with the crowd, which is made of stories rather than of single reports
MOST_EASE = 6.0  # the bar is lowered by so much at most where stories are large
DRAW = 0.8  # how much large groups draw reports to them: 0 not at all, 1 as their size
DOUBT = 2.0  # what is asked beyond chance: neighbours of one valley share words that no other report has
MAJORITY = 0.5  # of a story's reports use each word of its core
CORE = 3.0  # what those words must be worth: else the group is a chain of neighbours
LEADS = 600  # a word that more reports use is no lead to follow
MOST_LEADS = 60  # of a report are followed, the weightiest
NEIGHBOURS = 8  # the likeliest others of each report that are weighed in full
FAINT = 0.5  # of the likeliest one's hints: others that have less aren't weighed
HINT = 2.0  # what shared words must add up to for that
AT_ONCE_ALONE = 2_000_000  # bytes for the words of those that are weighed in one step

_OWNER_BITS = 24  # hold the number of a report at hand
_TERM_BITS = 32  # hold the place of a word among all

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Words:
    """What a group of ``size`` reports says: its ``terms`` (ascending), ``counts`` of reports that use each.

    ``loud`` is what one report counts, at most 1; the counts are by it. ``room`` is how much the group could say, in
    full reports, ``weight`` how much it said.
    """

    size: int
    terms: Ints
    counts: Floats
    loud: float
    room: float
    weight: float


class Evidence:
    """The words of all reports at hand: how common each is, and what it is worth."""

    def __init__(self, said: Sequence[Said]) -> None:
        self._said = said
        lengths = np.array([len(one.packed) for one in said], np.int64)
        packed = np.concatenate([one.packed for one in said]) if said else np.zeros(0, np.int64)
        # One number a word of a report, which sorts fastest: the word, whether it tells, the report.
        uses = packed >> 1 << _OWNER_BITS
        uses |= np.repeat(np.arange(len(said)), lengths)
        uses.sort()
        codes = uses >> (_OWNER_BITS + 1)
        first = firsts(codes)
        self._codes = codes[first]
        self._users = uses & ((1 << _OWNER_BITS) - 1)
        self._starts = np.append(first, len(uses))
        self._spread = np.diff(self._starts)
        tells = np.add.reduceat(uses >> _OWNER_BITS & 1, first) if len(first) else first
        self._weight = np.where(tells * 2 >= self._spread, TELLING, 1.0)
        self._room: Floats = np.minimum(1.0, np.maximum(1, lengths) / FULL) ** ROOM
        terms = np.repeat(np.arange(len(first)), self._spread)
        self._said_weight = np.bincount(self._users, self._weight[terms], len(said))
        terms |= self._users << _TERM_BITS
        terms.sort()
        terms &= (1 << _TERM_BITS) - 1
        self._terms = terms  # report after report
        self._ends = np.append(0, np.cumsum(lengths))
        self._value(len(said))
        self._place = np.zeros(len(self._codes))

    def _value(self, reports: int) -> None:
        """What each word is worth. All that depends only on how many reports use it is reckoned once a number."""
        used_by = (np.arange(self._spread.max(initial=0) + 1) + 0.5) / (reports + BACKGROUND)
        used_by = used_by[: np.searchsorted(used_by, COMMONEST) + 1]
        self._before = FAITH * np.minimum(used_by, COMMONEST) / (self._room.mean() if reports else 1.0)
        self._unused = _lgamma(self._before)
        kinds, one = np.arange(len(used_by)), np.ones(len(used_by))
        worth = self._used(kinds, one, one)
        self._core = np.where(used_by < COMMONEST, worth, 0.0)
        kind = np.minimum(self._spread, len(used_by) - 1)
        self._expected = float(self._weight @ self._before[kind])
        self._worth = self._weight * worth[kind]  # to two reports that share the word
        self._lead = np.where((self._spread > 1) & (self._spread <= LEADS), self._worth, 0.0)

    def _kinds(self, terms: Ints, users: Floats) -> Ints:
        """How many reports beside these ``users`` have each word: a large story doesn't make its own words common."""
        beside = self._spread[terms] - np.rint(users).astype(np.int64) + PAIR
        return np.asarray(np.minimum(beside, len(self._before) - 1))

    def _of(self, report: int) -> Ints:
        """The terms of a report, ascending: places of its words among all words."""
        return self._terms[self._ends[report] : self._ends[report + 1]]

    def words(self, reports: Sequence[int]) -> Words:
        """What these reports say together; positions in the sequence that the evidence was made of."""
        if len(reports) == 1:
            terms, (report,) = self._of(reports[0]), reports
            weight, room = float(self._said_weight[report]), float(self._room[report])
            return Words(1, terms, np.ones(len(terms)), 1.0, room, weight)
        terms = np.concatenate([self._of(report) for report in reports])
        room = float(self._room[list(reports)].sum())
        return self._words(len(reports), room, *np.unique(terms, return_counts=True))

    def both(self, one: Words, other: Words) -> Words:
        """What two groups say together."""
        self._place[one.terms] = one.counts / one.loud
        self._place[other.terms] += other.counts / other.loud
        terms = distinct(np.concatenate([one.terms, other.terms]))
        raw = self._place[terms]
        self._place[terms] = 0.0
        room = one.room / one.loud + other.room / other.loud
        return self._words(one.size + other.size, room, terms, np.rint(raw))

    def _words(self, size: int, room: float, terms: Ints, counted: Floats | Ints) -> Words:
        loud = _voice(size) / size
        counts: Floats = counted.astype(np.float64) * loud
        return Words(size, terms, counts, loud, room * loud, float(self._weight[terms] @ counts))

    def neighbours(self, report: int, first: int, last: int) -> list[int]:
        """The likeliest of the reports from ``first`` to ``last`` (excluded) to tell the event of ``report``."""
        leads = self._leads(report)
        if not len(leads):
            return []
        bounds = zip(self._starts[leads].tolist(), self._starts[leads + 1].tolist(), strict=True)
        users = np.concatenate([self._users[start:end] for start, end in bounds])
        worth = np.repeat(self._lead[leads], self._spread[leads])
        hints: Floats = np.bincount(users, worth, last).astype(np.float64, copy=False)
        hints[report] = 0.0
        return _likeliest(hints[first:last], first)

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
        rows = {one: row for row, one in enumerate(dict.fromkeys(one for one, _ in pairs))}
        said = np.zeros((len(rows), len(self._codes)), np.bool_)
        for one, row in rows.items():
            said[row, self._of(one)] = True
        ones, others = np.array(pairs).T
        starts, lengths = self._ends[others], self._ends[others + 1] - self._ends[others]
        terms = self._terms[spans(starts, lengths)]
        shared = said[np.repeat([rows[one] for one, _ in pairs], lengths), terms]
        owner = np.repeat(np.arange(len(pairs)), lengths)[shared]
        gains = np.bincount(owner, self._worth[terms[shared]], len(pairs))
        room, weight = self._room, self._said_weight
        apart = self._apart(room[ones], weight[ones], room[others], weight[others])
        return _rounded(gains + apart)

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
        users = mine / one.loud + theirs / np.array([other.loud for other in others])[owner]
        gain = self._weight[terms] * self._used(self._kinds(terms, users), mine, theirs)
        gains = np.bincount(owner, gain, len(others))
        room, weight = np.array([(other.room, other.weight) for other in others]).T
        return _rounded(gains + self._apart(one.room, one.weight, room, weight))

    def _used(self, kinds: Ints, mine: Floats, theirs: Floats) -> Floats:
        """What it is worth that so many reports of both groups use words that so many others have."""
        before = self._before[kinds]
        both, one, other = _lgamma(np.stack([before + mine + theirs, before + mine, before + theirs]))
        return np.asarray(both + self._unused[kinds] - one - other)

    def _apart(self, room: Floats | float, weight: Floats | float, rooms: Floats, weights: Floats) -> Floats:
        """The evidence as if two groups shared no word: what each had room to say of what the other said."""
        mine, theirs, both = (np.log1p(each / FAITH) for each in (room, rooms, room + rooms))
        return np.asarray(weight * (mine - both) + weights * (theirs - both) + self._expected * (mine + theirs - both))

    def has_core(self, group: Words) -> bool:
        """Whether most of the group's reports share words that tell: else it is a chain of neighbours."""
        most = group.counts > MAJORITY * group.size * group.loud
        core, users = group.terms[most], group.counts[most] / group.loud
        return float(self._weight[core] @ self._core[self._kinds(core, users)]) >= CORE

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
    return DOUBT + CROWD * math.log(max(crowd, 1)) - DRAW * _drawn(one, other)


@lru_cache(maxsize=10_000)
def _drawn(one: int, other: int) -> float:
    a, b = _voice(one), _voice(other)
    return math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)


def ease(sizes: Sequence[int]) -> float:
    """How much lower the bar is where stories are of such ``sizes``: that many more of a crowd tell any one's event.

    It is the logarithm of the reports in the story of a report, on average; at most MOST_EASE.
    """
    company = sum(size * size for size in sizes) / max(1, sum(sizes))
    return min(MOST_EASE, math.log(max(1.0, company)))


def _voice(size: int) -> float:
    """By how many reports a group of this size speaks."""
    return min(float(size**ECHO), LOUDEST)


def _rounded(evidence: Floats) -> list[float]:
    found: list[float] = np.round(evidence, 6).tolist()
    return found


def _likeliest(scores: Floats, first: int) -> list[int]:
    least = max(HINT, FAINT * float(scores.max(initial=0.0)))
    likely = np.flatnonzero(scores > least)
    if len(likely) > NEIGHBOURS:
        least = np.partition(scores[likely], -NEIGHBOURS)[-NEIGHBOURS]
        likely = likely[scores[likely] >= least][: 2 * NEIGHBOURS]
    return (likely + first).tolist()


def _lgamma(x: Floats) -> Floats:
    """The logarithm of the gamma function for x > 0, by Stirling's series from x + 5 on."""
    up = x + 5.0
    part = 1 / up
    square = part * part
    series = (up - 0.5) * np.log(up) - up + 0.9189385332046727 + part * (1 / 12 - square * (1 / 360 - square / 1260))
    return np.asarray(series - np.log(x * (x + 1) * (x + 2) * (x + 3) * (x + 4)))
