"""A newsroom's own design: what it may change, what is refused with file, line and cure, and what no design can do."""

from __future__ import annotations

from pathlib import Path

import pytest
from letter_models import MODELS, OWN, SITE, model

from handbill.digest.compose import compose
from handbill.digest.design import FILES, SHIPPED, current, shipped
from handbill.digest.design_check import check_design


def change(folder: Path, name: str, old: str, new: str) -> None:
    text = (SHIPPED / name).read_text("utf-8")
    assert old in text
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text.replace(old, new), "utf-8")


def test_the_shipped_design_passes_its_own_check(tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).write_bytes((SHIPPED / name).read_bytes())
    design, troubles = check_design(tmp_path)
    assert troubles == []
    assert compose(MODELS["dozen"], design) == compose(MODELS["dozen"], shipped())


def test_colours_words_and_a_logo_are_changed_without_code(tmp_path: Path) -> None:
    change(tmp_path / "letter", "design.toml", "#96231c", "#00518a")
    with (tmp_path / "letter" / "design.toml").open("a") as file:
        file.write('[logo]\naddress = "/images/logo.png"\nwidth = 220\nheight = 44\n')
    change(tmp_path / "letter", "page.html", "{{ why }}", "{{ why }} Written by hand.")
    letter = compose(MODELS["dozen"], current(tmp_path))
    assert "color:#00518a" in letter.html and "Written by hand." in letter.html
    assert f'<img src="{SITE}/images/logo.png" alt="The Valley Paper" width="220" height="44">' in letter.html
    assert "Written by hand." not in letter.text


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("item.html", "{% if lead %}", "{% load static %}", "item.html, line 4: Invalid block tag on line 4: 'load'."),
        ("item.html", "{{ headline }}", "{{ headline|safe }}", "item.html, line 4: Invalid filter: 'safe'."),
        ("item.html", "{{ headline }}", "{% include 'x' %}", "item.html, line 4: Invalid block tag"),
        ("item.html", "{{ headline }}", "{% autoescape off %}{{ headline }}", "item.html, line 4: Invalid block tag"),
        ("item.html", "{{ headline }}", "{{ headline.__class__ }}", "item.html, line 4: "),
        ("item.html", "{{ headline }}", "{{ headlin }}", "item.html, line 4: There is no headlin to show."),
        ("item.html", "{% if lead %}", "{% if leed %}", "item.html, line 4: There is no leed to show."),
        ("item.html", '"{{ read_on_address }}"', "{{ read_on }}", "item.html: A letter can't be made with this"),
        ("item.html", '"{{ read_on_address }}"', '"{{ headline }}"', "item.html: Plain words is no address"),
        ("item.html", 'class="excerpt"', "title={{ headline }}", "item.html: What an outlet writes gets out"),
        ("item.html", 'class="excerpt"', 'style="color:{{ headline }}"', "item.html: "),
        ("item.html", "{{ topic }}", "{% for x in topics %}{% endfor %}", "item.html, line 3: A list can't be gone"),
        ("page.html", "{% endif %}<div", "<div", "page.html, line "),
        ("page.html", "{{ why }}", "", "page.html: A letter can't go without this: {{ why }}."),
        ("page.html", '"{{ unsubscribe }}"', '"{{ pause }}"', "page.html: A letter can't go without this"),
        ("page.html", "{{ why }}", "{{ why }}<script>x</script>", "page.html: Mail programs refuse <script>."),
        (
            "page.html",
            "{{ why }}",
            '{{ why }}<img src="https://x.example/p.gif">',
            "page.html: https://x.example/p.gif",
        ),
        ("page.html", "{{ articles }}", "", "page.html: Write {{ articles }} once"),
        ("page.html", "{{ why }}", "{{ why }}" + "x" * 20_000, "page.html: It is too long"),
        ("style.css", "{{ light.ink }}", "{{ light.inky }}", "style.css, line 3: There is no light.inky to show."),
        ("media.css", "{{ dark.ink }}", "</style>{{ dark.ink }}", "media.css: A style sheet can't hold </style."),
        ("design.toml", '"#5a5955"', "red", "design.toml, line 6: This is not TOML"),
        ("design.toml", '"#5a5955"', '"red"', "design.toml, line 6: [light] quiet = 'red' is no colour."),
        ("design.toml", '"#5a5955"', '"#e9e9e9"', "design.toml: [light] quiet is too faint on its paper: 1.2 to 1."),
        (
            "design.toml",
            "# [logo]",
            '[logo]\naddress = "https://x.example/l.png"',
            "design.toml, line 19: The logo needs",
        ),
        (
            "design.toml",
            "# [logo]",
            '[logo]\naddress = "/l.png"\nwidth = 9000',
            "design.toml, line 20: The logo's width",
        ),
    ],
)
def test_what_is_wrong_is_said_and_the_shipped_design_stands_in(
    name: str, old: str, new: str, said: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    change(tmp_path / "letter", name, old, new)
    design, troubles = check_design(tmp_path / "letter")
    assert design is shipped()
    assert any(str(trouble).startswith(said) for trouble in troubles), [str(trouble) for trouble in troubles]
    assert current(tmp_path) is shipped() and said in caplog.text


def test_a_file_that_is_no_text_is_said(tmp_path: Path) -> None:
    (tmp_path / "item.html").write_bytes(b"\xff\xfe")
    assert [str(one)[:26] for one in check_design(tmp_path)[1]] == ["item.html: It can't be read"[:26]]


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    change(tmp_path / "letter", "page.html", "{{ why }}", "{{ why }} First.")
    assert "First." in compose(model(OWN), current(tmp_path)).html
    change(tmp_path / "letter", "page.html", "{{ why }}", "{{ why }} Second, and longer.")
    assert "Second" in compose(model(OWN), current(tmp_path)).html
    (tmp_path / "letter" / "page.html").unlink()
    assert current(tmp_path) is shipped()
