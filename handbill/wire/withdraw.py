"""Find out what an outlet took back: what left its feed before its time, and whose page is gone as well (ADR 0026).

A feed drops its oldest entries every day. Only one that is missing while older ones still stand is suspected, and only
its page proves it: "gone" (410) at once, "not found" (404) when it says so again an hour later.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from django.db import transaction

from handbill.kit.errors import HandbillError, TryLater
from handbill.wire.leave import Rules, ask_leave, fresh_rules, host_of, keep_rules
from handbill.wire.models import Absence, HostRules
from handbill.wire.rewrite import mark_withdrawn
from handbill.wire.web import NoTurn, fetch_politely
from handbill.work import actions as work

JOB = "ask pages"
LEASE_SECONDS = 240  # outlasts the visits of one call, each with its wait, name and robots.txt
FETCH_SECONDS = 10
PAGE_BYTES = 1024 * 1024  # the answer's status is what counts
THREADS = 4
PAUSE = timedelta(minutes=1)  # between two pages of a host
AGAIN = timedelta(hours=1)  # between two visits of one page
DENIALS = 2  # so often not found proves it
BUSY = 0  # in place of a status: our other requests kept the host busy
FAILURES = 3  # so often no answer: then nobody asks any more

log = logging.getLogger(__name__)


def ask_pages(now: datetime, limit: int = 20) -> int:
    """Visit the pages of up to ``limit`` suspected reports, one of a host at a time; how many prove withdrawn.

    One worker does this at a time: slow hosts may keep one busy, but not one more with every tick.
    """
    with work.standing_job(JOB, now, LEASE_SECONDS) as held:
        return _ask(now, limit) if held else 0


def _ask(now: datetime, limit: int) -> int:
    leased = work.lease(Absence.objects.select_related("report"), now, LEASE_SECONDS, limit)
    chosen: dict[str, Absence] = {}
    for absence in leased:
        if chosen.setdefault(host_of(absence.report.address), absence) is not absence:
            work.finish(absence, now + PAUSE)
    known = fresh_rules(HostRules.objects.filter(host__in=list(chosen)), now)
    met: dict[str, Rules] = {}
    with ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="ask") as pool:
        addresses = [absence.report.address for absence in chosen.values()]
        answers = list(pool.map(lambda address: _status(address, known, met), addresses))
    keep_rules(met, now)
    return sum(_judge(absence, status, now) for absence, status in zip(chosen.values(), answers, strict=True))


def _status(address: str, known: dict[str, Rules], met: dict[str, Rules]) -> int | None:
    """What the page answers: 200 for any that proves nothing, None for no answer worth having, BUSY for no turn."""
    try:
        ask_leave(address, known, met)
        fetch_politely(address, max_bytes=PAGE_BYTES, truncate=True, seconds=FETCH_SECONDS)
    except NoTurn:
        return BUSY
    except TryLater:
        return None
    except HandbillError as error:
        return getattr(error, "status", None) or 200
    except Exception:
        log.exception("Asking after a report's page failed unexpectedly")
        return None
    return 200


def _judge(absence: Absence, status: int | None, now: datetime) -> bool:
    """Write down what the page said. Returns whether the report is withdrawn by it."""
    if status == BUSY:
        work.finish(absence, now + PAUSE)
    elif status in (404, 410):
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
