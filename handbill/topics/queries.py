"""Questions about topics."""

from __future__ import annotations

from django.db.models import QuerySet

from handbill.topics.models import Topic


def live_topics() -> QuerySet[Topic]:
    """Topics that take new articles and readers, in the order of the navigation."""
    return Topic.objects.filter(retired=False)
