"""Tell from a title whether it is a numbered part of a series. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from handbill.kit.text import clean

MOST_PARTS = 5_000  # "Day 138" is a part, "Day 20261122" is not

READ_CHARACTERS = 500  # of a title
MOST_MISSING = 50  # a longer gap is a series taken up again

_YEARS = range(1900, 2100)

# Words that count parts, in the languages newsrooms of our first readers write in.
_COUNTERS = (
    r"day|week|kw|month|part|pt\.?|episode|ep\.?|chapter|instal?lment|volume|vol\.?|issue|edition"
    r"|tag|woche|monat|teil|folge|kapitel|ausgabe|jour|semaine|mois|partie|[ée]pisode|chapitre"
    r"|d[ií]a|semana|mes|parte|episodio|cap[ií]tulo|dia|giorno|settimana|puntata|день|тиждень|неделя|часть|частина"
    r"|اليوم|الأسبوع|الجزء|الحلقة|يوم|جزء|حلقة|gün|bölüm"
)
_WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_ROMAN = ["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii"]
_SPELT = "|".join(sorted([*_WORDS, *_ROMAN], key=len, reverse=True))
_COUNTED = re.compile(
    rf"(?<![\w'’-])(?P<word>{_COUNTERS})\s*#?\s*(?P<number>\d{{1,4}}|\d,\d{{3}}|{_SPELT})(?![\d\w%]|[.,:/-]\d)",
    re.IGNORECASE,
)
_ORDINAL = re.compile(r"(?<!\w)(?P<number>\d{1,4})\.\s*(?P<word>Tag|Woche|Teil|Folge)(?!\w)")
_HASH = re.compile(r"(?<![\w#&])#\s?(?P<number>\d{1,4})(?![\d\w]|[.,]\d)")
_BRACKETED = re.compile(r"[(\[](?P<number>\d{1,3})\s?(?:/|of|von|de|من)\s?\d{1,3}[)\]]\s*$")
_BEFORE_RANK = re.compile(
    r"(?:\b(?:no|nr|top|rank(?:ed|s|ing)?|world|seed|hits?|at|the|to|platz|from|für)\.?|[№])\s*$", re.IGNORECASE
)
_BEFORE_PLAIN = re.compile(
    r"\b(?:on|in|for|by|of|the|a|an|this|every|since|until|till|after|before|within|last|next|first|per"
    r"|am|im|an|seit|nach|vor|ab|bis|jeden|à|le|en|el)\s*$",
    re.IGNORECASE,
)
_AMBIGUOUS = re.compile(r"(?:chapter|issue|volume|vol)\b", re.IGNORECASE)
_SPELT_OUT = re.compile(r"(?:part|chapter|episode|book|teil|kapitel|folge)\b", re.IGNORECASE)
_OF_MANY = re.compile(r"^\s*(?:of|von|de|/)\s*\d{1,3}(?!\d)", re.IGNORECASE)
_EDGES = " \t-–—:|,.·•()[]{}،؛/"


_MONTH = (
    r"(?P<month>jan(?:uary|uar)?|jänner|feb(?:ruary|ruar)?|mar(?:ch)?|märz|apr(?:il)?|may|mai|june?|juni|july?|juli|aug(?:ust)?"
    r"|sept?(?:ember)?|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?)\.?"
)
_MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan jän", "feb", "mar mär", "apr", "may mai", "jun", "jul", "aug", "sep", "oct okt", "nov", "dec dez"), 1
    )
    for name in names.split()
}
_ISO = re.compile(r"(?<!\d)(?P<year>(?:19|20)\d\d)-(?P<month>\d\d)-(?P<day>\d\d)$")
_DAY_FIRST = re.compile(
    rf"(?<!\d)(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?\s+{_MONTH}\s+(?P<year>(?:19|20)\d\d)$", re.IGNORECASE
)
_MONTH_FIRST = re.compile(
    rf"\b{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>(?:19|20)\d\d)$", re.IGNORECASE
)
_SLASHED = re.compile(r"(?<!\d)(?P<day>\d{1,2})[./](?P<month>\d{1,2})[./](?P<year>(?:19|20)\d\d)$")
_BEFORE_DATE = re.compile(r"\s+(?:of|for|from|on|vom|am|du|del)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SeriesMark:
    """A title that numbers itself: "Harbour Works Day 12: …" is part 12 of "Harbour Works". ``name`` may be empty."""

    name: str
    number: int


@dataclass(frozen=True, slots=True)
class DatedMark:
    """A title that dates itself. ``name`` is never empty."""

    name: str
    date: date


@dataclass(frozen=True, slots=True)
class Run:
    """A series that is sure: its ``numbers`` ascending, those ``missing`` between them, and the ``next``."""

    numbers: tuple[int, ...]
    missing: tuple[int, ...]
    next: int


def series_of(title: str) -> SeriesMark | None:
    """The series a title says it belongs to and its number, or None.

    "Harbour Works Day 12: The crane" is number 12 of "Harbour Works". A rank, score, year or model name is no number.
    """
    text = _western(clean(title[:READ_CHARACTERS]))
    for pattern in (_COUNTED, _ORDINAL, _HASH, _BRACKETED):
        for match in pattern.finditer(text):
            if (mark := _mark(text, match)) is not None:
                return mark
    return None


def dated_of(title: str) -> DatedMark | None:
    """The series a title belongs to by ending in a whole date ("Harbour diary, 12 May 2026"), or None.

    "12/05/2026" is read day first, unless only month first makes a date.
    """
    text = _western(clean(title[:READ_CHARACTERS]))
    for pattern in (_ISO, _DAY_FIRST, _MONTH_FIRST, _SLASHED):
        if (match := pattern.search(text)) is not None:
            name, at = text[: match.start()].strip(_EDGES), _date(match.groupdict())
            name = _BEFORE_DATE.sub("", name).strip(_EDGES)
            if name and at is not None:
                return DatedMark(name, at)
    return None


def _date(parts: dict[str, str]) -> date | None:
    month = parts["month"]
    number = int(month) if month.isdigit() else _MONTHS[month[:3].casefold()]
    year, day = int(parts["year"]), int(parts["day"])
    for m, d in ((number, day), (day, number)) if month.isdigit() else ((number, day),):
        try:
            return date(year, m, d)
        except ValueError:
            continue
    return None


def follow(parts: Iterable[tuple[date, int]]) -> Run | None:
    """What parts of one name (when published, number) make together, or None while fewer than two rise with the date.

    The order of the parts is irrelevant; of parts published on one day and of one number told twice one counts.
    """
    numbers = [number for _, number in sorted(set(parts))]
    if len(set(numbers)) < 2 or any(a > b for a, b in pairwise(numbers)):
        return None
    missing = [n for a, b in pairwise(numbers) if b - a <= MOST_MISSING for n in range(a + 1, b)]
    return Run(tuple(dict.fromkeys(numbers)), tuple(missing), numbers[-1] + 1)


def _mark(text: str, match: re.Match[str]) -> SeriesMark | None:
    number = _number(match.group("number"))
    before, after = text[: match.start()], text[match.end() :]
    if not 0 < number <= MOST_PARTS or number in _YEARS or (match.re is _HASH and _BEFORE_RANK.search(before)):
        return None
    if not match.group("number")[0].isdigit() and not _SPELT_OUT.match(match.group()):
        return None  # "on Day One"
    if _AMBIGUOUS.match(match.group()) and before.strip() and before.rstrip()[-1] not in _EDGES:
        return None  # a company files for Chapter 11, a state votes on Issue 1
    return SeriesMark(before.strip(_EDGES), number) if _set_apart(before, _OF_MANY.sub("", after)) else None


def _number(text: str) -> int:
    for spelt in (_WORDS, _ROMAN):
        if text.casefold() in spelt:
            return spelt.index(text.casefold()) + 1
    return int(text.replace(",", ""))


def _set_apart(before: str, after: str) -> bool:
    """A part's number closes the title or its first clause; in running text ("on day 3 of it") it counts days."""
    if _BEFORE_PLAIN.search(before) and before.strip(_EDGES):
        return False
    tail = after.lstrip()
    return not tail or tail[0] in ":-–—|,.!?()[]،؛" or (not before.strip(_EDGES) and not tail[0].islower())


def _western(text: str) -> str:
    return "".join(str(unicodedata.digit(c)) if unicodedata.category(c) == "Nd" else c for c in text)
