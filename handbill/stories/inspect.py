"""What grouping, excerpts and series make of what they are given, as plain values for ``handbill inspect``. Pure.

A file of reports may be longer than memory: it is grouped in batches, each beside the reports read last.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, TypeAlias

from handbill.kit.errors import GiveUp
from handbill.kit.text import clean, word_count
from handbill.kit.urls import MAX_ADDRESS, site_name
from handbill.stories.copies import NO_MARKS, Memory, marks, recognise
from handbill.stories.dated import dated_of, rhythm
from handbill.stories.excerpt import excerpt
from handbill.stories.gist import Gist
from handbill.stories.group import WINDOW, Place, Told, alike, group, text_of
from handbill.stories.reasons import sentence
from handbill.stories.series import follow, series_of
from handbill.stories.terms import said

MOST_REPORTS = 10_000  # in a batch, and carried over beside the next one
BATCH_CHARACTERS, CARRIED_CHARACTERS = 20_000_000, 40_000_000  # of their texts
MOST_SERIES, MOST_NUMBERS = 10_000, 200  # that are remembered of headlines, and of each series
MOST_PAST = 150_000  # reports of before these of which the marks are known, at least, and twice as many at most
MAX_LINE = 32 * 1024 * 1024  # bytes
MAX_TEXT = 20_000  # characters that are kept of a text: enough to know a copy by
MAX_NAME = 1_000  # characters of an id or a title
LATEST_YEAR = 2100  # a later date is none
UNDATED = datetime(2000, 1, 1, tzinfo=UTC)  # when a report is taken to be of, if no line so far had a date

Row: TypeAlias = dict[str, Any]
LanguageOf: TypeAlias = Callable[[str, str, str], str]

USUAL_COUNT, USUAL_SHARE = 5, 0.8  # reports of an outlet in one language: that is the one it writes in


def _declared(title: str, text: str, declared: str) -> str:
    return declared


@dataclass(slots=True)
class _Report:
    """A report by its id in the file. ``told`` has the line's number for an id; ``answer`` is empty until grouped."""

    name: str | int
    told: Told
    dated: bool
    answer: Row = field(default_factory=dict)


def inspect_stories(
    lines: Iterable[bytes], read_date: Callable[[str], datetime | None], language_of: LanguageOf = _declared
) -> Iterator[Row]:
    """For each report, a JSON object a line, its story and why; in order, in memory that doesn't grow with the lines.

    A row has ``id``, ``story`` (the id of the story's first report), ``copy_of`` (an id or None) and ``why``
    (sentences); or ``id`` (None if unknown) and ``error``. Empty lines are passed over. A report without a date is
    taken to be as old as the line before; one without an outlet, to be of its address's host. An id that was given
    shortly before gets the same answer again. ``read_date`` gives an aware moment, or None; ``language_of`` a code, of
    a title, a text and what is declared.
    """
    known: list[_Report] = []
    past = _Past()
    for batch in _batches(_items(lines, read_date)):
        named = {report.name: report for report in known}
        for item in batch:
            if isinstance(item, _Report):
                named.setdefault(item.name, item)
        new = [report for report in named.values() if not report.answer]
        _know_languages(new, language_of)
        _place(new, known, past)
        for item in batch:
            yield named[item.name].answer if isinstance(item, _Report) else item
        known = _latest([*known, *new])


def inspect_excerpt(text: str) -> Row:
    """The ``excerpt`` of a plain text, and how many ``words`` it has."""
    chosen = excerpt(text)
    return {"excerpt": chosen, "words": word_count(chosen)}


def inspect_series(headlines: Iterable[str]) -> Iterator[Row]:
    """For each headline the ``series`` that it says it belongs to and its ``number`` (or date, RFC 3339); else None.

    A series whose name is not told, as in "Part 3", is "". ``confirmed``: a second one of the name came before, and
    their numbers rise from line to line, or fall; then ``missing`` are the numbers not seen between them, and ``next``
    is the one after the highest; of dates, those that the days of the week with a part let expect, once they are seen.
    """
    met: dict[str, deque[int]] = {}
    for headline in headlines:
        row: Row = {"headline": headline, "series": None, "number": None, "confirmed": False}
        row |= {"missing": [], "next": None}
        if (mark := series_of(headline)) is not None:
            row |= {"series": mark.name, "number": mark.number}
            row |= _numbered(_met(met, mark.name.casefold(), mark.number) if mark.name else [])
        elif (dated := dated_of(headline)) is not None:
            row |= {"series": dated.name, "number": dated.date.isoformat()}
            row |= _dated(_met(met, f"{dated.name.casefold()}\0", dated.date.toordinal()))
        yield row


