"""Shells for the queue."""

from celery import shared_task

from handbill.kit import clock
from handbill.subscribers import actions, signups
from handbill.subscribers.lists_in import asking, uploads
from handbill.subscribers.silence import heed_silence


@shared_task
def answer_sign_ups() -> None:
    signups.answer(clock.now())


@shared_task
def bring_lists() -> None:
    """Try or bring in the lists that were given in at the desk, one after the other."""
    while uploads.work(clock.now()):
        pass


@shared_task
def look_after() -> None:
    """End what is over, forget who never confirmed, ask who is held, and who gave no sign of life."""
    now = clock.now()
    actions.pull_feedback(now)
    actions.forget_unconfirmed(now)
    actions.forget_asking(now)
    asking.ask_held(now)
    asking.forget_held(now)
    heed_silence(now)
