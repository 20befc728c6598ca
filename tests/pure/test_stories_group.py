"""Grouping: one event once, whatever the order; no chains; copies found; and real events told apart."""

import json
import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handbill.kit.text import plain
from handbill.stories.group import Told, group
from handbill.stories.lead import Voice, summarise
from handbill.stories.reasons import reasons, sentence

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)

FLOOD = (
    "The river Alm burst its banks above Kirnstadt on Monday night and flooded two hundred cellars. Firefighters"
    " carried residents from Mill Lane in boats. The mayor, Ilse Brandner, asked people to keep away from the weir."
)
FLOOD_TOO = (
    "Two hundred cellars stand under water in Kirnstadt after the Alm rose faster than anyone had forecast. Mayor Ilse"
    " Brandner said the weir was being watched, while boats fetched families out of Mill Lane."
)
BREAD = (
    "A baker in Obertal has won the regional bread prize for the third time with a rye loaf that takes four days to"
    " make. The jury of nine praised its crust. Hanna Lobe learned the trade from her grandmother."
)
TRAM = (
    "Tram drivers in Port Gelding walked out at dawn over new shifts. Line 4 and Line 9 stood still until noon. The"
    " union of Otto Prahl said talks would go on, and the city asked commuters to walk."
)
FLUT = (
    "Die Alm ist in der Nacht über die Ufer getreten und hat in Kirnstadt zweihundert Keller überflutet. Feuerwehrleute"
    " brachten Bewohner der Mühlgasse mit Booten in Sicherheit. Das alte Wehr hält, sagt Bürgermeisterin Ilse Brandner."
)
FLUT_AUCH = (
    "Zweihundert Keller stehen in Kirnstadt unter Wasser. Die Alm stieg schneller als vorhergesagt, Boote holten"
    " Familien aus der Mühlgasse. Bürgermeisterin Ilse Brandner lässt das Wehr beobachten."
)
FAYADAN = "فاض نهر الوادي ليلة الاثنين وغمر مئتي قبو في مدينة كرنشتات. نقل رجال الإطفاء سكان حارة الطاحونة بالقوارب."
FAYADAN_TOO = "مئتا قبو تحت الماء في كرنشتات بعد فيضان نهر الوادي، والقوارب تنقل سكان حارة الطاحونة ليلا."
KHUBZ = "فازت خبازة من القرية بجائزة الخبز للمرة الثالثة برغيف من الجاودار يحتاج إلى أربعة أيام من العمل."


def told(number, title, text, hours=0.0, outlet="", language="en", **placed):
    return Told(number, outlet or f"Outlet {number}", language, title, text, NOON + timedelta(hours=hours), **placed)


BATCH = [
    told(1, "Alm floods Kirnstadt, residents leave Mill Lane by boat", FLOOD),
    told(2, "Boats in Mill Lane as Kirnstadt floods", FLOOD_TOO, 2),
    told(3, "Flood: boats carry residents", FLOOD + " More to follow.", 3),
    told(4, "Obertal baker takes bread prize again", BREAD, 4),
    told(5, "Trams stand still in Port Gelding", TRAM, 5),
    told(6, "Alm überflutet Kirnstadt", FLUT, 1, language="de"),
    told(7, "Boote in der Mühlgasse", FLUT_AUCH, 2, language="de-AT"),
    told(8, "فيضان في كرنشتات", FAYADAN, 1, language="ar"),
    told(9, "كرنشتات تحت الماء بعد الفيضان", FAYADAN_TOO, 2, language="ar"),
    told(10, "جائزة الخبز", KHUBZ, 3, language="ar"),
]
EVENTS = {frozenset({1, 2, 3}), frozenset({4}), frozenset({5}), frozenset({6, 7}), frozenset({8, 9}), frozenset({10})}


def events(places):
    found = {}
    for place in places:
        found.setdefault((place.story, place.opens), set()).add(place.report)
    return {frozenset(reports) for reports in found.values()}


def test_one_event_once_in_three_languages():
    assert events(group(BATCH)) == EVENTS


