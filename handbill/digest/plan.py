"""Plan one digest issue: which articles, who reads which of them, in the fewest distinct letters.

Pure: no clock, database, Django, or people. A *group* is what readers have in common who get the same letter;
addresses join only in ``delivery``. What is planned depends on nothing but its arguments, in whatever order they come.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from handbill.digest.errors import PlanError
from handbill.digest.records import (
    Audience,
    Candidate,
    Carried,
    Chosen,
    Draft,
    Left,
    Limits,
    Note,
    ReadingList,
    Selection,
    Tellings,
)
from handbill.subscribers.records import Group
from handbill.subscribers.wishes import Told

Plan: TypeAlias = dict[Draft, set[Group]]
LEAD_HOURS = 24.0  # what having led the paper weighs in a week: as much as twice the outlets
PLACED = 1_000_000.0  # over all else


def order(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The issue's order: as the editor placed them, lead first, then by rank, the newest first among equals.

    Raises PlanError if an article is listed twice.
    """
    rows = sorted(candidates, key=_place)
    if len({one.id for one in rows}) < len(rows):
        raise PlanError("An article is listed twice in the issue. List each candidate once.")
    return rows


def of_week(candidates: Iterable[Candidate], carried: Mapping[int, Carried]) -> list[Candidate]:
    """The same with what they weigh in a week, whatever their day: so Monday's news stand beside Sunday's (ADR-0103).

    First what editors placed in the paper's own issues, each day's lead before what stood second on any; then by what
    speaks for the story, and how high the paper had it. ``rank`` is hours, the time of the newest report among them.
    """
    return [replace(one, place=None, rank=_weight(one, carried.get(one.id))) for one in candidates]


def _weight(one: Candidate, carried: Carried | None) -> float:
    told = one.rank - one.published_at.timestamp() / 3600
    if carried is None:
        return told
    return told + LEAD_HOURS / (1 + carried.position) + (PLACED - 1000 * carried.position if carried.placed else 0)


def choose(
    candidates: Iterable[Candidate],
    notes: Iterable[Note] = (),
    told: Mapping[int, Tellings] | None = None,
    stories: frozenset[int] = frozenset(),
    since: datetime | None = None,
    alerted: Mapping[int, Tellings] | None = None,
) -> list[Chosen]:
    """The issue's articles in order: what is frozen, and all that letters are made from (ADR-0091).

    ``told``: what the slot's earlier issues said of articles; ``stories``: of which stories they told. An article or
    story told before is left out, unless ``notes`` say what came to it since then; corrections of what was told stand
    last. What was told, or is older than ``since``, stays in as ``extra``: only for readers who came from elsewhere.
    ``alerted``: what alerts said, for those who got them and no issue with it yet (ADR-0102).
    """
    told, notes, rows = told or {}, list(notes), order(candidates)
    alerted = {pk: said for pk, said in (alerted or {}).items() if pk not in told}
    latest, for_alerted = _latest(notes, told), _latest(notes, alerted)
    chosen, seen = [], set[int]()
    for one in rows:
        again = one.story in stories or one.story in seen if one.story is not None else False
        late = since is not None and one.published_at < since
        if one.id in latest:
            chosen.append(_chosen(one, note=latest[one.id].id))
        if one.id in for_alerted:
            chosen.append(_chosen(one, note=for_alerted[one.id].id, alert=True))
        chosen.append(_chosen(one, extra=late or again or one.id in told))
        if one.story is not None:
            seen.add(one.story)
    known = {one.id: one for one in rows}
    corrections = [replace(one, alert=True) for one in _corrections(notes, alerted, known)]
    return chosen + _corrections(notes, told, known) + corrections


