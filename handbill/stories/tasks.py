"""The doorbell of the room: any ring may be lost or heard twice."""

from celery import shared_task

from handbill.kit.clock import now
from handbill.stories.actions import group_pending


@shared_task
def group_stories() -> int:
    """Group what waits; answers how many reports got their place."""
    return group_pending(now()).reports
