"""Put new words in a report's place and keep the old ones; say when the outlet took it back, or put it back again.

Each such alteration raises ``Report.alterations``: by that number others know what they have seen (ADR 0026).
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import F, Sum
from django.db.models.functions import Length

from handbill.wire.identity import name_key, words_key
from handbill.wire.models import Absence, Report, ReportVersion

MAX_VERSIONS = 20  # of one report, the first of them always kept
MAX_KEPT = 1_000_000  # characters of all its versions
RESTLESS = "“{title}” changes at nearly every visit. Its newest words are kept, but no more of the old ones."
FLIPS = "“{title}” goes to and fro between the same words. They are kept once, and no more is made of it."


def rewrite(report: Report, now: datetime, *, title: str, text: str, body_html: str) -> str:
    """Give the report new words; what it said becomes a ReportVersion. Call it in a transaction, with the row locked.

    Other white space and other markup are no alteration. Returns a sentence for the feed's notice, or "".
    """
    said, says = words_key(report.title, report.text), words_key(title, text)
    notice = ""
    if said != says:
        known = list(report.versions.values_list("words", flat=True)) if report.alterations else []
        if said in known and says in known:
            return FLIPS.format(title=report.title)
        if _full(report, known):
            notice = RESTLESS.format(title=report.title)
        else:
            _keep_version(report, said, now)
    report.title, report.text, report.body_html = title, text, body_html
    report.name_key = name_key(report.address, title)
    report.save(update_fields=_FIELDS)
    return notice


def mark_withdrawn(report_id: int, now: datetime) -> None:
    """The outlet took the report back; its words are kept."""
    Report.objects.filter(pk=report_id, withdrawn_at__isnull=True).update(
        withdrawn_at=now, returned_at=None, alterations=F("alterations") + 1
    )


def mark_returned(report_ids: list[int], now: datetime) -> None:
    """The reports stand in their feed again: those taken back are no longer, and none is asked after."""
    Absence.objects.filter(report__in=report_ids).delete()
    Report.objects.filter(pk__in=report_ids, withdrawn_at__isnull=False).update(
        withdrawn_at=None, returned_at=now, alterations=F("alterations") + 1
    )


def _full(report: Report, known: list[str]) -> bool:
    if len(known) >= MAX_VERSIONS:
        return True
    kept = report.versions.aggregate(size=Sum(Length("text")))["size"] if known else 0
    return (kept or 0) + len(report.text) > MAX_KEPT


def _keep_version(report: Report, said: str, now: datetime) -> None:
    report.alterations += 1
    report.changed_at = now
    ReportVersion.objects.create(
        report=report,
        number=report.alterations,
        title=report.title,
        text=report.text,
        words=said,
        replaced_at=now,
    )


_FIELDS = ["title", "text", "body_html", "name_key", "alterations", "changed_at"]
