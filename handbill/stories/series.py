"""Tell from a title whether it is a numbered part of a series. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import lru_cache
from itertools import pairwise
from typing import TypeVar

from handbill.kit.calendar_names import MONTHS, bare
from handbill.kit.text import clean
from handbill.stories.counters import (
    ARABIC,
    ARABIC_FEMININE,
    COUNTERS,
    HAN,
    HAN_DIGITS,
    HANGUL,
    HOLIDAYS,
    ORDINALS,
    ROMAN,
    WORDS,
)

MOST_PARTS = 5_000  # "Day 138" is a part, "Day 20261122" is not

READ_CHARACTERS = 500  # of a title
MOST_KNOWN = 12_000  # titles whose series is remembered
LEAST_UNNAMED, CLOSE = (
    3,
    7,
)  # parts without a name that are taken for one series, and how far their numbers may be apart
MOST_MISSING = 50  # a longer gap is a series taken up again

_YEARS = range(1900, 2100)

_SPELT = "|".join(sorted([*WORDS, *ROMAN], key=len, reverse=True))
_COUNTED = re.compile(
    rf"(?<![\w'’-])(?P<word>{'|'.join(sorted(COUNTERS, key=len, reverse=True))})\s*[#№]?\s*"
    rf"(?P<number>\d{{1,4}}|\d[.,]\d{{3}}|{_SPELT})(?![\d\w%]|[.,:/-]\d)",
    re.IGNORECASE,
)
_ORDINAL = re.compile(
    rf"(?<![\w.,])(?P<number>\d{{1,4}})\s?(?:\.|e|è|ème|eme|er|re|ère|ª|º|a|o|[-‑]?(?:й|я|е|ий|ій))\s*"
    rf"(?P<word>{'|'.join(ORDINALS)})(?!\w)"
)
_ARABIC = re.compile(rf"(?<!\w)(?:ال(?:جزء|حلقة|يوم|فصل)) (?P<number>{'|'.join([*ARABIC, *ARABIC_FEMININE])})(?!\w)")
_HAN = re.compile(
    rf"第\s?(?P<number>\d{{1,4}}|[{HAN_DIGITS}十]{{1,3}})\s?(?:{'|'.join(HAN)})(?!\w)"
    rf"|제\s?(?P<korean>\d{{1,4}})\s?(?:{'|'.join(HANGUL)})(?!\w)"
)
_HASH = re.compile(r"(?<![\w#&])#\s?(?P<number>\d{1,4})(?![\d\w]|[.,]\d)")
_BRACKETED = re.compile(r"[(\[](?P<number>\d{1,3})\s?(?:/|of|von|de|sur|di|из|із|من)\s?(?P<most>\d{1,3})[)\]]\s*$")
_SEASON = re.compile(r"(?<!\w)S\d{1,2}\s?E(?P<number>\d{1,3})(?!\w)")
_PATTERNS = (_COUNTED, _ORDINAL, _ARABIC, _HAN, _HASH, _BRACKETED, _SEASON)

_ISSUE_OF_VOLUME = re.compile(r",?\s*(?:No|Nr|Issue|Heft|№)\.?\s*(?P<number>\d{1,3})(?!\d)", re.IGNORECASE)
_VOLUMES = re.compile(r"(?:vol(?:ume)?|band|tome|tom)\b", re.IGNORECASE)
_BEFORE_RANK = re.compile(
    r"(?:\b(?:no|nr|top|rank(?:ed|s|ing)?|world|seed|hits?|at|the|to|is|are|was|be|as|from|for|your|our|my|his|her|its|their"
    r"|still|now|becomes?|remains?|enemy|priority|problem|issue|reason|concern|threat|rule|lie|choice|pick|job|fan|song"
    r"|album|trend|trends|trending|platz|für|ist)\.?|[№]|['’]s)\s*$",
    re.IGNORECASE,
)
_BEFORE_PLAIN = re.compile(
    r"\b(?:on|in|for|by|of|the|a|an|this|that|every|each|per|since|until|till|after|before|within|last|next|first|from|to|at"
    r"|am|im|an|seit|nach|vor|ab|bis|jeden|pro|vom|zum|à|au|du|le|ce|chaque|en|el|al|del|un|no|ao|do|cada|il|al|nel|dal"
    r"|på|op|om|den|var|w|na|do|ve|her|на|в|во|за|по|с|до|после|через|у|після|في|من|منذ|بعد|قبل|حتى|خلال|מ|ב)\s*$",
    re.IGNORECASE,
)
_AMBIGUOUS = re.compile(
    r"(?:chapter|issue|volume|vol|session|lesson|lecture|edition|month|del|d[ií]a)\b", re.IGNORECASE
)
_BANKRUPT = re.compile(r"chapter (?:7|9|11|12|13|15)$", re.IGNORECASE)
_SPELT_OUT = re.compile(
    r"(?:part|chapter|episode|volume|book|teil|kapitel|folge|partie|parte|parte|часть|частина)\b", re.IGNORECASE
)
_SPELT_DAY = re.compile(r"(?:day|week) \w+$", re.IGNORECASE)
_OF_MANY = re.compile(r"^\s*(?:of|von|de|sur|di|из|із|/)\s*\d{1,3}(?!\d)", re.IGNORECASE)
_OF_NAME = re.compile(
    r"\s*(?:of|von|vom|des|der|de|del|du|di|van|av)\s+(?:the\s+|la\s+|el\s+|an?\s+)?(?P<name>[^\s:–—|,;].{1,80}?)\s*(?:[:–—|,;]|$)",
    re.IGNORECASE,
)
_UNIT = re.compile(
    r"\s*(?:years?|months?|weeks?|days?|hours?|minutes?|people|dead|killed|hurt|injured|arrested|million|billion"
    r"|per ?cent|things|ways|reasons|times|a\.?m|p\.?m|uhr|jahre?n?|menschen|tote|heures|ans|morts|horas|años"
    r"|muertos)\b",
    re.IGNORECASE,
)
EDGES = " \t-–—:|,.·•()[]{}،؛/【】「」『』《》（）：，、｜"
_APART = ":-–—|,.!?()[]،؛؟【】「」『』《》（）：，、｜。/"
_SHORT_MONTHS = frozenset("jan feb mar apr may mai jun jul aug sep oct okt nov dec dez".split())  # noqa: SIM905
_MOST_NAMED = 6  # words; what follows "Day 3 of" for longer than that is the news


Moment = TypeVar("Moment", date, datetime, int)  # an int: a place in their order


@dataclass(frozen=True, slots=True)
class SeriesMark:
    """A title that numbers itself: "Harbour Works Day 12: …" is part 12 of "Harbour Works". ``name`` may be empty."""

    name: str
    number: int
    count: str = field(default="", compare=False)  # how the title counts: "Day …"


@dataclass(frozen=True, slots=True)
class Run:
    """A series that is sure: its ``numbers`` ascending, those ``missing`` between them, and the ``next``."""

    numbers: tuple[int, ...]
    missing: tuple[int, ...]
    next: int


@lru_cache(maxsize=MOST_KNOWN)
def series_of(title: str) -> SeriesMark | None:
    """The series a title says it belongs to and its number, or None.

    "Harbour Works Day 12: The crane" is number 12 of "Harbour Works". A rank, score, year or model name is no number.
    """
    text = western(clean(title[:READ_CHARACTERS]))
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            if (mark := _mark(text, match)) is not None:
                return replace(mark, count=_count(match))
    return None


def _count(match: re.Match[str]) -> str:
    first, last = match.span("korean" if match.groupdict().get("korean") else "number")
    return f"{match.string[match.start() : first]}…{match.string[last : match.end()]}"


def follow(parts: Iterable[tuple[Moment, int]]) -> Run | None:
    """What parts of one name (when published, number) make together, or None while fewer than two rise with the date.

    The order of the parts is irrelevant; of parts published at one time and of one number told twice one counts.
    """
    numbers = [number for _, number in sorted(set(parts))]
    if len(set(numbers)) < 2 or any(a > b for a, b in pairwise(numbers)):
        return None
    missing = [n for a, b in pairwise(numbers) if b - a <= MOST_MISSING for n in range(a + 1, b)]
    return Run(tuple(dict.fromkeys(numbers)), tuple(missing), numbers[-1] + 1)


def follow_closely(parts: Iterable[tuple[Moment, int]]) -> Run | None:
    """As ``follow``, of parts of one outlet that have no name: three at least, and none far from the one before."""
    run = follow(parts)
    if run is None or len(run.numbers) < LEAST_UNNAMED or any(b - a > CLOSE for a, b in pairwise(run.numbers)):
        return None
    return run


def _mark(text: str, match: re.Match[str]) -> SeriesMark | None:
    number = _number(match.groupdict().get("korean") or match.group("number"))
    before, after = text[: match.start()], text[match.end() :]
    name = before.strip(EDGES)
    if match.re is _COUNTED and (issue := _issue(match, after)) is not None:
        return SeriesMark(f"{name} {match.group()}".strip(), issue)
    if not 0 < number <= MOST_PARTS or number in _YEARS or _is_other(match, before, number):
        return None
    after = _OF_MANY.sub("", after)
    if _BEFORE_PLAIN.search(before) and name:
        return None
    if not name and match.re in (_COUNTED, _ORDINAL) and (found := _OF_NAME.match(after)) is not None:
        return _named(found, number)
    if not _set_apart(match, before, after):
        return None
    return SeriesMark("" if _names_the_part(match, before, after) else name.rpartition("|")[2].strip(EDGES), number)


def _is_other(match: re.Match[str], before: str, number: int) -> bool:
    """Whether the number is a rank, a law's chapter, one that a word spells in running text, or more than there are."""
    if match.re is _HASH:
        return _BEFORE_RANK.search(before) is not None
    if match.re is _BRACKETED:
        return number > int(match.group("most")) or match.group() == "(9/11)"
    if match.re is not _COUNTED:
        return False
    apart = not before.strip() or before.rstrip()[-1] in EDGES
    if match.group("word").casefold() == "day" and not apart and _last_word(before) in HOLIDAYS:
        return True
    if not match.group("number")[0].isdigit() and not _SPELT_OUT.match(match.group()):
        return not (apart and before.strip() and _SPELT_DAY.match(match.group()))
    if _AMBIGUOUS.match(match.group()) and not apart:
        return True  # a company files for Chapter 11, a state votes on Issue 1
    return not before.strip() and _BANKRUPT.match(match.group()) is not None


