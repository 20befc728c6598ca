"""Signed return paths: read in any case, made by nobody else, telling nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.delivery.engine.verp import LOCAL_LIMIT, number_in, return_path
from handbill.kit.errors import GiveUp
from handbill.kit.keys import Key

FIRST = Key(1, {1: b"o" * 32})
ROTATED = Key(2, {1: b"o" * 32, 2: b"n" * 32})
OTHER = Key(1, {1: b"x" * 32})
NUMBERS = st.integers(0, 2**64 - 1)


@given(NUMBERS, st.sampled_from([str, str.upper, str.title]))
def test_a_number_comes_back_in_any_case(number, change):
    address = return_path(FIRST, number, "bounce-", "paper.example")
    assert number_in(FIRST, f"<{change(address)}>") == number
    assert number_in(ROTATED, address) == number
    assert number_in(OTHER, address) is None


@given(NUMBERS)
def test_it_is_short_and_says_nothing_of_the_number(number):
    local, _, domain = return_path(FIRST, number, "bounce-", "paper.example").rpartition("@")
    assert len(local) <= LOCAL_LIMIT and domain == "paper.example"
    assert local == local.lower() and local.isascii()
    near = return_path(FIRST, (number + 1) % 2**64, "bounce-", "paper.example").rpartition("@")[0]
    assert sum(one == other for one, other in zip(local[7:], near[7:], strict=True)) < 15


@given(NUMBERS, st.integers(0, 25), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_a_changed_letter_opens_nothing(number, place, letter):
    address = return_path(FIRST, number, "b+", "paper.example")
    forged = address[: 2 + place] + letter + address[3 + place :]
    assert number_in(FIRST, forged) in ((number, None) if place == 25 or forged == address else (None,))


@given(st.text(max_size=80))
def test_any_text_is_no_return_path(text):
    assert number_in(FIRST, text) is None


def test_a_prefix_that_is_too_long_is_refused():
    with pytest.raises(GiveUp, match="too long"):
        return_path(FIRST, 1, "b" * 38 + "-", "paper.example")
    assert len(return_path(FIRST, 1, "b" * 37 + "+", "p.example").rpartition("@")[0]) == LOCAL_LIMIT