def reading_list(
    selection: Selection,
    audience: Audience,
    told: Told | None = None,
    alerts: frozenset[int] = frozenset(),
    leading: tuple[int, ...] = (),
) -> ReadingList:
    """What a letter shows. Empty: nobody of the audience gets one. ``alerts``: those that its readers were given.

    First what the editor placed, in that order; where there is such, the rest goes by topics, ``leading`` ones first,
    then as the paper has them; else by rank alone; in a week's review all but the lead goes by topics (ADR-0112).
    No outlet and no topic takes more than its share of it, but for what was placed.
    """
    shown = _matching(selection, audience, told, alerts)
    rank = _rank(selection, _heard(selection, shown, leading))
    articles, first = _in_order(shown, rank, audience)
    left = _left(articles, first, selection.limits)
    kept = [one for one in articles if one.id not in left]
    if selection.by_topic:
        kept[1:] = sorted(kept[1:], key=lambda one: rank.get(first[one.id], len(rank)))
    return ReadingList(
        articles=tuple(one.id for one in kept),
        updates=tuple(one.note for one in kept if one.note is not None),
        corrections=tuple(one.note for one in shown if one.correction and one.note is not None),
        more=len(left),
    )


def left_out(selection: Selection, audience: Audience) -> dict[int, Left]:
    """What the audience's letter has no room for, in its order, and why."""
    rank = _rank(selection)
    return _left(*_in_order(_matching(selection, audience), rank, audience), selection.limits)


def plan_letters(selection: Selection, groups: Iterable[Group], language: str) -> Plan:
    """Map each letter to the groups that share it (ADR-0004). ``language``: the paper's.

    Composing grows with letters, not readers. Groups with nothing to read are left out; so are, where there is nothing
    but a correction, groups who wish to hear only of news (their cadence is the slot's, which ``selection`` knows).
    """
    present = frozenset(topic for one in selection.articles for topic in one.topics)
    lists: dict[tuple[Audience | None, Told | None, frozenset[int], tuple[int, ...]], ReadingList] = {}
    plan: dict[Draft, tuple[int, set[Group]]] = {}
    for group in groups:
        alerts = group.alerts.intersection(selection.alerted)
        leading = tuple(topic for topic in _heard(selection, selection.articles, group.leading) if topic in present)
        key = (group.audience & present if group.audience else None, group.told, alerts, leading)
        if key not in lists:
            lists[key] = _worth_mailing(selection, group)
        if lists[key]:
            draft = Draft(lists[key], group.language or language, group.form, group.plain)
            more, who = plan.get(draft, (draft.listed.more, set()))
            who.add(group)
            plan[draft] = min(more, draft.listed.more), who
    return {replace(draft, listed=replace(draft.listed, more=more)): who for draft, (more, who) in plan.items()}


def letter_key(draft: Draft) -> str:
    """A name for a letter of an issue: 64 hexadecimal characters, the same for the same letter."""
    listed = draft.listed
    parts = (listed.articles, listed.updates, listed.corrections, draft.language, draft.form, draft.plain)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _worth_mailing(selection: Selection, group: Group) -> ReadingList:
    listed = reading_list(selection, group.audience, group.told, group.alerts, group.leading)
    return ReadingList() if selection.news_only and not listed.articles else listed


def _place(one: Candidate) -> tuple[bool, int, float, float, int]:
    return one.place is None, one.place or 0, -one.rank, -one.published_at.timestamp(), one.id


def _chosen(one: Candidate, **more: object) -> Chosen:
    return Chosen(
        id=one.id,
        topics=one.topics,
        outlet=one.outlet,
        story=one.story,
        placed=one.place is not None,
        published_at=one.published_at,
        **more,  # type: ignore[arg-type]
    )


def _latest(notes: Iterable[Note], told: Mapping[int, Tellings]) -> dict[int, Note]:
    """The last news of each article that came after it was last told of."""
    found: dict[int, Note] = {}
    for note in sorted(notes, key=lambda note: (note.at, note.id)):
        before = told.get(note.article)
        if not note.correction and before and note.at >= before.last and note.id not in before.notes:
            found[note.article] = note
    return found


