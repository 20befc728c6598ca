"""Decide which reports tell the same event. Pure: reports in, places out; no clock, database or Django.

Stories grow by joining whole groups, the pair with the strongest evidence first (see ``evidence``): a group is weighed
as a whole, by what its members say and don't say, so a chain of half-alike reports doesn't pull two events into one.
Copies of one text are one group from the start. The order of the reports is irrelevant.
Source: ADR-0019; copies: ADR-0030.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import TypeAlias

from handbill.kit.text import words
from handbill.kit.urls import bare_address
from handbill.stories.copies import BOILERPLATE, COMMON, FEWEST, Memory, Text, recognise
from handbill.stories.dated import dated_of
from handbill.stories.evidence import MOST_EASE, Evidence, Words, bar, ease
from handbill.stories.gist import Gist, gist
from handbill.stories.pieces import folded
from handbill.stories.reasons import MOST_WORDS, Reason, reasons
from handbill.stories.series import series_of
from handbill.stories.terms import shown
from handbill.stories.ties import Bundles, Pair, numbered, speak_alike

WINDOW = timedelta(hours=72)  # a report joins a story only within so long of its nearest member
HOPELESS = -15.0  # evidence below the bar by so much is not weighed again as the groups grow
SHORTEST_TEXT = 400  # characters; a longer one without marks is one word said again and again
READ_OUT = 40  # of the words that two reports share, the weightiest, may be given as reasons
SHORT = 6  # words; two texts too short for marks are copies if every word is the same, title included

Part: TypeAlias = tuple[str, int] | None
Same: TypeAlias = Mapping[int, Iterable[int]]


@dataclass(frozen=True, slots=True)
class Told:
    """A report as grouping sees it. ``story`` and ``copy_of`` are set for one that already has its place.

    ``gist`` is what its caller has read of it; one that has its place needs no text then.
    """

    id: int
    outlet: str
    language: str
    title: str
    text: str
    published_at: datetime
    story: int | None = None
    copy_of: int | None = None
    address: str = ""
    gist: Gist | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a report goes: into the known ``story``, or else into a new one with all that share ``opens``.

    ``opens`` is the id of the new story's first report. ``why`` gives the reasons, strongest first.
    """

    report: int
    story: int | None
    opens: int | None
    copy_of: int | None
    why: tuple[Reason, ...]


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
    barred: Set[int] = frozenset()


def group(
    reports: Iterable[Told],
    active: Iterable[Told] = (),
    *,
    strictness: float = 0.0,
    together: Collection[Pair] = (),
    apart: Collection[Pair] = (),
    same: Same | None = None,
) -> list[Place]:
    """Give each of ``reports`` its place, among the ``active`` reports of known stories or in new stories.

    Answers one Place a report, in the order of their ids; known reports keep their story, but one that turns out to
    repeat a new one of an earlier date gets a Place again, with its ``copy_of``. Languages are never mixed, but for
    copies of one text. Argument order is irrelevant. ``strictness`` is added to the evidence asked for: above 0 joins
    less, below 0 more; 10 either way is a lot. Pairs of ids that an editor ruled ``together`` are one story whatever
    they say, in any language, and pairs ruled ``apart`` never are, not even by way of a third. ``same`` says which
    reports have one text, by the ids of the new ones; without it that is found out among those given. Cost grows with
    the new reports, and little with the known ones.
    """
    told = {told.id: told for told in [*reports, *active]}
    originals = _originals(told, same if same is not None else same_texts(told.values()))
    tongue = {name: name.casefold().split("-")[0] for name in {one.language for one in told.values()}}
    tongues = {id_: tongue[one.language] for id_, one in told.items()}
    mixed = [(a, b) for a, b in originals.items() if tongues[a] != tongues.get(b, tongues[a])]
    spoken = speak_alike(tongues, [*together, *mixed])
    by_language: dict[str, list[Told]] = defaultdict(list)
    for one in told.values():
        by_language[spoken[one.id]].append(one)
    places = [
        place
        for alike in by_language.values()
        if any(one.story is None for one in alike)
        for place in _group_language(alike, originals, strictness, together, apart)
    ]
    return sorted(places, key=lambda place: place.report)


