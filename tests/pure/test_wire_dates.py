"""Dates as outlets write them: every form, many languages and zones, and nothing that is only a guess."""

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from handbill.kit.calendar_names import MONTHS
from handbill.wire.dates import EARLIEST_YEAR, read_date

TEN = datetime(2026, 11, 22, 10, tzinfo=UTC)
FORMS = [
    "Sun, 22 Nov 2026 10:00:00 GMT",
    "Sun, 22 Nov 2026 10:00:00 +0000",
    "Sun, 22 Nov 2026 12:00:00 +02:00",
    "Sun,22 Nov 2026 10:00 GMT",
    "22 Nov 26 10:00:00 UT",
    "Sunday, 22-Nov-26 10:00:00 GMT",
    "22-Nov-2026 10:00:00",
    "Sun Nov 22 10:00:00 2026",
    "Sun Nov 22 05:00:00 EST 2026",
    "Nov 22, 2026 10:00 AM",
    "November 22nd, 2026 at 10:00",
    "Sunday, November 22, 2026 - 10:00",
    "Sun, 22 Nov 2026 05:00:00 EST",
    "Sun, 22 Nov 2026 11:00:00 CET",
    "Sun, 22 Nov 2026 13:00:00 MSK",
    "Sun, 22 Nov 2026 19:00:00 JST",
    "Sun, 22 Nov 2026 12:00:00 GMT+2",
    "Sun, 22 Nov 2026 12:00:00 UTC+02:00",
    "Sun, 2026/11/22 05:00:00 EST",
    "2026-11-22T10:00:00Z",
    "2026-11-22T10:00Z",
    "2026-11-22T10:00:00.123456789Z",
    "2026-11-22T10:00:00,5Z",
    "2026-11-22t10:00:00z",
    "2026-11-22T12:00:00+0200",
    "2026-11-22T12:00:00+02",
    "2026-11-22 12:00:00 +0200",
    "2026-11-22 10:00:00",
    "2026-11-22 10:00:00 UTC",
    "2026/11/22 10:00",
    "20261122T100000Z",
    "20261122100000",
    "22.11.2026 10:00",
    "22.11.2026, 10:00 Uhr",
    "22/11/2026 10:00",
    "1795341600",
    "1795341600000",
    "So, 22 Nov 2026 11:00:00 MEZ",
    "22. November 2026, 10:00 Uhr",
    "dim., 22 nov. 2026 10:00:00 +0000",
    "domingo, 22 de noviembre de 2026 10:00",
    "dom, 22 nov 2026 10:00:00 +0000",
    "22 de novembro de 2026 às 10:00",
    "zo, 22 nov 2026 10:00:00 +0000",
    "niedz., 22 lis 2026 10:00:00 +0000",
    "22 listopada 2026, 10:00",
    "ne, 22. listopadu 2026 10:00",
    "Вс, 22 ноября 2026 г., 10:00",
    "Нд, 22 лист 2026 12:00:00 +0200",
    "22 Kasım 2026 Pazar 10:00",
    "Κυρ, 22 Νοέ 2026 12:00:00 EET",
    "2026-november-22T11:00+01:00",
    "الأحد، 22 نوفمبر 2026 10:00",
    "٢٢ تشرين الثاني ٢٠٢٦ ١٠:٠٠",
    "۲۲ نوامبر ۲۰۲۶ ۱۰:۰۰",
    "22 בנובמבר 2026 10:00",
    "22 नवंबर 2026 10:00",
    "22 พฤศจิกายน 2569 10:00",
    "2026年11月22日 10:00",
    "2026年11月22日 上午10時00分",
    "2026년 11월 22일 19:00:00",
    "2026-11-22 오후 7:00:00",
    "Chủ nhật, 22 tháng 11 2026 10:00",
]


@pytest.mark.parametrize("text", FORMS)
def test_every_form_of_one_moment_is_read(text: str) -> None:
    assert read_date(text) == TEN


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22", datetime(2026, 11, 22, tzinfo=UTC)),
        ("2026-11", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-326", datetime(2026, 11, 22, tzinfo=UTC)),
        ("Sept. 5, 2026", datetime(2026, 9, 5, tzinfo=UTC)),
        ("Mon, 5 sept 99 1:02:03 PST", datetime(1999, 9, 5, 9, 2, 3, tzinfo=UTC)),
        ("2026-11-22T24:00:00Z", datetime(2026, 11, 23, tzinfo=UTC)),
        ("Thu, 31 Dec 2026 24:00 GMT", datetime(2027, 1, 1, tzinfo=UTC)),
        ("Thu, 31 Dec 2026 23:59:60 GMT", datetime(2027, 1, 1, tzinfo=UTC)),
        ("12:30 PM, 5 May 2026", datetime(2026, 5, 5, 12, 30, tzinfo=UTC)),
        ("12:30 AM, 5 May 2026", datetime(2026, 5, 5, 0, 30, tzinfo=UTC)),
        ("Sun, 22 Nov 2099 10:00:00 GMT", datetime(2099, 11, 22, 10, tzinfo=UTC)),
        ("11/22/2026", datetime(2026, 11, 22, tzinfo=UTC)),
        ("22 oct 2026", datetime(2026, 10, 22, tzinfo=UTC)),
    ],
)
def test_dates_that_are_short_odd_or_in_the_future(text: str, moment: datetime) -> None:
    assert read_date(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "yesterday", "3/4/2026", "3 comments", "Mon, 01 Jan 0001 00:00:00 +0000"),
        *("Thu, 01 Jan 1970 00:00:00 GMT", "31 Feb 2026", "2026-13-01", "25:00 5 May 2026", "May", "May 2026 2027"),
        *("5 May 2026 or perhaps a bit later on", "2026-11-22T24:30:00Z", "5 May 2026 10:00 +9900", "x" * 200),
        *("99999999999999999999", "9999-12-31T23:59:59-12:00"),
    ],
)
def test_what_is_no_date_or_only_a_guess_is_none(text: str) -> None:
    assert read_date(text) is None


@given(st.datetimes(datetime(EARLIEST_YEAR, 1, 2), datetime(2400, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_well_formed_dates_come_back(moment: datetime, minutes: int) -> None:
    there = moment.replace(microsecond=0, tzinfo=UTC).astimezone(timezone(timedelta(minutes=minutes)))
    assert read_date(there.isoformat()) == read_date(format_datetime(there)) == there


@given(st.sampled_from(sorted(MONTHS)))
def test_every_month_s_name_is_read(name: str) -> None:
    found = read_date(f"5 {name} 2026")
    assert found is not None and found.month == MONTHS[name]


PIECES = "22|Nov|2026|10:00|+0200|-|/|.|,|:|T|Z|Uhr|ноя|٢|年|pm|24:00".split("|")  # noqa: SIM905 -- read as words


@settings(max_examples=150)
@example("1e400")
@example("0" * 13)
@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=8).map(" ".join)))
def test_any_text_gives_a_moment_in_utc_or_none(text: str) -> None:
    found = read_date(text)
    assert found is None or (found.tzinfo is UTC and found.year >= EARLIEST_YEAR and not found.microsecond)
