"""Which titles number themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.stories.series import SeriesMark, series_of


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
        "",
    ],
)
def test_other_numbers(title):
    assert series_of(title) is None


@given(st.text(max_size=120))
def test_any_title_is_answered(title):
    mark = series_of(title)
    assert mark is None or mark.number > 0
