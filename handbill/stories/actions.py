"""Group what the wire filed, and keep what the editor decides. Load, decide (``group``), save."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import IntegrityError
from django.db.models import Max
from django.db.models.functions import Coalesce

from handbill.stories.group import WINDOW, Place, Told, group
from handbill.stories.learning import forget_choices, keep_choices, learn_topics
from handbill.stories.loading import load_known, load_new, same_texts_ever
from handbill.stories.marked import minute_of, put_away
from handbill.stories.models import Grouping, Member, Story
from handbill.stories.parts import said_of
from handbill.stories.records import Grouped
from handbill.stories.rulings import (
    MOVED,
    grouping,
    keep_apart,
    merge,
    move,
    one_at_a_time,
    pairs_about,
    set_strictness,
    split,
    undo,
)
from handbill.stories.summing import sum_up
from handbill.wire.models import Report
from handbill.work.actions import job_done_at, standing_job

__all__ = [
    "MOVED",
    "dismiss",
    "forget_choices",
    "group_pending",
    "keep_apart",
    "keep_choices",
    "learn_topics",
    "merge",
    "move",
    "restore",
    "set_strictness",
    "split",
    "undo",
]

MOST_ACTIVE = 10_000  # reports of known stories that one round compares with, the newest first
LATE = 10_000  # numbers that reports may be filed behind the newest, by transactions that end out of order
STRICTNESS_STEP = 5.0  # evidence that one step of the desk's choice adds to what is asked
NOTHING = Grouped(0, 0)


def group_pending(now: datetime, limit: int = 1_000) -> Grouped:
    """Give up to ``limit`` reports without a story their place, the earliest first.

    Harmless to repeat: a report has one place by constraint. Zero reports means that nothing waits, or that another
    worker is at it.
    """
    before = job_done_at("stories")
    with standing_job("stories", now) as held:
        if not held:
            return NOTHING
        if before is None or minute_of(before) != minute_of(now):
            put_away(now)
        return _round(limit)


def dismiss(story_id: int, now: datetime) -> None:
    """Take a story off the triage list; repeating it changes nothing."""
    Story.objects.filter(pk=story_id, dismissed_at__isnull=True).update(dismissed_at=now)


def restore(story_id: int) -> None:
    """Put a dismissed story back on the triage list."""
    Story.objects.filter(pk=story_id).update(dismissed_at=None)


def _round(limit: int) -> Grouped:
    rules = grouping()
    pending = _pending(_all_placed_to(rules.all_placed_to), limit)
    if not pending:
        return NOTHING
    together, apart = pairs_about([told.id for told in pending])
    same = same_texts_ever(pending)
    wanted = {report for pair in together for report in pair} | {report for found in same.values() for report in found}
    active = _active(pending, wanted - {told.id for told in pending})
    strictness = STRICTNESS_STEP * rules.strictness
    places = group(pending, active, strictness=strictness, together=together, apart=apart, same=same)
    try:
        return _save(places, {told.id: told for told in pending}, rules)
    except IntegrityError:  # another worker was faster; what it left out waits for the next round
        return NOTHING


def _pending(all_placed_to: int, limit: int) -> list[Told]:
    """By number first, so that an archive is not walked at every round: no index helps to find what has no place."""
    waiting = Report.objects.filter(pk__gt=all_placed_to - LATE, member__isnull=True)
    return load_new(waiting.order_by(Coalesce("published_at", "published_at"), "pk")[:limit])


def _all_placed_to(noted: int) -> int:
    """The number up to which every report has its place; walks on from what was ``noted``, once many came since."""
    newest = Report.objects.aggregate(newest=Max("pk"))["newest"] or 0
    if newest - noted <= LATE:
        return noted
    waiting = Report.objects.filter(pk__gt=noted, member__isnull=True).order_by("pk").values_list("pk", flat=True)
    first = waiting.first()
    reached = newest if first is None else first - 1
    Grouping.objects.filter(all_placed_to__lt=reached).update(all_placed_to=reached)
    return reached


def _active(pending: Sequence[Told], wanted: set[int]) -> list[Told]:
    """All reports of the stories that were alive within the window around ``pending``, and those ``wanted`` as well."""
    since = min(told.published_at for told in pending) - WINDOW
    until = max(told.published_at for told in pending) + WINDOW
    near = Report.objects.filter(member__story__latest_at__gte=since, member__story__opened_at__lte=until)
    active = load_known(near.order_by("-published_at", "-pk")[:MOST_ACTIVE])
    missing = wanted - {told.id for told in active}
    return active + load_known(Report.objects.filter(pk__in=missing, member__isnull=False)) if missing else active


def _save(places: Iterable[Place], pending: dict[int, Told], read: Grouping) -> Grouped:
    """Save the places, unless an editor changed the stories since they were ``read``: then the next round does."""
    with one_at_a_time() as found:
        return _saved(places, pending) if found.acts == read.acts else NOTHING


def _saved(places: Iterable[Place], pending: dict[int, Told]) -> Grouped:
    placed = set(Member.objects.filter(report__in=list(pending)).values_list("report", flat=True))
    new = [place for place in places if place.report in pending and place.report not in placed]
    known = [place for place in places if place.report not in pending]
    opened = _open({place.opens for place in new if place.opens is not None}, pending)
    members = [_member(place, opened, pending[place.report]) for place in new]
    Member.objects.bulk_create(members)
    for place in known:
        Member.objects.filter(report=place.report).update(copy_of=place.copy_of, why=list(place.why))
    sum_up({member.story_id for member in members} | {place.story for place in known if place.story is not None})
    return Grouped(len(members), len(opened))


def _member(place: Place, opened: dict[int | None, int], told: Told) -> Member:
    said = said_of(told.title, told.published_at.date())
    return Member(
        report_id=place.report,
        story_id=place.story if place.story is not None else opened[place.opens],
        copy_of_id=place.copy_of,
        why=list(place.why),
        **said._asdict(),
    )


def _open(openers: Iterable[int], pending: dict[int, Told]) -> dict[int | None, int]:
    first = [pending[report] for report in sorted(openers)]
    stories = [
        Story(title=t.title, language=t.language, opened_at=t.published_at, latest_at=t.published_at) for t in first
    ]
    return {t.id: s.pk for t, s in zip(first, Story.objects.bulk_create(stories), strict=True)}
