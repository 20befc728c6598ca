"""Questions about topics."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet

from handbill.topics.models import Topic


def live_topics() -> QuerySet[Topic]:
    """Topics that take new articles and readers, in the order of the navigation."""
    return Topic.objects.filter(retired=False)


def topics_by_slug(slugs: Iterable[str]) -> dict[str, Topic]:
    """The live topics among ``slugs``; what is gone or unknown is left out. One query."""
    return {topic.slug: topic for topic in live_topics().filter(slug__in=list(slugs))}
