"""The letter's own logo on the public site: before any letter shows it, whole, and as long as letters may be read."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image
from test_digest_alerts import flood, follow, river, roads, send  # noqa: F401
from test_digest_pages import bytes_of, letter, site, there  # noqa: F401
from test_digest_slots import HOUR, SEVEN, publish, reader

from handbill.digest import actions as digest
from handbill.digest import logos
from handbill.digest.design import SHIPPED
from handbill.digest.models import PublishedLogo
from handbill.site import actions, files
from handbill.site.models import Page
from handbill.site.serve import SiteFiles

pytestmark = pytest.mark.django_db


def draw(site: Path, colour: str) -> str:  # noqa: F811
    """Put a logo into the newsroom's design, and say where it is going to stand."""
    folder = site.parent / "letter"
    folder.mkdir(exist_ok=True)
    text = (SHIPPED / "design.toml").read_text("utf-8")
    (folder / "design.toml").write_text(f'{text}\n[logo]\nfile = "logo.png"\nwidth = 220\n', "utf-8")
    out = io.BytesIO()
    Image.new("RGB", (440, 88), colour).save(out, "PNG")
    (folder / "logo.png").write_bytes(out.getvalue())
    known = set(logos.standing())
    logos.publish()
    return (set(logos.standing()) - known).pop()


def served(site: Path, path: str) -> tuple[str, dict[str, str]]:  # noqa: F811
    seen = []
    app = SiteFiles(site, lambda environ, start: [])
    app({"REQUEST_METHOD": "GET", "PATH_INFO": path}, lambda status, headers: seen.append((status, dict(headers))))
    return seen[0]


def test_it_is_there_before_the_letter_that_shows_it(site: Path) -> None:  # noqa: F811
    token = reader("ada")
    publish("Dawn", SEVEN - 2 * HOUR)
    actions.build(SEVEN - 2 * HOUR)
    path = draw(site, "navy")
    PublishedLogo.objects.all().delete()
    Page.objects.filter(path=path).delete()
    digest.send_due(SEVEN - HOUR)  # nothing is due yet: it is only looked
    actions.build(SEVEN - HOUR)
    with Image.open(io.BytesIO(bytes_of(site, path))) as shown:
        assert (shown.format, shown.size) == ("PNG", (440, 88))
    status, headers = served(site, path)
    assert (status, headers["Content-Type"]) == ("200 OK", "image/png") and "immutable" in headers["Cache-Control"]
    digest.send_due(SEVEN)
    assert f'<img src="https://paper.example{path}" alt="' in letter(token)[0]
    assert '" width="220" height="44">' in letter(token)[0]


def test_an_issue_by_hand_and_a_test_have_it_published_too(site: Path) -> None:  # noqa: F811
    reader("ada")
    publish("Dawn", SEVEN - 2 * HOUR)
    path = draw(site, "navy")
    for way in (lambda: digest.send_test("dee@example.org", SEVEN), lambda: digest.send_now(SEVEN)):
        PublishedLogo.objects.all().delete()
        way()
        assert list(logos.standing()) == [path]


def test_old_letters_keep_theirs_whatever_is_built_anew(site: Path) -> None:  # noqa: F811
    first, second = draw(site, "navy"), draw(site, "maroon")
    assert first != second
    actions.build(SEVEN)
    old, new = bytes_of(site, first), bytes_of(site, second)
    Page.objects.all().delete()
    files.remove(site, first)
    actions.rebuild_all(SEVEN)
    assert (bytes_of(site, first), bytes_of(site, second)) == (old, new)
    (site.parent / "letter" / "design.toml").unlink()
    logos.publish()
    actions.rebuild_all(SEVEN)
    assert there(site, first) and there(site, second)


def test_publishing_again_changes_nothing(site: Path, django_assert_num_queries) -> None:  # noqa: F811
    path = draw(site, "navy")
    actions.build(SEVEN)
    with django_assert_num_queries(1):
        logos.publish()
    assert actions.build(SEVEN).written == 0 and list(logos.standing()) == [path]


def test_a_broken_logo_is_not_published(site: Path) -> None:  # noqa: F811
    draw(site, "navy")
    (site.parent / "letter" / "logo.png").write_bytes(b"<svg/>")
    logos.publish()
    assert PublishedLogo.objects.count() == 1


def test_what_is_no_logo_of_ours_is_nobodys_page(site: Path) -> None:  # noqa: F811
    file = logos.press({})
    assert file("/images/logo-00000000000000000000.png") is None and file("/images/x/logo.png") is None


def test_an_alert_has_it_published_too(site: Path, river, flood) -> None:  # noqa: F811
    follow("bob", "river")
    path = draw(site, "navy")
    PublishedLogo.objects.all().delete()
    send(flood, river)
    assert list(logos.standing()) == [path]
