"""Words for comparing: the same however a text is set, in every script, and the same numbers in every process."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handbill.kit.text import words
from handbill.stories import pieces as module
from handbill.stories.pieces import Numbers, folded, number, pieces, word_hashes


@pytest.mark.parametrize(
    "text",
    [
        "The mayor’s “old” weir – Straße, ﬁsh and chips!",
        'The mayor\'s "old" weir - STRASSE, fish and chips',
        "the\u00a0mayor's o\xadld weir\n\nstrasse fi\u200bsh and chips",
    ],
)
def test_typography_changes_no_word(text):
    assert " ".join(map(folded, pieces(text))) == "the mayor's old weir strasse fish and chips"
    assert word_hashes(text).tolist() == word_hashes("the mayors old weir strasse fish and chips").tolist()


def test_other_scripts_have_the_words_of_kit():
    for text in ("فيضان في كرنشتات", "Повінь у місті", "東京は晴れ。大阪は雨。"):
        assert pieces(text) == words(text) and len(word_hashes(text)) > 1


def test_single_letters_and_what_wrong_decoding_leaves_are_no_words():
    assert len(word_hashes("J. R. went a Ã¢ â x 7")) == 1


def test_a_script_beside_another_changes_no_word():
    mixed = word_hashes("alder mill bridge Повінь").tolist()
    assert mixed[:3] == word_hashes("Alder mill bridge").tolist() and len(mixed) == 4


def test_numbers_are_remembered_but_not_without_end(monkeypatch):
    monkeypatch.setattr(module, "MOST_KNOWN", 3)
    known = Numbers()
    assert [known[word] for word in ("a", "b", "c", "d", "'D")] == [number(w) for w in "abcd"] + [number("d")]
    assert known["w" * 500] == number("w" * 500) and len(known) <= 3


@given(st.text(max_size=300))
@settings(max_examples=100, deadline=None)
def test_any_text_has_words(text):
    assert len(word_hashes(text)) <= len(text) * 20 and all(piece.strip() for piece in pieces(text))
