"""Which titles number themselves."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.stories.dated import EVERY_DAY, MONDAY_TO_FRIDAY, DatedMark, dated_of, rhythm
from handbill.stories.series import Run, SeriesMark, follow, follow_closely, series_of


@pytest.mark.parametrize(
    ("title", "name", "number"),
    [
        ("Harbour Works Day 12: the last pile comes out", "Harbour Works", 12),
        ("Harbour Works, Part 3", "Harbour Works", 3),
        ("Letters from the mill #12", "Letters from the mill", 12),
        ("Week 7: what the divers found", "", 7),
        ("Hafenbau Tag 12: Der Kran", "Hafenbau", 12),
        ("Der Prozess – Teil 3", "Der Prozess", 3),
        ("12. Tag: Der Kran wartet", "", 12),
        ("أعمال الميناء اليوم 12: الرافعة", "أعمال الميناء", 12),
        ("أعمال الميناء، الجزء ١٢", "أعمال الميناء", 12),
        ("Le procès, épisode 4", "Le procès", 4),
        ("The Long Walk (2/5)", "The Long Walk", 2),
        ("Operation Lantern Day 138 - ferries", "Operation Lantern", 138),
        ("War on the river, day 1,001: what we know", "War on the river", 1001),
        ("Part 3 of 5: the bridge", "", 3),
        ("Part Three: what they knew", "", 3),
        ("The Long Walk, Chapter IV", "The Long Walk", 4),
        ("Wochenrückblick KW 12", "Wochenrückblick", 12),
    ],
)
def test_numbered_parts(title, name, number):
    assert series_of(title) == SeriesMark(name, number)


@pytest.mark.parametrize(
    "title",
    [
        "iPhone 16 goes on sale",
        "Valley beats Harbour 3-1",
        "COVID-19 cases fall",
        "No. 10 answers",
        "Top 10 walks in the valley",
        "Budget 2026: what changes",
        "Election Day 2026",
        "World #1 loses in the first round",
        "Trial enters day 3 of hearings",
        "On day 3 the rescue goes on",
        "Christmas Day 5k run",
        "Day 0 of the plan",
        "Parting 12 friends",
        "Steelworks files Chapter 11: 500 jobs at risk",
        "Valley Issue 1: what to know",
        "The mayor's Day One",
        "",
    ],
)
def test_other_numbers(title):
    assert series_of(title) is None


HEADLINES = [
    line.split("\t")
    for line in (Path(__file__).parent / "golden" / "series-headlines.txt").read_text("utf-8").splitlines()
    if "\t" in line
]


@pytest.mark.parametrize(("sign", "headline"), HEADLINES)
def test_headlines_of_many_languages(sign, headline):
    assert (series_of(headline) is not None or dated_of(headline) is not None) == (sign == "+")


@pytest.mark.parametrize(
    ("title", "name", "number"),
    [
        ("Gilbert Vol. 24, No. 5 (2021)", "Gilbert Vol. 24", 5),
        ("Mail | Tuesdays at the Mill #643 w/ Ada Quill", "Tuesdays at the Mill", 643),
        ("How to sail (Ep 48)", "", 48),
        ("Day 12 of the shutdown: what we know", "shutdown", 12),
        ("Impeachment Trial Day 3 live updates", "Impeachment Trial", 3),
        ("Le procès (3e partie)", "Le procès", 3),
        ("長い道 第二十一章", "長い道", 21),
        ("港口故事 第十集", "港口故事", 10),
        ("قصة الميناء.. الجزء الثالث", "قصة الميناء", 3),
        ("항구 이야기 제3회", "항구 이야기", 3),
    ],
)
def test_names_and_numbers_of_many_languages(title, name, number):
    assert series_of(title) == SeriesMark(name, number)


@given(st.text(max_size=120))
def test_any_title_is_answered(title):
    mark = series_of(title)
    assert mark is None or mark.number > 0
    dated = dated_of(title)
    assert dated is None or dated.name


@pytest.mark.parametrize(
    "title",
    [
        "Harbour diary: 12 May 2026",
        "Harbour diary, May 12th, 2026",
        "Harbour diary vom 12. Mai 2026",
        "Harbour diary 2026-05-12",
        "Harbour diary 12/05/2026",
        "Harbour diary 12.5.2026",
        "Harbour diary for May 12, 2026",
    ],
)
def test_a_title_may_number_itself_by_its_date(title):
    assert dated_of(title) == DatedMark("Harbour diary", date(2026, 5, 12))


@pytest.mark.parametrize(
    "title",
    [
        "12 May 2026",
        "Budget 2026",
        "Fair 31/02/2026",
        "Fair 13/13/2026",
        "Mayor signs order on March 6, 2017",
        "Version 3.12.2026a",
    ],
)
def test_other_dates(title):
    assert dated_of(title) is None
    assert dated_of("Fair 05/31/2026") == DatedMark("Fair", date(2026, 5, 31))


def test_a_series_is_sure_when_its_numbers_rise_with_the_date():
    day, one = date(2026, 5, 1), timedelta(days=1)
    assert follow([(day + 4 * one, 5), (day, 1), (day + one, 2)]) == Run((1, 2, 5), (3, 4), 6)
    assert follow([(day, 1)]) is follow([(day, 1), (day + one, 1)]) is follow([(day, 2), (day + one, 1)]) is None
    assert follow([(day, 1), (day + one, 900)]) == Run((1, 900), (), 901)


def test_parts_without_a_name_need_three_that_are_near():
    assert follow_closely([(1, 5), (2, 6)]) is None
    assert follow_closely([(1, 5), (2, 6), (3, 8)]) == Run((5, 6, 8), (7,), 9)
    assert follow_closely([(1, 5), (2, 6), (3, 80)]) is None
    assert series_of("Day 138: the bridge").count == "Day …" and series_of("長い道 第二十一章").count == "第…章"


MONDAY = date(2026, 11, 2)


def dates(*days):
    """So many days after a Monday, each published on its date."""
    return [(MONDAY + timedelta(days=n), MONDAY + timedelta(days=n)) for n in days]


@pytest.mark.parametrize(
    ("days", "rhythm_days", "missing", "coming"),
    [
        ((0, 1), (), (), None),  # two make a series, no rhythm
        ((0, 1, 3), MONDAY_TO_FRIDAY, (2,), 4),
        ((0, 1, 2, 3, 4), MONDAY_TO_FRIDAY, (), None),  # whether Saturday is free isn't known yet
        ((1, 2, 3, 4, 7, 8), MONDAY_TO_FRIDAY, (), 9),
        ((3, 4, 5), EVERY_DAY, (), 6),
        ((*range(10), *range(11, 20)), EVERY_DAY, (10,), 20),
        ((2, 9, 23), (2,), (16,), 30),  # Wednesdays
        ((1, 3, 8, 10, 15, 17), (1, 3), (), 22),  # Tuesdays and Thursdays
        ((0, 30, 61), (), (), None),
    ],
)
def test_dates_have_a_rhythm(days, rhythm_days, missing, coming):
    found = rhythm(reversed(dates(*days)))
    assert found.days == frozenset(rhythm_days) and found.dates == tuple(day for day, _ in dates(*days))
    assert found.missing == tuple(day for day, _ in dates(*missing))
    assert found.next == (None if coming is None else MONDAY + timedelta(days=coming))


def test_dates_that_do_not_rise_make_no_series():
    assert rhythm(dates(1)) is None
    assert rhythm(zip((one for one, _ in dates(0, 1)), (told for _, told in dates(1, 0)), strict=True)) is None


@given(st.sets(st.integers(0, 400), min_size=3))
def test_what_is_missing_is_of_the_rhythm_and_was_not_there(days):
    found = rhythm(dates(*days))
    assert not {*found.missing} & {*found.dates}
    assert all(day.weekday() in found.days for day in found.missing)
    assert found.next is None or (found.next > found.dates[-1] and found.next.weekday() in found.days)
