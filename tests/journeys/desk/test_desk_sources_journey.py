"""Ada's sources: one added by its site's address and fetched, one by picked links, and the ailing ones mended."""

import pytest
from playwright.sync_api import expect

from desk.desk_server import FAULTS
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


@pytest.fixture
def valley(wire) -> LoopbackWire:
    wire.routes |= outlet(wire.address)
    return wire


def test_a_source_is_added_by_its_address_and_fetched(page, valley, work, check):
    page.goto("/")
    page.get_by_role("button", name="Sources").click()
    page.get_by_role("link", name="Add a source").click()
    check(page, "empty")
    page.get_by_label("The outlet's address").fill("valley.invalid")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("has no address")
    page.get_by_label("The outlet's address").fill(f"127.0.0.1:{valley.port}")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Valley Monitor")).to_be_visible()
    expect(page.get_by_text(HEADLINES[0], exact=True)).to_be_visible()
    check(page, "found")
    page.get_by_label("Name").focus()
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("“Valley Monitor” is added.")).to_be_visible()
    work()
    page.goto("/stories/")
    for headline in HEADLINES:
        expect(page.get_by_role("heading", name=headline)).to_be_visible()


def test_links_are_picked_with_a_live_preview(page, valley, check):
    page.goto("/sources/look/")
    page.get_by_label("The outlet's address").fill(f"{valley.address}/plain")
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
    assert sum(request.path == "/plain" for request in valley.requests) == 1, "the page is fetched once"


def test_the_health_page_tells_each_fault_and_mends_it(page, check):
    page.goto("/")
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
