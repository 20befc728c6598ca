"""A reader in a real browser: skip link by keyboard, headlines, older pages, search, nothing that axe objects to."""

import dataclasses
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.core.handlers.wsgi import WSGIHandler

from handbill.articles.models import Article, Series
from handbill.digest import pages
from handbill.digest.models import Issue, IssueArticle
from handbill.digest.records import ReadingList
from handbill.site import actions
from handbill.site.serve import SiteFiles
from handbill.topics.actions import topic_named

sync_api = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
CHROMIUM = Path("/usr/bin/chromium")
NOW = datetime(2026, 5, 14, 9, 30, tzinfo=UTC)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium at /usr/bin/chromium"),
]


class _Quiet(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        """A browser asks much; the test says what matters."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


@pytest.fixture
def paper(settings, tmp_path, monkeypatch) -> Iterator[str]:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # the browser's driver runs a loop in this thread
    django = WSGIHandler()

    def public(environ, start):
        return django({**environ, "handbill.face": "public"}, start)

    server = make_server("127.0.0.1", 0, SiteFiles(tmp_path / "site", public), _Server, _Quiet)
    address = f"http://127.0.0.1:{server.server_port}"
    settings.HANDBILL = dataclasses.replace(settings.HANDBILL, home=tmp_path, public_address=address)
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    _stock()
    actions.build(NOW)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield address
    server.shutdown()
    server.server_close()


def _stock() -> None:
    topics = [topic_named(name) for name in ("City hall", "Water", "Work")]
    series = Series.objects.create(name="The long strike", slug="strike")
    for n in range(45):
        row = Article(
            headline=f"The weir at Ashford, morning {n}",
            excerpt="The gauge stood above the mark at six, and the low road was closed until noon.",
            slug=f"weir-{n}",
            live=True,
            edition=1,
            credit="Valley Monitor",
            also_reported=["City Desk", "Harbour Post"][: n % 3],
            source_address="https://valley.example/weir",
            published_at=NOW - timedelta(hours=5 * n),
            series=series if n in (0, 3) else None,
            series_number=10 - n if n in (0, 3) else None,
        )
        row.topics = [topics[0], topics[n % 3]] if n % 3 else [topics[0]]
        row.save()
    night = Article(
        headline="حافلة الليل باقية", excerpt="صوّت المجلس.", slug="night", language="ar", live=True, edition=1
    )
    night.published_at = NOW
    night.topics = [topics[0]]
    night.save()
    _issue(night, *Article.objects.exclude(pk=night.pk)[:5])


def _issue(*articles: Article) -> None:
    issue = Issue.objects.create(date=NOW.date(), opens=NOW - timedelta(days=1), closes=NOW)
    for place, row in enumerate(articles):
        IssueArticle.objects.create(issue=issue, article=row, position=place)
    pages.publish(issue, ReadingList(tuple(row.pk for row in articles)), NOW)


@pytest.fixture
def chromium():
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield browser
        browser.close()


def test_skip_link_by_keyboard(paper: str, chromium) -> None:
    page = chromium.new_page()
    page.goto(paper)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_reading_from_the_front_to_the_oldest(paper: str, chromium) -> None:
    page = chromium.new_page()
    page.goto(paper)
    seen: list[str] = []
    while True:
        seen += [line for line in page.locator("article h2").all_inner_texts() if line not in seen]
        older = page.get_by_role("link", name="Older")
        if not older.count():
            break
        older.click()
    assert seen == ["حافلة الليل باقية", *(f"The weir at Ashford, morning {n}" for n in range(45))]
    page.get_by_role("link", name="Front page").click()
    page.get_by_role("link", name="morning 0").click()
    assert page.get_by_role("link", name="Read the full report at Valley Monitor").count() == 1
    page.get_by_role("link", name="The long strike").click()
    assert "Numbers 8–9 are not in our archive." in page.inner_text("main")


def test_searching(paper: str, chromium) -> None:
    page = chromium.new_page()
    page.goto(paper)
    page.get_by_role("link", name="Search").first.click()
    page.get_by_label("Words to look for").fill("morning 7")
    page.get_by_role("button", name="Search").click()
    assert page.locator("article h2").first.inner_text() == "The weir at Ashford, morning 7"


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_that_axe_objects_to(paper: str, chromium, width: int, scheme: str) -> None:
    page = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
    ).new_page()
    addresses = [
        "/",
        "/topic/water/",
        "/archive/2/",
        "/article/weir-0/",
        "/series/strike/",
        "/search/?q=weir",
        "/fetching/",
        "/issues/",
        "/issues/2026-05-14/",
        "/none/",
    ]
    for address in addresses:
        page.goto(paper + address)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
        found = axe.Axe().run(page).response["violations"]
        assert not found, (address, [violation["id"] for violation in found])


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("ar", "dark")])
def test_an_issue_to_keep_is_saved_and_read_from_the_disk_with_no_request(
    paper: str, chromium, settings, tmp_path, language: str, scheme: str
) -> None:
    settings.HANDBILL = dataclasses.replace(settings.HANDBILL, language=language)
    actions.build(NOW)
    screen = {"viewport": {"width": 375, "height": 900}, "color_scheme": scheme}
    page = chromium.new_context(**screen, bypass_csp=True).new_page()
    page.goto(f"{paper}/issues/2026-05-14/")
    for link in page.locator(".keep a").all():
        with page.expect_download() as download:
            link.click()
        download.value.save_as(tmp_path / download.value.suggested_filename)
    (saved,) = tmp_path.glob("*-2026-05-14.html")
    assert list(tmp_path.glob("*-2026-05-14.epub"))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(saved.as_uri())
    assert asked == [saved.as_uri()] and page.locator("article h2").count() == 6
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not axe.Axe().run(page).response["violations"]


def test_a_paper_from_right_to_left(paper: str, chromium, settings) -> None:
    settings.HANDBILL = dataclasses.replace(settings.HANDBILL, language="ar", name="صحيفة الوادي")
    actions.build(NOW)
    page = chromium.new_context(viewport={"width": 375, "height": 900}, bypass_csp=True).new_page()
    for address in ("/", "/fetching/", "/issues/", "/issues/2026-05-14/"):
        page.goto(paper + address)
        assert page.evaluate("getComputedStyle(document.body).direction") == "rtl"
        assert page.locator("a").first.inner_text() == "انتقل إلى المحتوى"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
        assert not axe.Axe().run(page).response["violations"], address


def test_the_browser_needs_nothing_from_elsewhere(paper: str, chromium) -> None:
    page = chromium.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(paper + "/article/weir-0/")
    assert all(address.startswith(paper) for address in asked)
    assert not [text for text in complaints if "Content Security Policy" in text]
    page.get_by_label("Your e-mail address").fill("bob@reader.example")
    page.get_by_role("button", name="Subscribe").click()
    assert page.url.startswith(f"{paper}/subscribe/")
