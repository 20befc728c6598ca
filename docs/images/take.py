"""Take the pictures of this folder from the demo: `make pictures` (needs Debian's chromium)."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).parent
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def main() -> None:
    """Run the demo, look at it as readers and editors do, and end it."""
    command = [sys.executable, "-m", "handbill", "demo", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        where = json.loads(demo.stdout.readline())
        try:
            with sync_playwright() as playwright:
                executable = shutil.which("chromium")
                browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
                site(browser, where)
                desk(browser, where)
                browser.close()
        finally:
            demo.terminate()


def site(browser: Browser, where: dict[str, str]) -> None:
    """The public pages and a mail, at the widths of a phone and a desk, light and dark."""
    for name, address, width, scheme in (
        ("front-1280", f"{where['site']}/", 1280, "light"),
        ("front-375", f"{where['site']}/", 375, "light"),
        ("topic-1280", f"{where['site']}/topic/environment/", 1280, "light"),
        ("topic-375", f"{where['site']}/topic/environment/", 375, "light"),
        ("topic-375-dark", f"{where['site']}/topic/environment/", 375, "dark"),
        ("mail", f"{where['outbox']}6/", 1280, "light"),
        ("mail-375-dark", f"{where['outbox']}6/html", 375, "dark"),
    ):
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.goto(address)
        page.screenshot(path=HERE / f"{name}.png")
        page.close()


def desk(browser: Browser, where: dict[str, str]) -> None:
    """The desk: what waits, an article being edited, and how the sending went."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{where['desk']}/login/")
    page.fill("input[name=login]", where["email"])
    page.fill("input[name=password]", where["password"])
    page.click("button[type=submit]")
    page.goto(f"{where['desk']}/stories/?taken")
    page.locator("details summary").first.click()
    page.screenshot(path=HERE / "desk-stories.png")
    page.goto(f"{where['desk']}/stories/")
    page.locator("form button", has_text="Take").nth(2).click()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=HERE / "desk-article.png")
    page.goto(f"{where['desk']}/delivery/")
    page.screenshot(path=HERE / "desk-delivery.png")


if __name__ == "__main__":
    main()
