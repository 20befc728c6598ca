"""Shells for the queue."""

from celery import shared_task

from handbill.desk import call
from handbill.kit import clock


@shared_task
def call_editors() -> None:
    """Tell the admins what about the sending needs a person."""
    call.call_editors(clock.now())
