"""What may go wrong under a build, and what it leaves: large first builds, kills, broken pictures, long rounds."""

import io
import itertools
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from PIL import Image as Picture
from test_site_build import NOW, article, change, headlines, picture, read, site, stale  # noqa: F401
from wagtail.images import get_image_model

from handbill.site import actions, files
from handbill.site.render import Press
from handbill.work.actions import standing_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def bounded(monkeypatch):
    """Fail, rather than hang, when a build goes round without end."""
    whole, rounds = actions._round, itertools.count(1)

    def counted(*args):
        assert next(rounds) < 20, "the build goes round without end"
        return whole(*args)

    monkeypatch.setattr(actions, "_round", counted)


def test_a_first_build_of_more_pages_than_a_round_ends(site, bounded, monkeypatch):  # noqa: F811
    monkeypatch.setattr(actions, "_ROUND", 5)
    for n in range(12):
        article(n)
    built = actions.build(NOW)
    assert built.written == built.pages and built.unchanged == 0
    assert len(headlines(site, "/")) == 12


def test_a_kill_while_a_picture_is_written_leaves_nothing_that_stops_the_build(site):  # noqa: F811
    row = article(1, image=get_image_model().objects.create(title="x", file=picture("red")))
    actions.build(NOW)
    left = site / "images" / "a-1" / ".0123456789abcdef.tmp"
    left.write_bytes(b"half")
    change(row, headline="Again")
    actions.build(NOW)
    assert not left.exists() and "Again" in read(site, "/article/a-1/")
    change(row, live=False)
    actions.build(NOW)
    assert not (site / "images").exists()


def test_one_page_that_cannot_be_made_stops_no_other_and_is_tried_again(site, bounded, monkeypatch, caplog):  # noqa: F811
    article(1)
    article(2)
    whole = Press.render

    def render(self, path):
        if path == "/article/a-1/":
            raise ValueError("boom")
        return whole(self, path)

    with monkeypatch.context() as patched:
        patched.setattr(Press, "render", render)
        actions.build(NOW)
    assert "Headline 2" in read(site, "/article/a-2/") and headlines(site, "/") == ["Headline 2", "Headline 1"]
    assert stale() == {"/article/a-1/"} and "/article/a-1/" in caplog.text
    actions.build(NOW)
    assert "Headline 1" in read(site, "/article/a-1/") and not stale()


def test_a_picture_that_breaks_pillow_is_left_out_of_the_body(site, monkeypatch):  # noqa: F811
    image = get_image_model().objects.create(title="x", file=picture("red"))
    image.file.storage.delete(image.file.name)
    image.file.storage.save(image.file.name, ContentFile(b"\xff\xd8\xff no picture at all"))
    article(1, image=image, body=f'<p>Words stay.</p><embed embedtype="image" id="{image.pk}" format="left" alt="x"/>')
    actions.build(NOW)
    assert "Words stay." in read(site, "/article/a-1/") and "/media/" not in read(site, "/article/a-1/")


def test_each_round_of_a_long_build_holds_the_job(site, monkeypatch):  # noqa: F811
    monkeypatch.setattr(actions, "_ROUND", 5)
    for n in range(12):
        article(n)
    seconds, whole, held = itertools.count(0, 50), actions._round, []
    monkeypatch.setattr(actions, "monotonic", lambda: float(next(seconds)), raising=False)

    def spied(*args):
        with standing_job("site", NOW + timedelta(seconds=50 * len(held) + 55)) as mine:
            held.append(not mine)
        return whole(*args)

    monkeypatch.setattr(actions, "_round", spied)
    actions.build(NOW)
    assert len(held) > 2 and all(held), "another worker could build at the same time"


def test_pictures_tell_nothing_of_the_camera_or_the_place(site):  # noqa: F811
    exif = Picture.Exif()
    exif[0x010F] = "A telling camera"
    exif.get_ifd(0x8825)[1] = "N"
    for n, kind in enumerate(("JPEG", "PNG", "WEBP")):
        data = io.BytesIO()
        Picture.new("RGB", (900, 600), "red").save(data, kind, exif=exif, comment="Who took it")
        file = ContentFile(data.getvalue(), name=f"told.{kind.lower()}")
        image = get_image_model().objects.create(title="x", file=file)
        article(n, image=image, body=f'<embed embedtype="image" id="{image.pk}" format="fullwidth" alt="x"/>')
    actions.build(NOW)
    shown = [site / name for name in files.names(site) if name.startswith("images/")]
    assert len(shown) >= 3
    for path in shown:
        content = path.read_bytes()
        assert b"telling" not in content and b"Who took" not in content and not Picture.open(path).getexif()
