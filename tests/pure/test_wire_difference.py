"""The difference of two texts: exact, readable, in any script, and in time that doesn't run away."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handbill.kit.text import tokens
from handbill.wire.difference import difference, same_words, tally
from handbill.wire.records import Piece, Tally

TEXTS = st.text(st.sampled_from("ab .\n،م橋。ก็é"), max_size=60) | st.text(max_size=40)


def shown(old: str, new: str) -> str:
    """The difference in one line: [-went-] and [+came+]."""
    marks = {"same": "{}", "removed": "[-{}-]", "added": "[+{}+]"}
    return "".join(marks[piece.kind].format(piece.text) for piece in difference(old, new))


@settings(max_examples=150, deadline=None)
@given(TEXTS, TEXTS)
def test_the_pieces_give_both_texts_again(old: str, new: str) -> None:
    pieces = difference(old, new)
    assert "".join(piece.text for piece in pieces if piece.kind != "added") == old
    assert "".join(piece.text for piece in pieces if piece.kind != "removed") == new
    assert all(piece.text for piece in pieces)
    assert all(one.kind != other.kind for one, other in pairwise(pieces))


@settings(max_examples=50, deadline=None)
@given(TEXTS)
def test_a_text_is_the_same_as_itself_and_its_tokens_are_the_text(text: str) -> None:
    assert difference(text, text) == ([Piece("same", text)] if text else [])
    assert "".join(tokens(text)) == text


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "All new.", "[+All new.+]"),
        ("All gone.", "", "[-All gone.-]"),
        ("Nine people died.", "Ten people died.", "[-Nine-][+Ten+] people died."),
        ("He said no.", "He said no, twice.", "He said no[+, twice+]."),
        (
            "The bridge is shut. Buses go by the mill.",
            "The bridge is shut. Nobody was hurt. Buses go by the mill.",
            "The bridge is shut. [+Nobody was hurt. +]Buses go by the mill.",
        ),
        ("One.\n\nTwo.\n\nThree.", "One.\n\nThree.", "One.\n\n[-Two.\n\n-]Three."),
        ("The old red bridge is shut", "The new blue bridge is shut", "The [-old red-][+new blue+] bridge is shut"),
        ("大桥于周一关闭。公交改道。", "大桥于周二关闭。公交改道。", "大桥于周[-一-][+二+]关闭。公交改道。"),
        ("أُغلق الجسر يوم الاثنين", "أُغلق الجسر يوم الثلاثاء", "أُغلق الجسر يوم [-الاثنين-][+الثلاثاء+]"),
        ("สะพานปิดวันจันทร์", "สะพานปิดวันพุธ", "สะพานปิดวัน[-จันทร์-][+พุธ+]"),
        (
            "Completely other words stood here.",
            "這裡是別的東西。",
            "[-Completely other words stood here.-][+這裡是別的東西。+]",
        ),
    ],
)
def test_an_edit_is_shown_where_it_stands(old: str, new: str, expected: str) -> None:
    assert shown(old, new) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("One. Two.", "One. Two.", Tally()),
        ("One fell. Two rose.", "One fell.\n\nTwo  rose.", Tally()),
        ("One fell.", "One fell. Two rose. Three stood.", Tally(added=2)),
        ("One fell. Two rose.", "Two rose.", Tally(removed=1)),
        ("Nine died. Two rose.", "Ten died. Two rose. Three stood.", Tally(changed=1, added=1)),
    ],
)
def test_sentences_are_counted(old: str, new: str, expected: Tally) -> None:
    assert tally(old, new) == expected


def test_white_space_is_no_rewrite() -> None:
    assert same_words("One  two.\n\nThree", " One two. Three ") and not same_words("One two", "One too")


@pytest.mark.parametrize("unit", ["a ", "a b ", "字", "same line.\n", "x"])
def test_long_texts_and_repetition_are_no_burden(unit: str) -> None:
    """Every other part changed, or all of it moved: what is too much is shown whole, and nothing is lost."""
    old = unit * (200_000 // len(unit))
    new = "".join(unit if n % 50 else f"{n} " for n in range(200_000 // len(unit)))
    pieces = difference(old, new)
    assert "".join(piece.text for piece in pieces if piece.kind != "removed") == new
    assert len(difference(old, old[1:] + "z")) <= 4


def test_an_edit_in_a_long_text_is_found() -> None:
    lines = [f"Line {n} tells of house {n * 7}." for n in range(6_000)]
    new = [line for n, line in enumerate(lines) if n != 3_000]
    new[10] = "Line 10 tells of bridge 70."
    assert [piece.text for piece in difference("\n".join(lines), "\n".join(new)) if piece.kind != "same"] == [
        "house",
        "bridge",
        "Line 3000 tells of house 21000.\n",
    ]
