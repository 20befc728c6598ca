"""Find dates in a letter that are wrong or mean two days: "Monday, 22 November 2026" (a Sunday), "11/12/2026". Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import lru_cache

from babel.dates import get_day_names, get_month_names

from handbill.kit.languages import LETTERS as LANGUAGES

_NUMBERS = re.compile(r"(?<![\d/.-])(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?![\d/.-])")
_GAP = r"[\s,،.\u202f]{0,3}(?:de\s|den\s|the\s)?\s?"


def of_text(text: str, language: str) -> Iterator[tuple[str, str, str]]:
    """What is wrong with the dates of ``text``: level, what, and what to do."""
    for found in _NUMBERS.finditer(text):
        if int(found[1]) <= 12 and int(found[3]) <= 12 and found[1] != found[3]:
            yield "note", f"{found[0]} means one day here and another there", "Write the month as a word."
    code = language.partition("-")[0].lower()
    if code not in LANGUAGES:
        return
    days, months, pattern = _pattern(code)
    for found in pattern.finditer(text.lower()):
        told = found.groupdict()
        number, month = told["a"] or told["d"], told["b"] or told["c"]
        try:
            day = date(int(told["year"]), months[month], int(number))
        except ValueError:
            yield "problem", f"{found[0]} is no day", "Correct it."
            continue
        if day.weekday() != days[told["weekday"]]:
            yield "problem", f"{found[0]} was another day of the week", "Correct the date or the day."


@lru_cache(maxsize=8)
def _pattern(code: str) -> tuple[dict[str, int], dict[str, int], re.Pattern[str]]:
    days = {name.lower(): number for number, name in get_day_names("wide", locale=code).items()}
    months = {name.lower(): number for number, name in get_month_names("wide", locale=code).items()}
    weekday, month = ("|".join(sorted(map(re.escape, names), key=len, reverse=True)) for names in (days, months))
    order = rf"(?P<a>\d{{1,2}}){_GAP}(?P<b>{month})|(?P<c>{month}){_GAP}(?P<d>\d{{1,2}})"
    whole = rf"(?<!\w)(?P<weekday>{weekday}){_GAP}(?:{order}){_GAP}(?P<year>\d{{4}})(?!\d)"
    return days, months, re.compile(whole)
