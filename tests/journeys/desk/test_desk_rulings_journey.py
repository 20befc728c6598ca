"""Ada's word on stories: merge, split, move, not the same; with the keyboard, without JavaScript, and back again."""

import re

import pytest
from playwright.sync_api import expect

from desk.conftest import opened


@pytest.fixture
def plain(ada, browser, desk):
    """Ada's browser with JavaScript switched off."""
    look = {"base_url": desk, "java_script_enabled": False, "storage_state": ada.storage_state()}
    with browser.new_context(**look) as context, opened(context) as page:
        yield page


def said(page, text):
    return expect(page.locator(".messages").get_by_text(re.compile(text)))


def test_pages_of_stories_have_no_accessibility_faults(page, check):
    page.goto("/stories/?taken=1")
    for summary in page.locator("main summary").all():
        summary.click()
    check(page, "stories-open")
    page.get_by_role("link", name="Lock gate jams at Weirmouth").first.click()
    expect(page.get_by_text(re.compile("same text as Outlet 1, who had it first"))).to_be_visible()
    check(page, "story")
    page.goto("/stories/")
    page.get_by_role("link", name="تعطل بوابة القفل").click()
    expect(page.locator("h2.desk-headline")).to_have_attribute("dir", "rtl")
    check(page, "story-ar")


def test_two_stories_become_one_by_keyboard_and_come_apart_again(page):
    page.goto("/stories/")
    for title in ("Lock gate jams", "Ferry waits behind"):
        box = page.locator(".desk-story", has_text=title).get_by_label("Choose")
        box.focus()
        page.keyboard.press("Space")
        expect(box).to_be_checked()
    page.get_by_role("button", name="Make one story").press("Enter")
    said(page, "These are one story now").to_be_visible()
    page.get_by_role("button", name="Undo").press("Enter")
    said(page, "Undone: the reports are where they were").to_be_visible()
    expect(page.locator(".desk-story", has_text="Ferry waits behind")).to_be_visible()


def test_one_report_is_taken_out_moved_and_put_back_without_javascript(plain):
    plain.goto("/stories/")
    story = plain.locator(".desk-story", has_text="Lock gate jams")
    story.locator("summary").click()
    story.get_by_role("button", name=re.compile("^Not this story: .*School fair")).click()
    said(plain, "1 report is a story of its own now: “School fair").to_be_visible()
    plain.get_by_role("button", name="Undo").click()
    said(plain, "Undone").to_be_visible()
    plain.get_by_role("link", name="Lock gate jams at Weirmouth").first.click()
    plain.get_by_label(re.compile("^Choose: .*School fair")).check()
    plain.get_by_label("Move the chosen reports to").fill("ferry waits")
    plain.get_by_role("button", name="Move", exact=True).click()
    said(plain, "1 report moved to “").to_be_visible()
    plain.get_by_role("button", name="Undo").click()
    said(plain, "Undone").to_be_visible()


def test_two_stories_are_not_the_same_and_strictness_is_chosen(page):
    page.goto("/stories/")
    page.get_by_role("link", name="Ferry waits behind the lock").click()
    page.get_by_label("The other story").fill("Quay Works Day 5")
    page.get_by_role("button", name="Not the same").click()
    said(page, "These are not the same").to_be_visible()
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("How stories are ordered and grouped").click()
    page.get_by_label("rather strict").check()
    page.get_by_role("button", name="Save").click()
    said(page, "grouped “rather strict”").to_be_visible()
    page.get_by_text("How stories are ordered and grouped").click()
    page.get_by_label("even").check()
    page.get_by_role("button", name="Save").click()


def test_a_series_shows_its_gaps(page):
    page.goto("/stories/")
    part = page.locator(".desk-story", has_text="Quay Works Day 5")
    expect(part.get_by_text(re.compile("Part 5 of the series “Quay Works” · missing: 4 · next: 6"))).to_be_visible()


@pytest.mark.parametrize(("language", "direction", "why"), [
    ("de", "ltr", "Dieselben Wörter im Titel: bridge."), ("ar", "rtl", "الكلمات نفسها في العنوان: bridge."),
])  # fmt: skip
def test_stories_and_series_are_said_in_the_editors_language(ada, browser, desk, check, language, direction, why):
    look = {"base_url": desk, "locale": language, "storage_state": ada.storage_state()}
    with browser.new_context(**look) as context, opened(context) as page:
        page.goto("/stories/")
        assert page.evaluate("document.documentElement.dir") == direction
        for title in ("Lock gate jams", "Quay Works Day 5", "تعطل بوابة القفل"):
            page.locator(".desk-story", has_text=title).locator("summary").click()
        check(page, f"stories-{language}")
        page.get_by_role("link", name="Lock gate jams at Weirmouth").first.click()
        expect(page.get_by_text(why).first).to_be_visible()
        side = "right" if direction == "rtl" else "left"
        assert page.evaluate("getComputedStyle(document.querySelector('.desk-member')).textAlign") in (side, "start")
        check(page, f"story-{language}")
        for name in ("topics", "series"):
            page.goto(f"/{name}/")
            check(page, f"{name}-{language}")
