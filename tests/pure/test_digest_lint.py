"""The check of letters: the golden ones pass, each kind of trouble is found, and no input breaks it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from handbill.digest.lint.check import check_letter
from handbill.digest.lint.contrast import inverted, ratio
from handbill.digest.lint.css import declarations, rules
from handbill.digest.lint.features import ALLOWED, CLIENTS, facts, not_shown, used
from handbill.digest.lint.read import inspect_letter

LETTERS = sorted((Path(__file__).parent / "golden" / "letters").glob("*.eml"))
PAGE = '<html lang="en"><body style="background-color:#ffffff;color:#222222">{}</body></html>'


@pytest.mark.parametrize("path", LETTERS, ids=lambda path: path.stem)
def test_the_golden_letters_have_no_trouble(path: Path) -> None:
    told = inspect_letter(path.read_bytes())
    assert (told["kind"], told["problems"], told["findings"]) == ("mail", 0, [])
    assert 4000 < told["bytes"] <= 40_000


@pytest.mark.parametrize(
    ("inside", "what", "level"),
    [
        ('<p style="display:grid">x</p>', "css-display-grid", "problem"),
        ('<p style="width:calc(1px + 2em)">x</p>', "css-unit-calc", "problem"),
        ("<style>a:hover{color:#222}</style>", "css-pseudo-class-hover", "problem"),
        ("<style>p > b{color:#222}</style>", "css-selector-child", "problem"),
        ("<style>@import url(x.css);</style>", "css-at-import", "problem"),
        ("<style>@media (orientation: portrait){.a{margin:0}}</style>", "css-at-media-orientation", "problem"),
        ("<video></video>", "html-video", "problem"),
        ("<form><input type=checkbox></form>", "html-input-checkbox", "problem"),
        ('<img src="https://paper.example/a.webp" alt="A">', "image-webp", "problem"),
        ("<script>x</script>", "markup", "problem"),
        ("<table><tr><td>x</td></tr></table>", "role", "problem"),
        ('<a href="http://outlet.example/">x</a>', "insecure", "problem"),
        ('<a href="https://outlet.example/?utm_source=paper">x</a>', "tracker", "problem"),
        ('<a href="https://x.list-manage.com/track/click">x</a>', "tracker", "problem"),
        (f'<a href="https://outlet.example/{"a" * 800}">x</a>', "over-long", "problem"),
        ('<a href="javascript:x()">x</a>', "link", "problem"),
        ('<a href="https://[x/">x</a>', "link", "problem"),
        ('<a href="https://outlet.example/"></a>', "alt", "problem"),
        ('<img src="https://paper.example/a.png">', "alt", "problem"),
        ('<img src="https://paper.example/a.png" alt="" width="1" height="1">', "tracker", "problem"),
        ('<p style="background-image:url(https://x.example/)">x</p>', "tracker", "problem"),
        ('<p style="color:#cccccc">x</p>', "contrast", "problem"),
        ("<p>Monday, 22 November 2026</p>", "date", "problem"),
        ('<p lang="de">Sonntag, 31. November 2026</p>', "date", "problem"),
        ('<p lang="ru">понедельник, 22 ноября 2026 г.</p>', "date", "problem"),
        ("<p>on 11/12/2026</p>", "date", "note"),
        (f"<p>{'x' * 41_000}</p>", "size", "note"),
        (f"<p>{'x' * 101_000}</p>", "size", "problem"),
    ],
)
def test_each_kind_of_trouble_is_found(inside: str, what: str, level: str) -> None:
    assert (level, what) in {(one.level, one.what) for one in check_letter(PAGE.format(inside))}


@pytest.mark.parametrize(
    "inside",
    [
        "<p>Sunday, 22 November 2026, and 22/11/2026, and 7/7/2026</p>",
        '<p lang="ar">الأحد، 22 نوفمبر 2026</p>',
        '<p style="display:none;color:#fff">hidden</p>',
        '<p style="font-size:26px;color:#767676">large</p>',
        '<a style="color:#222222" href="http://paper7xk.onion/">x</a>',
        '<table role="presentation"><tr><td>x</td></tr></table>',
    ],
)
def test_what_is_well_is_let_be(inside: str) -> None:
    assert [one.told for one in check_letter(PAGE.format(inside)) if one.level == "problem"] == []


def test_dark_colours_are_looked_at_as_the_letter_sets_them() -> None:
    faint = "<style>@media (prefers-color-scheme: dark){.a{color:#222!important;background:#111!important}}</style>"
    styled = '<p class="a" style="color:#111111;background-color:#ffffff">x</p>'
    found = [one.told for one in check_letter(PAGE.format(faint + styled)) if one.what == "contrast"]
    assert len(found) == 1 and "in dark colours: 1.2 to 1" in found[0]
    weak = faint.replace("!important", "")
    assert [one for one in check_letter(PAGE.format(weak + styled)) if one.what == "contrast"] == []


def test_a_colour_on_no_paper_is_lost_where_a_program_turns_dark() -> None:
    page = '<html lang="en"><body><p style="color:#333333">x</p></body></html>'
    assert [one.told[:44] for one in check_letter(page) if one.what == "contrast"] == [
        "“x” is hard to see where a program turns the"
    ]


def test_a_mail_without_text_subject_or_a_way_out_is_told() -> None:
    mail = b"From: a@b.example\r\nContent-Type: text/html\r\n\r\n" + PAGE.format("x").encode()
    assert {one["what"] for one in inspect_letter(mail)["findings"]} == {"text", "subject", "unsubscribe"}


def test_contrast_is_that_of_wcag() -> None:
    assert ratio("#000000", "#ffffff") == 21
    assert round(ratio("#777777", "#ffffff"), 2) == 4.48
    assert inverted("#ffffff") == "#000000" and inverted("#96231c") == "#e37069"


def test_nested_rules_keep_what_is_around_them_and_their_line() -> None:
    sheet = "/* a\n{ */\n@media (x) {\n.a, .b { color: red; background: url(a;b) }\n}\n.c{}"
    found = [(one.at, one.selector, one.declarations, one.line) for one in rules(sheet) if one.selector]
    assert found == [
        (("@media (x)",), ".a, .b", (("color", "red"), ("background", "url(a;b)")), 4),
        ((), ".c", (), 6),
    ]
    assert declarations("a: 'x;y'; B:c ; ;d") == (("a", "'x;y'"), ("b", "c"))


def test_the_facts_are_whole_and_say_where_they_are_from() -> None:
    known = facts()
    assert known.source.startswith("caniemail ") and re.fullmatch(r"20\d\d-\d\d-\d\d", known.updated)
    assert {face for faces in CLIENTS.values() for face in faces} <= set(known.clients)
    assert set(ALLOWED) <= set(known.features), "an allowed feature has another name by now"
    assert {slug for signs in known.signs.values() for slug in signs.values()} <= set(known.features)
    assert all(len(support) == len(known.clients) for _, support in known.features.values())
    assert not_shown("css-display-grid") and not not_shown("css-direction")
    licence = (Path(str(used.__code__.co_filename)).parent / "LICENSE-caniemail").read_text("utf-8")
    assert "MIT License" in licence and "Avi Goldman" in licence


def test_what_is_allowed_is_used() -> None:
    """All but what a logo needs, which is a newsroom's own."""
    told = {slug for path in LETTERS for slug in _used(path)}
    assert set(ALLOWED) - told == {"html-height"}, "no letter needs this any more"


def _used(path: Path) -> set[str]:
    from email import message_from_bytes
    from email.policy import default

    from lxml import html as lxml_html

    page = message_from_bytes(path.read_bytes(), policy=default).get_body(("html",)).get_content()
    return set(used(lxml_html.document_fromstring(page)))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *"<>{}()\"';:@#./*!",
                "<style>",
                "</style>",
                "@media",
                "<p style=",
                "color:#",
                "<a href=",
                "<img src=",
                "\0",
            ]
        )
        | st.text(max_size=8),
        max_size=40,
    ).map("".join)
)
@example("<style>{}")
def test_no_input_breaks_the_check(text: str) -> None:
    check_letter(text, text=text, subject=text)
    inspect_letter(text.encode("utf-8", "replace"))
    list(rules(text))


@pytest.mark.parametrize(
    "many",
    ["<div>" * 50_000, "{" * 100_000, "<style>" + "@media{" * 50_000, "<p style='" + "a:b;" * 50_000, "a " * 100_000],
    ids=["elements", "braces", "rules", "declarations", "words"],
)
def test_what_is_made_to_keep_it_busy_is_got_through(many: str) -> None:
    check_letter(f"<html lang=en>{many}")
