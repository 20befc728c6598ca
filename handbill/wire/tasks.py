"""The wire's background work: shells that ask the time and call an action."""

from celery import shared_task

from handbill.kit import clock
from handbill.wire import actions
from handbill.wire.fetch import LIMIT


@shared_task
def fetch_batch(limit: int = LIMIT) -> None:
    """One round of fetching, unless one is running; safe to lose and safe to run twice."""
    actions.fetch_due(clock.now(), limit)


@shared_task
def keep_pushes() -> None:
    """Ask the hubs that are due, and have fetched what they told us of."""
    actions.keep_pushes(clock.now())


@shared_task
def read_inbox() -> None:
    """Take in the newsletters that came by mail."""
    actions.take_in_mails(clock.now())


@shared_task
def ask_pages() -> None:
    """Ask the pages of reports that left their feed before their time."""
    actions.ask_pages(clock.now())


@shared_task
def read_pages() -> None:
    """Fetch the articles' pages that are due, for their full text."""
    actions.read_pages(clock.now())
