"""The doorbell of the room: any ring may be lost or heard twice."""

from celery import shared_task

from handbill.kit.clock import now
from handbill.stories.actions import group_pending, learn_topics


@shared_task
def group_stories() -> int:
    """Group what waits; answers how many reports got their place."""
    return group_pending(now()).reports


@shared_task
def learn_from_choices() -> bool:
    """Learn which topics editors choose, if they chose since."""
    return learn_topics(now())
