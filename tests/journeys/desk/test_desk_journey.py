"""Ada's morning at the desk: log in, choose, edit, preview, publish, undo, and write something of her own."""

import re

import pytest
from PIL import Image
from playwright.sync_api import expect


def publish(page) -> None:
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("published.").first).to_be_visible()


@pytest.mark.parametrize("width", [375, 1280])
def test_login_home_and_stories_have_no_accessibility_faults(stranger, page, check, width):
    stranger.goto("/login/")
    check(stranger, "login", (width,))
    page.goto("/")
    check(page, "home", (width,))
    page.goto("/stories/")
    page.locator("summary").first.click()
    check(page, "stories", (width,))


def test_choose_edit_preview_publish_and_undo(page):
    page.goto("/")
    page.get_by_role("link", name="Stories", exact=True).click()
    page.get_by_role("button", name=re.compile("^Take: .*Alder bridge")).click()
    expect(page.get_by_label("City")).to_be_checked()
    page.get_by_role("textbox", name="Headline").fill("The bridge is shut")
    page.get_by_role("button", name="Toggle preview").click()
    preview = page.frame_locator("iframe[title=Preview]").first
    expect(preview.get_by_role("heading", name="The bridge is shut")).to_be_visible()
    publish(page)
    page.goto("/articles/?state=live")
    expect(page.get_by_role("link", name="The bridge is shut")).to_be_visible()

    page.goto("/stories/")
    page.get_by_role("button", name=re.compile("^Dismiss: Harbour")).click()
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name=re.compile("^Take and publish: Harbour")).press("Enter")
    expect(page.get_by_text("is published.")).to_be_visible()
    page.get_by_role("button", name="Undo").press("Enter")
    expect(page.get_by_text("is withdrawn.")).to_be_visible()
    page.goto("/articles/?state=draft")
    expect(page.get_by_role("link", name="Harbour gets a second crane")).to_be_visible()


def test_write_an_article_of_ones_own_with_a_picture(page, tmp_path):
    picture = tmp_path / "quay.png"
    Image.new("RGB", (640, 400), "#7a1f1f").save(picture)
    page.goto("/articles/add/")
    page.get_by_role("textbox", name="Headline").fill("What the ferry costs")
    page.get_by_role("textbox", name="Excerpt").fill("The ferry costs more than the bridge. Nobody asked.")
    page.get_by_label("Harbour").check()
    body = page.locator(".public-DraftEditor-content")
    body.click()
    body.press_sequentially("Two boats, nine men and a dog.")
    body.press("Control+a")
    page.get_by_role("button", name="Link", exact=True).or_(page.locator("button[name=LINK]")).first.click()
    page.locator("#id_external-link-chooser-url").fill("https://ferry.example/")
    page.get_by_role("dialog").get_by_role("button", name="Insert link").click()
    page.get_by_role("button", name="Choose an image").click()
    page.get_by_role("tab", name="Upload").click()
    page.locator("#id_image-chooser-upload-file").set_input_files(picture)
    page.locator("#id_image-chooser-upload-title").fill("The quay")
    page.get_by_role("dialog").get_by_role("button", name="Upload").click()
    expect(page.get_by_role("region", name="Picture").get_by_text("The quay")).to_be_visible()
    page.get_by_role("textbox", name="Description").fill("Two boats at the quay")
    publish(page)
    page.goto("/articles/?state=live")
    page.get_by_role("link", name="What the ferry costs").click()
    page.get_by_role("button", name="Toggle preview").click()
    preview = page.frame_locator("iframe[title=Preview]").first
    expect(preview.get_by_role("img", name="Two boats at the quay")).to_be_visible()
    link = preview.get_by_role("link", name="Two boats, nine men and a dog.")
    expect(link).to_have_attribute("href", "https://ferry.example/")
