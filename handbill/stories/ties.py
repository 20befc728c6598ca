"""Hold grouping to what an editor ruled: which reports are one story, and which never are. Pure.

Rulings are pairs of reports, because a story may vanish and a report doesn't. Source: ADR-0031.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TypeAlias

Pair: TypeAlias = tuple[int, int]

_NOTHING: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Act:
    """A ruling by the ids of its reports: those ``moved`` belong together and with some, and without others."""

    moved: frozenset[int]
    with_: frozenset[int] = frozenset()
    without: frozenset[int] = frozenset()


def standing(acts: Iterable[Act], about: Collection[int]) -> tuple[list[Pair], list[Pair]]:
    """The pairs ruled together and the pairs ruled apart by ``acts``, the oldest first: of each pair the newest counts.

    Only pairs with one of ``about`` are given.
    """
    wanted = frozenset(about)
    held: dict[Pair, bool] = {}
    for act in acts:
        for others, together in ((act.moved | act.with_, True), (act.without, False)):
            for one in act.moved:
                near = others if one in wanted else others & wanted
                held.update(((min(one, other), max(one, other)), together) for other in near - {one})
    pairs = sorted(held)
    return [pair for pair in pairs if held[pair]], [pair for pair in pairs if not held[pair]]


class Bundles:
    """Things that are one from the start; ``of[n]`` is the bundle of thing ``n``.

    ``apart`` are pairs that no bundle may hold; of the things that ``fixed`` marks it holds only those marked alike.
    """

    def __init__(self, count: int, fixed: Mapping[int, int], apart: Iterable[Pair]) -> None:
        self.of = list(range(count))
        self._several: dict[int, list[int]] = {}
        self._fixed = dict(fixed)
        self._barred: dict[int, set[int]] = defaultdict(set)
        for a, b in apart:
            self._barred[a].add(b)
            self._barred[b].add(a)

    def join(self, a: int, b: int) -> bool:
        """Make one bundle of those of ``a`` and ``b``; False if that may not be."""
        kept, gone = sorted((self.of[a], self.of[b]))
        if kept == gone:
            return True
        if not self._may(kept, gone):
            return False
        moved = self.holds(gone)
        for n in moved:
            self.of[n] = kept
        self._several.setdefault(kept, [kept]).extend(moved)
        self._several.pop(gone, None)
        if gone in self._fixed:
            self._fixed[kept] = self._fixed.pop(gone)
        if gone in self._barred:
            self._barred[kept] |= self._barred.pop(gone)
        return True

    def holds(self, bundle: int) -> list[int]:
        """The things of this bundle."""
        return self._several.get(bundle) or [bundle]

    def barred(self, bundle: int) -> Set[int]:
        """The things that may not be with this bundle."""
        return self._barred.get(bundle, _NOTHING)

    def _may(self, kept: int, gone: int) -> bool:
        marks = {self._fixed[n] for n in (kept, gone) if n in self._fixed}
        return len(marks) < 2 and (kept not in self._barred or self._barred[kept].isdisjoint(self.holds(gone)))


def numbered(pairs: Iterable[Pair], ids: Sequence[int]) -> list[Pair]:
    """The pairs by the ids' positions in ``ids``, in order; pairs of which one is missing are left out."""
    pairs = list(pairs)
    if not pairs:
        return []
    place = {one: here for here, one in enumerate(ids)}
    return sorted((place[a], place[b]) for a, b in pairs if a in place and b in place and a != b)


def speak_alike(languages: Mapping[int, str], together: Collection[Pair]) -> dict[int, str]:
    """The languages by report, those ruled together given one: that of the lowest id among them."""
    if not together:
        return dict(languages)
    ids = sorted(languages)
    bundles = Bundles(len(ids), {}, ())
    for a, b in numbered(together, ids):
        bundles.join(a, b)
    return {one: languages[ids[bundles.of[here]]] for here, one in enumerate(ids)}