def _issue(match: re.Match[str], after: str) -> int | None:
    """The issue's number that follows a volume's: "Vol. 24, No. 5"."""
    found = _ISSUE_OF_VOLUME.match(after) if _VOLUMES.match(match.group()) else None
    return int(found.group("number")) if found else None


def _named(found: re.Match[str], number: int) -> SeriesMark | None:
    """The series that a title names after its number: "Day 12 of the shutdown: …"; a date is none ("día 3 de mayo")."""
    name = found.group("name").strip(EDGES)
    first = bare(name.split()[0])
    if name[:1].isdigit() or (first in MONTHS and (len(first) > 3 or first in _SHORT_MONTHS)):
        return None
    return SeriesMark(name if len(name.split()) <= _MOST_NAMED else "", number)


def _names_the_part(match: re.Match[str], before: str, after: str) -> bool:
    """Whether what stands before the number is the part's own title, as in "How to sail (Ep 12)"."""
    word = match.groupdict().get("word") or "#"
    return before.rstrip().endswith("(") and not after.strip(EDGES) and word.casefold().startswith(("ep", "#", "folge"))


def _number(text: str) -> int:
    folded = text.casefold()
    for spelt in (WORDS, ROMAN, ARABIC, ARABIC_FEMININE):
        if folded in spelt:
            return spelt.index(folded) + 1
    if text[0] in HAN_DIGITS or text[0] == "十":
        tens, ten, ones = text.rpartition("十")
        return (HAN_DIGITS.find(tens) + 1 or 1) * 10 * bool(ten) + (HAN_DIGITS.find(ones) + 1 if ones else 0)
    return int(text.replace(",", "").replace(".", ""))


def _set_apart(match: re.Match[str], before: str, after: str) -> bool:
    """A part's number closes the title or its first clause; in running text ("on day 3 of it") it counts days."""
    tail = after.lstrip()
    if not tail or tail[0] in _APART:
        return True
    if match.re in (_ARABIC, _HAN, _BRACKETED, _SEASON):
        return after[:1].isspace()
    if match.re is _HASH:
        return after[:1].isspace() and re.match(r"(?:w/|with |feat\.? |ft\.? |mit |avec |con |\[)", tail) is not None
    if _UNIT.match(after):
        return False
    if not before.strip():
        return tail[0].isupper()
    if match.group("word") not in ("Day", "Week"):
        return False
    return not _last_word(before).endswith(("'s", "s'"))


def _last_word(text: str) -> str:
    return text.split()[-1].casefold().replace("’", "'")


def western(text: str) -> str:
    """``text`` with its digits, of whatever script, as 0 to 9."""
    return text if text.isascii() else _OTHER_DIGIT.sub(lambda match: str(unicodedata.digit(match.group())), text)


_OTHER_DIGIT = re.compile(r"[^\D0-9]")
