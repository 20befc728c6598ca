"""Stories of a file of reports, however long and however bad; excerpts and series as plain values."""

import json

import pytest

from handbill.stories import inspect
from handbill.stories.inspect import inspect_excerpt, inspect_series, inspect_stories
from handbill.wire.dates import read_date

FLOOD = (
    "The river Alm burst its banks above Kirnstadt on Monday night and flooded two hundred cellars. Firefighters took"
    " residents from Mill Lane in boats. The mayor, Ilse Brandner, asked people to keep away from the old weir, which"
    " engineers fear may give way before morning."
)
FLOOD_TOO = (
    "Two hundred cellars stand under water in Kirnstadt after the Alm rose faster than anyone had forecast. Mayor Ilse"
    " Brandner said the weir was being watched around the clock, while boats fetched families out of Mill Lane."
)
BAKER = (
    "A baker in Obertal has won the regional bread prize for the third time with a rye loaf that takes four days to"
    " make. The jury praised its crust. She learned the trade from her grandmother and sells out by nine."
)


def line(name, text=FLOOD, title="Alm floods Kirnstadt, residents leave Mill Lane by boat", **fields):
    day = {"published": "2026-03-10T12:00:00Z", "outlet": f"Outlet {name}", "url": f"https://alder.example/{name}"}
    return json.dumps({"id": name, "title": title, "text": text, **day, **fields}).encode()


def told(*lines):
    return list(inspect_stories(lines, read_date))


def test_one_event_a_copy_and_something_else_in_the_order_of_the_file():
    rows = told(
        line("late", FLOOD + " More to follow.", published="2026-03-10T15:00:00Z"),
        line("other", BAKER, "Obertal baker takes bread prize again"),
        line(7, published="Tue, 10 Mar 2026 12:00:00 GMT", outlet="Courier"),
        line("too", FLOOD_TOO, "Boats in Mill Lane as Kirnstadt floods", published="2026-03-10T14:00:00Z"),
    )
    assert [(row["id"], row["story"], row["copy_of"]) for row in rows] == [
        ("late", 7, 7),
        ("other", "other", None),
        (7, 7, None),
        ("too", 7, None),
    ]
    assert rows[0]["why"][0] == "The same text as Courier's."
    assert rows[0]["why"][-1] == "Published 3 hours apart."
    assert rows[2]["why"] == []


def test_reports_without_dates_are_of_one_moment_and_no_time_between_them_is_told():
    rows = told(line("a", published=None), line("b", published="some day"))
    assert [row["story"] for row in rows] == ["a", "a"]
    assert rows[1]["why"][0] == "The same text as Outlet a's."
    assert not any("Published" in sentence for sentence in rows[1]["why"])


def test_a_report_without_a_date_is_as_old_as_the_line_before():
    rows = told(line("a"), line("b", FLOOD_TOO, "Boats in Mill Lane as Kirnstadt floods", published=None))
    assert [row["story"] for row in rows] == ["a", "a"]


def test_one_without_an_outlet_is_of_its_address_or_of_its_own():
    rows = told(line("a", outlet=None), line("b", url=None), line("c", outlet=None, url="http://[bad"), line("d"))
    assert rows[1]["why"][0] == "The same text as alder.example's."
    assert told(line("a", outlet="", url=None), line("b"))[1]["why"][0] == "The same text as report a's."


@pytest.mark.parametrize("limit", ["MOST_REPORTS", "BATCH_CHARACTERS"])
def test_batches_know_the_stories_of_those_before(monkeypatch, limit):
    lines = [line(n, FLOOD if n % 2 else BAKER, "Flood" if n % 2 else "Baker") for n in range(10)]
    whole = told(*lines)
    monkeypatch.setattr(inspect, limit, {"MOST_REPORTS": 3, "BATCH_CHARACTERS": 500}[limit])
    rows = told(*lines)
    assert [row["story"] for row in rows] == [0, 1] * 5
    assert [row["story"] for row in whole] == [0, 1] * 5


def test_it_answers_batch_by_batch_and_carries_no_more_than_it_may(monkeypatch):
    monkeypatch.setattr(inspect, "MOST_REPORTS", 2)
    monkeypatch.setattr(inspect, "CARRIED_CHARACTERS", len(FLOOD))
    seen = []

    def lines():
        for name, text in (("a", FLOOD), ("b", BAKER), ("c", BAKER), ("d", FLOOD_TOO)):
            seen.append(name)
            yield line(name, text, text[:20])

    rows = inspect_stories(lines(), read_date)
    assert (next(rows)["id"], seen) == ("a", ["a", "b"])
    assert [row["story"] for row in rows] == ["b", "b", "d"]


def test_an_id_that_comes_again_has_the_same_answer(monkeypatch):
    monkeypatch.setattr(inspect, "MOST_REPORTS", 3)
    rows = told(line("a"), line("b", published="2026-03-10T13:00:00Z"), line("b"), line("c", BAKER, "Baker"), line("b"))
    assert rows[1] == rows[2] == rows[4]
    assert (rows[1]["story"], rows[1]["copy_of"]) == ("a", "a")
    rows = told(line("a"), line("b", BAKER, "Baker"), line("b"))
    assert rows[1] == rows[2] == {"id": "b", "story": "b", "copy_of": None, "why": []}


