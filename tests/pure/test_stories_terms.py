"""How words are read for comparison."""

from handbill.stories.terms import stem


def test_endings_are_cut_by_the_language_and_elsewhere_by_length():
    assert stem("bridges", "en") == stem("bridge", "en")
    assert stem("Brücken".casefold(), "de") == stem("brücke", "de")
    assert stem("inondations", "fr") == stem("inondation", "fr")
