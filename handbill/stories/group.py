"""Decide which reports tell the same event. Pure: reports in, places out; no clock, database or Django.

Stories grow by joining whole groups, the pair with the strongest evidence first (see ``evidence``): a group is weighed
as a whole, by what its members say and don't say, so a chain of half-alike reports doesn't pull two events into one.
Copies of one text are one group from the start. The order of the reports is irrelevant.
Source: ADR-0019; copies: ADR-0030.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TypeAlias

from handbill.kit.text import words
from handbill.stories.copies import FEWEST, Memory, insert_all, marks, same_texts
from handbill.stories.evidence import Evidence, Words, bar
from handbill.stories.reasons import reasons
from handbill.stories.series import series_of
from handbill.stories.terms import said
from handbill.stories.ties import Bundles, Pair, numbered, speak_alike

WINDOW = timedelta(hours=72)  # a report joins a story only within so long of its nearest member
HOPELESS = -15.0  # evidence below the bar by so much is not weighed again as the groups grow
SHORTEST_TEXT = 400  # characters; a longer one without marks is one word said again and again
SHORT = 6  # words; two texts too short for marks are copies if every word is the same, title included

Part: TypeAlias = tuple[str, int] | None


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
class _Group:
    """Reports held to be one story: positions of members, span of time, parts of series, the known story if any.

    ``words`` are all that they say. ``near`` are the keys of groups to be weighed against it, ``barred`` the positions
    that an editor ruled apart from one of its members.
    """

    members: list[int]
    first: datetime
    last: datetime
    parts: dict[str, set[int]]
    story: int | None
    crowd: int = 1
    words: Words | None = None
    near: set[int] = field(default_factory=set)
    barred: set[int] = field(default_factory=set)


def group(
    reports: Iterable[Told],
    active: Iterable[Told] = (),
    *,
    strictness: float = 0.0,
    together: Collection[Pair] = (),
    apart: Collection[Pair] = (),
) -> list[Place]:
    """Give each of ``reports`` its place, among the ``active`` reports of known stories or in new stories.

    Answers one Place a report, in the order of their ids; known reports keep their story, but one that turns out to
    repeat a new one of an earlier date gets a Place again, with its ``copy_of``. Languages are never mixed. Argument
    order is irrelevant. ``strictness`` is added to the evidence asked for: above 0 joins less, below 0 more; 10 either
    way is a lot. Pairs of ids that an editor ruled ``together`` are one story whatever they say, in any language, and
    pairs ruled ``apart`` never are, not even by way of a third. Cost grows with the reports, not with what they share.
    """
    known = {told.id: told for told in [*reports, *active]}
    spoken = speak_alike({told.id: told.language.casefold().split("-")[0] for told in known.values()}, together)
    by_language: dict[str, list[Told]] = defaultdict(list)
    for told in known.values():
        by_language[spoken[told.id]].append(told)
    places = [place for told in by_language.values() for place in _group_language(told, strictness, together, apart)]
    return sorted(places, key=lambda place: place.report)


def _group_language(
    told: list[Told], strictness: float, together: Collection[Pair], apart: Collection[Pair]
) -> list[Place]:
    told.sort(key=lambda t: (t.published_at, t.id))
    parts = [_part(t) for t in told]
    originals = _copies(told, parts)
    ids = [t.id for t in told]
    groups = _start(told, parts, originals, numbered(together, ids), numbered(apart, ids))
    evidence = Evidence([said(t.title, t.text, t.language) for t in told])
    _meet(groups, told, evidence)
    _join(groups, evidence, strictness)
    return [place for g in groups.values() for place in _places(g, told, originals, evidence)]


def _part(told: Told) -> Part:
    mark = _series_of(told.title)
    return None if mark is None else (mark.name.casefold() or f"\0{told.outlet}", mark.number)


_series_of = lru_cache(maxsize=12_000)(series_of)


def _copies(told: Sequence[Told], parts: Sequence[Part]) -> dict[int, int]:
    """Position of each copy → position of the earliest report with its text. ``told`` is in order of publication.

    Known reports are looked up only beside new ones, and keep the original they have.
    """
    place = {t.id: here for here, t in enumerate(told)}
    originals = {
        here: place[t.copy_of]
        for here, t in enumerate(told)
        if t.story is not None and t.copy_of is not None and place.get(t.copy_of, here) < here
    }
    same = _same(told)
    for here in range(len(told)):
        earlier = (there for there in same.get(here, ()) if there < here and there not in originals)
        able = [there for there in earlier if not _apart(parts[here], parts[there])]
        if able and here not in originals:
            originals[here] = min(able)
    return originals


def _same(told: Sequence[Told]) -> dict[int, set[int]]:
    """The positions of the reports with the text of each, where one of the two is new."""
    known = [marks(t.text) for t in told]
    fresh = {h for t, mine in zip(told, known, strict=True) if t.story is None for h in mine.hashes}
    met = [
        here for here, t in enumerate(told) if t.story is None or len(fresh.intersection(known[here].hashes)) >= FEWEST
    ]
    table = Memory()
    insert_all(((here, told[here].outlet, known[here]) for here in met), table)
    exact: dict[tuple[str, ...], int] = {}
    same: dict[int, set[int]] = defaultdict(set)
    for here, one in enumerate(told):
        if len(known[here].hashes) < FEWEST and (wording := _wording(one)) is not None:
            same[here].add(exact.setdefault(wording, here))
        for match in same_texts(known[here], one.outlet, table) if one.story is None else ():
            same[here].add(match.text)
            same[match.text].add(here)
    return same


def _wording(told: Told) -> tuple[str, ...] | None:
    """All words of a report that is short, yet long enough not to be a mere rubric."""
    wording = tuple(words(f"{told.title} {told.text}")) if len(told.text) < SHORTEST_TEXT else ()
    return wording if len(wording) >= SHORT else None


def _apart(a: Part, b: Part) -> bool:
    """Whether both are parts of one series, but different ones."""
    return a is not None and b is not None and a[0] == b[0] and a[1] != b[1]


def _start(
    told: Sequence[Told],
    parts: Sequence[Part],
    originals: dict[int, int],
    together: Sequence[Pair],
    apart: Sequence[Pair],
) -> dict[int, _Group]:
    """One group a known story, one for what is ruled together, one a text with its copies, one each other report.

    Keyed by their first position. A known story is never part of two groups, and nothing ruled apart is in one.
    """
    stories = {here: one.story for here, one in enumerate(told) if one.story is not None}
    first = {story: here for here, story in reversed(stories.items())}
    bundles = Bundles(len(told), stories, apart)
    for a, b in [*((first[story], here) for here, story in stories.items()), *together, *sorted(originals.items())]:
        bundles.join(a, b)
    groups: dict[int, _Group] = {}
    for key, members in bundles.holds.items():
        lead = told[key]
        story = next((stories[here] for here in members if here in stories), None)
        g = groups[key] = _Group([], lead.published_at, lead.published_at, {}, story, barred=bundles.barred(key))
        for here in sorted(members):
            _add(g, here, told[here], parts[here])
    return groups


def _add(g: _Group, here: int, one: Told, part: Part) -> None:
    g.members.append(here)
    g.first, g.last = min(g.first, one.published_at), max(g.last, one.published_at)
    if part:
        g.parts.setdefault(part[0], set()).add(part[1])


def _meet(groups: dict[int, _Group], told: Sequence[Told], evidence: Evidence) -> None:
    """Find for each new report the groups it might belong to, and how many reports it could have met."""
    owner = {member: key for key, g in groups.items() for member in g.members}
    times = [t.published_at for t in told]
    for key, g in groups.items():
        for here in g.members if g.story is None else ():
            first, last = bisect_left(times, times[here] - WINDOW), bisect_right(times, times[here] + WINDOW)
            g.crowd = max(g.crowd, last - first)
            for there in evidence.neighbours(here, first, last):
                if owner[there] != key:
                    g.near.add(owner[there])
                    groups[owner[there]].near.add(key)


def _join(groups: dict[int, _Group], evidence: Evidence, strictness: float) -> None:
    """Join the two groups for which the evidence is strongest, again and again, while it suffices for any."""
    waiting: list[tuple[float, int, int, int, int]] = []
    for a, g in groups.items():
        if g.near:
            _await(waiting, groups, a, [b for b in g.near if a < b], evidence, strictness)
    while waiting:
        _, a, b, size_a, size_b = heapq.heappop(waiting)
        if a not in groups or b not in groups or (size_a, size_b) != (len(groups[a].members), len(groups[b].members)):
            continue  # one of them has grown since; what was then weighed waits elsewhere in the queue
        if _may_join(groups[a], groups[b]):
            both = evidence.both(_words(groups[a], evidence), _words(groups[b], evidence))
            if not evidence.has_core(both):
                continue
            _merge(groups, a, b, both)
            _await(waiting, groups, a, list(groups[a].near), evidence, strictness)


def _await(
    waiting: list[tuple[float, int, int, int, int]],
    groups: dict[int, _Group],
    a: int,
    others: Iterable[int],
    evidence: Evidence,
    strictness: float,
) -> None:
    """Queue the others that the evidence joins with ``a``."""
    one = groups[a]
    able = sorted(b for b in others if _may_join(one, groups[b]))
    found = evidence.weigh(_words(one, evidence), [_words(groups[b], evidence) for b in able]) if able else []
    for b, weight in zip(able, found, strict=True):
        other = groups[b]
        more = weight - strictness - bar(max(one.crowd, other.crowd), len(one.members), len(other.members))
        if more < HOPELESS:
            one.near.discard(b)
            other.near.discard(a)
        if more > 0:
            low, high = min(a, b), max(a, b)
            heapq.heappush(waiting, (-more, low, high, len(groups[low].members), len(groups[high].members)))


def _words(g: _Group, evidence: Evidence) -> Words:
    if g.words is None:
        g.words = evidence.words(g.members)
    return g.words


def _may_join(a: _Group, b: _Group) -> bool:
    """Not two known stories, nothing ruled apart, not parts of one series, and close in time."""
    if a.story is not None and b.story is not None:
        return False
    if a.barred and not a.barred.isdisjoint(b.members):
        return False
    if max(a.first, b.first) - min(a.last, b.last) > WINDOW:
        return False
    return all(len(a.parts[name] | b.parts[name]) == 1 for name in a.parts.keys() & b.parts.keys())


def _merge(groups: dict[int, _Group], a: int, b: int, words: Words) -> None:
    kept, gone = groups[a], groups.pop(b)
    kept.words = words
    kept.members.extend(gone.members)
    kept.first, kept.last = min(kept.first, gone.first), max(kept.last, gone.last)
    kept.story = kept.story if kept.story is not None else gone.story
    kept.crowd = max(kept.crowd, gone.crowd)
    kept.barred = kept.barred | gone.barred
    for name, numbers in gone.parts.items():
        kept.parts.setdefault(name, set()).update(numbers)
    for other in gone.near:
        groups[other].near.discard(b)
        if other != a:
            groups[other].near.add(a)
            kept.near.add(other)


def _places(g: _Group, told: Sequence[Told], originals: dict[int, int], evidence: Evidence) -> list[Place]:
    opener = min(g.members)
    places = []
    for here in sorted(g.members):
        one = told[here]
        original = originals.get(here)
        if one.story is not None and (original is None or told[original].story is not None):
            continue
        other = original if original is not None else opener
        why = _why(told, here, other, original is not None, evidence) if here != opener else ()
        opens = None if g.story is not None else told[opener].id
        places.append(Place(one.id, g.story, opens, None if original is None else told[original].id, why))
    return places


def _why(told: Sequence[Told], here: int, there: int, same_text: bool, evidence: Evidence) -> tuple[str, ...]:
    """The reasons of a report measured against an earlier one of its story."""
    one, other = told[here], told[there]
    mine, theirs = (said(t.title, t.text, t.language) for t in (one, other))
    headlines = frozenset(mine.codes[mine.titled].tolist()) & frozenset(theirs.codes[theirs.titled].tolist())
    title: list[str] = []
    named: list[str] = []
    text: list[str] = []
    for k in evidence.heaviest(here, there):
        kind = title if int(mine.codes[k]) in headlines else named if mine.named[k] else text
        kind.append(mine.words[k])
    return reasons(title, named, text, abs(one.published_at - other.published_at), other.outlet, same_text)