def test_reasons_are_data_that_can_be_said():
    places = {place.report: place for place in group(BATCH)}
    assert places[1].why == () and places[1].opens == 1
    assert places[2].why[0].kind == "title" and "Kirnstadt" in places[2].why[0].values
    assert places[2].why[-1] == ("apart", (120,))
    assert places[3].why[0] == ("copy", ("Outlet 1",)) and places[3].copy_of == 1
    assert sentence(places[2].why[0]).startswith("Same words in the title: ")
    assert sentence(places[3].why[0]) == "The same text as Outlet 1's."
    assert all(sentence(reason).endswith(".") for place in places.values() for reason in place.why)


@given(st.permutations(BATCH))
@settings(max_examples=25, deadline=None)
def test_the_order_of_a_batch_is_irrelevant(batch):
    assert group(batch) == group(BATCH)


def test_known_reports_keep_their_story_and_new_ones_join_it():
    known = [told(1, BATCH[0].title, FLOOD, story=70), told(4, BATCH[3].title, BREAD, 4, story=71)]
    places = group(BATCH[1:3], known)
    assert [(place.report, place.story, place.opens) for place in places] == [(2, 70, None), (3, 70, None)]


def test_two_known_stories_are_never_joined():
    known = [told(1, BATCH[0].title, FLOOD, story=70), told(3, BATCH[2].title, FLOOD, story=71)]
    (place,) = group([BATCH[1]], known)
    assert place.story in (70, 71)


def test_an_earlier_original_makes_the_known_report_its_copy():
    known = told(3, "Flood", FLOOD, 3, story=70)
    places = group([told(9, "The flood", FLOOD, 1)], [known])
    assert [(place.report, place.story, place.copy_of) for place in places] == [(3, 70, 9), (9, 70, None)]


def test_a_late_report_opens_its_own_story():
    places = group([BATCH[0], told(2, "Boats in Mill Lane as Kirnstadt floods", FLOOD_TOO, 73)])
    assert events(places) == {frozenset({1}), frozenset({2})}


def test_a_story_that_goes_on_takes_what_is_near_its_last_report():
    later = [told(n, BATCH[0].title, FLOOD_TOO.replace("Two", f"Some {n}"), 60 * n, story=70) for n in range(3)]
    (place,) = group([told(9, "Mill Lane, Kirnstadt: boats again", FLOOD_TOO, 180)], later)
    assert place.story == 70


def test_no_chains():
    halves = [" ".join(f"Zarn{n}{chr(97 + k)}" for k in range(24)) + " stood." for n in range(10)]
    links = [told(n, f"Matter {n}", f"Then {halves[n]} Also {halves[n + 1]}", n) for n in range(9)]
    assert max(len(event) for event in events(group(links))) <= 3


@pytest.mark.parametrize("second", ["Courier", "Herald"])
def test_parts_of_a_series_are_stories_of_their_own(second):
    parts = [
        told(1, "Harbour Works Day 11: The crane", FLOOD, outlet="Courier"),
        told(2, "Harbour Works Day 12: The crane", FLOOD, 24, outlet=second),
    ]
    assert events(group(parts)) == {frozenset({1}), frozenset({2})}
    assert [place.copy_of for place in group(parts)] == [None, None]


def test_short_texts_are_copies_only_word_for_word():
    same = [told(n, "Ferry crews vote on the new offer", "", n) for n in (1, 2)]
    assert [place.copy_of for place in group(same)] == [None, 1]
    assert [place.copy_of for place in group([told(1, "Live", "", 1), told(2, "Live", "", 2)])] == [None, None]


@given(st.lists(st.tuples(st.text(max_size=40), st.text(max_size=200)), max_size=8))
@settings(max_examples=60, deadline=None)
def test_odd_texts_are_grouped_somewhere(texts):
    batch = [told(n, title, text, n) for n, (title, text) in enumerate(texts)]
    assert sorted(place.report for place in group(batch)) == list(range(len(batch)))