def _met(met: dict[str, deque[int]], name: str, number: int) -> list[int]:
    """The numbers of the series, this one last; the series met least lately is forgotten."""
    numbers = met.pop(name, None) or deque(maxlen=MOST_NUMBERS)
    numbers.append(number)
    met[name] = numbers
    if len(met) > MOST_SERIES:
        del met[next(iter(met))]
    return list(numbers)


def _numbered(numbers: Sequence[int]) -> Row:
    run = follow(enumerate(numbers)) or follow(enumerate(reversed(numbers)))
    return {"confirmed": True, "missing": list(run.missing), "next": run.next} if run else {}


def _dated(ordinals: Sequence[int]) -> Row:
    dates = [date.fromordinal(number) for number in ordinals]
    run = rhythm(enumerate(dates)) or rhythm(enumerate(reversed(dates)))
    if run is None:
        return {}
    coming = run.next.isoformat() if run.next else None
    return {"confirmed": True, "missing": [day.isoformat() for day in run.missing], "next": coming}


def _know_languages(reports: Sequence[_Report], language_of: LanguageOf) -> None:
    """Give each report its language. An outlet that nearly always writes in one is taken to declare it."""
    undeclared: dict[str, list[_Report]] = defaultdict(list)
    for report in reports:
        if not report.told.language:
            undeclared[report.told.outlet].append(report)
        report.told = replace(
            report.told, language=language_of(report.told.title, report.told.text, report.told.language)
        )
    for told in undeclared.values():
        usual, count = Counter(report.told.language for report in told).most_common(1)[0]
        if count < USUAL_COUNT or count < USUAL_SHARE * len(told):
            continue
        for report in told:
            if report.told.language != usual:
                report.told = replace(report.told, language=language_of(report.told.title, report.told.text, usual))


def _items(lines: Iterable[bytes], read_date: Callable[[str], datetime | None]) -> Iterator[_Report | Row]:
    moment = UNDATED
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        name: str | int | None = None
        try:
            fields = _fields(line)
            name = _name(fields.get("id"))
            published = read_date(_text(fields, "published"))
            if published is not None and published.year > LATEST_YEAR:
                published = None
            moment = published or moment
            yield _Report(name, _told(number, name, fields, moment), published is not None)
        except GiveUp as error:
            yield {"id": name, "error": f"Line {number} {error}"}


def _fields(line: bytes) -> Row:
    if len(line) > MAX_LINE:
        raise GiveUp(f"is longer than {MAX_LINE // 1048576} MiB. Shorten its text.")
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise GiveUp("is no JSON object. Write one report a line.")
    return fields


def _name(name: object) -> str | int:
    if isinstance(name, bool) or not isinstance(name, str | int) or name == "":
        raise GiveUp('has no "id". Give each report a text or a whole number of its own.')
    if len(str(name)) > MAX_NAME:
        raise GiveUp(f'has an "id" of more than {MAX_NAME} characters. Give it a shorter one.')
    return name


def _told(number: int, name: str | int, fields: Row, moment: datetime) -> Told:
    title, text = _text(fields, "title")[:MAX_NAME], _text(fields, "text")[:MAX_TEXT]
    if not (fields.keys() & {"title", "text"}):
        raise GiveUp('has neither "title" nor "text". Give it one of them at least.')
    outlet = (
        clean(_text(fields, "outlet")[:MAX_NAME])
        or clean(site_name(_text(fields, "url")[:MAX_NAME]))
        or f"report {name}"
    )
    language = _text(fields, "language")[:MAX_NAME].replace("_", "-")
    return Told(number, outlet, language, title, text, moment, address=_text(fields, "url")[:MAX_ADDRESS])


def _text(fields: Row, key: str) -> str:
    """The field as text, "" if it is missing or null. Raises GiveUp for what is no text, but a number will do."""
    value = fields.get(key)
    if isinstance(value, bool | list | dict):
        raise GiveUp(f'has a "{key}" that is no text. Write it as text.')
    return "" if value is None else str(value)


