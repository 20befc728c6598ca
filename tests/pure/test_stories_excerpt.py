"""Excerpts: whole sentences, about so many words, no offers."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.kit.text import word_count
from handbill.stories.excerpt import excerpt

ENDS = tuple(".!?…؟۔।。！？‽॥։።။។｡．")
CLOSERS = "\"'”’»«›‹)]}›」』）】》〉"
TEN = "The ferry crossed the bay again on Monday after repairs. "


def test_takes_whole_sentences_up_to_about_the_target():
    told = excerpt(TEN * 30)
    assert word_count(told) == 100 and told.endswith("repairs.")


def test_the_last_sentence_may_pass_the_target_only_if_that_is_nearer():
    nine, long = "word " * 8 + "end. ", "Word " + "word " * 19 + "end. "
    assert word_count(excerpt(nine + long, target=20, most=40)) == 30 - 0
    assert word_count(excerpt(nine * 2 + long, target=20, most=40)) == 18


def test_short_texts_stay_whole():
    assert excerpt("It rained. Nobody minded.") == "It rained. Nobody minded."


def test_the_source_may_allow_fewer():
    assert word_count(excerpt(TEN * 30, most=40)) <= 40


def test_a_first_sentence_that_is_too_long_is_cut_at_a_clause():
    told = excerpt("The port, " * 40 + "which has waited for months and now waits on.", most=50)
    assert told.endswith("The port…") and word_count(told) <= 50
    assert excerpt("word " * 500 + ".", most=10) == " ".join(["word"] * 10) + "…"


@pytest.mark.parametrize(
    "line",
    [
        "Subscribe now to read on.",
        "Sign up for our newsletter.",
        "Read more: The bridge in pictures.",
        "Photo: Ada Quill / The Courier.",
        "Image credit: City archive.",
        "Follow us on every channel.",
        "The post Ferries sail appeared first on The Courier.",
        "© 2026 The Courier. All rights reserved.",
        "Advertisement",
        "Jetzt abonnieren und weiterlesen.",
        "Lesen Sie auch: Der Kran wartet.",
        "Foto: Ada Quill.",
        "Melden Sie sich für unseren Newsletter an.",
        "اقرأ أيضا: الجسر في صور.",
        "اشترك في نشرتنا البريدية.",
        "صورة: آدا.",
    ],
)
def test_what_nobody_wrote_to_be_quoted_is_left_out(line):
    assert excerpt(f"{line}\n\nThe bridge is open.\n\n{line}\n\nIt took nine days.") == (
        "The bridge is open. It took nine days."
    )


@pytest.mark.parametrize(
    "line",
    [
        "Subscribers of the old library met on Monday.",
        "Loading docks were closed at noon.",
        "Photography is allowed again in the museum.",
        "Shares of the ferry company rose.",
        "Registered nurses voted to strike.",
        "Images of the flood were shown in court.",
    ],
)
def test_news_that_only_begins_like_an_offer_stays(line):
    assert excerpt(f"{line} It took nine days.") == f"{line} It took nine days."


def test_datelines_stay_and_headings_go():
    text = "Background\n\nHARBOUR TOWN, May 3 (Wire) - The bridge closed at noon. Dr. Hill was there.\n\nWhat next"
    assert excerpt(text) == "HARBOUR TOWN, May 3 (Wire) - The bridge closed at noon. Dr. Hill was there."


def test_other_scripts():
    assert excerpt("東京は晴れ。大阪は雨。「はい。」", target=3, most=5) == "東京は晴れ。"
    assert excerpt("هل فتح الجسر؟ نعم، فتح اليوم. ثم أغلق.", target=6, most=10) == "هل فتح الجسر؟ نعم، فتح اليوم."
    assert word_count(excerpt("東京" * 500)) <= 140


def test_a_text_without_a_sentence():
    assert excerpt("") == excerpt(" \n") == excerpt("!!!") == ""
    assert excerpt("Only a heading") == "Only a heading…"


@given(st.text(), st.integers(1, 60), st.integers(1, 60))
def test_always_an_end_and_never_too_long(text, target, most):
    told = excerpt(text, target=target, most=most)
    assert word_count(told) <= most
    assert not told or told.rstrip(CLOSERS).endswith(ENDS)


@given(
    st.lists(
        st.sampled_from(["Ada", "ran", "3.", "Dr.", "“No!”", "東京。", "هل؟", "Subscribe now.", "\n\n", "x" * 90]),
        max_size=80,
    )
)
def test_the_words_are_the_texts_own(parts):
    text = " ".join(parts)
    told = excerpt(text, target=15, most=20)
    assert word_count(told) <= 20
    assert set(told.rstrip("…").replace("。", "。 ").split()) <= set(text.replace("。", "。 ").split()) | {
        "x" * n for n in range(91)
    }


GOLDEN = [
    line.split("\t") for line in (Path(__file__).parent / "golden" / "excerpt-ends.txt").read_text("utf-8").splitlines()
]


def test_ends_where_a_sentence_truly_ends_in_six_languages():
    """Each text is cut at every length; of all ends found at most one in a hundred is no true one."""
    right = wrong = 0
    for _, marked in (row for row in GOLDEN if len(row) == 2):
        text = marked.replace("|", "")
        pieces = marked.split("|")
        ends = {"".join("".join(pieces[: n + 1]).split()) for n in range(len(pieces))}
        for target in range(1, word_count(text) + 1):
            told = "".join(excerpt(text, target=target).split())
            right, wrong = right + (told in ends), wrong + (told not in ends)
    assert right > 300 and wrong <= 0.01 * right
