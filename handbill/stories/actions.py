"""Group what the wire filed, and keep what the editor decides. Load, decide (``group``), save."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Left, Length

from handbill.stories.group import WINDOW, Place, Told, group
from handbill.stories.lead import Voice, summarise
from handbill.stories.models import Member, Story
from handbill.stories.records import Grouped
from handbill.stories.terms import READ_CHARACTERS
from handbill.wire.models import Report
from handbill.work.actions import standing_job

MOST_ACTIVE = 10_000  # reports of known stories that one round compares with, the newest first
NOTHING = Grouped(0, 0)


def group_pending(now: datetime, limit: int = 500) -> Grouped:
    """Give up to ``limit`` reports without a story their place, the earliest first.

    Harmless to repeat: a report has one place by constraint. Zero reports means that nothing waits, or that another
    worker is at it.
    """
    with standing_job("stories", now) as held:
        return _round(limit) if held else NOTHING


def dismiss(story_id: int, now: datetime) -> None:
    """Take a story off the triage list; repeating it changes nothing."""
    Story.objects.filter(pk=story_id, dismissed_at__isnull=True).update(dismissed_at=now)


def restore(story_id: int) -> None:
    """Put a dismissed story back on the triage list."""
    Story.objects.filter(pk=story_id).update(dismissed_at=None)


def _round(limit: int) -> Grouped:
    pending = _pending(limit)
    if not pending:
        return NOTHING
    places = group(pending, _active(pending))
    try:
        return _save(places, {told.id: told for told in pending})
    except IntegrityError:  # another worker was faster; what it left out waits for the next round
        return NOTHING


def _told(rows: QuerySet[Report]) -> list[Told]:
    read = rows.annotate(
        head=Left("text", READ_CHARACTERS), its_story=F("member__story"), its_copy=F("member__copy_of")
    )
    fields = ("pk", "source__name", "language", "title", "head", "published_at", "its_story", "its_copy")
    return [Told(*row) for row in read.values_list(*fields)]


def _pending(limit: int) -> list[Told]:
    return _told(Report.objects.filter(member__isnull=True).order_by("published_at", "pk")[:limit])


def _active(pending: Sequence[Told]) -> list[Told]:
    """All reports of the stories that were alive within the window around ``pending``."""
    since = min(told.published_at for told in pending) - WINDOW
    until = max(told.published_at for told in pending) + WINDOW
    near = Report.objects.filter(member__story__latest_at__gte=since, member__story__opened_at__lte=until)
    return _told(near.order_by("-published_at", "-pk")[:MOST_ACTIVE])


@transaction.atomic
def _save(places: Iterable[Place], pending: dict[int, Told]) -> Grouped:
    placed = set(Member.objects.filter(report__in=list(pending)).values_list("report", flat=True))
    new = [place for place in places if place.report in pending and place.report not in placed]
    known = [place for place in places if place.report not in pending]
    opened = _open({place.opens for place in new if place.opens is not None}, pending)
    members = [
        Member(
            report_id=place.report,
            story_id=place.story if place.story is not None else opened[place.opens],
            copy_of_id=place.copy_of,
            why=list(place.why),
        )
        for place in new
    ]
    Member.objects.bulk_create(members)
    for place in known:
        Member.objects.filter(report=place.report).update(copy_of=place.copy_of, why=list(place.why))
    _sum_up({member.story_id for member in members} | {place.story for place in known if place.story is not None})
    return Grouped(len(members), len(opened))


def _open(openers: Iterable[int], pending: dict[int, Told]) -> dict[int | None, int]:
    first = [pending[report] for report in sorted(openers)]
    stories = [
        Story(title=t.title, language=t.language, opened_at=t.published_at, latest_at=t.published_at) for t in first
    ]
    return {t.id: s.pk for t, s in zip(first, Story.objects.bulk_create(stories), strict=True)}


def _sum_up(story_ids: set[int]) -> None:
    """Bring the rows of these stories up to date with their members."""
    rows = Member.objects.filter(story__in=story_ids).annotate(length=Length("report__text"))
    fields = ("story", "report", "report__source", "report__title", "report__published_at", "length", "copy_of")
    voices: dict[int, list[Voice]] = defaultdict(list)
    for story, *voice, copy_of in rows.values_list(*fields):
        voices[story].append(Voice(*voice, copy=copy_of is not None))  # type: ignore[misc]
    stories = [_summed(story, voices[story.pk]) for story in Story.objects.filter(pk__in=voices)]
    Story.objects.bulk_update(stories, ["title", "opened_at", "latest_at", "outlets"], batch_size=200)


def _summed(story: Story, voices: list[Voice]) -> Story:
    summary = summarise(voices)
    story.title, story.outlets = summary.title, summary.outlets
    story.opened_at, story.latest_at = summary.opened_at, summary.latest_at
    return story