def _batches(items: Iterable[_Report | Row]) -> Iterator[list[_Report | Row]]:
    batch: list[_Report | Row] = []
    characters = 0
    try:
        for item in items:
            batch.append(item)
            characters += len(item.told.text) if isinstance(item, _Report) else 0
            if len(batch) == MOST_REPORTS or characters >= BATCH_CHARACTERS:
                yield batch
                batch, characters = [], 0
    except GiveUp:  # the file ends too early: what was read of it counts
        yield batch
        raise
    if batch:
        yield batch


class _Past:
    """The marks of all that was read, as far back as fits, and of each report what a later copy must be told."""

    def __init__(self) -> None:
        self.table = Memory(MOST_PAST)
        self.reports: dict[int, _Report] = {}

    def same(self, new: Sequence[_Report], known: Sequence[_Report]) -> dict[int, list[int]]:
        """The numbers of the reports, known or long gone by, that have the text or address of each new one."""
        told = [report.told for report in new]
        found = recognise(map(text_of, told), self.table)
        same = {number: [match.text for match in matches] for number, matches in found.items()}
        for number, others in alike([*told, *(report.told for report in known)]).items():
            same.setdefault(number, []).extend(others)
        return same

    def remember(self, reports: Iterable[_Report]) -> None:
        for report in reports:
            told = replace(report.told, title="", text="", address="", outlet="", gist=_NOTHING_SAID)
            answer = {"story": report.answer["story"]}
            self.reports[told.id] = _Report(report.name, told, report.dated, answer)
        while len(self.reports) > 2 * MOST_PAST:
            self.reports.pop(next(iter(self.reports)))


_NOTHING_SAID = Gist(said("", "", ""), NO_MARKS)


def _place(new: Sequence[_Report], known: Sequence[_Report], past: _Past) -> None:
    """Group the ``new`` reports and answer them. A known one may turn out a copy; what was answered stays."""
    for report in new:
        told = report.told
        report.told = replace(told, gist=Gist(said(told.title, told.text, told.language), marks(told.text)))
    same = past.same(new, known)
    carried = {report.told.id: report for report in [*known, *new]}
    wanted = {number for others in same.values() for number in others} - carried.keys()
    older = [past.reports[number] for number in sorted(wanted) if number in past.reports]
    by_number = carried | {report.told.id: report for report in older}
    stories = {report.told.story: report.answer["story"] for report in [*known, *older]}
    active = [*_active(new, known), *(report.told for report in older)]
    for place in group([report.told for report in new], active, same=same):
        report = by_number[place.report]
        story = place.opens if place.story is None else place.story
        report.told = replace(report.told, story=story, copy_of=place.copy_of)
        if not report.answer:
            first = by_number[place.opens].name if place.opens is not None else stories[place.story]
            original = None if place.copy_of is None else by_number[place.copy_of].name
            report.answer = {"id": report.name, "story": first, "copy_of": original, "why": _why(place, report)}
    past.remember(new)


def _why(place: Place, report: _Report) -> list[str]:
    """The reasons; the last one, the time between, is not known of a report without a date."""
    return [sentence(reason) for reason in (place.why if report.dated else place.why[:-1])]


def _active(new: Sequence[_Report], known: Sequence[_Report]) -> list[Told]:
    """The known reports of stories that were alive within the window around the new ones."""
    if not new or not known:
        return []
    since = min(report.told.published_at for report in new) - WINDOW
    until = max(report.told.published_at for report in new) + WINDOW
    oldest_first = sorted((report.told for report in known), key=lambda told: told.published_at)
    last = {told.story: told.published_at for told in oldest_first}
    first = {told.story: told.published_at for told in reversed(oldest_first)}
    return [told for told in oldest_first if last[told.story] >= since and first[told.story] <= until]


def _latest(reports: Sequence[_Report]) -> list[_Report]:
    """The reports read last, as many as are carried over."""
    kept: list[_Report] = []
    characters = 0
    for report in reversed(reports[-MOST_REPORTS:]):
        characters += len(report.told.text)
        if characters > CARRIED_CHARACTERS:
            break
        kept.append(report)
    return kept[::-1]