def test_hostile_texts():
    batch = [
        told(1, "", ""),
        told(2, "x", "word " * 1_000_000),
        told(3, "x", "word " * 1_000_000, 1),
        told(4, "😀" * 500, "😀 " * 10_000),
        told(5, "Old", FLOOD, -87_600),
        told(6, "a" * 100_000, "\0\ud800\u202e"),
    ]
    assert sorted(place.report for place in group(batch)) == [1, 2, 3, 4, 5, 6]
    assert group([]) == []


def test_summary_of_a_story():
    voices = [
        Voice(3, 1, "Short", NOON, 100, False),
        Voice(1, 2, "Long", NOON + timedelta(hours=1), 900, False),
        Voice(2, 3, "Copy", NOON - timedelta(hours=1), 900, True),
    ]
    summary = summarise(voices)
    assert (summary.lead, summary.title, summary.outlets) == (1, "Long", 2)
    assert (summary.opened_at, summary.latest_at) == (NOON - timedelta(hours=1), NOON + timedelta(hours=1))
    assert summarise(reversed(voices)) == summary
    assert summarise(voices[2:]).title == "Copy"


@pytest.mark.parametrize(
    ("apart", "says"),
    [
        (timedelta(0), "Published at the same time."),
        (timedelta(minutes=1), "Published 1 minute apart."),
        (timedelta(minutes=90), "Published 2 hours apart."),
        (timedelta(days=3), "Published 3 days apart."),
    ],
)
def test_spans_of_time(apart, says):
    (reason,) = reasons([], [], [], apart, "Courier", False)
    assert sentence(reason) == says


def test_large_stories_told_in_short_titles_lower_the_bar_for_what_is_left_of_them():
    dice = random.Random(7)

    def noise(count):
        return " ".join(f"zarn{dice.randrange(4_000)}" for _ in range(count))

    batch = [told(n, noise(7), "") for n in range(1_500)]
    for n, name in enumerate(f"quem{n}" for n in range(20) for _ in range(40)):
        own = " ".join(f"{name}{k}" for k in dice.sample(range(8), 3))
        batch.append(told(1_500 + n, f"{own} {noise(3)}", ""))
    large = [event for event in events(group(batch)) if max(event) >= 1_500]
    assert len(large) <= 50


def test_the_demo_is_grouped_as_it_was_written():
    outlets = pytest.importorskip("handbill.ops.demo.outlets").load_outlets()
    entries = [(outlet, entry) for outlet in outlets for entry in outlet.entries]
    batch = [
        Told(n, outlet.name, outlet.language, entry.title, plain(entry.body), entry.at(NOON))
        for n, (outlet, entry) in enumerate(entries)
    ]
    places = group(batch)
    together = {frozenset(entries[n][0].name for n in event) for event in events(places) if len(event) > 1}
    assert max(map(len, together)) == 4
    for event in events(places):
        assert len({entries[n][1].copy_of for n in event}) == 1
    wanted = Counter(entry.copy_of for _, entry in entries if entry.copy_of)
    found = Counter(entries[place.report][1].copy_of for place in places if place.copy_of is not None)
    assert found == {text: count - 1 for text, count in wanted.items() if count > 1}


def test_real_events_in_confusable_pairs(corpus):
    rows = [json.loads(line) for line in (corpus / "stories" / "ecb.jsonl").read_text("utf-8").splitlines()]
    places = group(told(n, row["title"], row["text"]) for n, row in enumerate(rows))
    guess = {place.report: (place.story, place.opens) for place in places}
    truth = {n: row["story"] for n, row in enumerate(rows)}
    both = Counter((guess[n], truth[n]) for n in truth)
    guessed, real = Counter(guess.values()), Counter(truth.values())
    precision = sum(both[guess[n], truth[n]] / guessed[guess[n]] for n in truth) / len(rows)
    recall = sum(both[guess[n], truth[n]] / real[truth[n]] for n in truth) / len(rows)
    assert precision >= 0.92 and 2 * precision * recall / (precision + recall) >= 0.93
