"""Shells for the queue."""

from celery import shared_task

from handbill.kit import clock
from handbill.subscribers import actions
from handbill.subscribers.silence import heed_silence


@shared_task
def look_after() -> None:
    """End what delivery found to be over, forget who never confirmed, and ask who gave no sign of life."""
    now = clock.now()
    actions.pull_feedback(now)
    actions.forget_unconfirmed(now)
    actions.forget_asking(now)
    heed_silence(now)
