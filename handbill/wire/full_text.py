"""Fetch the pages of new reports, each once, politely, and let the article there take the place of the feed's text.

Only for sources that ask for it. A host is asked for one page at a time, with a pause between two, as long as its
robots.txt wishes; what that file closes is not fetched, and one that other fetches keep busy is asked a little later.
One worker does this at a time. Fetching happens in threads that know no database, extraction in the sandbox. A report
whose text comes late is grouped with what the feed gave: its title and summary tell the story, and the longer text
counts from the next round on.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction

from handbill.kit.errors import GiveUp, HandbillError, TryLater
from handbill.kit.http import Response
from handbill.wire.extract import SITE_RULES, ExtractedPage, RulesError, SiteRule, extract_page, read_rules
from handbill.wire.fetch import sandbox
from handbill.wire.language import language_of
from handbill.wire.leave import Rules, ask_leave, fresh_rules, host_of, keep_rules
from handbill.wire.models import HostRules, PageVisit, Report
from handbill.wire.read import MAX_TEXT
from handbill.wire.records import PageRound
from handbill.wire.rewrite import rewrite
from handbill.wire.web import NoTurn, fetch_politely
from handbill.work import actions as work

LEASE_SECONDS = 300
THREADS = 16
PAUSE = timedelta(seconds=5)  # between two pages of a host that asks for nothing else
BUSY = timedelta(minutes=1)  # for a host that had no turn for us
BACKOFF = (5, 20, 80, 320)  # minutes after the first, second… failure; then it is given up
RULES_FILE = "site-rules.toml"
NOT_A_PAGE = "This address gives a file, not a web page. Open it in a browser."
NEVER = "Something in Handbill itself failed on this page ({kind}). The log says more; report it if it lasts."

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Visited:
    """What a thread brings back from one page: the article or what went wrong, and the rules of the hosts it met."""

    page: ExtractedPage | None
    error: Exception | None
    rules: dict[str, Rules]
    delay: float = 0.0


def read_pages(now: datetime, limit: int = 50) -> PageRound:
    """Fetch up to ``limit`` pages that are due, one of each host; the others of a host wait for their turn.

    Nothing raised for one page stops the others: it is written down at its visit, in words.
    """
    with work.standing_job("pages", now, LEASE_SECONDS) as held:
        if not held:
            return PageRound()
        visits = work.lease(PageVisit.objects.select_related("report"), now, LEASE_SECONDS, limit)
        return _round(visits, now)


def _round(visits: list[PageVisit], now: datetime) -> PageRound:
    hosts = {visit.pk: host_of(visit.report.address) for visit in visits}
    stored = {row.host: row for row in HostRules.objects.filter(host__in=set(hosts.values()))}
    first: dict[str, PageVisit] = {}
    for visit in visits:
        row = stored.get(hosts[visit.pk])
        if row and row.open_at and row.open_at > now:
            work.finish(visit, row.open_at)
        elif hosts[visit.pk] in first:
            work.finish(visit, now + PAUSE)
        else:
            first[hosts[visit.pk]] = visit
    total = PageRound()
    known = fresh_rules(stored.values(), now)
    with ThreadPoolExecutor(THREADS, thread_name_prefix="pages") as pool:
        going = {pool.submit(_visit, visit.report.address, known): (host, visit) for host, visit in first.items()}
        for done, (host, visit) in going.items():
            kept = _settle_somehow(visit, host, done.result(), now)
            total = replace(total, visited=total.visited + 1, kept=total.kept + kept)
    return total


def _visit(address: str, known: dict[str, Rules]) -> _Visited:
    """In a thread. Never raises."""
    met: dict[str, Rules] = {}
    delay = 0.0
    try:
        delay = ask_leave(address, known, met)
        answer = fetch_politely(address)
        if host_of(answer.url) != host_of(address):
            ask_leave(answer.url, known, met)
        return _Visited(_extract(answer), None, met, delay)
    except Exception as error:
        if not isinstance(error, HandbillError):
            log.exception("A page failed unexpectedly")
        return _Visited(None, error, met, delay)


def _extract(answer: Response) -> ExtractedPage:
    kind = answer.headers.get("content-type", "")
    media_type = kind.partition(";")[0].strip().lower()
    if media_type and "html" not in media_type and media_type != "text/plain":
        raise GiveUp(NOT_A_PAGE)
    return sandbox.run(extract_page, answer.body, address=answer.url, content_type=kind, rules=site_rules())


def site_rules() -> dict[str, SiteRule]:
    """Where articles stand on single sites: the program's rules and those in the newsroom's ``site-rules.toml``.

    A file that can't be read counts for nothing, and the log says why.
    """
    try:
        return read_rules((settings.HANDBILL.home / RULES_FILE).read_text("utf-8"))
    except FileNotFoundError:
        pass
    except (RulesError, OSError, UnicodeDecodeError) as error:
        log.warning("%s is left out. %s", RULES_FILE, error)
    return dict(SITE_RULES)


def _settle_somehow(visit: PageVisit, host: str, visited: _Visited, now: datetime) -> bool:
    """``_settle``, or what broke it written down: else the same page would stop every round. Raises for no database."""
    try:
        return _settle(visit, host, visited, now)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.exception("A page could not be kept")
        return _settle(visit, host, _Visited(None, error, {}, visited.delay), now)


@transaction.atomic
def _settle(visit: PageVisit, host: str, visited: _Visited, now: datetime) -> bool:
    """Write down how one visit went; whether the report has its whole text now."""
    keep_rules(visited.rules, now)
    pause = max(PAUSE, timedelta(seconds=visited.delay))
    HostRules.objects.filter(host=host).update(open_at=now + pause)
    if visited.page is not None:
        return work.finish(visit, None, failures=0, failure="") and keep_text(visit.report, visited.page, now)
    failures = visit.failures + 1
    error = visited.error
    if isinstance(error, NoTurn):
        work.finish(visit, now + max(BUSY, pause))
    elif isinstance(error, TryLater) and failures <= len(BACKOFF):
        again = now + max(timedelta(minutes=BACKOFF[failures - 1]), pause)
        work.finish(visit, again, failures=failures, failure=str(error))
    else:
        said = str(error) if isinstance(error, HandbillError) else NEVER.format(kind=type(error).__name__)
        work.finish(visit, None, failures=failures, failure=said)
    return False


def keep_text(report: Report, page: ExtractedPage, now: datetime) -> bool:
    """Give the report the page's text, if it says more than the feed's; no version is kept: it is the same report.

    A text that came from the page before is rewritten, and kept, as any other. Call it in a transaction.
    """
    report = Report.objects.select_for_update(of=("self",)).get(pk=report.pk)
    if not report.full_text and len(page.text) <= len(report.text):
        return False
    put_text(report, page, now)
    return True


def put_text(report: Report, page: ExtractedPage, now: datetime) -> None:
    """Give the report, whose row is locked, the page's text, whatever it said before."""
    text = page.text[:MAX_TEXT]
    if report.full_text:
        rewrite(report, now, title=report.title, text=text, body_html=page.html)
        return
    report.text, report.body_html, report.full_text = text, page.html, True
    report.author = report.author or page.byline
    report.language = language_of(report.title, text, page.language, report.language)[:35]
    report.save(update_fields=["text", "body_html", "full_text", "author", "language"])
