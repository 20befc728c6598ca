"""Tell from a title whether it is a numbered part of a series. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from handbill.kit.text import clean

MOST_PARTS = 5_000  # "Day 138" is a part, "Day 20261122" is not

_YEARS = range(1900, 2100)

# Words that count parts, in the languages newsrooms of our first readers write in.
_COUNTERS = (
    r"day|week|month|part|pt\.?|episode|ep\.?|chapter|instal?lment|volume|vol\.?|issue|edition"
    r"|tag|woche|monat|teil|folge|kapitel|ausgabe|jour|semaine|mois|partie|[ée]pisode|chapitre"
    r"|d[ií]a|semana|mes|parte|episodio|cap[ií]tulo|dia|giorno|settimana|puntata|день|тиждень|неделя|часть|частина"
    r"|اليوم|الأسبوع|الجزء|الحلقة|يوم|جزء|حلقة|gün|bölüm"
)
_COUNTED = re.compile(
    rf"(?<![\w'’-])(?P<word>{_COUNTERS})\s*#?\s*(?P<number>\d{{1,4}})(?![\d\w%]|[.,:/-]\d)", re.IGNORECASE
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
_EDGES = " \t-–—:|,.·•()[]{}،؛/"


@dataclass(frozen=True, slots=True)
class SeriesMark:
    """A title that numbers itself: "Harbour Works Day 12: …" is part 12 of "Harbour Works". ``name`` may be empty."""

    name: str
    number: int


def series_of(title: str) -> SeriesMark | None:
    """The series a title says it belongs to and its number, or None.

    "Harbour Works Day 12: The crane" is number 12 of "Harbour Works". A rank, score, year or model name is no number.
    """
    text = _western(clean(title))
    for pattern in (_COUNTED, _ORDINAL, _HASH, _BRACKETED):
        for match in pattern.finditer(text):
            if (mark := _mark(text, match)) is not None:
                return mark
    return None


def _mark(text: str, match: re.Match[str]) -> SeriesMark | None:
    number = int(match.group("number"))
    before, after = text[: match.start()], text[match.end() :]
    if not 0 < number <= MOST_PARTS or number in _YEARS or (match.re is _HASH and _BEFORE_RANK.search(before)):
        return None
    return SeriesMark(before.strip(_EDGES), number) if _set_apart(before, after) else None


def _set_apart(before: str, after: str) -> bool:
    """A part's number closes the title or its first clause; in running text ("on day 3 of it") it counts days."""
    if _BEFORE_PLAIN.search(before) and before.strip(_EDGES):
        return False
    tail = after.lstrip()
    return not tail or tail[0] in ":-–—|,.!?()[]،؛" or (not before.strip(_EDGES) and not tail[0].islower())


def _western(text: str) -> str:
    return "".join(str(unicodedata.digit(c)) if unicodedata.category(c) == "Nd" else c for c in text)
