"""A logo that lies in the design's folder: what is taken, what is refused and why, and how large a letter shows it."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from letter_models import MODELS, SITE
from PIL import Image, PngImagePlugin

from handbill.digest.compose import compose
from handbill.digest.design import SHIPPED, FileDesign, current, shipped
from handbill.digest.design_check import check_design
from handbill.digest.design_files import DesignTrouble
from handbill.digest.logo import HIGHEST, MOST_BYTES, WIDEST, check_logo, shown_size


def picture(width: int = 440, height: int = 88, kind: str = "PNG", colour: str = "navy", **more) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, kind, **more)
    return out.getvalue()


def write(folder: Path, content: bytes | None, name: str = "logo.png", more: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    text = (SHIPPED / "design.toml").read_text("utf-8")
    (folder / "design.toml").write_text(f'{text}\n[logo]\nfile = "{name}"\n{more}', "utf-8")
    if content is not None:
        (folder / name).write_bytes(content)
    return folder


def checked(folder: Path) -> FileDesign:
    design, troubles = check_design(folder)
    assert troubles == []
    return design


def said(folder: Path) -> str:
    design, troubles = check_design(folder)
    assert design is shipped()
    return "\n".join(map(str, troubles))


class TestTaken:
    @pytest.mark.parametrize(("kind", "ending"), [("PNG", "png"), ("JPEG", "jpg"), ("GIF", "gif")])
    def test_a_letter_shows_it_at_an_address_that_follows_from_it(self, kind: str, ending: str, tmp_path: Path) -> None:
        design = checked(write(tmp_path, picture(kind=kind), f"Our.logo.{ending}"))
        assert design.own_logo and design.own_logo.path.endswith(f".{ending}")
        image = f'<img src="{SITE}{design.own_logo.path}" alt="The Valley Paper" width="280" height="56">'
        assert image in compose(MODELS["dozen"], design).html
        with Image.open(io.BytesIO(design.own_logo.content)) as published:
            assert (published.format, published.size) == (kind, (440, 88))

    def test_the_ending_is_of_what_it_is_not_of_what_it_is_called(self, tmp_path: Path) -> None:
        design = checked(write(tmp_path, picture(kind="JPEG"), "logo.png"))
        assert design.own_logo and design.own_logo.name.endswith(".jpg")

    def test_notes_and_what_hides_behind_the_picture_are_left_out(self, tmp_path: Path) -> None:
        notes = PngImagePlugin.PngInfo()
        notes.add_text("Author", "Dee")
        hidden = picture(pnginfo=notes) + b"<script>Dee</script>"
        design = checked(write(tmp_path, hidden))
        assert design.own_logo and b"Dee" not in design.own_logo.content
        assert design.own_logo == check_logo("x.png", picture())[0]

    def test_another_picture_is_taken_up_with_the_next_letter_at_another_address(self, tmp_path: Path) -> None:
        write(tmp_path / "letter", picture())
        first = current(tmp_path).own_logo
        (tmp_path / "letter" / "logo.png").write_bytes(picture(colour="maroon", height=90))
        second = current(tmp_path).own_logo
        assert first and second and first.path != second.path

    def test_an_address_on_the_site_goes_on_working(self, tmp_path: Path) -> None:
        write(tmp_path, None, more="")
        text = (tmp_path / "design.toml").read_text().replace('file = "logo.png"', 'address = "/images/a.png"')
        (tmp_path / "design.toml").write_text(f"{text}width = 9\nheight = 8\n")
        design = checked(tmp_path)
        assert design.own_logo is None and design.logo == {"address": "/images/a.png", "width": 9, "height": 8}


class TestRefused:
    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (b"<svg/>", "logo.png: It is no PNG, JPEG or GIF."),
            (picture(kind="WEBP"), "logo.png: It is no PNG, JPEG or GIF."),
            (picture() + bytes(MOST_BYTES), "logo.png: It is larger than 200 KB."),
            (picture(2001, 10), "logo.png: It is 2001 × 10 pixels. Save it with at most 2000"),
            (picture()[:60], "logo.png: It is broken"),
            (picture(200, 200, "JPEG")[:-400], "logo.png: It is broken"),
            (None, "logo.png: It isn't in this folder."),
        ],
        ids=["svg", "webp", "heavy", "wide", "cut", "torn", "missing"],
    )
    def test_what_is_no_fit_picture(self, content: bytes | None, why: str, tmp_path: Path) -> None:
        assert said(write(tmp_path, content)).startswith(why)

    def test_a_picture_on_its_side(self, tmp_path: Path) -> None:
        notes = Image.Exif()
        notes[0x0112] = 6
        assert "It lies on its side" in said(write(tmp_path, picture(kind="JPEG", exif=notes), "logo.jpg"))

    def test_links_pipes_and_folders(self, tmp_path: Path) -> None:
        folder = write(tmp_path / "letter", None)
        (tmp_path / "elsewhere.png").write_bytes(picture())
        (folder / "logo.png").symlink_to(tmp_path / "elsewhere.png")
        assert said(folder).startswith("logo.png: It is a link.")
        (folder / "logo.png").unlink()
        os.mkfifo(folder / "logo.png")
        assert said(folder).startswith("logo.png: It is no file.")
        (folder / "logo.png").unlink()
        (folder / "logo.png").mkdir()
        assert said(folder).startswith("logo.png: It is no file.")

    @pytest.mark.parametrize(
        "name", ["../logo.png", "/etc/logo.png", "a/logo.png", ".logo.png", "logo.svg", "logo", ""]
    )
    def test_what_is_no_name_in_the_folder(self, name: str, tmp_path: Path) -> None:
        (tmp_path / "logo.png").write_bytes(picture())
        write(tmp_path / "letter", None, name)
        assert said(tmp_path / "letter").startswith(
            "design.toml, line 23: The logo's file is a picture in this folder."
        )

    @pytest.mark.parametrize(
        ("more", "why"),
        [
            ('address = "/a.png"', "design.toml, line 23: Write one of the two"),
            ("width = 281", "design.toml, line 24: The logo's width is missing or too large."),
            ('height = "9"', "design.toml, line 24: The logo's height is missing or too large."),
        ],
    )
    def test_what_is_said_beside_it(self, more: str, why: str, tmp_path: Path) -> None:
        assert said(write(tmp_path, picture(), more=more)).startswith(why)


@pytest.mark.parametrize(
    ("size", "asked", "shown"),
    [
        ((220, 88), (None, None), (220, 88)),
        ((560, 100), (None, None), (280, 50)),
        ((400, 800), (None, None), (100, 200)),
        ((440, 88), (220, None), (220, 44)),
        ((440, 88), (None, 22), (110, 22)),
        ((100, 100), (250, None), (200, 200)),
        ((440, 88), (None, 100), (280, 56)),
        ((440, 88), (100, 100), (100, 100)),
        ((2000, 1), (None, None), (280, 1)),
    ],
)
def test_how_large_it_is_shown(
    size: tuple[int, int], asked: tuple[int | None, int | None], shown: tuple[int, int]
) -> None:
    assert shown_size(size, *asked) == shown


side = st.integers(1, 2000)


@given(side, side, st.none() | st.integers(1, WIDEST), st.none() | st.integers(1, HIGHEST))
def test_no_picture_passes_the_column(wide: int, high: int, width: int | None, height: int | None) -> None:
    across, down = shown_size((wide, high), width, height)
    assert 1 <= across <= WIDEST and 1 <= down <= HIGHEST


def test_a_picture_too_large_is_refused_by_its_head_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("it was unpacked"))
    with pytest.raises(DesignTrouble, match="at most 2000 on each side"):
        check_logo("logo.png", picture(2000, 2001))
