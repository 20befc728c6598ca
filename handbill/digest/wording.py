"""The words around the news in a letter, in the language of the paper; English where a language is missing. Pure.

They stand in ``locale/`` as gettext catalogues (domain ``letter``), English in the code; days and months are CLDR's.
Placeholders: ``{paper}``, ``{count}``, ``{names}``, ``{name}``, ``{number}``, ``{first}``, ``{second}``.
"""

from __future__ import annotations

import gettext
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

from babel.core import Locale, UnknownLocaleError
from babel.dates import format_date, format_interval, format_skeleton

from handbill.kit.languages import LETTERS as LANGUAGES

LOCALE = Path(__file__).parent / "locale"
_BRITISH = "en_GB"  # what plain "en" is written like: the day before the month


@dataclass(frozen=True, slots=True)
class Words:
    """What a letter in ``language`` says. ``locale``: how it writes dates, as CLDR names it."""

    language: str
    locale: str
    catalogue: gettext.NullTranslations

    def say(self, text: str, **values: str) -> str:
        """``text``, which is English, in this language, with ``values`` for its placeholders."""
        return _filled(self.catalogue.gettext(text), values)

    def count(self, one: str, many: str, count: int, **values: str) -> str:
        """The form that goes with ``count``, with the number in it."""
        return _filled(self.catalogue.ngettext(one, many, count), {"count": str(count), **values})


@lru_cache(maxsize=32)
def words(code: str) -> Words:
    """The words for a paper in the language ``code``, such as "de" or "ar-EG"."""
    language = code.replace("_", "-").partition("-")[0].lower()
    language = language if language in LANGUAGES else "en"
    catalogue = gettext.translation("letter", LOCALE, [language], fallback=True)
    return Words(language, _locale(code, language), catalogue)


def date_line(said: Words, day: date) -> str:
    """The day written out, such as "Sunday, 22 November 2026"."""
    return format_date(day, "full", locale=said.locale)


def days_line(said: Words, since: date, until: date) -> str:
    """A span of days written out, such as "16 – 22 November 2026"."""
    return format_interval(since, until, "yMMMMd", locale=said.locale)


def short_day_line(said: Words, day: date) -> str:
    """The day in short, such as "Sun 22 Nov"."""
    return format_skeleton("MMMEd", day, locale=said.locale)


def _locale(code: str, language: str) -> str:
    """How dates are written there: the paper's own country where CLDR knows it."""
    try:
        known = Locale.parse(code.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        known = None
    if known is None or known.language != language or not known.territory:
        return _BRITISH if language == "en" else language
    return str(known)


def _filled(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text
