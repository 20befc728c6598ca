"""A reader's way through the pages in a browser: sign up, confirm, choose, leave; with and without scripts."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, Route, expect, sync_playwright

from handbill.config import faces
from handbill.delivery.address import address_hash
from handbill.delivery.models import Body
from handbill.desk.signups import form_for_others
from handbill.kit.clock import now
from handbill.subscribers import actions, queries, signups
from handbill.subscribers.models import Rush, SignUp
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


def shoot(page: Page, name: str) -> None:
    if shots := os.environ.get("HANDBILL_TEST_SHOTS"):
        page.screenshot(path=Path(shots) / f"{name}.png")


def mailed(pattern: str) -> str:
    return re.search(pattern, Body.objects.order_by("-pk")[0].text)[1]


def test_from_sign_up_to_undo_without_scripts_by_keyboard_alone(browser: Browser, public: str) -> None:
    page = opened(browser, java_script_enabled=False)
    seen: list[str] = []
    page.goto(f"{public}/subscribe/")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to content")
    tab_to(page, page.get_by_label("Your e-mail address"))
    page.keyboard.type(BOB)
    press(page, seen, "Look in your inbox")

    assert signups.answer(now()) == 1
    page.goto(public + mailed(r"https://paper\.example(/confirm/\S+/)"))
    assert queries.audiences(now()) == {}
    tab_to(page, page.locator("main").get_by_role("button"))
    press(page, seen, "You’re in")
    expect(page.get_by_role("status")).to_contain_text("07:00 (Berlin time)")

    expect(page.get_by_label("River")).not_to_be_checked()
    tab_to(page, page.get_by_label("River"))
    page.keyboard.press("Space")
    tab_to(page, page.get_by_role("button", name="Save"))
    press(page, seen)
    expect(page.get_by_role("status")).to_have_text("Saved. You follow: River.")
    expect(page.get_by_label("River")).to_be_checked()

    tab_to(page, page.get_by_role("link", name="Unsubscribe"))
    press(page, seen)
    token = page.url.rstrip("/").rpartition("/")[2]
    assert queries.audiences(now()) == {frozenset({Topic.objects.get(slug="river").pk}): 1}
    tab_to(page, page.get_by_role("button", name="Unsubscribe"))
    press(page, seen, "You’re out")
    assert queries.audiences(now()) == {}
    tab_to(page, page.get_by_role("button", name="Undo"))
    press(page, seen, "You’re back")
    assert queries.audiences(now()) == {frozenset({Topic.objects.get(slug="river").pk}): 1}
    page.goto(f"{public}/unsubscribe/{token}/")
    tab_to(page, page.get_by_role("button", name="Unsubscribe"))
    press(page, seen, "You’re out")
    assert queries.audiences(now()) == {} and page.context.cookies() == []
    look = opened(browser)  # axe needs scripts
    look.route("**/seen/*", lambda route: route.fulfill(body=seen[number_in(route)], content_type="text/html"))
    for number in range(len(seen)):
        look.goto(f"{public}/seen/{number}")
        found = Axe().run(look)
        assert found.violations_count == 0, found.generate_report()
    assert len(seen) == 7


def number_in(route: Route) -> int:
    return int(route.request.url.rpartition("/")[2])


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the focus, which can be seen on its way, is there."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if target.evaluate("one => one === document.activeElement"):
            style = "one => getComputedStyle(one).outlineStyle + getComputedStyle(one).outlineWidth"
            assert target.evaluate(style) not in ("none0px", "none3px"), "the focus can't be seen"
            return
    raise AssertionError("no key leads there")


def press(page: Page, seen: list[str], heading: str = "") -> None:
    """Press Enter, which leads to another page, of that heading; keep what stands there."""
    with page.expect_navigation():
        page.keyboard.press("Enter")
    if heading:
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    seen.append(page.content())


ELSEWHERE = "https://other.example/about/"


def test_a_form_on_another_site_signs_up_and_tells_that_site_nothing(browser: Browser, public: str, settings) -> None:
    settings.HANDBILL = replace(settings.HANDBILL, public_address=public)
    page = opened(browser, java_script_enabled=False)
    foreign = f"<!DOCTYPE html><title>Other</title><h1>Elsewhere</h1>{form_for_others()}"
    frames = f'<iframe src="{ELSEWHERE}"></iframe><iframe src="{public}/subscribe/"></iframe>'
    framed = f"<!DOCTYPE html><title>Frame</title>{frames}"
    page.route("https://other.example/about/", lambda route: route.fulfill(body=foreign, content_type="text/html"))
    page.route("https://other.example/frame/", lambda route: route.fulfill(body=framed, content_type="text/html"))
    sent: list[dict[str, str]] = []
    page.on("request", lambda request: request.method == "POST" and sent.append(request.all_headers()))
    for number, start in enumerate((ELSEWHERE, "https://other.example/frame/")):
        page.goto(start)
        place = page.frame_locator("iframe").first if number else page
        place.get_by_label("Your e-mail address").fill(f"r{number}@readers.example")
        place.get_by_role("button", name="Subscribe").press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Look in your inbox")
        assert page.url == f"{public}/subscribe/", "the whole window, not the frame"
    assert [headers.get("referer") for headers in sent] == [None, None]
    assert SignUp.objects.count() == 2 and page.context.cookies() == []
    page.goto("https://other.example/frame/")
    expect(page.frame_locator("iframe").nth(1).locator("h1")).to_have_count(0)  # our pages can't be framed


SLIP = "a.rather.long.name.of.somebody.in.berlin@gmial.com"


@pytest.mark.parametrize("language", ["en", "de", "ar"])
def test_a_slip_is_asked_about_and_fits(browser: Browser, public: str, settings, language: str) -> None:
    settings.HANDBILL = replace(settings.HANDBILL, language=language)
    for width in (375, 1280):
        page = opened(browser, viewport={"width": width, "height": 800})
        page.goto(f"{public}/subscribe/")
        page.locator("#reader-address").fill(SLIP)
        page.locator("#reader-address").press("Enter")
        expect(page.locator("main button")).to_have_count(2)
        shoot(page, f"slip-{language}-{width}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert Axe().run(page).violations_count == 0
    assert not SignUp.objects.exists()


def test_a_slip_is_settled_by_keyboard_without_scripts(browser: Browser, public: str) -> None:
    page = opened(browser, java_script_enabled=False)
    page.goto(f"{public}/subscribe/")
    page.locator("#reader-address").fill(SLIP)
    page.locator("#reader-address").press("Enter")
    page.get_by_role("button", name="This one: a.rather.long.name.of.somebody.in.berlin@gmail.com").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Look in your inbox")
    assert SignUp.objects.get().address_hash == address_hash(SLIP.replace("gmial", "gmail"))


@pytest.mark.parametrize("scripts", [True, False])
def test_in_a_rush_a_browser_works_for_its_turn_or_waits(browser: Browser, public: str, scripts: bool) -> None:
    Rush.objects.create(since=now(), over_at=now(), came=99, allowed=60)
    page = opened(browser, java_script_enabled=scripts, viewport={"width": 375, "height": 800})
    faults: list[str] = []
    page.on("console", lambda message: message.type == "error" and faults.append(message.text))
    page.goto(f"{public}/subscribe/")
    page.get_by_label("Your e-mail address").fill(BOB)
    page.get_by_label("Your e-mail address").press("Enter")
    expect(page.locator("main")).to_contain_text("More people than usual sign up")
    if scripts:
        expect(page.get_by_role("status")).to_contain_text("has done a small piece of work", timeout=60_000)
        assert Axe().run(page).violations_count == 0
    shoot(page, f"rush-{scripts}")
    assert faults == [] and SignUp.objects.get().proved is scripts


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_every_page_is_accessible_and_fits(browser: Browser, public: str, width: int, scheme: str) -> None:
    actions.ask(BOB, now())
    confirm = mailed(r"https://paper\.example(/confirm/\S+/)")
    token = actions.confirm(confirm.split("/")[2], now()).token
    page = opened(browser, viewport={"width": width, "height": 800}, color_scheme=scheme)
    strangers: list[str] = []
    page.on("request", lambda request: request.url.startswith(public) or strangers.append(request.url))
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
        shoot(page, f"page-{name}-{width}-{scheme}")
    assert strangers == []
