"""Background work of this room: shells only."""

from celery import shared_task
from django.conf import settings

from handbill.articles import actions, teaching
from handbill.kit.clock import now
from handbill.work.actions import standing_job


@shared_task
def publish_due() -> None:
    with standing_job("publish scheduled", now()) as held:
        if held:
            actions.publish_scheduled(now())


@shared_task
def take_top() -> None:
    with standing_job("take top stories", now()) as held:
        if held:
            actions.take_top_stories(settings.HANDBILL.auto_stories, now())


@shared_task
def tell_choices() -> int:
    return teaching.tell_choices(now())
