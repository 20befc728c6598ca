"""Text helpers: any text at all, in any script, in time that grows with its length."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.kit.text import (
    clean,
    language_direction,
    plain,
    shorten,
    slugify,
    word_count,
    words,
)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Ferries &amp; fog</p>", "Ferries & fog"),
        ("a&nbsp;b &lt;c&gt; &#8211; &#x2014;", "a b <c> – —"),
        ("<p>One</p><p>Two<br>three</p>", "One\n\nTwo\nthree"),
        ("<ul><li>a<li>b</ul><h2>Head</h2>x", "a\nb\n\nHead\n\nx"),
        ("<table><tr><td>1<td>2<tr><td>3</table>", "1 2\n3"),
        ("<b>in</b>side", "inside"),
        ("x<script>bad()</script><style>p{}</style><template>t</template>y", "xy"),
        ("a<!-- hidden --><?php no ?>b", "ab"),
        ("<![CDATA[hi <i>there</i>]]>", "hi there"),
        ("3 < 5 & AT&T <3", "3 < 5 & AT&T <3"),
        ("<a title='a > b'>link</a>", "link"),
        ("one\r\ntwo", "one\ntwo"),
        ("<p>line\nwrapped\there</p>", "line wrapped here"),
        ("a\u202eb\x00\x1b[c", "ab[c"),
        ("<P>Up</P>\n\n<P>per", "Up\n\nper"),
        ("e\u0301", "é"),
        ("", ""),
    ],
)
def test_plain(html, text):
    assert plain(html) == text


@pytest.mark.parametrize(
    "garbage",
    [
        "<div>" * 300_000,
        "<a " * 500_000,
        "<!--" * 500_000,
        "&" * 1_000_000,
        "<" * 1_000_000,
        "<![CDATA[" * 200_000,
        "&#xD800;&#0;" * 100_000,
        "<script>" * 100_000 + "x",
        "<b>" + "x" * 5_000_000,
        "<" + "y" * 5_000_000,
    ],
)
def test_plain_survives_garbage(garbage):
    assert len(plain(garbage)) <= len(garbage)


def test_plain_keeps_deep_text():
    assert plain("<div>" * 50_000 + "deep" + "</div>" * 50_000 + "<p>after") == "deep\n\nafter"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don’t STOP, Straße!", ["don't", "stop", "strasse"]),
        ("COVID-19 a_b", ["covid", "19", "a", "b"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("می‌خواهم", ["می\u200cخواهم"]),
        ("東京都知事 abc", ["東京", "京都", "都知", "知事", "abc"]),
        ("第12回abc", ["第", "12", "回", "abc"]),
        ("", []),
    ],
)
def test_words(text, expected):
    assert words(text) == expected


@pytest.mark.parametrize(("text", "count"), [("One two's three.", 3), ("東京都", 2), ("東京 abc", 2), ("— !", 0)])
def test_word_count(text, count):
    assert word_count(text) == count


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Ferries & Fog: Ada's day", "ferries-fog-adas-day"),
        ("Straße über_Köln", "strasse-über-köln"),
        ("العربية أخبار اليوم", "العربية-أخبار-اليوم"),
        ("東京 2026", "東京-2026"),
        ("--a--", "a"),
    ],
)
def test_slugify(text, slug):
    assert slugify(text) == slug


def test_slugs_are_cut_at_a_word():
    assert slugify("one two three four", 12) == "one-two"
    assert slugify("a" * 100, 80) == "a" * 80


@given(st.text(), st.integers(1, 100))
def test_slugs_are_never_empty_and_fit(text, limit):
    slug = slugify(text, limit)
    assert 0 < len(slug) <= limit and len(slug.encode()) <= 200
    assert all(c.isalnum() or c == "-" for c in slug) and slug == slug.strip("-")
    assert slug == slugify(text, limit)


def test_nothing_to_say_gives_different_hashes():
    assert slugify("!!!") != slugify("???") and slugify("!!!") == slugify("!!!")


@given(st.text())
def test_clean_text_is_one_safe_line(text):
    line = clean(text)
    assert line == " ".join(line.split()) and line == unicodedata.normalize("NFC", line) == clean(line)
    assert not any(unicodedata.category(c) in ("Cc", "Cs") or c in "\u202e\u2066\ufeff" for c in line)


def test_clean_keeps_what_scripts_need():
    assert clean("می‌خواهم 👩‍🚒\u202e\n x") == "می‌خواهم 👩‍🚒 x"


@given(st.text(), st.integers(1, 60))
def test_shortened_text_fits(text, limit):
    assert len(shorten(text, limit)) <= limit


def test_shorten_cuts_at_a_word():
    assert shorten("hello brave, new world", 15) == "hello brave…"
    assert shorten("hello", 5) == "hello"
    assert shorten("x" * 20, 10) == "x" * 9 + "…"


@pytest.mark.parametrize(
    ("code", "direction"),
    [
        ("ar", "rtl"),
        ("fa-IR", "rtl"),
        ("he", "rtl"),
        ("ckb", "rtl"),
        ("az-Arab", "rtl"),
        ("AR_eg", "rtl"),
        ("ur-Latn", "ltr"),
        ("en", "ltr"),
        ("de-AT", "ltr"),
        ("", "ltr"),
        ("art", "ltr"),
    ],
)
def test_language_direction(code, direction):
    assert language_direction(code) == direction
