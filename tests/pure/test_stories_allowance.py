"""How much may be quoted."""

import pytest

from handbill.stories.allowance import Allowance, allowance


@pytest.mark.parametrize(
    ("licences", "words", "unbroken"),
    [
        ([], 100, False),
        (["", "All rights reserved"], 100, False),
        (["By agreement of 2024: at most 50 words and a link"], 50, False),
        (["", "Höchstens 60 Wörter"], 60, False),
        (["max. 80 mots", "40-word summary"], 40, False),
        (["up to 300 words"], 100, False),
        (["Headlines only"], 0, False),
        (["nur Überschriften"], 0, False),
        (["https://creativecommons.org/licenses/by-nd/4.0/"], 100, True),
        (["CC BY-NC-ND 4.0, 70 words"], 70, True),
        (["Attribution-NoDerivatives"], 100, True),
        (["CC BY-SA 4.0"], 100, False),
        (["© 2026 Words and Co."], 100, False),
    ],
)
def test_the_least_that_setting_and_licence_allow(licences, words, unbroken):
    assert allowance(100, licences) == Allowance(words, unbroken)
