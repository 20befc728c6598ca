"""Keep the stories' rows true to their members."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from django.db import connection
from django.db.models.functions import Length

from handbill.stories.lead import Voice, summarise
from handbill.stories.models import Member, Story

_SUMMED = ("title", "opened_at", "latest_at", "outlets")


def sum_up(story_ids: Collection[int]) -> None:
    """Bring the rows of these stories up to date with their members; one without any has no outlets."""
    rows = Member.objects.filter(story__in=story_ids).annotate(length=Length("report__text"))
    fields = ("story", "report", "report__source", "report__title", "report__published_at", "length", "copy_of")
    voices: dict[int, list[Voice]] = defaultdict(list)
    for story, *voice, copy_of in rows.values_list(*fields):
        voices[story].append(Voice(*voice, copy=copy_of is not None))  # type: ignore[misc]
    stories = [story for story in Story.objects.filter(pk__in=voices) if _sum(story, voices[story.pk])]
    _write(stories)
    Story.objects.filter(pk__in=set(story_ids) - voices.keys()).update(outlets=0)


def _sum(story: Story, voices: list[Voice]) -> bool:
    """Whether that changes anything; a story that was just opened is true already."""
    before = [getattr(story, name) for name in _SUMMED]
    summary = summarise(voices)
    story.title, story.outlets = summary.title, summary.outlets
    story.opened_at, story.latest_at = summary.opened_at, summary.latest_at
    return before != [getattr(story, name) for name in _SUMMED]


def _write(stories: list[Story]) -> None:
    """By one statement of our own: ``bulk_update`` took half of a round of grouping."""
    fields = [field for field in Story._meta.concrete_fields if field.name in _SUMMED]
    columns = ", ".join(f"{field.column} = %s" for field in fields)
    values = [[field.get_db_prep_save(getattr(s, field.attname), connection) for field in fields] for s in stories]
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {Story._meta.db_table} SET {columns} WHERE id = %s",  # noqa: S608
            [[*row, story.pk] for row, story in zip(values, stories, strict=True)],
        )
