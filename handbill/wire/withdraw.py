"""Find out what an outlet took back: what left its feed before its time, and whose page is gone as well (ADR 0026).

A feed drops its oldest entries every day. Only one that is missing while older ones still stand is suspected, and only
its page proves it: "gone" (410) at once, "not found" (404) when it says so again an hour later.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.db import transaction

from handbill.kit.errors import HandbillError
from handbill.kit.http import FetchLater, FetchRefused, fetch
from handbill.sources.models import Feed
from handbill.wire.models import Absence, Report
from handbill.wire.rewrite import mark_withdrawn
from handbill.wire.web import agent, guard
from handbill.work import actions as work

MOST_SUSPECTS = 20  # of one reading
LEASE_SECONDS = 120
FETCH_SECONDS = 10
PAGE_BYTES = 1024 * 1024  # the answer's status is what counts
THREADS = 4
AGAIN = timedelta(hours=1)  # between two visits of one page
DENIALS = 2  # so often not found proves it
FAILURES = 3  # so often no answer: then nobody asks any more

log = logging.getLogger(__name__)


def suspect(feed: Feed, before: Sequence[str], after: Sequence[str], now: datetime) -> int:
    """Have the pages of those reports asked that the reading left out, but not for their age; returns how many.

    ``before`` and ``after`` are the identities in the last reading and in this one. The links of a page come and go
    without a reason, so nothing is made of them.
    """
    held = set(after)
    gone, kept = [key for key in before if key not in held], [key for key in before if key in held]
    if not gone or not kept or feed.kind != Feed.Kind.FEED:
        return 0
    reports = Report.objects.filter(source=feed.source_id)
    oldest = reports.filter(identity__in=kept).order_by("published_at").values_list("published_at", flat=True).first()
    if oldest is None:
        return 0
    missing = reports.filter(identity__in=gone, published_at__gt=oldest, withdrawn_at__isnull=True).exclude(address="")
    found = list(missing.order_by("-published_at").values_list("pk", flat=True)[:MOST_SUSPECTS])
    Absence.objects.bulk_create([Absence(report_id=pk, next_at=now) for pk in found], ignore_conflicts=True)
    return len(found)


def ask_pages(now: datetime, limit: int = 20) -> int:
    """Visit the pages of up to ``limit`` suspected reports, one of a host at a time; how many prove withdrawn."""
    leased = work.lease(Absence.objects.select_related("report"), now, LEASE_SECONDS, limit)
    chosen: dict[str, Absence] = {}
    for absence in leased:
        host = urlsplit(absence.report.address).hostname or ""
        if chosen.setdefault(host, absence) is not absence:
            work.finish(absence, now + timedelta(minutes=1))
    with ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="ask") as pool:
        answers = pool.map(_status, [absence.report.address for absence in chosen.values()])
        return sum(_judge(absence, status, now) for absence, status in zip(chosen.values(), answers, strict=True))


def _status(address: str) -> int | None:
    """What the page answers: 200 stands for any that is there, None for no answer worth having."""
    try:
        fetch(address, guard=guard(), user_agent=agent(), max_bytes=PAGE_BYTES, seconds=FETCH_SECONDS)
        return 200
    except FetchRefused as error:
        return error.status or 200
    except FetchLater:
        return None
    except HandbillError:
        return 200
    except Exception:
        log.exception("Asking after a report's page failed unexpectedly")
        return None


def _judge(absence: Absence, status: int | None, now: datetime) -> bool:
    """Write down what the page said. Returns whether the report is withdrawn by it."""
    if status in (404, 410):
        absence.denials += 1
        if status == 410 or absence.denials >= DENIALS:
            return _proved(absence, now)
        work.finish(absence, now + AGAIN, denials=absence.denials)
    elif status is None and absence.failures + 1 < FAILURES:
        work.finish(absence, now + AGAIN, failures=absence.failures + 1)
    elif work.finish(absence, None):
        absence.delete()
    return False


def _proved(absence: Absence, now: datetime) -> bool:
    with transaction.atomic():
        if not work.finish(absence, None):
            return False
        mark_withdrawn(absence.report_id, now)
        absence.delete()
    return True
