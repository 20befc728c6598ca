"""What the desk and ``doctor`` ask about the wire."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Count, Max

from handbill.wire.difference import difference, tally
from handbill.wire.models import HeldMail, PageVisit, Report, ReportVersion
from handbill.wire.records import Change

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


def mails_waiting() -> int:
    """How many mails among the newsletters wait for a person."""
    settled = (HeldMail.Why.ASSIGNED, HeldMail.Why.DISCARDED)
    return HeldMail.objects.exclude(why__in=settled).count()


def change_since(report: Report, seen: int) -> Change | None:
    """From the words that stood after alteration ``seen`` to those of now; None where they are the same."""
    old = report.versions.filter(number__gt=seen).first()
    return _change(old, report.title, report.text) if old else None


def change_at(report: Report, number: int) -> Change | None:
    """What alteration ``number`` made of the words before it; None where it changed no words, or there was none."""
    versions = list(report.versions.filter(number__gte=number)[:2])
    if not versions or versions[0].number != number:
        return None
    new = versions[1] if len(versions) > 1 else report
    return _change(versions[0], new.title, new.text)


def rewrites(report: Report) -> list[ReportVersion]:
    """The report's versions without their text, the newest first."""
    return list(report.versions.defer("text").order_by("-number"))


def _change(old: ReportVersion, title: str, text: str) -> Change:
    return Change(
        number=old.number,
        at=old.replaced_at,
        title=tuple(difference(old.title, title)),
        text=tuple(difference(old.text, text)),
        tally=tally(old.text, text),
    )
