"""The desk's main screens speak German and Arabic: nothing they say is missing, and what ships is what was written."""

import gettext
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import translation
from django.utils.translation.template import templatize
from hypothesis import given
from hypothesis import strategies as st
from test_articles_actions import editor

from handbill.desk import sending_words
from handbill.desk.reason_words import why_in_words
from handbill.stories.reasons import Kind, Reason, reasons
from handbill.topics.models import Topic

ROOT = Path(sending_words.__file__).parent
TEMPLATES = ROOT.parent / "templates" / "desk"
TEXT = r"""u?(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')"""
SAID = re.compile(rf"\b(?:_|n?gettext(?:_lazy)?)\(\s*{TEXT}")
FORMATS = re.compile(r'date:_\("([^"]+)"\)')
SCREENS = {
    "delivery": ("delivery.html delivery_now.html _calls.html _held.html _steer.html", "delivery.py sending_words.py"),
    "send room": ("issue.html issue_now.html", "issue.py issue_words.py"),
    "alerts": ("alerts.html alerts_now.html alert.html", "alerts.py"),
    "notes": ("notes.html notes_panel.html", "notes.py"),
    "stories": (
        "stories.html story.html _member.html _standing.html _take.html",
        "views.py rulings.py reason_words.py",
    ),
    "series and topics": ("told_panel.html suggested_topics.html", "told.py topics.py parts.py"),
    "sign-ups": ("signups.html", "signups.py"),
    "lists and tokens": (
        "lists.html list.html list_now.html api_tokens.html",
        "lists.py list_words.py api_tokens.py",
    ),
    "home and menu": ("home_today.html", "menu.py wagtail_hooks.py"),
}


def words_of(templates: str, code: str) -> set[str]:
    files = [(TEMPLATES / name).read_text() for name in templates.split()]
    texts = [templatize(text) for text in files] + [(ROOT / name).read_text() for name in code.split()]
    found = {a or b for text in texts for a, b in SAID.findall(text)}
    found |= {text for file in files for text in FORMATS.findall(file)}
    return {text.replace("\\'", "'").replace('\\"', '"') for text in found}


def catalogue(language: str) -> dict[object, str]:
    with (ROOT / "locale" / language / "LC_MESSAGES" / "django.mo").open("rb") as file:
        return gettext.GNUTranslations(file)._catalog


@pytest.mark.parametrize("language", ["de", "ar"])
def test_what_ships_is_what_was_written(language):
    shipped = catalogue(language)
    text = (ROOT / "locale" / language / "LC_MESSAGES" / "django.po").read_text()
    written = dict(re.findall(r'(?<!")\nmsgid "(.+)"\nmsgstr "(.+)"$', text, re.MULTILINE))
    found = {key: shipped.get(key) for key in written}
    assert found == written and len(written) > 200, "make the .mo anew: msgfmt -o django.mo django.po"


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("language", ["de", "ar"])
def test_every_word_of_a_screen_is_translated(language, screen):
    shipped = {key[0] if isinstance(key, tuple) else key for key in catalogue(language)}
    words = words_of(*SCREENS[screen])
    assert len(words) > 15 and words - shipped == set()


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "topics", "series", "add"), [
    ("de", "Themen", "Serien", "Thema hinzufügen"), ("ar", "المواضيع", "السلاسل", "موضوع"),
])  # fmt: skip
def test_the_lists_of_topics_and_series_are_named_in_the_editors_language(language, topics, series, add):
    client = Client(headers={"accept-language": language})
    client.force_login(editor())
    Topic.objects.create(name="Hafen", slug="hafen")
    page = "".join(client.get(f"/{each}/").content.decode() for each in ("topics", "series", "topics/add"))
    assert f'lang="{language}"' in page and topics in page and series in page and add in page
    assert not re.search(r">\s*(Topics|Series|Position|Retired|Address|Add topic|Add series|Smaller|Takes no)\b", page)


def test_what_is_counted_has_its_plurals():
    with translation.override("ar"):
        said = translation.ngettext("%(shown)s reader", "%(shown)s readers", 3)
    assert said == "%(shown)s قرّاء"


def test_reasons_are_said_in_the_editors_language_and_quoted_in_the_reports():
    why = reasons(["bridge", "<i>"], ["Alder"], [], timedelta(hours=3), "Courier", same_text=False)
    with translation.override("de"):
        assert why_in_words(why, "en") == [
            'Dieselben Wörter im Titel: <bdi lang="en">bridge, &lt;i&gt;</bdi>.',
            'Dieselben Personen und Orte: <bdi lang="en">Alder</bdi>.',
            "Mit 3 Stunden Abstand veröffentlicht.",
        ]
        copy = reasons([], [], [], timedelta(0), "Courier & Son", same_text=True)
        said = ["Derselbe Text wie bei <bdi>Courier &amp; Son</bdi>.", "Zur selben Zeit veröffentlicht."]
        assert why_in_words(copy, "") == said
    with translation.override("ar"):
        assert why_in_words(why, "en")[-1] == "تفصل بين نشرهما 3 ساعات."
        assert why_in_words([Reason(Kind.APART, (2 * 24 * 60,))], "ar") == ["يفصل بين نشرهما يومان."]


@given(st.sampled_from(["en", "de", "ar"]), st.sampled_from(list(Kind)), st.integers(0, 10**7))
def test_every_reason_has_words_in_every_language(language, kind, number):
    reason = Reason(kind, (number,) if kind is Kind.APART else ("{0} %s", str(number)))
    with translation.override(language):
        (said,) = why_in_words([reason], "")
    assert said and (kind is Kind.APART or f"{{0}} %s, {number}" in said)
