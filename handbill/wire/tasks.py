"""The wire's background work: shells that ask the time and call an action."""

from celery import shared_task

from handbill.kit import clock
from handbill.wire import actions


@shared_task
def fetch_batch(limit: int = 100) -> None:
    """One round of fetching; safe to lose and safe to run twice."""
    actions.fetch_due(clock.now(), limit)


@shared_task
def keep_pushes() -> None:
    """Ask the hubs that are due, and have fetched what they told us of."""
    actions.keep_pushes(clock.now())
