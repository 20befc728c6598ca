"""A reader's day in a browser: skip link, sign-up, confirmation, the issue in the outbox, leaving with one button."""

import time
from contextlib import ExitStack

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from handbill.kit.clock import now
from handbill.ops.demo.outlets import load_outlets, opml, routes
from handbill.ops.net import answers
from handbill.testing.outbox import Outbox
from handbill.testing.relay import LoopbackRelay
from handbill.testing.wire import LoopbackWire
from tests.newsroom import Newsroom
from tests.services import chromium, need

BOB = "bob@reader.example"
pytestmark = pytest.mark.browser


class Stage:
    """The newsroom under test, its outlets, mail server and outbox, and a browser with JavaScript switched off."""

    def __init__(self, stack: ExitStack, folder) -> None:
        self.began, self.outlets = now(), load_outlets()
        self.wire = stack.enter_context(LoopbackWire(routes(self.outlets, now=self.began, newest_day=1)))
        self.relay = stack.enter_context(LoopbackRelay())
        self.outbox = stack.enter_context(Outbox(self.relay))
        self.paper = Newsroom(folder / "newsroom", relay=self.relay.port, wire=self.wire.port)
        (folder / "sources.opml").write_bytes(opml(self.outlets, self.wire.address))
        self.paper.json("import", "opml", str(folder / "sources.opml"))
        self.fetch_and_publish()
        self.process = self.paper.start("run")
        stack.callback(self._end)
        self.until(lambda: answers(f"127.0.0.1:{self.paper.public}"))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        stack.callback(browser.close)
        self.context = browser.new_context(java_script_enabled=False)
        self.asked: set[str] = set()
        self.context.on("request", lambda request: self.asked.add(request.url.split("/")[2]))

    def fetch_and_publish(self) -> None:
        self.paper.json("fetch", "--all", code=3)
        self.paper.json("publish", "--auto")

    def until(self, condition, seconds=60):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.1)

    def _end(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=90)

    def click_in_newest_mail(self, words: str):
        """Open the newest mail of the outbox and follow a link in it; the page it opens."""
        page = self.context.new_page()
        page.goto(f"{self.outbox.address}/outbox/")
        page.locator("main a[href^='/outbox/']").first.click()
        with self.context.expect_page() as opened:
            page.frame_locator("iframe").get_by_role("link", name=words).first.click()
        opened.value.wait_for_load_state()
        return opened.value


@pytest.fixture
def stage(tmp_path):
    need(chromium(), "Chromium")
    with ExitStack() as stack:
        yield Stage(stack, tmp_path)


def test_a_reader_comes_reads_and_leaves(stage):
    page = stage.context.new_page()
    page.goto(f"{stage.paper.site}/")
    page.keyboard.press("Tab")
    skip = page.locator(":focus")
    expect(skip).to_have_text("Skip to content")
    page.keyboard.press("Enter")
    assert page.url.endswith("#content")

    page.get_by_label("mail").last.fill(BOB)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{stage.paper.site}/subscribe/")
    stage.until(lambda: stage.relay.sent_to(BOB))

    confirm = stage.click_in_newest_mail("Open the page")
    assert stage.paper.json("digest", "--dry-run")["readers"] == 0, "opening the link changes nothing"
    confirm.locator("main").get_by_role("button").first.click()
    expect(confirm.locator("main h1")).to_contain_text("You’re in")

    stage.wire.routes = routes(stage.outlets, now=stage.began)
    stage.fetch_and_publish()
    assert stage.paper.json("send")["letters"] == 1
    stage.until(lambda: len(stage.relay.sent_to(BOB)) == 2)
    page.goto(f"{stage.paper.site}/")
    page.reload()
    expect(page.locator("main")).to_contain_text("Quernford Lock")

    leave = stage.click_in_newest_mail("Unsubscribe")
    leave.locator("main").get_by_role("button").first.click()
    said = leave.locator("main h1").inner_text()
    leave.reload()
    expect(leave.locator("main h1")).to_have_text(said)
    running = stage.paper.python(
        "from handbill.subscribers.models import Subscription\n"
        "print(Subscription.objects.filter(ended_at__isnull=True).count())"
    )
    assert running.strip() == "0"
    assert stage.asked <= {f"127.0.0.1:{stage.paper.public}", f"127.0.0.1:{stage.outbox.port}"}, "no third party"


def test_every_kind_of_page_is_without_fault_for_axe(stage):
    for width in (375, 1280):
        _look(stage, width)


def _look(stage, width):
    context = stage.context.browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    for path in (
        "/",
        "/topic/city/",
        "/topic/city/1/",
        "/series/harbour-works/",
        "/subscribe/",
        "/search/?q=harbour",
        "/no/",
    ):
        page.goto(stage.paper.site + path)
        found = Axe().run(page)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{path} scrolls sideways"
        assert page.locator("a").first.inner_text() == "Skip to content"
    context.close()
