"""The Delivery screen speaks German and Arabic: nothing that it says is missing, and what ships is what was written."""

import gettext
import re
from pathlib import Path

import pytest
from django.utils import translation
from django.utils.translation.template import templatize

from handbill.desk import sending_words

ROOT = Path(sending_words.__file__).parent
TEMPLATES = ROOT.parent / "templates" / "desk"
SAID = re.compile(r"""\b(?:_|gettext)\(u?(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')""")


def words_of_the_screen() -> set[str]:
    screens = [
        templatize((TEMPLATES / name).read_text()) for name in ("delivery.html", "delivery_now.html", "_calls.html")
    ]
    code = [(ROOT / name).read_text() for name in ("delivery.py", "sending_words.py")]
    found = {a or b for text in [*screens, *code] for a, b in SAID.findall(text)}
    return {text.replace("\\'", "'").replace('\\"', '"') for text in found}


@pytest.mark.parametrize("language", ["de", "ar"])
def test_every_word_of_the_screen_is_translated_and_shipped(language):
    folder = ROOT / "locale" / language / "LC_MESSAGES"
    with (folder / "django.mo").open("rb") as file:
        shipped = gettext.GNUTranslations(file)._catalog
    written = dict(re.findall(r'^msgid "(.+)"\nmsgstr "(.+)"$', (folder / "django.po").read_text(), re.MULTILINE))
    assert {key: shipped.get(key) for key in written} == written, "make the .mo anew: msgfmt -o django.mo django.po"
    words = words_of_the_screen()
    assert len(words) > 100 and {word for word in words if word not in shipped} == set()


def test_what_is_counted_has_its_plurals():
    with translation.override("ar"):
        said = translation.ngettext("%(shown)s reader", "%(shown)s readers", 3)
    assert said == "%(shown)s قرّاء"