def same_texts(told: Iterable[Told]) -> dict[int, list[int]]:
    """For the new ones of these reports, the ids of all others that have the same text or address."""
    every = list(told)
    table = Memory()
    found = recognise([text_of(one) for one in every if one.story is not None], table)
    found = recognise([text_of(one) for one in every if one.story is None], table)
    same = {id_: [match.text for match in matches] for id_, matches in found.items()}
    for id_, others in alike(every).items():
        same.setdefault(id_, []).extend(others)
    return same


def text_of(told: Told) -> Text:
    """The text of a report as ``copies`` compares it."""
    return Text(told.id, told.outlet, _gist(told).marks)


def alike(told: Iterable[Told]) -> dict[int, list[int]]:
    """For each new report the ids of others of the same address, or of the same words where these are few.

    An address that one outlet gives to several reports, or that very many have, is none of theirs.
    """
    holders: dict[str, list[Told]] = defaultdict(list)
    for one in told:
        for key in keys_of(one):
            holders[key].append(one)
    found: dict[int, list[int]] = defaultdict(list)
    for shared, having in holders.items():
        most = max(Counter(one.outlet for one in having).values())
        if shared.startswith(_AT) and (most >= BOILERPLATE or len(having) >= COMMON):
            continue
        first = min(having, key=_age)
        for one in having:
            if one is not first:
                new, other = (one, first) if one.story is None else (first, one)
                if new.story is None:
                    found[new.id].append(other.id)
    return found


def keys_of(told: Told) -> list[str]:
    """What another report can only have if it is the same: its address, and all its words if they are few."""
    at, wording = bare_address(told.address), _wording(told)
    return [*([_AT + at] if at else []), *([" ".join(wording)] if wording else [])]


_AT = "\0"  # begins an address among keys, and no word


def _group_language(
    told: list[Told],
    originals: Mapping[int, int],
    strictness: float,
    together: Collection[Pair],
    apart: Collection[Pair],
) -> list[Place]:
    told.sort(key=attrgetter("id"))
    told.sort(key=attrgetter("published_at"))  # twice, since pairs compare slowly
    ids = [t.id for t in told]
    copied = dict(numbered(originals.items(), ids))
    groups = _start(told, copied, numbered(together, ids), numbered(apart, ids))
    evidence = Evidence([_gist(t).said for t in told])
    _meet(groups, told, evidence)
    _join(groups, evidence, strictness)
    return [place for g in groups.values() for place in _places(g, told, copied, evidence)]


_age = attrgetter("published_at", "id")


def _gist(told: Told) -> Gist:
    return told.gist if told.gist is not None else gist(told.title, told.text, told.language)


def _part(told: Told) -> Part:
    if (mark := series_of(told.title)) is not None:
        return mark.name.casefold() or f"\0{told.outlet}", mark.number
    dated = dated_of(told.title)
    return None if dated is None else (f"{dated.name.casefold()}\0{told.outlet}", dated.date.toordinal())


def _originals(told: Mapping[int, Told], same: Same) -> dict[int, int]:
    """Each copy → the earliest report with its text, which is no copy itself; known ones keep their original."""
    originals = {one.id: one.copy_of for one in told.values() if one.story is not None and one.copy_of is not None}
    others: dict[int, set[int]] = defaultdict(set)
    for new, its in same.items():
        for other in its:
            others[new].add(other)
            others[other].add(new)
    for one in sorted((told[id_] for id_ in others if id_ in told), key=_age):
        earlier = (told[id_] for id_ in others[one.id] if id_ in told and id_ not in originals)
        able = [known for known in earlier if _age(known) < _age(one) and not _apart(_part(one), _part(known))]
        if able and one.id not in originals:
            originals[one.id] = min(able, key=_age).id
    return originals


def _wording(told: Told) -> tuple[str, ...] | None:
    """All words of a report that is short, yet long enough not to be a mere rubric."""
    if len(told.text) >= SHORTEST_TEXT or len(_gist(told).marks.hashes) >= FEWEST:
        return None
    wording = tuple(words(f"{told.title} {told.text}"))
    return wording if len(wording) >= SHORT else None


