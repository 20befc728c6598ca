"""The desk suggests topics by earlier choices: Ada sees how likely each is and why, and ticks one by keyboard."""

import os
import re

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect


def test_a_suggested_topic_is_ticked_and_kept(page):
    page.goto("/articles/")
    page.get_by_role("link", name=re.compile("^Lantern walk through the orchard")).click()
    box = page.locator(".desk-suggested")
    offered = box.get_by_label("Orchards").first
    expect(offered).not_to_be_checked()
    expect(box.get_by_text(re.compile(r"likely, \d+ % · these words speak for it: .*orchard")).first).to_be_visible()
    for width, scheme in ((375, "dark"), (1280, "light")):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function("document.getAnimations().every(each => each.playState === 'finished')")
        found = Axe().run(page).response["violations"]
        assert [fault["id"] for fault in found] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if folder := os.environ.get("HANDBILL_TEST_SHOTS"):
            box.scroll_into_view_if_needed()
            page.screenshot(path=f"{folder}/suggested-topics-{width}-{scheme}.png")
    offered.press("Space")
    page.get_by_role("button", name="Save draft").press("Enter")
    expect(page.get_by_role("checkbox", name="Orchards", exact=True)).to_be_checked()
    expect(page.locator(".desk-suggested").get_by_label("Orchards")).to_have_count(0)


def test_a_topic_ticked_on_the_list_comes_with_the_story(page, check):
    page.goto("/stories/")
    story = page.locator(".desk-story", has=page.get_by_role("group", name="Suggested topics")).first
    check(page, "stories-topics")
    headline = story.get_by_role("heading").inner_text()
    tick = story.get_by_role("group", name="Suggested topics").get_by_role("checkbox").first
    expect(tick).not_to_be_checked()
    name = tick.evaluate("box => box.parentElement.querySelector('bdi').textContent")
    tick.press("Space")
    story.get_by_role("button", name="Take", exact=False).first.press("Enter")
    expect(page.get_by_role("textbox", name="Headline")).to_have_value(headline)
    expect(page.get_by_role("textbox", name="Text of your own")).to_be_visible()
    expect(page.get_by_role("checkbox", name=name, exact=True)).to_be_checked()
    page.get_by_role("button", name="Undo").press("Enter")
