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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from handbill.stories.copies import distinct, spans
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
AT_ONCE = 400_000  # pairs of reports are looked at in one step, which bounds the memory

_OWNER_BITS = 24  # hold the number of a report at hand

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
        lengths = np.array([max(1, len(one.packed)) for one in said])
        self._room: Floats = np.minimum(1.0, lengths / FULL) ** ROOM
        self._value(len(said))
        self._place = np.zeros(len(self._codes))
        self._terms: dict[int, Ints] = {}
        self._singles: dict[int, Words] = {}

    def _value(self, reports: int) -> None:
        """What each word is worth. All that depends only on how many reports use it is reckoned once a number."""
        used_by = (np.arange(self._spread.max(initial=0) + 1) + 0.5) / (reports + BACKGROUND)
        used_by = used_by[: np.searchsorted(used_by, COMMONEST) + 1]
        self._before = FAITH * np.minimum(used_by, COMMONEST) / (self._room.mean() if reports else 1.0)
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
        """The terms of a report: places of its words among all words."""
        if (found := self._terms.get(report)) is None:
            found = self._terms[report] = np.searchsorted(self._codes, self._said[report].codes)
        return found

    def words(self, reports: Sequence[int]) -> Words:
        """What these reports say together; positions in the sequence that the evidence was made of."""
        if len(reports) == 1:
            return self._alone(reports[0])
        terms = np.concatenate([self._of(report) for report in reports])
        room = float(self._room[list(reports)].sum())
        return self._words(len(reports), room, *np.unique(terms, return_counts=True))

    def _alone(self, report: int) -> Words:
        if (found := self._singles.get(report)) is None:
            terms = self._of(report)
            weight, room = float(self._weight[terms].sum()), float(self._room[report])
            found = self._singles[report] = Words(1, terms, np.ones(len(terms)), 1.0, room, weight)
        return found

    def both(self, one: Words, other: Words) -> Words:
        """What two groups say together."""
        self._place[one.terms] = one.counts / one.loud
        self._place[other.terms] += other.counts / other.loud
        terms = distinct(np.sort(np.concatenate([one.terms, other.terms])))
        raw = self._place[terms]
        self._place[terms] = 0.0
        room = one.room / one.loud + other.room / other.loud
        return self._words(one.size + other.size, room, terms, np.rint(raw))

    def _words(self, size: int, room: float, terms: Ints, counted: Floats | Ints) -> Words:
        loud = _voice(size) / size
        counts: Floats = counted.astype(np.float64) * loud
        return Words(size, terms, counts, loud, room * loud, float(self._weight[terms] @ counts))

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
        gain = self._worth[terms[shared]]
        owner = np.repeat(np.arange(len(pairs)), lengths)[shared]
        gains = np.bincount(owner, weights=gain, minlength=len(pairs)).tolist()
        apart = (self._apart(words[one], words[other]) for one, other in pairs)
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
        users = mine / one.loud + theirs / np.array([other.loud for other in others])[owner]
        gain = self._weight[terms] * self._used(self._kinds(terms, users), mine, theirs)
        gains = np.bincount(owner, weights=gain, minlength=len(others)).tolist()
        return [round(gain + self._apart(one, other), 6) for gain, other in zip(gains, others, strict=True)]

    def _used(self, kinds: Ints, mine: Floats, theirs: Floats) -> Floats:
        """What it is worth that so many reports of both groups use words that so many others have."""
        before = self._before[kinds]
        return _lgamma(before + mine + theirs) + _lgamma(before) - _lgamma(before + mine) - _lgamma(before + theirs)

    def _apart(self, one: Words, other: Words) -> float:
        """The evidence as if the two shared no word: what each had room to say of what the other said."""
        mine, theirs, both = (math.log1p(room / FAITH) for room in (one.room, other.room, one.room + other.room))
        return one.weight * (mine - both) + other.weight * (theirs - both) + self._expected * (mine + theirs - both)

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
    a, b = _voice(one), _voice(other)
    drawn = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return DOUBT + CROWD * math.log(max(crowd, 1)) - DRAW * drawn


def ease(sizes: Sequence[int]) -> float:
    """How much lower the bar is where stories are of such ``sizes``: that many more of a crowd tell any one's event.

    It is the logarithm of the reports in the story of a report, on average; at most MOST_EASE.
    """
    company = sum(size * size for size in sizes) / max(1, sum(sizes))
    return min(MOST_EASE, math.log(max(1.0, company)))


def _voice(size: int) -> float:
    """By how many reports a group of this size speaks."""
    return min(float(size**ECHO), LOUDEST)


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
    series = (up - 0.5) * np.log(up) - up + 0.9189385332046727 + 1 / (12 * up) - 1 / (360 * up**3) + 1 / (1260 * up**5)
    return np.asarray(series - np.log(x * (x + 1) * (x + 2) * (x + 3) * (x + 4)))
