"""Static files over WSGI: what is in the folder is served with its headers, and nothing else ever is."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handbill.site.serve import SiteFiles

SECRET = b"not for readers"


def behind(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
    """The application behind: knows /search/, says 404 to the rest."""
    if environ["PATH_INFO"] == "/search/":
        start("200 OK", [("Content-Type", "text/plain"), ("Referrer-Policy", "no-referrer")])
        return [b"found"]
    start("404 Not Found", [("Content-Type", "text/plain")])
    return [b"plain refusal"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    site = tmp_path / "site"
    (site / "topic" / "straße").mkdir(parents=True)
    (site / "index.html").write_text("front")
    (site / "404.html").write_text("no such page")
    (site / "feed.xml").write_text("<rss/>")
    (site / "topic" / "straße" / "index.html").write_text("street")
    (site / "assets").mkdir()
    (site / "assets" / "site.abc.css").write_text("a{}")
    (site / "big.txt").write_bytes(b"x" * 400_000)
    (site / "notes.sqlite3").write_bytes(SECRET)
    (site / ".hidden.html").write_bytes(SECRET)
    (tmp_path / "outside.html").write_bytes(SECRET)
    (tmp_path / "site-x").mkdir()
    (tmp_path / "site-x" / "index.html").write_bytes(SECRET)
    (site / "way-out.html").symlink_to(tmp_path / "outside.html")
    (site / "door").symlink_to(tmp_path / "site-x")
    return site


class Answer:
    def __init__(self, app: SiteFiles, path: str, method: str = "GET", **environ: str) -> None:
        raw = unquote_to_bytes(path).decode("latin-1")
        body = app({"REQUEST_METHOD": method, "PATH_INFO": raw, **environ}, self._start)
        self.body = b"".join(body)
        if hasattr(body, "close"):
            body.close()

    def _start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        self.status = int(status.split()[0])
        self.headers = dict(headers)


@pytest.fixture
def app(folder: Path) -> SiteFiles:
    return SiteFiles(folder, behind, "https://paper.example")


def test_a_page_with_its_headers(app: SiteFiles) -> None:
    answer = Answer(app, "/")
    assert (answer.status, answer.body) == (200, b"front")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self' https://paper.example" in policy
    assert "script" not in policy
    assert {"ETag", "Last-Modified", "Referrer-Policy", "Permissions-Policy", "X-Frame-Options"} <= set(answer.headers)


def test_unicode_address_and_missing_slash(app: SiteFiles) -> None:
    assert Answer(app, "/topic/stra%C3%9Fe/").body == b"street"
    moved = Answer(app, "/topic/stra%C3%9Fe", QUERY_STRING="a=1")
    assert (moved.status, moved.headers["Location"]) == (308, "/topic/stra%C3%9Fe/?a=1")


def test_the_redirect_stays_at_home(app: SiteFiles) -> None:
    assert Answer(app, "//evil.example/topic").status == 404
    moved = Answer(app, "/topic/stra%C3%9Fe", QUERY_STRING="a=\r\nSet-Cookie: x")
    assert not set("\r\n") & set(moved.headers["Location"])


def test_assets_last(app: SiteFiles) -> None:
    answer = Answer(app, "/assets/site.abc.css")
    assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["Cache-Control"]


def test_a_file_to_keep_is_saved_and_a_page_is_shown(app: SiteFiles, folder: Path) -> None:
    for name, kind in (("2026-11-22.epub", "application/epub+zip"), ("2026-11-22.html", "text/html; charset=utf-8")):
        (folder / "topic" / name).write_text("an issue")
        answer = Answer(app, f"/topic/{name}")
        assert (answer.body, answer.headers["Content-Type"]) == (b"an issue", kind)
        assert answer.headers["Content-Disposition"] == "attachment"
    for page in ("/", "/index.html", "/feed.xml", "/topic/stra%C3%9Fe/"):
        assert Answer(app, page).status == 200 and "Content-Disposition" not in Answer(app, page).headers


def test_not_modified(app: SiteFiles) -> None:
    first = Answer(app, "/feed.xml")
    tag, since = first.headers["ETag"], first.headers["Last-Modified"]
    again = Answer(app, "/feed.xml", HTTP_IF_NONE_MATCH=f'"other", W/{tag}')
    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", tag)
    assert Answer(app, "/feed.xml", HTTP_IF_MODIFIED_SINCE=since).status == 304
    assert Answer(app, "/feed.xml", HTTP_IF_NONE_MATCH='"old"', HTTP_IF_MODIFIED_SINCE=since).status == 200
    assert Answer(app, "/feed.xml", HTTP_IF_MODIFIED_SINCE="yesterday, I think").status == 200


def test_a_changed_file_is_noticed(app: SiteFiles, folder: Path) -> None:
    tag = Answer(app, "/").headers["ETag"]
    (folder / "draft").write_text("later")
    (folder / "draft").replace(folder / "index.html")
    answer = Answer(app, "/", HTTP_IF_NONE_MATCH=tag)
    assert (answer.status, answer.body) == (200, b"later")


def test_head_and_large_files(app: SiteFiles) -> None:
    head = Answer(app, "/big.txt", "HEAD")
    assert (head.body, head.headers["Content-Length"]) == (b"", "400000")
    assert Answer(app, "/", "HEAD").body == b""
    assert len(Answer(app, "/big.txt").body) == 400_000


def test_what_is_no_file_goes_on(app: SiteFiles) -> None:
    answer = Answer(app, "/search/")
    assert answer.body == b"found"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Content-Security-Policy" in answer.headers


def test_post_goes_on(app: SiteFiles) -> None:
    answer = Answer(app, "/", "POST")
    assert (answer.status, answer.body) == (404, b"plain refusal")


def test_own_page_for_what_is_missing(app: SiteFiles, folder: Path) -> None:
    answer = Answer(app, "/nothing/")
    assert (answer.status, answer.body) == (404, b"no such page")
    assert Answer(app, "/404.html").status == 404
    (folder / "404.html").unlink()
    assert Answer(app, "/nothing/").body == b"plain refusal"


@pytest.mark.parametrize(
    "path",
    [
        "/../outside.html",
        "/%2e%2e/outside.html",
        "/topic/../../outside.html",
        "/..%2foutside.html",
        "/%252e%252e/outside.html",
        "/..\\outside.html",
        "/../site-x/",
        "/way-out.html",
        "/door/",
        "/.hidden.html",
        "/notes.sqlite3",
        "/index.html%00.css",
        "//outside.html",
        "/%ff%fe",
        "/" + "a" * 5000,
        "/" + "a/" * 3000,
    ],
)
def test_nothing_else_is_served(app: SiteFiles, path: str) -> None:
    answer = Answer(app, path)
    assert answer.status == 404
    assert SECRET not in answer.body


steps = ["/", "..", ".", "%2e", "%2f", "%5c", "\\", "%00", "%c0%ae", "~", "topic", "door", "index.html", "outside.html"]
pieces = st.sampled_from(steps)
shapes = st.one_of(st.lists(pieces, max_size=12).map("".join), st.text(max_size=60), st.binary(max_size=60))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400)
@given(shapes, st.sampled_from(["GET", "HEAD"]))
def test_no_path_leaves_the_folder(app: SiteFiles, shape: str | bytes, method: str) -> None:
    raw = shape.decode("latin-1") if isinstance(shape, bytes) else shape
    answer = Answer(app, "/" + raw.encode("utf-8", "ignore").decode(), method)
    assert answer.status in (200, 308, 404)
    assert SECRET not in answer.body
    assert not set("\r\n") & set(answer.headers.get("Location", ""))
    assert not answer.headers.get("Location", "/x").startswith("//")
