"""Read the dates that feeds write: RFC 822 and ISO 8601 as they should be, and in all the forms they come in. Pure.

Well-formed dates are read by a pattern each; anything else is taken apart into words and numbers, which must all make
sense. What is ambiguous (3/4/2026) or needs a clock (yesterday) is no date. Without a zone a date is taken for UTC.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise

from handbill.kit.calendar_names import FILLERS, HOURS_LATER, MONTHS, ZONES

EARLIEST_YEAR = 1971  # what is older is a clock that was never set
MAX_DATE = 100  # characters
FIRST_OF_LAST_CENTURY = 70  # a year in two digits

_RFC822 = re.compile(
    r"(?:[A-Za-z]{3,9},?\s{0,3})?(\d{1,2})\s{1,3}([A-Za-z]{3,9})\s{1,3}(\d{4}|\d{2})"
    r"\s{1,3}(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?(?:\s{0,3}([A-Za-z]{1,5}|[+-]\d{4}))?",
    re.ASCII,
)
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?", re.ASCII)
_DIGITS = {start + n: str(n) for start in (0x660, 0x6F0, 0x966, 0x9E6) for n in range(10)}
_MARKS = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:t?(\d\d)(\d\d)(\d\d)?)?(?=$|[^\d])", re.ASCII)
_YEAR_FIRST = re.compile(r"(?<!\d)(\d{4})(?:[-/]|\.\s?)(\d{1,2})(?:(?:[-/]|\.\s?)(\d{1,2}))?(?=$|[^\d])\.?", re.ASCII)
_ORDINAL = re.compile(r"^(\d{4})-?(\d{3})(?=$|t)", re.ASCII)
_EAST_ASIAN = re.compile(r"(\d{4})\s?[年년]\s?(\d{1,2})\s?[月월]\s?(\d{1,2})\s?[日일号]?")
_NUMBERS = re.compile(r"(?<!\d)(\d{1,2})\s?([-/.])\s?(\d{1,2})\s?\2\s?(\d{4}|\d\d)(?=$|[^\d])\.?", re.ASCII)
_TIME = re.compile(
    r"(?:(?<=[^\d])|^)t?(\d{1,2})\s?[:h時时시]\s?(\d{1,2})(?:\s?[:m分분]\s?(\d{1,2}))?(?:[.,]\d{1,9})?\s?[s秒초分분]?",
    re.ASCII,
)
_DOTTED_TIME = re.compile(r"(?<=\s)(\d{1,2})\.(\d\d)(?:\.(\d\d))?(?=\s|$)", re.ASCII)
_OFFSET = re.compile(
    r"(?:(?<=[\s\da-z])|^)(?:etc/)?(?:gmt|utc)?([+\-\u2212])(\d{1,2})(?::?(\d\d))?(?::?00)?\)?$", re.ASCII
)
_UNIX = re.compile(r"\d{9,10}(?:\d{3})?(?:\.\d{1,6})?", re.ASCII)
_WORD = re.compile(r"[^\s\d,;:/()\[\]|.\-–]+|\d+")
_HANGUL = re.compile("[가-힣]")
KOREA = timedelta(hours=9)
_VIETNAMESE = re.compile(r"thang (\d{1,2})(?!\d)")


def read_date(text: str) -> datetime | None:
    """The moment that ``text`` means, in UTC and whole seconds; None when it means none, or one before 1971."""
    text = text.strip()
    if not text or len(text) > MAX_DATE:
        return None
    try:
        if found := _RFC822.fullmatch(text):
            moment = _of_rfc822(*found.groups())
        elif _ISO.fullmatch(text):
            moment = _of_iso(text)
        else:
            moment = _of_anything(text)
        if moment and moment.tzinfo is not UTC:
            moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    if not moment or moment.year < EARLIEST_YEAR:
        return None
    return moment.replace(microsecond=0) if moment.microsecond else moment


def _of_iso(text: str) -> datetime:
    if text[11:16] == "24:00":
        return _of_iso(f"{text[:11]}00{text[13:]}") + timedelta(days=1)
    moment = datetime.fromisoformat(text.replace(",", "."))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _of_rfc822(
    day: str, month: str, year: str, hour: str, minute: str, second: str | None, zone: str | None
) -> datetime | None:
    number = _month(month.lower())
    if number is None:
        return _of_anything(f"{day} {month} {year} {hour}:{minute}:{second or 0} {zone or ''}")
    return _moment(_year(year), number, int(day), (int(hour), int(minute), int(second or 0)), _zone(zone or ""))


def _moment(year: int, month: int, day: int, clock: tuple[int, int, int], offset: timedelta) -> datetime:
    """The hour 24 is the next day's 0, and the second 60, a leap, the next minute's 0."""
    hour, minute, second = clock
    if hour < 24 and second < 60:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC) - offset
    late = timedelta(days=hour == 24, seconds=second == 60)
    if hour == 24 and (minute or second):
        raise ValueError("past midnight")
    moment = datetime(year, month, day, 0 if hour == 24 else hour, minute, 59 if second == 60 else second, tzinfo=UTC)
    return moment + late - offset


def _year(text: str) -> int:
    year = int(text)
    return year if len(text) > 2 else year + (1900 if year >= FIRST_OF_LAST_CENTURY else 2000)


@lru_cache(maxsize=256)
def _zone(text: str) -> timedelta:
    """An offset as +hhmm or a zone's name; a name that is not known is taken for UTC."""
    if text[:1] in ("+", "-"):
        return _far(timedelta(hours=int(text[1:3]), minutes=int(text[3:] or 0)), text[0])
    return timedelta(minutes=ZONES.get(text.lower(), 0))


