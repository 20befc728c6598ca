"""Where sentences end: what is likely, and what is sure."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.kit.sentences import LIKELY, SURE, sentences, split

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It rained. It stopped! Did it? Yes.", ["It rained.", "It stopped!", "Did it?", "Yes."]),
        (
            "Dr. Hill met J. R. Marsh at 3.5 miles. They spoke.",
            ["Dr. Hill met J. R. Marsh at 3.5 miles.", "They spoke."],
        ),
        ("Cranes, e.g. Ada, i.e. the big one. Done.", ["Cranes, e.g. Ada, i.e. the big one.", "Done."]),
        ("It began at 9 p.m. The crowd left.", ["It began at 9 p.m.", "The crowd left."]),
        ("The U.S. Senate met. No. 10 did not.", ["The U.S. Senate met.", "No. 10 did not."]),
        ("“It works!” he said. “Done.” He left.", ["“It works!” he said.", "“Done.”", "He left."]),
        ("(It rained.) He stayed [sic]. End", ["(It rained.)", "He stayed [sic].", "End"]),
        ("He waited... then left. Well… Good.", ["He waited... then left.", "Well…", "Good."]),
        ("Das kostet z. B. 3.50 Euro. Am 3. Mai kam er.", ["Das kostet z. B. 3.50 Euro.", "Am 3. Mai kam er."]),
        (
            "Der 2. Teil folgt. Nr. 5 lebt. Im Jahr 2026. Gut.",
            ["Der 2. Teil folgt.", "Nr. 5 lebt.", "Im Jahr 2026.", "Gut."],
        ),
        ("1. First do this. 2. Then that.", ["1. First do this.", "2. Then that."]),
        ("«Oui.» Il part. Et M. Hill?", ["«Oui.»", "Il part.", "Et M. Hill?"]),
        ("ما هذا؟ هذا خبر. قال د. سامي نعم۔ نهاية", ["ما هذا؟", "هذا خبر.", "قال د. سامي نعم۔", "نهاية"]),
        ("これは文です。はい！「いいえ。」終", ["これは文です。", "はい！", "「いいえ。」", "終"]),
        ("यह वाक्य है। दूसरा है॥", ["यह वाक्य है।", "दूसरा है॥"]),
        ("Он жил на ул. Садовой. Да.", ["Он жил на ул. Садовой.", "Да."]),
        ("A heading\n\nText goes\non here.", ["A heading", "Text goes on here."]),
        (" \n ", []),
    ],
)
def test_sentences(text, expected):
    assert sentences(text) == expected


@given(st.text())
def test_sentences_lose_nothing_but_space(text):
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())


@given(st.text(), st.sampled_from([LIKELY, SURE]))
def test_a_paragraph_loses_nothing_but_space(text, least):
    paragraph = " ".join(text.split())
    assert "".join("".join(split(paragraph, least)).split()) == "".join(text.split())


@pytest.mark.parametrize(
    "doubtful",
    [
        "He met Sen. Moss there.",
        "She lives in the U.S. Nobody knew.",
        "Es kostet ca. 3 Mio. Euro im Monat.",
        "Il a vu le Pr. Martin.",
        "Он родился в 1998 г. Отец был врачом.",
        "It was “over. Gone” for good.",
        "Er kam am 3. Mai.",
        "He left… Nobody saw it.",
        "KIRNSTADT (dpa). Der Kran steht.",
        "“Stop!” Anna Moss said.",
        "「もう帰る。」と言った。",
        "They joined Yahoo! Mail in May.",
        "It is at Elm St. (the old one).",
        "Lo vio el Cmdte. Rojas.",
        "La Serma. Sra. Ministra habla.",
        "Lo dice l'arch. M. L. Sala.",
        "A Profª. Drª. Reis fala.",
        "Курс долл. США растёт.",
        "»Einsam? Nein. Frei!«, sagt er.",
        "”Är det sant? Är alla ute?” frågade han.",
        "Книга «Кто виноват?» А. И. Герцена вышла.",
    ],
)
def test_a_doubtful_end_is_no_sure_one(doubtful):
    assert list(split(doubtful)) == [doubtful]


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("He left. (She stayed, it is said.) Nobody knew.", 2),
        ("Ποιος ήρθε; Κανείς. Έφυγαν.", 3),
        ("a; b; c", 1),
        ("It rained.[3] The roof leaked.[4][5] He left.", 3),
        ("« Partons ! » Elle rit. Il part.", 3),
        ("He said “no.” Then he left.", 2),
        ("The end was near.However it came late.", 1),
    ],
)
def test_sure_ends(text, ends):
    assert len(list(split(text))) == ends


@pytest.mark.parametrize("name", ["excerpt-ends.txt", "sentence-ends.txt", "sentence-ends-held.txt"])
def test_no_sure_end_of_the_labelled_texts_is_false(name):
    rows = [line.split("\t")[1] for line in (GOLDEN / name).read_text("utf-8").splitlines() if "\t" in line]
    right = wrong = 0
    for marked in rows:
        text = " ".join(marked.replace("|", "").split())
        pieces = marked.split("|")
        ends = {"".join("".join(pieces[: n + 1]).split()) for n in range(len(pieces))}
        parts = list(split(text))
        found = ["".join("".join(parts[: n + 1]).split()) for n in range(len(parts))]
        right, wrong = right + sum(f in ends for f in found), wrong + sum(f not in ends for f in found)
    assert right > 1.5 * len(rows) and wrong <= 0.01 * right