def _corrections(notes: Iterable[Note], told: Mapping[int, Tellings], known: Mapping[int, Candidate]) -> list[Chosen]:
    rows = []
    for note in sorted(notes, key=lambda note: (note.at, note.id)):
        before = told.get(note.article) if note.article in known else None
        if note.correction and before and note.at >= before.first and note.id not in before.notes:
            rows.append(_chosen(known[note.article], note=note.id, correction=True))
    return rows


def _matching(
    selection: Selection, audience: Audience, told: Told | None = None, alerts: frozenset[int] = frozenset()
) -> list[Chosen]:
    """All that an audience asked for and was not told of, in the issue's order."""
    given = [selection.alerted[pk] for pk in alerts if pk in selection.alerted]
    known = frozenset(one.article for one in given)
    stories = frozenset(one.story for one in given if one.story is not None)
    asked = [
        one
        for one in selection.articles
        if (not audience or one.topics & audience)
        and (one.note is not None or one.id in known or one.story not in stories)
    ]
    if told is None:
        return [one for one in asked if not one.extra and _is_for(one, known)]
    elsewhere = selection.told.get(told, frozenset()) | known
    back = told.until - selection.fold_back if told.by else told.until
    return [
        one
        for one in asked
        if (one.id in elsewhere) == (one.note is not None)
        and (not one.extra or one.published_at is None or one.published_at >= back)
    ]


def _is_for(one: Chosen, known: frozenset[int]) -> bool:
    """Whether who knows these articles by alerts, and all else by the slot's issues, is told of it."""
    if one.note is None:
        return one.id not in known
    return not one.alert or one.id in known


def _first_topic(rank: Mapping[int, int], one: Chosen, audience: Audience) -> int:
    """Under which of its topics an article stands for this reader; 0: under none."""
    wanted = one.topics & audience if audience else one.topics
    return min((topic for topic in wanted if topic in rank), key=rank.__getitem__, default=0)


def _heard(selection: Selection, shown: Iterable[Chosen], leading: tuple[int, ...]) -> tuple[int, ...]:
    """What a reader wants first, where topics decide on the order at all; else rank alone does."""
    by_topics = selection.by_topic or any(one.placed and not one.correction for one in shown)
    return leading if leading and by_topics else ()


def _rank(selection: Selection, leading: tuple[int, ...] = ()) -> dict[int, int]:
    """The topics' places: the reader's leading ones, then as the paper has them."""
    return {topic: place for place, topic in enumerate(dict.fromkeys((*leading, *selection.topics)))}


def _in_order(
    shown: Iterable[Chosen], rank: Mapping[int, int], audience: Audience
) -> tuple[list[Chosen], dict[int, int]]:
    """What was placed, then the rest: by topics where there is such, else by rank; and each one's first topic."""
    articles = [one for one in shown if not one.correction]
    first = {one.id: _first_topic(rank, one, audience) for one in articles}
    if any(one.placed for one in articles):
        articles.sort(key=lambda one: (not one.placed, 0 if one.placed else rank.get(first[one.id], len(rank))))
    return articles, first


def _left(articles: Iterable[Chosen], first: Mapping[int, int], limits: Limits) -> dict[int, Left]:
    left: dict[int, Left] = {}
    kept, outlets, topics = 0, Counter[str](), Counter[int]()
    several = len(set(first.values())) > 1
    for one in articles:
        topic = first[one.id]
        if kept >= limits.articles:
            left[one.id] = Left.ROOM
        elif not one.placed and one.outlet and limits.outlet and outlets[one.outlet] >= limits.outlet:
            left[one.id] = Left.OUTLET
        elif not one.placed and several and topic and limits.topic and topics[topic] >= limits.topic:
            left[one.id] = Left.TOPIC
        else:
            kept += 1
            outlets[one.outlet] += 1
            topics[topic] += 1
    return left
