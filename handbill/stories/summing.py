"""Keep the stories' rows true to their members."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from django.db.models.functions import Length

from handbill.stories.lead import Voice, summarise
from handbill.stories.models import Member, Story


def sum_up(story_ids: Collection[int]) -> None:
    """Bring the rows of these stories up to date with their members; one without any has no outlets."""
    rows = Member.objects.filter(story__in=story_ids).annotate(length=Length("report__text"))
    fields = ("story", "report", "report__source", "report__title", "report__published_at", "length", "copy_of")
    voices: dict[int, list[Voice]] = defaultdict(list)
    for story, *voice, copy_of in rows.values_list(*fields):
        voices[story].append(Voice(*voice, copy=copy_of is not None))  # type: ignore[misc]
    stories = [_summed(story, voices[story.pk]) for story in Story.objects.filter(pk__in=voices)]
    Story.objects.bulk_update(stories, ["title", "opened_at", "latest_at", "outlets"], batch_size=200)
    Story.objects.filter(pk__in=set(story_ids) - voices.keys()).update(outlets=0)


def _summed(story: Story, voices: list[Voice]) -> Story:
    summary = summarise(voices)
    story.title, story.outlets = summary.title, summary.outlets
    story.opened_at, story.latest_at = summary.opened_at, summary.latest_at
    return story
