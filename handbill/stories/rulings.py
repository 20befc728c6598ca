"""What an editor says of stories: merge, split, move, not the same; and undo. Each act is a ruling that is kept.

An act names every report of the stories it touches, so that what holds always agrees with where the reports are.
Acts and the saving of a round come one after the other: all lock the one row of ``Grouping``. Source: ADR-0031.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from handbill.stories.errors import ChangedSince
from handbill.stories.models import Grouping, Member, Ruled, Ruling, Story
from handbill.stories.signals import reports_moved
from handbill.stories.summing import sum_up
from handbill.stories.ties import Act, Pair, standing

MOVED, WITH, WITHOUT = Ruled.Side.MOVED, Ruled.Side.WITH, Ruled.Side.WITHOUT
_CHANGED = "The story was changed meanwhile. Look at it again."


def grouping() -> Grouping:
    """How this newsroom groups."""
    return Grouping.objects.get_or_create(pk=1)[0]


def set_strictness(strictness: int) -> None:
    """How much is asked for reports to be one story, from now on. Raises ValueError for none of the choices."""
    grouping()
    Grouping.objects.update(strictness=Grouping.Strictness(strictness))


@contextmanager
def one_at_a_time() -> Iterator[Grouping]:
    """Alone change the places of reports, in a transaction."""
    grouping()
    with transaction.atomic():
        yield Grouping.objects.select_for_update().get()


def merge(story_ids: Sequence[int], now: datetime, by: Any = None) -> Ruling | None:
    """Make one story of several; which of them it becomes is told by ``story_of``. Repeating it changes nothing.

    One with an article stays before one without, else the one that was opened first. Answers None where fewer than
    two of them have reports.
    """
    with one_at_a_time():
        held = _held(story_ids)
        if len(held) < 2:
            return None
        taken = Story.objects.filter(pk__in=held, articles__isnull=False).values_list("pk", flat=True)
        rows = Story.objects.filter(pk__in=held).order_by("opened_at", "pk")
        target = min(rows, key=lambda row: (row.pk not in taken, row.opened_at, row.pk)).pk
        moved = [report for story, reports in held.items() if story != target for report in reports]
        return _rule(now, by, moved, to=target, with_=held[target])


def split(story_id: int, report_ids: Collection[int], now: datetime, by: Any = None) -> Ruling | None:
    """Take reports out of a story, into a new one of their own. None where they are the whole story.

    Raises ChangedSince unless all of them are in it.
    """
    with one_at_a_time():
        moved, rest = _parted(story_id, report_ids)
        if not rest:
            return None
        old = Story.objects.get(pk=story_id)
        new = Story.objects.create(
            title=old.title, language=old.language, opened_at=old.opened_at, latest_at=old.latest_at
        )
        return _rule(now, by, moved, to=new.pk, without=rest)


def move(story_id: int, report_ids: Collection[int], to: int, now: datetime, by: Any = None) -> Ruling | None:
    """Put reports of one story into another. None where both are one.

    Raises ChangedSince unless all of them are in the first, and the other has reports.
    """
    with one_at_a_time():
        moved, rest = _parted(story_id, report_ids)
        if to == story_id:
            return None
        there = _held([to])
        if not there:
            raise ChangedSince(_CHANGED)
        return _rule(now, by, moved, to=to, with_=there[to], without=rest)


def keep_apart(story_id: int, other: int, now: datetime, by: Any = None) -> Ruling | None:
    """Say that two stories are not the same. None where that is said already, or one of them has no reports."""
    with one_at_a_time():
        held = _held([story_id, other])
        if len(held) < 2 or _are_apart(held[story_id], held[other]):
            return None
        return _rule(now, by, held[story_id], to=story_id, without=held[other])


def undo(ruling_id: int, now: datetime) -> bool:
    """Take an act back: its reports go where they came from. False if it is undone already, or there is none.

    Raises ChangedSince where a newer act that stands names one of the same reports.
    """
    with one_at_a_time():
        ruling = Ruling.objects.filter(pk=ruling_id, undone_at__isnull=True).first()
        if ruling is None:
            return False
        reports = ruling.reports.values("report")
        if Ruled.objects.filter(ruling__gt=ruling_id, ruling__undone_at__isnull=True, report__in=reports).exists():
            raise ChangedSince("Somebody changed these stories again since. Undo that first.")
        moved = ruling.reports.filter(side=MOVED, came_from__isnull=False)
        for story in sorted(set(moved.values_list("came_from", flat=True))):
            _put(list(moved.filter(came_from=story).values_list("report", flat=True)), story)
        ruling.undone_at = now
        ruling.save(update_fields=["undone_at"])
        return True


def pairs_about(report_ids: Collection[int]) -> tuple[list[Pair], list[Pair]]:
    """The pairs of reports ruled together and apart, of which one is among ``report_ids``. Two queries."""
    named = Ruled.objects.filter(report__in=report_ids).values_list("ruling", flat=True)
    return standing(_acts(set(named)), report_ids)


def _acts(ruling_ids: Collection[int]) -> Iterable[Act]:
    if not ruling_ids:
        return []
    rows = Ruled.objects.filter(ruling__in=ruling_ids, ruling__undone_at__isnull=True).order_by("ruling", "pk")
    sides: dict[int, dict[int, list[int]]] = {}
    for ruling, side, report in rows.values_list("ruling", "side", "report"):
        sides.setdefault(ruling, {MOVED: [], WITH: [], WITHOUT: []})[side].append(report)
    return [Act(*(frozenset(each[side]) for side in (MOVED, WITH, WITHOUT))) for each in sides.values()]


def _held(story_ids: Iterable[int]) -> dict[int, list[int]]:
    """The reports of each story that has any."""
    held: dict[int, list[int]] = {}
    rows = Member.objects.filter(story__in=list(story_ids)).order_by("report")
    for story, report in rows.values_list("story", "report"):
        held.setdefault(story, []).append(report)
    return held


def _parted(story_id: int, report_ids: Collection[int]) -> tuple[list[int], list[int]]:
    reports = _held([story_id]).get(story_id, [])
    if not report_ids or not set(report_ids) <= set(reports):
        raise ChangedSince(_CHANGED)
    return sorted(set(report_ids)), [report for report in reports if report not in set(report_ids)]


def _are_apart(reports: Collection[int], others: Collection[int]) -> bool:
    _, apart = pairs_about(reports)
    known = {frozenset(pair) for pair in apart}
    return all(frozenset((one, other)) in known for one in reports for other in others)


def _rule(
    now: datetime, by: Any, moved: Sequence[int], to: int, with_: Sequence[int] = (), without: Sequence[int] = ()
) -> Ruling:
    """Keep the ruling and carry it out."""
    ruling = Ruling.objects.create(at=now, by=by)
    came_from = dict(Member.objects.filter(report__in=moved).values_list("report", "story"))
    rows = [Ruled(ruling=ruling, report_id=one, side=MOVED, came_from_id=came_from[one]) for one in moved]
    rows += [Ruled(ruling=ruling, report_id=one, side=WITH) for one in with_]
    rows += [Ruled(ruling=ruling, report_id=one, side=WITHOUT) for one in without]
    Ruled.objects.bulk_create(rows, batch_size=500)
    _put(moved, to)
    return ruling


def _put(reports: Sequence[int], story_id: int) -> None:
    members = Member.objects.filter(report__in=reports)
    touched = {*members.values_list("story", flat=True), story_id}
    members.update(story=story_id)
    sum_up(touched)
    Grouping.objects.update(acts=F("acts") + 1)
    reports_moved.send(Ruling, stories=touched)
