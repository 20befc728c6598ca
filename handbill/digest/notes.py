"""What becomes of the notes on an article: which letters tell them, and taking one back while no letter has it.

A note goes to who was mailed the article, in their next issue (ADR-0091). What is on its way is found by looking at
issues; nothing is written when a note is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from django.db import transaction

from handbill.articles import actions as articles
from handbill.articles.models import Note
from handbill.delivery.queries import progress
from handbill.digest.actions import reference
from handbill.digest.freeze import TOLD_BY
from handbill.digest.models import Alert, Issue, IssueArticle

__all__ = ["Fate", "NoteStanding", "Notes", "notes_of", "withdraw"]


class Fate(StrEnum):
    """What becomes of a note."""

    UNTOLD = "untold"  # nobody was mailed the article: whoever is, gets it as it is by then
    NEXT = "next"  # goes into the next letter of who was mailed the article
    WRITTEN = "written"  # stands in an issue that is not handed over yet
    MAILED = "mailed"
    PASSED = "passed"  # a later one takes its place
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class NoteStanding:
    """A note with what becomes of it; ``day``: of the first issue that has it."""

    note: Note
    fate: Fate
    day: date | None = None

    @property
    def may_withdraw(self) -> bool:
        return self.fate in (Fate.UNTOLD, Fate.NEXT, Fate.WRITTEN)


@dataclass(frozen=True, slots=True)
class Notes:
    """An article's notes, the newest first. ``mailed``: the day of the first issue that told of the article;
    ``alerted``: when the first alert did. None: none did."""

    mailed: date | None
    alerted: datetime | None
    notes: tuple[NoteStanding, ...]


def notes_of(article_id: int) -> Notes:
    """What was noted of an article, and what becomes of it."""
    rows = IssueArticle.objects.filter(article=article_id, correction=False, extra=False, alert=False)
    mailed = rows.order_by("issue__date").values_list("issue__date", flat=True).first()
    alerts = Alert.objects.filter(article=article_id, state__in=TOLD_BY).order_by("planned_at")
    alerted = alerts.values_list("planned_at", flat=True).first()
    notes = list(Note.objects.filter(article=article_id).order_by("-at", "-pk"))
    told = mailed is not None or alerted is not None
    return Notes(mailed, alerted, tuple(_standing(note, notes, told) for note in notes))


def withdraw(note_id: int, now: datetime, who: str) -> bool:
    """Take a note back. False: a letter has it, or it was taken back before.

    An issue whose letters are written already is written anew without it.
    """
    with transaction.atomic():
        return not any(_is_out(row.issue) for row in _entries(note_id)) and articles.withdraw_note(note_id, now, who)


def _standing(note: Note, notes: list[Note], told: bool) -> NoteStanding:
    rows = _entries(note.pk)
    out = [row.issue.date for row in rows if _is_out(row.issue)]
    if out:
        return NoteStanding(note, Fate.MAILED, min(out))
    if note.withdrawn_at:
        return NoteStanding(note, Fate.WITHDRAWN)
    if rows:
        return NoteStanding(note, Fate.WRITTEN, min(row.issue.date for row in rows))
    if not told:
        return NoteStanding(note, Fate.UNTOLD)
    later = (one for one in notes if (one.at, one.pk) > (note.at, note.pk) and not one.withdrawn_at)
    passed = note.kind == Note.Kind.NEWS and any(one.kind == Note.Kind.NEWS for one in later)
    return NoteStanding(note, Fate.PASSED if passed else Fate.NEXT)


def _entries(note_id: int) -> list[IssueArticle]:
    return list(IssueArticle.objects.filter(note=note_id).select_related("issue"))


def _is_out(issue: Issue) -> bool:
    """Whether a reader may have a copy."""
    return issue.state == Issue.State.HANDED_OVER or bool(progress(reference(issue)).total)
