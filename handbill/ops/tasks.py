"""The tick as a task: beat rings it, it rings the rest."""

from celery import shared_task

from handbill.ops import tick as _tick


@shared_task
def tick() -> None:
    for task in _tick.standing_tasks():
        _tick.ring(task)