def _apart(a: Part, b: Part) -> bool:
    """Whether both are parts of one series, but different ones."""
    return a is not None and b is not None and a[0] == b[0] and a[1] != b[1]


class _Groups(dict[int, _Group]):
    """Groups by their first position. One that only has known reports is made when it is asked for."""

    def __init__(
        self, told: Sequence[Told], bundles: Bundles, stories: Mapping[int, int], copies: Container[int]
    ) -> None:
        super().__init__()
        self.key_of = bundles.of
        self._told, self._bundles, self._stories, self._copies = told, bundles, stories, copies
        self._known = Counter(story for here, story in stories.items() if here not in copies)

    def sizes(self) -> list[int]:
        """How many reports of their own each story has so far, copies aside; also those that nothing new met."""
        met = {g.story for g in self.values()}
        return [sum(here not in self._copies for here in g.members) for g in self.values()] + [
            size for story, size in self._known.items() if story not in met
        ]

    def __missing__(self, key: int) -> _Group:
        members = sorted(self._bundles.holds(key))
        story = next((self._stories[here] for here in members if here in self._stories), None)
        times = [self._told[here].published_at for here in members]
        g = self[key] = _Group(members, min(times), max(times), {}, story, barred=self._bundles.barred(key))
        for name, number in filter(None, (_part(self._told[here]) for here in members)):
            g.parts.setdefault(name, set()).add(number)
        return g


def _start(
    told: Sequence[Told], originals: Mapping[int, int], together: Sequence[Pair], apart: Sequence[Pair]
) -> _Groups:
    """One group a known story, one for what is ruled together, one a text with its copies, one each other report.

    A known story is never part of two groups, and nothing ruled apart is in one.
    """
    stories = {here: one.story for here, one in enumerate(told) if one.story is not None}
    first = {story: here for here, story in reversed(stories.items())}
    bundles = Bundles(len(told), stories, apart)
    ties = ((first[story], here) for here, story in stories.items() if first[story] != here)
    for a, b in [*ties, *together, *_repeats(told, originals)]:
        bundles.join(a, b)
    groups = _Groups(told, bundles, stories, originals)
    for here, one in enumerate(told):
        if one.story is None or here in originals:
            groups[bundles.of[here]]
    return groups


def _repeats(told: Sequence[Told], originals: Mapping[int, int]) -> list[Pair]:
    """Each copy with its original, or where that is too long ago with the copy before, unless that is as well."""
    latest: dict[int, int] = {}
    pairs = []
    for here, original in sorted(originals.items()):
        for before in (original, latest.get(original, original)):
            if told[here].published_at - told[before].published_at <= WINDOW:
                pairs.append((before, here))
                break
        latest[original] = here
    return pairs


def _meet(groups: _Groups, told: Sequence[Told], evidence: Evidence) -> None:
    """Find for each new report the groups it might belong to, and how many reports it could have met."""
    times = [t.published_at for t in told]
    met = {here: key for key, g in groups.items() if g.story is None for here in g.members}
    for here, key in met.items():
        first, last = bisect_left(times, times[here] - WINDOW), bisect_right(times, times[here] + WINDOW)
        groups[key].crowd = max(groups[key].crowd, last - first)
        for other in {groups.key_of[there] for there in evidence.neighbours(here, first, last)} - {key}:
            groups[key].near.add(other)
            groups[other].near.add(key)


def _join(groups: _Groups, evidence: Evidence, strictness: float) -> None:
    """Join the two groups for which the evidence is strongest, again and again, while it suffices for any."""
    waiting = _Waiting(groups, evidence, strictness)
    waiting.begin()
    for a, b in waiting:
        both = evidence.both(_words(groups[a], evidence), _words(groups[b], evidence))
        if evidence.has_core(both):
            _merge(groups, a, b, both)
            waiting.add(a, groups[a].near)


