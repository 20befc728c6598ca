"""Ada clips an article that only her own browser can open."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from handbill.testing.wire import Answer, LoopbackWire

PROSE = "".join(f"<p>The wall rose by {n} stones and the gate was shut that evening again.</p>" for n in range(12))
ARTICLE = f"""<!doctype html><html lang=en><meta charset=utf-8><title>The wall</title><body><article></article><script>
document.querySelector("article").innerHTML = {PROSE!r} + "<p onclick='steal()'>Nobody knows why.</p>";</script>"""
EVIL = """<!doctype html><title>Evil</title><button onclick="go()">Go</button><script>
function go() {
  const w = open(DESK + "/clip/"), given = {address: "https://good.example/1", title: "Lies", markup: "<p>Lies.</p>"};
  onmessage = e => w.postMessage(given, DESK);
}
</script>"""


@pytest.fixture
def outlet(page, wire) -> Iterator[LoopbackWire]:
    wire.routes["/article"] = Answer(body=ARTICLE.encode(), content_type="text/html; charset=utf-8")
    yield wire
    page.foreign[:] = [url for url in page.foreign if not url.startswith(wire.address)]


def test_clip_and_keep(page, outlet, check):
    page.goto("/clip/")
    bookmark = page.locator("#clip-bookmark").get_attribute("href")
    page.goto(outlet.address + "/article")
    with page.expect_popup() as opened:
        page.evaluate(bookmark.removeprefix("javascript:"))
    window = opened.value
    expect(window.get_by_role("heading", name="The wall")).to_be_visible()
    expect(window.get_by_text("The wall rose by 7 stones")).to_be_visible()
    assert window.locator("[onclick], #clip-preview script").count() == 0
    check(window, "clip", (375,))
    window.get_by_label("Outlet", exact=True).fill("The Walled Times")
    window.get_by_role("button", name="Keep", exact=True).click()
    expect(window.get_by_text("is kept as a report of The Walled Times")).to_be_visible()
    window.get_by_role("link", name="See the stories").click()
    expect(window.get_by_role("heading", name="The wall")).to_be_visible()


def test_a_site_hands_over_no_page_but_its_own(page, outlet, desk):
    evil = EVIL.replace("DESK", repr(desk))
    outlet.routes["/evil"] = Answer(body=evil.encode(), content_type="text/html; charset=utf-8")
    page.goto(outlet.address + "/evil")
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Go").click()
    expect(opened.value.get_by_text("Nothing was taken.")).to_be_visible()
    expect(opened.value.get_by_label("The article's address")).to_have_value("")
