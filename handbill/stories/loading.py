"""Load reports as grouping sees them. What was read of one is remembered in this process; it follows from its row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from django.db.models import F, QuerySet, Value
from django.db.models.functions import Left

from handbill.stories.copies import ONE_TEXT, marks, recognise
from handbill.stories.gist import NO_MARKS, Gist
from handbill.stories.group import Told, alike, keys_of, text_of
from handbill.stories.marked import Stored
from handbill.stories.pieces import READ_CHARACTERS
from handbill.stories.terms import HEAD_CHARACTERS, Said, said
from handbill.wire.models import Report

MOST_REMEMBERED = 25_000  # reports, a kilobyte each
MOST_MATCHES = 20  # known texts that are looked at for one; they are copies of one another

Row: TypeAlias = list[Any]

_FIELDS = ("pk", "its_outlet", "language", "title", "head", "published_at", "its_story", "its_copy", "address")
_TITLE, _ADDRESS = _FIELDS.index("title"), _FIELDS.index("address")
_remembered: dict[int, tuple[object, Said]] = {}


def load_new(rows: QuerySet[Report]) -> list[Told]:
    """Reports with their texts and what is read of them."""
    found = []
    for row, state in _rows(rows, READ_CHARACTERS):
        told = Told(*row)
        read = Gist(said(told.title, told.text, told.language), marks(told.text))
        _remember(told.id, state, read.said)
        found.append(replace(told, gist=read))
    return found


def load_known(rows: QuerySet[Report]) -> list[Told]:
    """Reports that have their place, without texts: only one that this process doesn't remember is read again."""
    found = {row[0]: (row, state) for row, state in _rows(rows, 0)}
    remembered = {report: _remembered[report] for report in found.keys() & _remembered.keys()}
    known = {report: words for report, (state, words) in remembered.items() if state == found[report][1]}
    known |= _read({report: each for report, each in found.items() if report not in known})
    return [Told(*(*row, Gist(known[report], NO_MARKS))) for report, (row, _) in found.items()]


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


def _rows(rows: QuerySet[Report], characters: int) -> Iterator[tuple[Row, object]]:
    """Each report as Told has it, with the beginning of its text; and what its words follow from."""
    annotated = rows.annotate(
        head=Left("text", characters) if characters else Value(""),
        its_outlet=F("source__name"),
        its_story=F("member__story"),
        its_copy=F("member__copy_of"),
        state=F("alterations"),
    )
    for *row, altered, full in annotated.values_list(*_FIELDS, "state", "full_text"):
        yield row, (row[_TITLE], row[_ADDRESS], altered, full)


def _read(unread: Mapping[int, tuple[Row, object]]) -> dict[int, Said]:
    """The words of these reports, which are remembered."""
    words, reports = {}, list(unread)
    for first in range(0, len(reports), 500):
        heads = Report.objects.filter(pk__in=reports[first : first + 500]).annotate(head=Left("text", HEAD_CHARACTERS))
        for report, text in heads.values_list("pk", "head"):
            told, state = Told(*unread[report][0]), unread[report][1]
            words[report] = said(told.title, text, told.language)
            _remember(report, state, words[report])
    return words


def _remember(report: int, state: object, words: Said) -> None:
    if len(_remembered) >= MOST_REMEMBERED:
        _remembered.clear()
    _remembered[report] = state, words
