"""Shells for the queue."""

from celery import shared_task

from handbill.digest import actions, alerts
from handbill.kit import clock


@shared_task
def send_due_issue() -> None:
    """Send the issue whose hour has come, or finish one that was cut off."""
    actions.send_due(clock.now())


@shared_task
def send_due_alerts() -> None:
    """Send the alert whose time to undo is over, or finish one that was cut off."""
    alerts.send_due(clock.now())
