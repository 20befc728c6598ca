"""Shells for the queue."""

from celery import shared_task

from handbill.kit.clock import now
from handbill.site import actions


@shared_task
def build_site() -> None:
    """Write what changed; lost or repeated, the next one does the same."""
    actions.build(now())