def _month(word: str) -> int | None:
    return MONTHS.get(word) or (MONTHS.get(word[:3]) if word.isascii() and word[:3] in _ENGLISH else None)


_ENGLISH = frozenset(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"))


def _of_anything(text: str) -> datetime | None:
    text = _plain(text)
    if _UNIX.fullmatch(text):
        seconds = float(text)
        return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
    korean = _HANGUL.search(text)
    day, text = _numeric_day(text)
    clock, text = _clock(text)
    offset, text = _offset(text) if clock else (None, text)
    if offset is None and korean:
        offset = KOREA  # where its words are used, and the zone left out
    words = _WORD.findall(text)
    if day is None:
        day, words = _named_day(words)
    if day is None:
        return None
    zone, later = _rest(words, clock is not None)
    hour, minute, second = clock or (0, 0, 0)
    if later is not None and hour <= 12:
        hour = hour % 12 + later
    return _moment(*day, (hour, minute, second), zone if offset is None else offset)


def _plain(text: str) -> str:
    """Lower case, Latin digits, no accents, no invisible marks."""
    text = unicodedata.normalize("NFKD", _MARKS.sub("", text).translate(_DIGITS)).casefold().replace("ı", "i")
    text = "".join(c for c in text if not unicodedata.combining(c))
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip()


def _numeric_day(text: str) -> tuple[tuple[int, int, int] | None, str]:
    """A day written in numbers alone, and the text without it."""
    if found := _COMPACT.match(text):
        hour, minute, second = found.group(4), found.group(5), found.group(6) or "00"
        rest = (f" {hour}:{minute}:{second} " if hour else " ") + text[found.end() :]
        return (int(found[1]), int(found[2]), int(found[3])), rest
    if found := _EAST_ASIAN.search(text) or _YEAR_FIRST.search(text):
        return (int(found[1]), int(found[2]), int(found[3] or 1)), f"{text[: found.start()]} {text[found.end() :]}"
    if found := _ORDINAL.match(text):
        moment = datetime(int(found[1]), 1, 1, tzinfo=UTC) + timedelta(days=int(found[2]) - 1)
        return (moment.year, moment.month, moment.day), text[found.end() :]
    if found := _NUMBERS.search(text):
        first, mark, second, year = found.groups()
        rest = f"{text[: found.start()]} {text[found.end() :]}"
        return (_day_and_month(int(first), int(second), _year(year), mark), rest)
    if re.fullmatch(r"\d{4}", text):
        return (int(text), 1, 1), ""
    return None, text


def _day_and_month(first: int, second: int, year: int, mark: str) -> tuple[int, int, int]:
    """Dots set the day first; with slashes only one that is past twelve, or both alike, can be told apart."""
    if mark == "." or first > 12 or first == second:
        return year, second, first
    if second > 12:
        return year, first, second
    raise ValueError("the day or the month may come first")


def _offset(text: str) -> tuple[timedelta | None, str]:
    found = _OFFSET.search(text)
    if not found:
        return None, text
    return _far(timedelta(hours=int(found[2]), minutes=int(found[3] or 0)), found[1]), text[: found.start()]


def _far(size: timedelta, sign: str) -> timedelta:
    if size > timedelta(hours=15):
        raise ValueError("no zone is so far")
    return size if sign == "+" else -size


def _clock(text: str) -> tuple[tuple[int, int, int] | None, str]:
    found = _TIME.search(text) or _DOTTED_TIME.search(text)
    if not found:
        return None, text
    clock = (int(found[1]), int(found[2]), int(found[3] or 0))
    return clock, f"{text[: found.start()]} {text[found.end() :]}"


def _named_day(words: list[str]) -> tuple[tuple[int, int, int] | None, list[str]]:
    """Day, month by its name, and year, in any order that leaves no doubt; and the words that are left."""
    joined = [*words]
    at = next((i for i, word in enumerate(joined) if _month(word)), None)
    if at is None and len(joined) > 1:
        pairs = [f"{one} {two}" for one, two in pairwise(joined)]
        at = next((i for i, pair in enumerate(pairs) if pair in MONTHS), None)
        if at is None:
            return _vietnamese(" ".join(joined))
        joined[at : at + 2] = [pairs[at]]
    if at is None:
        return None, words
    month = _month(joined.pop(at))
    numbers = [word for word in joined if word.isdecimal()]
    years = [word for word in numbers if len(word) == 4]
    days = [word for word in numbers if len(word) <= 2]
    if month is None or len(years) + len(days) != len(numbers) or not days:
        return None, words
    year, day = (years[0], days[0]) if len(years) == 1 and len(days) == 1 else _two_digits(years, days)
    number = _year(year)
    return (number - 543 if number > 2400 else number, month, int(day)), [w for w in joined if not w.isdecimal()]


def _two_digits(years: list[str], days: list[str]) -> tuple[str, str]:
    if years or len(days) != 2:
        raise ValueError("which number is the year can't be told")
    return days[1], days[0]


def _vietnamese(text: str) -> tuple[tuple[int, int, int] | None, list[str]]:
    """Months have numbers for names."""
    found = _VIETNAMESE.search(text)
    numbers = re.findall(r"\d+", _VIETNAMESE.sub(" ", text))
    if not found or len(numbers) != 2 or len(numbers[1]) != 4:
        return None, []
    return (int(numbers[1]), int(found[1]), int(numbers[0])), []


def _rest(words: list[str], timed: bool) -> tuple[timedelta, int | None]:
    """What the other words say: a zone, and whether it is afternoon. One unknown word is a weekday, one a zone."""
    later = next((HOURS_LATER[word] for word in words if word in HOURS_LATER and timed), None)
    zone = next((ZONES[word] for word in reversed(words) if word in ZONES), None)
    unknown = [word for word in words if word not in HOURS_LATER and word not in ZONES and word not in FILLERS]
    if len(unknown) > 2 + timed:
        raise ValueError("more words than a date has")
    return timedelta(minutes=zone or 0), later
