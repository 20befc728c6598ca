"""Decide which reports tell the same event. Pure: reports in, places out; no clock, database or Django.

Two reports are alike by the cosine of their weighted words (rare words weigh most, the title's double). Stories grow
by joining whole groups, the most alike first, measured by the average over all pairs of members: a story is compared
as a whole, so a chain of half-alike reports doesn't pull two events into one. The order of the reports is irrelevant.
Source: ADR-0019.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from math import fsum

from handbill.stories.reasons import reasons
from handbill.stories.series import series_of
from handbill.stories.terms import counts, names, read, shingles, terms, weigh

WINDOW = timedelta(hours=72)  # a report joins a story only within so long of its nearest member
ALIKE = 0.22  # average cosine over all pairs at which two groups are one story; measured, ADR-0019
NOTED = 0.05  # pairs below this count as not alike at all
SAME_TEXT = 0.5  # share of the shorter text's shingles found in the longer
FEWEST_SHINGLES = 12  # texts shorter than this are the same only if every word is
LEADS = 30  # the heaviest words of a report, by which others like it are found
HINT = 0.05  # what those must add up to for a pair to be measured in full
COMMON = 150  # a word or shingle in more reports than this (and than a tenth) is no lead to follow

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Told:
    """A report as grouping sees it. ``story`` and ``copy_of`` are set for one that already has its place."""

    id: int
    outlet: str
    language: str
    title: str
    text: str
    published_at: datetime
    story: int | None = None
    copy_of: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a report goes: into the known ``story``, or else into a new one with all that share ``opens``.

    ``opens`` is the id of the new story's first report. ``why`` gives the reasons as sentences, strongest first.
    """

    report: int
    story: int | None
    opens: int | None
    copy_of: int | None
    why: tuple[str, ...]


@dataclass(slots=True)
class _Seen:
    """A report with what comparing needs; ``vector`` has length one."""

    told: Told
    vector: dict[str, float]
    title: dict[str, str]  # stem to word as read
    text: dict[str, str]
    shingles: frozenset[int]
    exact: tuple[str, ...]
    part: tuple[str, int] | None


@dataclass(slots=True)
class _Group:
    """Reports held to be one story: positions of members, span of time, parts of series, the known story if any."""

    members: list[int]
    first: datetime
    last: datetime
    parts: dict[str, set[int]]
    story: int | None
    links: dict[int, float] = field(default_factory=dict)


def group(reports: Iterable[Told], active: Iterable[Told] = ()) -> list[Place]:
    """Give each of ``reports`` its place, among the ``active`` reports of known stories or in new stories.

    Answers one Place a report, in the order of their ids; known reports keep their story, but one that turns out to
    repeat a new one of an earlier date gets a Place again, with its ``copy_of``. Languages are never mixed. Argument
    order is irrelevant. Cost grows with the reports and the rare words they share.
    """
    by_language: dict[str, list[Told]] = defaultdict(list)
    for told in {told.id: told for told in [*reports, *active]}.values():
        by_language[told.language.casefold().split("-")[0]].append(told)
    places = [place for told in by_language.values() for place in _group_language(told)]
    return sorted(places, key=lambda place: place.report)


def _group_language(told: list[Told]) -> list[Place]:
    told.sort(key=lambda t: (t.published_at, t.id))
    seen = _look(told)
    originals = _copies(seen)
    groups = _start(seen, originals)
    _link(groups, _alike(seen))
    _join(groups)
    return [place for g in groups.values() for place in _places(g, seen, originals)]


def _look(told: Sequence[Told]) -> list[_Seen]:
    tokens = [(read(t.title), read(t.text)) for t in told]
    known = [(terms(title, t.language), terms(text, t.language)) for t, (title, text) in zip(told, tokens, strict=True)]
    said = [counts((stem for stem, _ in title), (stem for stem, _ in text)) for title, text in known]
    spread = Counter(term for one in said for term in one)
    named = Counter(name for t in told for name in names(t.text, t.language))
    return [
        _Seen(
            t,
            weigh(one, spread, named, len(told)),
            dict(title),
            dict(text),
            shingles(text_tokens),
            (*title_tokens, *text_tokens),
            _part(t),
        )
        for t, one, (title, text), (title_tokens, text_tokens) in zip(told, said, known, tokens, strict=True)
    ]


