"""The words around the news in a letter, per language; English where a language is missing. Pure tables.

Placeholders: ``{paper}``, ``{count}``, ``{minutes}``, ``{names}``, ``{name}``, ``{number}``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Words:
    """One language's words. ``stories``, ``minutes`` and ``more`` go by the plural form ``plural`` gives."""

    language: str
    months: tuple[str, ...]
    weekdays: tuple[str, ...]  # Monday first
    date: str
    stories: dict[str, str]
    minutes: dict[str, str]
    joiner: str
    and_more: dict[str, str]
    and_one: str
    read_on: str
    read_on_at: str
    part: str
    previous: str
    more: dict[str, str]
    all_on_site: str
    why: str
    choose: str
    leave: str
    links: str
    test: str
    list_comma: str = ", "


_ENGLISH = Words(
    language="en",
    months=(
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
    weekdays=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    date="{weekday}, {day} {month} {year}",
    stories={"one": "1 story", "other": "{count} stories"},
    minutes={"one": "1 minute", "other": "{count} minutes"},
    joiner=", ",
    and_more={"one": "{names} and 1 more", "other": "{names} and {count} more"},
    and_one="{first} and {second}",
    read_on="Read on",
    read_on_at="Read on at {name}",
    part="{name} {number}",
    previous="The part before",
    more={"one": "1 more story today", "other": "{count} more stories today"},
    all_on_site="Everything on our site",
    why="You get this because you asked for {paper} by mail and confirmed it.",
    choose="Choose topics",
    leave="Unsubscribe",
    links="Links",
    test="[Test]",
)

_GERMAN = Words(
    language="de",
    months=(
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ),
    weekdays=("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
    date="{weekday}, {day}. {month} {year}",
    stories={"one": "1 Meldung", "other": "{count} Meldungen"},
    minutes={"one": "1 Minute", "other": "{count} Minuten"},
    joiner=", ",
    and_more={"one": "{names} und 1 weiteres Medium", "other": "{names} und {count} weitere"},
    and_one="{first} und {second}",
    read_on="Weiterlesen",
    read_on_at="Weiterlesen bei {name}",
    part="{name} {number}",
    previous="Der Teil davor",
    more={"one": "Heute noch 1 Meldung", "other": "Heute noch {count} Meldungen"},
    all_on_site="Alles auf unserer Seite",
    why="Sie bekommen diesen Brief, weil Sie {paper} per Mail bestellt und das bestätigt haben.",
    choose="Themen wählen",
    leave="Abbestellen",
    links="Links",
    test="[Test]",
)

_ARABIC = Words(
    language="ar",
    months=(
        "يناير",
        "فبراير",
        "مارس",
        "أبريل",
        "مايو",
        "يونيو",
        "يوليو",
        "أغسطس",
        "سبتمبر",
        "أكتوبر",
        "نوفمبر",
        "ديسمبر",
    ),
    weekdays=("الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت", "الأحد"),
    date="{weekday}، {day} {month} {year}",
    stories={"one": "خبر واحد", "two": "خبران", "few": "{count} أخبار", "other": "{count} خبرا"},
    minutes={"one": "دقيقة واحدة", "two": "دقيقتان", "few": "{count} دقائق", "other": "{count} دقيقة"},
    joiner="، ",
    and_more={
        "one": "{names} ومصدر آخر",
        "two": "{names} ومصدران آخران",
        "few": "{names} و{count} مصادر أخرى",
        "other": "{names} و{count} مصدرا آخر",
    },
    and_one="{first} و{second}",
    read_on="تابع القراءة",
    read_on_at="تابع القراءة في {name}",
    part="{name} {number}",
    previous="الجزء السابق",
    more={
        "one": "خبر آخر اليوم",
        "two": "خبران آخران اليوم",
        "few": "{count} أخبار أخرى اليوم",
        "other": "{count} خبرا آخر اليوم",
    },
    all_on_site="كل الأخبار على موقعنا",
    why="تصلك هذه الرسالة لأنك طلبت {paper} بالبريد وأكدت طلبك.",
    choose="اختر المواضيع",
    leave="إلغاء الاشتراك",
    links="الروابط",
    test="[تجربة]",
    list_comma="، ",
)

_LANGUAGES = {"en": _ENGLISH, "de": _GERMAN, "ar": _ARABIC}


def words(code: str) -> Words:
    """The words for a paper in the language ``code``."""
    return _LANGUAGES.get(code.partition("-")[0], _ENGLISH)


def counted(forms: dict[str, str], language: str, count: int) -> str:
    """The form of ``forms`` that goes with ``count``, with the number in it."""
    form = _plural(language, count)
    return forms.get(form, forms["other"]).replace("{count}", str(count))


def date_line(said: Words, day: date) -> str:
    """The day written out, such as "Sunday, 22 November 2026"."""
    return said.date.format(
        weekday=said.weekdays[day.weekday()], day=day.day, month=said.months[day.month - 1], year=day.year
    )


def _plural(language: str, count: int) -> str:
    if count == 1:
        return "one"
    if language == "ar":
        return "two" if count == 2 else "few" if 3 <= count % 100 <= 10 else "other"
    return "other"
