"""What the desk and ``doctor`` ask about the wire."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Count, Max

from handbill.wire.models import PageVisit

RECENT = timedelta(days=7)


def page_remarks(now: datetime) -> dict[int, str]:
    """For each outlet whose articles' pages could not be fetched in the last week: a sentence, by the source's key."""
    failed = PageVisit.objects.exclude(failure="").filter(
        report__filed_at__gte=now - RECENT, report__source__full_text=True
    )
    rows = failed.values_list("report__source_id").annotate(count=Count("pk"), why=Max("failure"))
    return {
        source_id: f"Of {count} {'article' if count == 1 else 'articles'} the page could not be had. {why}"
        for source_id, count, why in rows.order_by()
    }