def _part(told: Told) -> tuple[str, int] | None:
    mark = series_of(told.title)
    return None if mark is None else (mark.name.casefold() or f"\0{told.outlet}", mark.number)


def _cap(total: int) -> int:
    return max(COMMON, total // 10)


def _copies(seen: Sequence[_Seen]) -> dict[int, int]:
    """Position of each copy → position of the earliest report with its text. ``seen`` is in order of publication."""
    postings: dict[int, list[int]] = defaultdict(list)
    exact: dict[tuple[str, ...], int] = {}
    originals: dict[int, int] = {}
    cap = _cap(len(seen))
    for here, one in enumerate(seen):
        found = _same_text(here, seen, postings, cap)
        if found is None and len(one.exact) >= 6:
            earlier = exact.setdefault(one.exact, here)
            found = earlier if earlier != here and not _apart(one, seen[earlier]) else None
        if found is not None:
            originals[here] = originals.get(found, found)
        for shingle in one.shingles:
            if len(postings[shingle]) < cap:
                postings[shingle].append(here)
    return originals


def _same_text(here: int, seen: Sequence[_Seen], postings: dict[int, list[int]], cap: int) -> int | None:
    mine = seen[here].shingles
    if len(mine) < FEWEST_SHINGLES:
        return None
    shared: Counter[int] = Counter()
    for shingle in mine:
        shared.update(postings.get(shingle, ()))
    for there in sorted(shared):
        shorter = min(len(mine), len(seen[there].shingles))
        if shorter >= FEWEST_SHINGLES and shared[there] >= SAME_TEXT * shorter and not _apart(seen[here], seen[there]):
            return there
    return None


def _apart(a: _Seen, b: _Seen) -> bool:
    """Whether both are parts of one series, but different ones."""
    return a.part is not None and b.part is not None and a.part[0] == b.part[0] and a.part[1] != b.part[1]


def _start(seen: Sequence[_Seen], originals: dict[int, int]) -> dict[int, _Group]:
    """One group a known story, one a text with its copies, one each other report; keyed by their first position."""
    adopted = {
        originals.get(h, h): s.told.story for h, s in reversed(list(enumerate(seen))) if s.told.story is not None
    }
    key_of: dict[tuple[str, int], int] = {}
    groups: dict[int, _Group] = {}
    for here, one in enumerate(seen):
        root = originals.get(here, here)
        story = one.told.story if one.told.story is not None else adopted.get(root)
        key = key_of.setdefault(("story", story) if story is not None else ("text", root), here)
        if key in groups:
            _add(groups[key], here, one)
        else:
            at = one.told.published_at
            groups[key] = _Group([here], at, at, {one.part[0]: {one.part[1]}} if one.part else {}, story)
    return groups


def _add(group: _Group, here: int, one: _Seen) -> None:
    group.members.append(here)
    group.first, group.last = min(group.first, one.told.published_at), max(group.last, one.told.published_at)
    if one.part:
        group.parts.setdefault(one.part[0], set()).add(one.part[1])


def _alike(seen: Sequence[_Seen]) -> dict[Pair, float]:
    """The cosine of each pair of positions that share a heavy word, from NOTED up."""
    postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
    cap = _cap(len(seen))
    alike: dict[Pair, float] = {}
    for here, one in enumerate(seen):
        hints: dict[int, float] = defaultdict(float)
        for term, weight in islice(one.vector.items(), LEADS):
            earlier = postings[term]
            for there, other in earlier:
                hints[there] += weight * other
            if len(earlier) < cap:
                earlier.append((here, weight))
        for there, hint in hints.items():
            if hint >= HINT and (score := _cosine(one.vector, seen[there].vector)) >= NOTED:
                alike[there, here] = score
    return alike


def _cosine(a: dict[str, float], b: dict[str, float]) -> float:
    return fsum(a[term] * b[term] for term in a.keys() & b.keys())


def _link(groups: dict[int, _Group], alike: dict[Pair, float]) -> None:
    owner = {member: key for key, g in groups.items() for member in g.members}
    for (a, b), score in alike.items():
        first, second = owner[a], owner[b]
        if first != second:
            groups[first].links[second] = groups[first].links.get(second, 0.0) + score
            groups[second].links[first] = groups[second].links.get(first, 0.0) + score


def _join(groups: dict[int, _Group]) -> None:
    """Join the two most alike groups, again and again, while any two are alike enough. ``groups`` is changed."""
    waiting: list[tuple[float, int, int]] = []
    for a, g in groups.items():
        _await(waiting, groups, a, (b for b in g.links if a < b))
    while waiting:
        score, a, b = heapq.heappop(waiting)
        if a not in groups or b not in groups:
            continue
        if abs(_average(groups, a, b) + score) > 1e-12 or not _may_join(groups[a], groups[b]):
            continue
        _merge(groups, a, b)
        _await(waiting, groups, a, groups[a].links)


def _await(waiting: list[tuple[float, int, int]], groups: dict[int, _Group], a: int, others: Iterable[int]) -> None:
    """Queue the pairs that are alike enough now; joining never makes others more alike than they were apart."""
    for b in others:
        low, high = min(a, b), max(a, b)
        average = _average(groups, low, high)
        if average >= ALIKE and _may_join(groups[a], groups[b]):
            heapq.heappush(waiting, (-average, low, high))


def _average(groups: dict[int, _Group], a: int, b: int) -> float:
    return round(groups[a].links.get(b, 0.0) / (len(groups[a].members) * len(groups[b].members)), 9)


def _may_join(a: _Group, b: _Group) -> bool:
    """Not two known stories, not parts of one series, and close in time."""
    if a.story is not None and b.story is not None:
        return False
    if max(a.first, b.first) - min(a.last, b.last) > WINDOW:
        return False
    return all(len(a.parts[name] | b.parts[name]) == 1 for name in a.parts.keys() & b.parts.keys())


def _merge(groups: dict[int, _Group], a: int, b: int) -> None:
    kept, gone = groups[a], groups.pop(b)
    kept.members.extend(gone.members)
    kept.first, kept.last = min(kept.first, gone.first), max(kept.last, gone.last)
    kept.story = kept.story if kept.story is not None else gone.story
    for name, numbers in gone.parts.items():
        kept.parts.setdefault(name, set()).update(numbers)
    for other, score in gone.links.items():
        links = groups[other].links if other in groups else {}
        links.pop(b, None)
        if other != a:
            kept.links[other] = kept.links.get(other, 0.0) + score
            links[a] = kept.links[other]
    kept.links.pop(b, None)


def _places(g: _Group, seen: Sequence[_Seen], originals: dict[int, int]) -> list[Place]:
    opener = min(g.members)
    places = []
    for here in sorted(g.members):
        told = seen[here].told
        original = seen[originals[here]] if here in originals else None
        copy_of = original.told.id if original else None
        if told.story is not None and (original is None or original.told.story is not None):
            continue
        why = _why(seen[here], original or seen[opener], bool(original)) if here != opener else ()
        places.append(Place(told.id, g.story, None if g.story is not None else seen[opener].told.id, copy_of, why))
    return places


def _why(one: _Seen, other: _Seen, same_text: bool) -> tuple[str, ...]:
    """The reasons of ``one`` measured against ``other``, an earlier report of its story."""
    title = [one.title[stem] for stem in _heaviest(one, one.title.keys() & other.title.keys())]
    told = [
        one.text.get(stem, stem) for stem in _heaviest(one, one.vector.keys() & other.vector.keys() - one.title.keys())
    ]
    apart = abs(one.told.published_at - other.told.published_at)
    return reasons(title, told, apart, other.told.outlet, same_text)


def _heaviest(one: _Seen, stems: Iterable[str]) -> list[str]:
    return sorted(stems, key=lambda stem: (-one.vector.get(stem, 0.0), stem))
