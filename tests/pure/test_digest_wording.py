"""What a letter says around the news: in six languages, nothing missing, and counted as each of them counts."""

from __future__ import annotations

import gettext
import re
from datetime import date
from pathlib import Path

import pytest

from handbill.digest import wording
from handbill.digest.wording import LANGUAGES, LOCALE, date_line, words

SAID = re.compile(r"""\bsaid\.(?:say|count)\(\s*["']([^"']+)["']""")
TRANSLATED = [code for code in LANGUAGES if code != "en"]


def said() -> set[str]:
    code = "".join(path.read_text("utf-8") for path in Path(wording.__file__).parent.glob("*.py"))
    return {one for one in SAID.findall(code) if "{{" not in one}


@pytest.mark.parametrize("code", TRANSLATED)
def test_every_word_of_a_letter_is_translated_and_shipped(code: str) -> None:
    folder = LOCALE / code / "LC_MESSAGES"
    with (folder / "letter.mo").open("rb") as file:
        catalogue = gettext.GNUTranslations(file)
    shipped = {key if isinstance(key, str) else key[0] for key in catalogue._catalog if key}
    written = (folder / "letter.po").read_text("utf-8")
    assert len(said()) > 20 and said() - shipped == set()
    assert shipped - said() == set(), "nobody says this any more"
    assert 'msgstr ""\n\n' not in written.partition("\n\n")[2] and "fuzzy" not in written
    spoken = set(re.findall(r'^msgstr(?:\[\d\])? "(.+)"$', written, re.MULTILINE))
    assert spoken == {text for key, text in catalogue._catalog.items() if key}, "msgfmt -o letter.mo letter.po"


@pytest.mark.parametrize("code", TRANSLATED)
def test_every_placeholder_is_in_the_translation(code: str) -> None:
    with (LOCALE / code / "LC_MESSAGES" / "letter.mo").open("rb") as file:
        catalogue = gettext.GNUTranslations(file)._catalog
    for key, text in catalogue.items():
        wanted = set(re.findall(r"{\w+}", key if isinstance(key, str) else key[0]))
        missing = wanted - set(re.findall(r"{\w+}", text))
        assert not key or missing <= ({"{count}"} if code == "ar" else set()), text


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("en", "Sunday, 22 November 2026"),
        ("en-US", "Sunday, November 22, 2026"),
        ("de", "Sonntag, 22. November 2026"),
        ("fr", "dimanche 22 novembre 2026"),
        ("es", "domingo, 22 de noviembre de 2026"),
        ("ar", "الأحد، 22 نوفمبر 2026"),
        ("ru", "воскресенье, 22 ноября 2026\u202fг."),
        ("xx-nonsense", "Sunday, 22 November 2026"),
    ],
)
def test_the_date_is_written_out(code: str, line: str) -> None:
    assert date_line(words(code), date(2026, 11, 22)) == line


@pytest.mark.parametrize(
    ("code", "count", "form"),
    [
        ("ar", 1, "خبر واحد"),
        ("ar", 2, "خبران"),
        ("ar", 3, "3 أخبار"),
        ("ar", 11, "11 خبرا"),
        ("ar", 100, "100 خبر"),
        ("ar", 103, "103 أخبار"),
        ("ru", 1, "1 новость"),
        ("ru", 3, "3 новости"),
        ("ru", 12, "12 новостей"),
        ("ru", 21, "21 новость"),
        ("fr", 1, "1 article"),
        ("de", 12, "12 Meldungen"),
        ("es", 2, "2 noticias"),
        ("nl", 2, "2 stories"),
    ],
)
def test_each_language_counts_in_its_own_way(code: str, count: int, form: str) -> None:
    assert words(code).count("{count} story", "{count} stories", count) == form
