"""Once a night every room forgets what is older than it is kept (ADR-0057). A night that was missed is made up for.

When it was last done stands in the job's row: it is written only once all rooms are through.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from celery import shared_task
from django.conf import settings

from handbill.delivery import retention as delivery
from handbill.desk import retention as desk
from handbill.kit import clock
from handbill.subscribers import retention as subscribers
from handbill.work.actions import job_done_at, standing_job
from handbill.work.records import Kept

HOUR = 3  # of the night, in the paper's zone
JOB = "forget what is old"
SECONDS = 1800  # a large list's first night
_ROOMS = (subscribers, delivery, desk)
_DAY = timedelta(days=1)


@shared_task
def keep_to_retention() -> None:
    """The night's work, when it is due."""
    enforce(clock.now())


def enforce(now: datetime) -> bool:
    """Let every room forget; False when it was done this night, or is being done."""
    with standing_job(JOB, now, SECONDS, every=next_night(now) - now) as ours:
        if ours:
            for room in _ROOMS:
                room.enforce(now)
    return ours


def next_night(now: datetime) -> datetime:
    """The next HOUR by the clock of the paper's zone."""
    local = now.astimezone(settings.HANDBILL.zone)
    night = local.replace(hour=HOUR, minute=0, second=0, microsecond=0)
    return night if night > local else night + _DAY


def last_enforced() -> datetime | None:
    """When all rooms were through, the last time; None: never."""
    return job_done_at(JOB)


def kept(now: datetime) -> list[Kept]:
    """What is kept of people, kind by kind."""
    return [one for room in _ROOMS for one in room.kept(now)]