def test_an_outlet_that_nearly_always_writes_in_one_language_is_taken_to_declare_it(monkeypatch):
    def language_of(title, text, declared):
        return declared or ("id" if title.startswith("Boats") else "de")

    def story_of(outlet):
        odd = line("odd", FLOOD_TOO, "Boats in Mill Lane as Kirnstadt floods", outlet=outlet)
        return list(inspect_stories([line(0, outlet="Courier"), odd], read_date, language_of))[-1]["story"]

    assert story_of("Courier") == "odd", "reports of two languages are no one story"
    monkeypatch.setattr(inspect, "USUAL_COUNT", 1)
    monkeypatch.setattr(inspect, "USUAL_SHARE", 0.5)
    assert story_of("Courier") == 0
    assert story_of("Herald") == "odd"


BAD = [
    b"no json",
    b"[" * 5_000,
    b"\xff\xfe",
    b"[1]",
    b'{"title": "x"}',
    b'{"id": true, "title": "x"}',
    b'{"id": ' + b"9" * 5_000 + b', "title": "x"}',
    b'{"id": "x"}',
    b'{"id": "x", "title": ["x"]}',
    b'{"id": "' + b"x" * 2_000 + b'", "title": "x"}',
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: repr(bad[:20]))
def test_what_is_no_report_says_so_and_stops_nothing(bad):
    first, failed, last = told(line("a"), b"\n", bad, line("b"))
    assert set(failed) == {"id", "error"}
    assert failed["error"].startswith("Line 3 ")
    assert (first["story"], last["story"]) == ("a", "a")


def test_a_line_that_is_too_long_says_so(monkeypatch):
    monkeypatch.setattr(inspect, "MAX_LINE", 2_000)
    assert "longer than" in told(line("a", "word " * 500))[0]["error"]


@pytest.mark.parametrize(
    "odd",
    [
        {"title": "", "text": ""},
        {"title": None, "text": None},
        {"title": "Obertal", "text": "word " * 100_000},
        {"title": "x" * 500_000, "text": "漢字😀" * 50_000},
        {"title": "\ud800", "text": "\u0301\x00\ud800" * 1_000},
        {"text": BAKER, "title": "Baker", "published": "2016-03-10"},
        {"text": BAKER, "title": "Baker", "published": "9999-12-31T23:59:59Z"},
        {"text": BAKER, "title": "Baker", "published": "0001-01-01"},
        {"text": BAKER, "title": "Baker", "published": 1e300, "language": 5},
    ],
)
def test_odd_reports_are_grouped_alone(odd):
    rows = told(line("a"), line("odd", **odd), line("b"))
    assert [row["story"] for row in rows] == ["a", "odd", "a"]


def test_a_file_that_ends_too_early_counts_as_far_as_it_was_read():
    def broken():
        yield line("a")
        raise inspect.GiveUp("It is broken. Mend it.")

    rows = inspect_stories(broken(), read_date)
    assert next(rows)["id"] == "a"
    with pytest.raises(inspect.GiveUp):
        next(rows)


def test_an_excerpt_and_its_words():
    row = inspect_excerpt("Subscribe now\n\n" + FLOOD)
    assert row == {"excerpt": FLOOD, "words": 45}
    assert inspect_excerpt("") == {"excerpt": "", "words": 0}


@pytest.mark.parametrize(
    ("headline", "series", "number"),
    [
        ("Harbour Works Day 12: The crane", "Harbour Works", 12),
        ("Part 3", "", 3),
        ("Harbour diary, 12 May 2026", "Harbour diary", "2026-05-12"),
        ("iPhone 16 is here", None, None),
        ("", None, None),
    ],
)
def test_the_series_of_a_headline(headline, series, number):
    [row] = inspect_series([headline])
    alone = {"confirmed": False, "missing": [], "next": None}
    assert row == {"headline": headline, "series": series, "number": number, **alone}


def test_a_series_is_confirmed_by_two_and_knows_its_gaps_and_what_is_next():
    lines = [f"Harbour Works Day {n}: mud" for n in (1, 4, 5)] + ["Diary 12 May 2026", "Diary 13 May 2026", "Part 2"]
    rows = list(inspect_series(lines))
    assert [(row["confirmed"], row["missing"], row["next"]) for row in rows] == [
        (False, [], None),
        (True, [2, 3], 5),
        (True, [2, 3], 6),
        (False, [], None),
        (True, [], None),
        (False, [], None),
    ]
    assert [row["confirmed"] for row in inspect_series(reversed(lines[:3]))] == [False, True, True]
    *_, last = inspect_series([f"Diary {n} November 2026" for n in (2, 3, 5)])
    assert (last["missing"], last["next"]) == (["2026-11-04"], "2026-11-06")
    assert not any(
        row["confirmed"] for row in inspect_series(["A, part 2", "A, part 1", "A, part 2", "B, part 3"][::3])
    )


def test_headlines_without_end_are_forgotten(monkeypatch):
    monkeypatch.setattr(inspect, "MOST_SERIES", 2)
    rows = list(inspect_series(f"{name}, part {n}" for n, name in enumerate("abca", 1)))
    assert not rows[-1]["confirmed"]


def test_a_copy_of_what_is_no_longer_carried_is_recognised_and_the_window_holds(monkeypatch):
    monkeypatch.setattr(inspect, "MOST_REPORTS", 2)
    between = [line(n, f"Matter {n} of its own: {chr(97 + n) * 9} {chr(98 + n) * 8}.", f"Item {n}") for n in range(8)]
    rows = told(line("first"), *between, line("same day"), line("later", published="2026-04-30T12:00:00Z"))
    assert [row["copy_of"] for row in rows if row["copy_of"]] == ["first", "first"]
    assert [row["story"] for row in rows[-2:]] == ["first", "later"]
