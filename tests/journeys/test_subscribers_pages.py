"""A reader's way through the pages in a browser: sign up, confirm, choose, leave; with and without scripts."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from handbill.config import faces
from handbill.delivery.models import Body
from handbill.kit.clock import now
from handbill.subscribers import actions, queries, signups
from handbill.topics.models import Topic
from handbill.topics.paper import css_bytes

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
BOB = "bob@readers.example"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no Chromium at /usr/bin/chromium"),
]


@pytest.fixture
def browser(monkeypatch) -> Iterator[Browser]:
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield found
        found.close()


@pytest.fixture
def public(live_server, monkeypatch) -> str:
    """The address of a server that shows the public face."""
    monkeypatch.setitem(faces.URLCONFS, "desk", faces.URLCONFS["public"])
    for name in ("River", "Schools"):
        Topic.objects.create(name=name, slug=name.lower())
    return live_server.url


def opened(browser: Browser, **options) -> Page:
    page = browser.new_context(**options).new_page()
    page.route("**/assets/*.css", lambda route: route.fulfill(body=css_bytes(), content_type="text/css"))
    return page


def mailed(pattern: str) -> str:
    return re.search(pattern, Body.objects.order_by("-pk")[0].text)[1]


def test_from_sign_up_to_goodbye_without_scripts_by_keyboard(browser: Browser, public: str) -> None:
    page = opened(browser, java_script_enabled=False)
    page.goto(f"{public}/subscribe/")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to content")
    page.get_by_label("Your e-mail address").focus()
    page.keyboard.type(BOB)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Look in your inbox")

    assert signups.answer(now()) == 1
    page.goto(public + mailed(r"https://paper\.example(/confirm/\S+/)"))
    assert queries.audiences(now()) == {}
    page.get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("You’re in")
    expect(page.get_by_role("status")).to_contain_text("07:00 (Berlin time)")

    expect(page.get_by_label("River")).not_to_be_checked()
    page.get_by_label("River").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.get_by_role("status")).to_have_text("Saved. You follow: River.")
    expect(page.get_by_label("River")).to_be_checked()

    page.get_by_role("link", name="Unsubscribe").press("Enter")
    token = page.url.rstrip("/").rpartition("/")[2]
    assert queries.audiences(now()) == {frozenset({Topic.objects.get(slug="river").pk}): 1}
    page.get_by_role("button", name="Unsubscribe").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("You’re out")
    page.get_by_role("button", name="Undo").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("You’re back")
    assert queries.audiences(now()) == {frozenset({Topic.objects.get(slug="river").pk}): 1}
    page.goto(f"{public}/unsubscribe/{token}/")
    page.get_by_role("button", name="Unsubscribe").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("You’re out")
    assert queries.audiences(now()) == {} and page.context.cookies() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_every_page_is_accessible_and_fits(browser: Browser, public: str, width: int, scheme: str) -> None:
    actions.ask(BOB, now())
    confirm = mailed(r"https://paper\.example(/confirm/\S+/)")
    token = actions.confirm(confirm.split("/")[2], now()).token
    page = opened(browser, viewport={"width": width, "height": 800}, color_scheme=scheme)
    strangers: list[str] = []
    page.on("request", lambda request: request.url.startswith(public) or strangers.append(request.url))
    shots = os.environ.get("HANDBILL_TEST_SHOTS")
    for name, path, press in (
        ("ask", "/subscribe/", None),
        ("confirm", confirm, None),
        ("welcome", confirm, "Yes"),
        ("choose", f"/preferences/{token}/", None),
        ("saved", f"/preferences/{token}/", "Save"),
        ("wished", f"/preferences/{token}/", "Have it like this"),
        ("leave", f"/unsubscribe/{token}/", None),
        ("pause", f"/pause/{token}/", None),
        ("pause-wrong", f"/pause/{token}/", "Pause until then"),
        ("paused", f"/pause/{token}/", "1 week"),
        ("choose-paused", f"/preferences/{token}/", None),
        ("resumed", f"/preferences/{token}/", "Send it to me again now"),
        ("move", f"/move/{token}/", None),
        ("data", f"/data/{token}/", None),
        ("erase", f"/erase/{token}/", None),
        ("still", f"/still/{token}/", None),
        ("wrong", "/confirm/no.token/", None),
        ("left", f"/unsubscribe/{token}/", "Unsubscribe"),
        ("back", f"/unsubscribe/{token}/", "Undo"),
        ("erased", f"/erase/{token}/", "Erase"),
    ):
        page.goto(public + path)
        if press:
            with page.expect_navigation():  # or axe would look at a page that is just going
                page.get_by_role("button", name=press).click()
        found = Axe().run(page)
        assert found.violations_count == 0, f"{name}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        if shots:
            page.screenshot(path=Path(shots) / f"page-{name}-{width}-{scheme}.png")
    assert strangers == []
