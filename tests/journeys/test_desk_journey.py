"""Ada's morning at the desk: log in, choose, edit, preview, publish, undo, and write something of her own."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from desk_server import PASSWORD
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
expect.set_options(timeout=15_000)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed (apt install chromium)"),
]


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("newsroom")
    program = [sys.executable, str(Path(__file__).with_name("desk_server.py")), str(home)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield f"http://localhost:{int(server.stdout.readline())}"
        finally:
            server.kill()


@pytest.fixture
def page(desk) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        page = browser.new_page(base_url=desk, viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
        page.set_default_timeout(15_000)
        page.foreign = []
        page.on(
            "request", lambda r: page.foreign.append(r.url) if not r.url.startswith((desk, "data:", "blob:")) else 0
        )
        yield page
        assert page.foreign == [], "the desk called a third party"
        browser.close()


def log_in(page: Page) -> None:
    page.goto("/")
    page.get_by_label("Email").fill("ada@paper.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("heading", name="The Alder Paper")).to_be_visible()


def publish(page: Page) -> None:
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("published.").first).to_be_visible()


def faults(page: Page) -> list[str]:
    page.wait_for_function("document.getAnimations().every(each => each.playState === 'finished')")
    found = Axe().run(page).response["violations"]
    return [f"{fault['id']}: {[node['target'] for node in fault['nodes']]}" for fault in found]


@pytest.mark.parametrize("width", [375, 1280])
def test_login_home_and_stories_have_no_accessibility_faults(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/login/")
    assert faults(page) == []
    log_in(page)
    assert faults(page) == []
    page.goto("/stories/")
    page.locator("summary").first.click()
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_choose_edit_preview_publish_and_undo(page):
    log_in(page)
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
    log_in(page)
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
