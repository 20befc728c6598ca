"""Which pages are to be fetched for their full text; ``wire.full_text`` fetches them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from handbill.wire.models import PageVisit, Report

MOST_BACKLOG = 10  # of what a feed held at its first fetch, the newest


def plan_visits(reports: Sequence[Report], now: datetime) -> int:
    """Let the pages of these new reports be fetched where their source asks for it; how many will be.

    The reports may be unsaved copies of rows that are there. Of backlog only the newest are visited. Repeating it
    changes nothing: a page is visited once.
    """
    wanted = [each for each in reports if each.feed.source.full_text and each.address]
    backlog = sorted((each for each in wanted if each.backlog), key=lambda each: each.published_at, reverse=True)
    chosen = [each for each in wanted if not each.backlog] + backlog[:MOST_BACKLOG]
    if not chosen:
        return 0
    filed = Report.objects.filter(source__in={each.source_id for each in chosen})
    keys = filed.filter(identity__in=[each.identity for each in chosen], page_visit=None).values_list("pk", flat=True)
    visits = [PageVisit(report_id=key, next_at=now) for key in keys]
    PageVisit.objects.bulk_create(visits, ignore_conflicts=True)
    return len(visits)
