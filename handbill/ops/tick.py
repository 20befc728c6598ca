"""The one periodic tick: asks every room for what is due by looking at its rows, and rings the tasks that do it.

Nothing depends on a ring being heard: the next tick finds the same rows (ADR-0001).
"""

from __future__ import annotations

from collections.abc import Callable

from celery import Task
from django.conf import settings

from handbill.articles import tasks as articles
from handbill.delivery import tasks as delivery
from handbill.desk import tasks as desk
from handbill.digest import tasks as digest
from handbill.ops.retention import keep_to_retention
from handbill.site import tasks as site
from handbill.stories import tasks as stories
from handbill.subscribers import tasks as subscribers
from handbill.wire import tasks as wire

SECONDS = 10
"""Between two ticks (the beat's schedule in ``config.settings``); an unheard ring is forgotten after two."""


def standing_tasks() -> list[Task]:
    """What every tick rings, in the order of the straight line."""
    gathering = [wire.keep_pushes, wire.fetch_batch, wire.ask_pages, wire.read_inbox, wire.read_pages]
    tasks = [*gathering, stories.group_stories, articles.publish_due]
    tasks += [articles.tell_choices, stories.learn_from_choices]
    if settings.HANDBILL.auto:
        tasks.append(articles.take_top)
    return [
        *tasks,
        site.build_site,
        digest.send_due_issue,
        digest.send_due_alerts,
        subscribers.answer_sign_ups,
        desk.call_editors,
        delivery.send_waiting,
        *([delivery.collect_bounces] if settings.HANDBILL.bounce_mailbox else []),
        delivery.read_bounces,
        subscribers.look_after,
        subscribers.bring_lists,
        keep_to_retention,
    ]


def ring(task: Callable[..., object]) -> None:
    """Ring one task's bell; a sign-up that was answered needn't wait a tick more for its mail."""
    then = [delivery.send_waiting.si()] if task is subscribers.answer_sign_ups else []
    task.apply_async(expires=SECONDS * 2, link=then)  # type: ignore[attr-defined]
