"""Shells for the queue."""

from celery import shared_task

from handbill.kit import clock
from handbill.subscribers import actions


@shared_task
def look_after() -> None:
    """End what delivery found to be over, and forget who never confirmed."""
    now = clock.now()
    actions.pull_feedback(now)
    actions.forget_unconfirmed(now)
