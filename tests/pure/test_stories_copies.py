"""Copies: the same text found again through cuts, edits and wrapping; boilerplate is nobody's text."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handbill.stories.copies import COMMON, HASH_BITS, Memory, Text, marks, recognise

DICE = random.Random(3)
STOCK = ["".join(DICE.choices("abcdefghijklmnoprstuvw", k=DICE.randint(2, 9))) for _ in range(3000)]


def text(words):
    return " ".join(DICE.choices(STOCK, k=words))


def found(kept, wanted, outlet="elsewhere"):
    table = Memory()
    recognise([Text(n, where, marks(body)) for n, (where, body) in enumerate(kept)], table)
    matches = recognise([Text(len(kept), outlet, marks(wanted))], table).get(len(kept), [])
    return [match.text for match in matches]


LONG = text(600)
NOISE = [(f"Outlet {n}", text(400)) for n in range(20)]


@pytest.mark.parametrize(
    "copy",
    [
        LONG,
        " ".join(LONG.split()[:240]),
        f"By our staff. {LONG} All rights reserved.",
        f"{text(400)} {LONG} {text(400)}",
        " ".join(word for n, word in enumerate(LONG.split()) if n % 12),
        LONG.replace(" ", "\u00a0").upper(),
        "\xad".join(LONG[start : start + 7] for start in range(0, len(LONG), 7)),
    ],
)
def test_a_text_is_known_again(copy):
    assert found([*NOISE, ("Courier", LONG)], copy) == [20]
    assert found([*NOISE, ("Courier", copy)], LONG) == [20]


def test_another_text_is_another_even_if_it_quotes():
    quoting = f"{text(200)} {' '.join(LONG.split()[:25])} {text(200)}"
    assert found([*NOISE, ("Courier", LONG)], quoting) == []
    assert found(NOISE, "") == found(NOISE, "three short words") == []


def test_the_footer_of_an_outlet_is_no_text():
    footer, briefs = text(65), [text(40) for _ in range(6)]
    kept = [("Courier", f"{brief} {footer}") for brief in briefs]
    assert found(kept, f"{text(40)} {footer}", "Courier") == []
    assert found(kept, f"{briefs[2]} {text(65)}") == [2]


def test_versions_of_one_text_are_no_boilerplate():
    assert found([("Courier", LONG)] * 4, f"{LONG} {text(9)}", "Courier") == [0, 1, 2, 3]


def test_what_everybody_prints_says_nothing():
    assert found([(f"Outlet {n}", LONG) for n in range(COMMON + 5)], LONG) == []


def test_marks_are_few_and_the_same_in_every_process():
    said = marks("the bridge is open again today").hashes.tolist()
    assert said == marks("The bridge is OPEN again, today!").hashes.tolist()
    assert marks("one two three four five").hashes.tolist() == [9699845720]
    assert len(marks("word " * 1_000_000).hashes) <= 1
    assert all(0 <= h < 2**HASH_BITS and h % marks(LONG).rate == 0 for h in marks(LONG).hashes)
    assert 5 <= len(marks("東京は晴れ。大阪は雨。名古屋は曇り。").hashes) <= 30


@given(st.text(max_size=300))
@settings(max_examples=40, deadline=None)
def test_any_text_has_marks(body):
    assert len(marks(body).hashes) <= 300