class _Waiting:
    """The pairs of groups that the evidence joins, the surest first, as it is when they are asked for.

    When none suffices any more, the bar is lowered by what is known by then of how large the stories are (``ease``),
    and so on until that brings nothing new.
    """

    def __init__(self, groups: _Groups, evidence: Evidence, strictness: float) -> None:
        self._groups, self._evidence, self._strictness = groups, evidence, strictness
        self._heap: list[tuple[float, int, int, int, int]] = []
        self._ease = 0.0

    def begin(self) -> None:
        """Weigh each new group against those near it: single reports all at once."""
        groups = self._groups
        alone: list[Pair] = []
        for a, g in list(groups.items()):
            if g.story is not None:
                continue
            others = {b for b in g.near if a < b or groups[b].story is not None}
            single = {b for b in others if len(groups[b].members) == 1} if len(g.members) == 1 else set()
            alone += ((a, b) for b in sorted(single) if _may_join(g, groups[b]))
            self.add(a, others - single)
        for (a, b), weight in zip(alone, self._evidence.weigh_alone(alone), strict=True):
            self._put(a, b, weight)

    def add(self, a: int, others: Iterable[int]) -> None:
        """Weigh ``a`` against the others that it may join."""
        groups, evidence = self._groups, self._evidence
        able = sorted(b for b in others if _may_join(groups[a], groups[b]))
        if able:
            found = evidence.weigh(_words(groups[a], evidence), [_words(groups[b], evidence) for b in able])
            for b, weight in zip(able, found, strict=True):
                self._put(a, b, weight)

    def _put(self, a: int, b: int, weight: float) -> None:
        one, other = self._groups[a], self._groups[b]
        more = weight - self._strictness - bar(max(one.crowd, other.crowd), len(one.members), len(other.members))
        if more < HOPELESS:
            one.near.discard(b)
            other.near.discard(a)
        if more > -MOST_EASE:
            low, high = min(a, b), max(a, b)
            sizes = len(self._groups[low].members), len(self._groups[high].members)
            heapq.heappush(self._heap, (-more, low, high, *sizes))

    def __iter__(self) -> Iterator[Pair]:
        groups = self._groups
        while self._suffices():
            _, a, b, *sizes = heapq.heappop(self._heap)
            if a not in groups or b not in groups or sizes != [len(groups[a].members), len(groups[b].members)]:
                continue  # one of them has grown since; what was then weighed waits elsewhere in the queue
            if _may_join(groups[a], groups[b]):
                yield a, b

    def _suffices(self) -> bool:
        """Whether the surest pair passes the bar, lowered if need be."""
        if self._heap and self._heap[0][0] >= self._ease:
            self._ease = max(self._ease, ease(self._groups.sizes()))
        return bool(self._heap) and self._heap[0][0] < self._ease


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


def _merge(groups: _Groups, a: int, b: int, words: Words) -> None:
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


def _places(g: _Group, told: Sequence[Told], originals: Mapping[int, int], evidence: Evidence) -> list[Place]:
    opener = min(g.members)
    places = []
    for here in sorted(g.members):
        one = told[here]
        original = originals.get(here)
        if one.story is not None and (original is None or one.copy_of is not None):
            continue  # it has its place
        other = original if original is not None else opener
        why = _why(told, here, other, original is not None, evidence) if here != other else ()
        opens = None if g.story is not None else told[opener].id
        places.append(Place(one.id, g.story, opens, None if original is None else told[original].id, why))
    return places


def _why(told: Sequence[Told], here: int, there: int, same_text: bool, evidence: Evidence) -> tuple[Reason, ...]:
    """The reasons of a report measured against an earlier one of its story."""
    one, other = told[here], told[there]
    headlines = evidence.titled(here) & evidence.titled(there)
    title: list[str] = []
    named: list[str] = []
    text: list[str] = []
    shared = evidence.heaviest(here, there)[:READ_OUT]
    for number, word, is_name in shown(one.title, one.text, one.language, shared):
        kind = title if number in headlines else named if is_name else text
        if len(kind) < MOST_WORDS:
            kind.append(word if is_name else folded(word))
    return reasons(title, named, text, abs(one.published_at - other.published_at), other.outlet, same_text)
