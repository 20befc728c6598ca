"""Excerpts: whole sentences, about so many words, no offers."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.kit.text import word_count
from handbill.stories.excerpt import excerpt

ENDS = tuple(".!?…؟۔।。！？‽॥։።፧။។｡．;")
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
        "By Ada Quill and Bob Moss",
        "Von Ada Quill.",
        "We use cookies to make this site better.",
        "This website uses cookies.",
        "Wir verwenden Cookies, um die Seite zu verbessern.",
        "The old crane on Monday. (AP Photo/Ada Quill)",
        "The old crane at noon. Ada Quill/Getty Images",
        "Follow Ada Quill on Twitter.",
        "Last updated on Monday at noon.",
        "Published 3 May 2026.",
        "Editor's note: this was mended.",
        "Reporting by Ada Quill; editing by Bob Moss.",
        "5 min read",
        "Stand: 3.5.2026, 12 Uhr.",
        "Abonnez-vous à notre lettre.",
        "Lire aussi : Le pont en images.",
        "Crédit photo : Ada Quill.",
        "Lea también: El puente en fotos.",
        "Leia também: A ponte em fotos.",
        "Leggi anche: Il ponte in foto.",
        "Lees ook: De brug in beeld.",
        "Läs också: Bron i bilder.",
        "Czytaj także: Most na zdjęciach.",
        "Читайте также: Мост на снимках.",
        "Фото: А. Квилл.",
        "Підпишіться на наш канал.",
        "Abone ol.",
        "קראו גם: הגשר בתמונות.",
        "यह भी पढ़ें: पुल की तस्वीरें।",
        "相关阅读：大桥图集。",
        "图：市政府。",
        "写真：市役所。",
        "関連記事：橋の写真。",
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
        "By Monday the water had gone.",
        "Follow the river for nine miles and you reach the mill.",
        "Published in 1904, the map is wrong.",
        "The shop bakes cookies by the thousand.",
        "He sued Getty Images.",
        "Videotapes were found in the attic.",
        "Tagsüber bleibt es kalt.",
        "Das könnte den Hafen retten.",
        "Por la tarde llovió.",
        "Related species were found upstream.",
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


def test_a_heading_on_a_line_of_its_own_goes_and_wrapped_lines_are_one_paragraph():
    assert excerpt(
        "The bridge is shut\nBy Ada Quill\nNobody may cross the old bridge for nine weeks from Monday on."
    ) == ("Nobody may cross the old bridge for nine weeks from Monday on.")
    assert excerpt("Nobody may cross the old bridge\nfor nine weeks. It is old.") == (
        "Nobody may cross the old bridge for nine weeks. It is old."
    )


def test_it_never_stops_within_a_quotation_or_at_an_abbreviation():
    text = "“It is gone. Nobody saw it,” said Sen. Moss. It was late."
    ends = {excerpt(text, target=n) for n in range(1, 12)}
    assert ends == {"“It is gone. Nobody saw it,” said Sen. Moss.", text}


def test_what_is_merely_likely_counts_where_nothing_sure_fits():
    text = "Er kam am 3. Mai. " * 40
    assert word_count(excerpt(text)) <= 140 and excerpt(text).endswith("Mai.")


def test_a_script_without_full_stops():
    line = "แม่น้ำเอ่อล้นตลิ่งเมื่อคืนวันจันทร์ และน้ำท่วมห้องใต้ดินสองร้อยแห่ง"
    assert excerpt(f"น้ำท่วม\n\n{line}\n\n{line}", target=40) == line
    assert excerpt(line * 9, most=30).endswith("…")


def test_unbroken_ends_where_something_is_left_out():
    text = "It rained. It snowed.\n\nRead more: Snow.\n\nIt thawed."
    assert excerpt(text, unbroken=True) == "It rained. It snowed."
    assert excerpt(f"Photo: Ada.\n\n{text}", unbroken=True) == "It rained. It snowed."


def test_none_is_none():
    assert excerpt(TEN, target=0, most=0) == excerpt(TEN, most=-1) == ""


def test_a_text_without_a_sentence():
    assert excerpt("") == excerpt(" \n") == excerpt("!!!") == ""
    assert excerpt("Only a heading") == "Only a heading…"


@given(st.text(), st.integers(1, 60), st.integers(1, 60))
def test_always_an_end_and_never_too_long(text, target, most):
    told = excerpt(text, target=target, most=most)
    assert word_count(told) <= most
    assert not told or re.sub(r"(\[\d+\])+$", "", told).rstrip(CLOSERS + " ").endswith(ENDS)


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
