"""Notice what left a feed before its time: its page is then asked whether the outlet took it back (ADR 0026)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from handbill.sources.models import Feed
from handbill.wire.models import Absence, Report

MOST_SUSPECTS = 20  # of one reading


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
