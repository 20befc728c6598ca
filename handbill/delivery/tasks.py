"""The doorbell of the mail: any ring may be lost or doubled (ADR-0001)."""

import contextlib
import logging
import time

from celery import shared_task
from celery.worker import state

from handbill.delivery import actions, collect, feedback, queries
from handbill.delivery.engine.collect import MailboxTrouble
from handbill.delivery.errors import NoJournal, NoRelay
from handbill.kit import clock
from handbill.work.actions import standing_job

logger = logging.getLogger(__name__)
MOST = 1_000_000  # copies of a round
SECONDS = 60  # a task's share of a worker; then it rings again
LEASE_SECONDS = 75  # a second sender after that is harmless; after a kill, or without a relay, it is the wait


@shared_task
def send_waiting() -> None:
    """Send what is due, one sender at a time; ring again when there is more."""
    ends = time.monotonic() + SECONDS
    actions.mend_dates(clock.now())
    try:
        with standing_job("send mail", clock.now(), LEASE_SECONDS) as mine:
            while mine and time.monotonic() < ends and not _shutting_down() and queries.is_anything_due(clock.now()):
                actions.send_batch(clock.now(), MOST, stop=lambda: time.monotonic() > ends or _shutting_down())
    except NoRelay:
        return  # said in the log by then; the job's lease makes the next try wait
    except NoJournal as error:
        logger.error("%s", error)
        return
    if mine and not _shutting_down() and queries.is_anything_due(clock.now()):
        send_waiting.delay()


@shared_task
def read_bounces() -> None:
    """Take in what came back."""
    feedback.take_in(clock.now())


@shared_task
def collect_bounces() -> None:
    """Fetch what came back from the mailbox of the settings."""
    with contextlib.suppress(MailboxTrouble):  # said in the log, and by doctor
        collect.collect(clock.now())


def _shutting_down() -> bool:
    """Whether the worker was told to stop (SIGTERM): what is in flight is finished, nothing more is begun."""
    return state.should_stop is not None or state.should_terminate is not None
