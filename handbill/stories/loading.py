"""Load reports as grouping sees them. What was read of one is remembered in this process; it follows from its row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django.db.models import F, QuerySet
from django.db.models.functions import Left

from handbill.stories.copies import ONE_TEXT, recognise
from handbill.stories.gist import NO_MARKS, Gist
from handbill.stories.group import Told, alike, keys_of, text_of
from handbill.stories.marked import Stored
from handbill.stories.pieces import READ_CHARACTERS
from handbill.stories.terms import HEAD_CHARACTERS, Said, said
from handbill.wire.models import Report

MOST_REMEMBERED = 25_000  # reports, a kilobyte each
MOST_MATCHES = 20  # known texts that are looked at for one; they are copies of one another

_FIELDS = ("pk", "its_outlet", "language", "title", "head", "published_at", "its_story", "its_copy", "address")
_remembered: dict[int, tuple[object, Said]] = {}


def load_new(rows: QuerySet[Report]) -> list[Told]:
    """Reports with their texts, read by grouping itself."""
    return [Told(*row) for row in _annotated(rows, READ_CHARACTERS).values_list(*_FIELDS)]


def load_known(rows: QuerySet[Report]) -> list[Told]:
    """Reports that have their place, without texts: only one that this process doesn't remember is read again."""
    plain = _annotated(rows, 0).annotate(state=F("alterations"))
    read = ((Told(*row), altered, full) for *row, altered, full in plain.values_list(*_FIELDS, "state", "full_text"))
    found = [(told, (told.title, told.address, *state)) for told, *state in read]
    unread = [told.id for told, state in found if _remembered.get(told.id, ((), None))[0] != state]
    if len(_remembered) + len(unread) > MOST_REMEMBERED:
        _remembered.clear()
        unread = [told.id for told, _ in found]
    _read(unread, {told.id: (told, state) for told, state in found})
    return [replace(told, gist=Gist(_remembered[told.id][1], NO_MARKS)) for told, _ in found]


def same_texts_ever(pending: Sequence[Told]) -> dict[int, list[int]]:
    """For each of the new reports the ids of all others, ever, that have its text or address; keeps its marks."""
    table = Stored()
    able = {told.id: told for told in pending if told.id <= ONE_TEXT}
    matches = recognise([text_of(told) for told in able.values()], table)
    same = {report: [match.text for match in found[:MOST_MATCHES]] for report, found in matches.items()}
    others = table.having({told.id: keys_of(told) for told in able.values()}) - able.keys()
    known = load_new(Report.objects.filter(pk__in=others, member__isnull=False))
    for report, found in alike([*pending, *known]).items():
        same.setdefault(report, []).extend(found)
    return same


def _annotated(rows: QuerySet[Report], characters: int) -> QuerySet[Report]:
    return rows.annotate(
        head=Left("text", characters) if characters else F("language"),
        its_outlet=F("source__name"),
        its_story=F("member__story"),
        its_copy=F("member__copy_of"),
    )


def _read(reports: Sequence[int], found: dict[int, tuple[Told, object]]) -> None:
    for first in range(0, len(reports), 500):
        heads = Report.objects.filter(pk__in=reports[first : first + 500]).annotate(head=Left("text", HEAD_CHARACTERS))
        for report, text in heads.values_list("pk", "head"):
            told, state = found[report]
            _remembered[report] = state, said(told.title, text, told.language)
