"""Ada's sources: one added by its site's address and fetched, one by picked links, and the ailing ones mended."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk_server import FAULTS
from playwright.sync_api import Page, expect
from test_desk_journey import faults, log_in, page, pytestmark  # noqa: F401 -- page is a fixture

from handbill.testing.wire import Answer, LoopbackWire

HTML = "text/html; charset=utf-8"
HEADLINES = ["Ferry runs late again", "The mill road opens at last", "Council meets behind closed doors"]


def outlet(address: str) -> dict[str, Answer]:
    """A site that names its feed, and a second front page that has none."""
    items = "".join(
        f"<item><title>{headline}</title><link>{address}/{n}</link><guid>{n}</guid>"
        f"<pubDate>Sat, 21 Nov 2026 0{n}:00:00 GMT</pubDate><description>{headline}, say all.</description></item>"
        for n, headline in enumerate(HEADLINES, 1)
    )
    cards = "".join(
        f"<article class=card><h2><a href='/2026/11/2{n}/the-{n}-bridges-of-the-valley'>Bridge {n} of the valley is"
        " painted green</a></h2><p>Painters came from all over the valley to see how it was done.</p></article>"
        for n in range(5)
    )
    head = "<title>Valley Monitor</title><link rel=alternate type=application/rss+xml href=/feed>"
    feed = f"<rss version='2.0'><channel><title>Valley Monitor</title><language>en</language>{items}</channel></rss>"
    return {
        "/": Answer(body=f"<html lang=en><head>{head}</head><body></body></html>".encode(), content_type=HTML),
        "/feed": Answer(body=feed.encode(), content_type="application/rss+xml"),
        "/plain": Answer(
            body=f"<html lang=en><title>Plain</title><main>{cards}</main></html>".encode(), content_type=HTML
        ),
    }


@pytest.fixture(scope="module")
def wire() -> Iterator[LoopbackWire]:
    with LoopbackWire() as server:
        server.routes = outlet(server.address)
        yield server


@pytest.fixture(scope="module")
def newsroom(tmp_path_factory, wire) -> dict[str, str]:
    home = str(tmp_path_factory.mktemp("newsroom"))
    return os.environ | {"HANDBILL_HOME": home, "HANDBILL_ALLOW_LOOPBACK": f"127.0.0.1:{wire.port}"}


@pytest.fixture(scope="module")
def desk(newsroom) -> Iterator[str]:
    program = [sys.executable, str(Path(__file__).with_name("desk_server.py")), newsroom["HANDBILL_HOME"], "faults"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, env=newsroom) as server:
        try:
            yield f"http://localhost:{int(server.stdout.readline())}"
        finally:
            server.kill()


def check(page: Page, name: str) -> None:  # noqa: F811
    """No accessibility faults and nothing beside the screen, on a phone and on a desk."""
    for width in (375, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert faults(page) == [], f"{name} at {width}"
        if folder := os.environ.get("HANDBILL_TEST_PICTURES"):
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                page.screenshot(path=f"{folder}/{name}-{width}-{scheme}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} at {width}"


def test_a_source_is_added_by_its_address_and_fetched(page, newsroom, wire):  # noqa: F811
    log_in(page)
    page.get_by_role("button", name="Sources").click()
    page.get_by_role("link", name="Add a source").click()
    check(page, "empty")
    page.get_by_label("The outlet's address").fill("valley.invalid")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("has no address")
    page.get_by_label("The outlet's address").fill(f"127.0.0.1:{wire.port}")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Valley Monitor")).to_be_visible()
    expect(page.get_by_text(HEADLINES[0], exact=True)).to_be_visible()
    check(page, "found")
    page.get_by_label("Name").focus()
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("“Valley Monitor” is added.")).to_be_visible()
    subprocess.run([sys.executable, "-m", "handbill", "fetch"], env=newsroom, check=True, capture_output=True)
    page.goto("/stories/")
    for headline in HEADLINES:
        expect(page.get_by_role("heading", name=headline)).to_be_visible()


def test_links_are_picked_with_a_live_preview(page, wire):  # noqa: F811
    log_in(page)
    page.goto("/sources/look/")
    page.get_by_label("The outlet's address").fill(f"{wire.address}/plain")
    page.get_by_role("button", name="Look").click()
    page.get_by_role("button", name="Pick the page's links yourself").click()
    field = page.get_by_label("CSS selector of the links")
    field.fill("h2 a[")
    expect(page.get_by_text("no CSS that can be read")).to_be_visible()
    field.fill("article:nth-of-type(2) a")
    expect(page.get_by_role("heading", name="It gives 1 entry")).to_be_visible()
    page.locator("button[name=suggestion]").first.click()
    expect(page.get_by_role("heading", name="It gives 5 entries")).to_be_visible()
    check(page, "pick")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", name="Plain")).to_be_visible()
    assert sum(request.path == "/plain" for request in wire.requests) == 1, "the page is fetched once"


def test_the_health_page_tells_each_fault_and_mends_it(page):  # noqa: F811
    log_in(page)
    page.get_by_role("link", name="See all").click()
    for name, sentence in FAULTS.items():
        row = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=name))
        expect(row).to_contain_text(sentence)
        expect(row.get_by_role("button", name="Try again now")).to_be_visible()
    for name, words in {
        "Moved": "moved to elsewhere.example",
        "Changing Ids": "ids can't be trusted",
        "Silent": "nothing new for 12 days, which is unusual: usually every 3 hours",
        "Resting Paper": "It is switched off",
        "Never Fetched": "hasn't been fetched yet",
    }.items():
        expect(page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=name))).to_contain_text(words)
    check(page, "health")
    page.get_by_role("button", name="Use the new address: Moved").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("“Moved” is fetched from its new address.")).to_be_visible()
    expect(page.get_by_text("https://elsewhere.example/feed")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Use the new address: Moved")).to_be_visible()
