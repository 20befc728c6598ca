"""An outlet rewrites a report: Ada sees the flag, reads the difference by keyboard, and says that she has seen it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from test_desk_journey import faults, log_in, page, pytestmark  # noqa: F401


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Iterator[str]:
    program = [sys.executable, str(Path(__file__).with_name("desk_server.py")), str(tmp_path_factory.mktemp("room"))]
    with subprocess.Popen([*program, "changes"], stdout=subprocess.PIPE, text=True) as server:
        try:
            yield f"http://localhost:{int(server.stdout.readline())}"
        finally:
            server.kill()


def test_a_flag_leads_to_the_difference_and_goes_when_it_was_seen(page: Page) -> None:  # noqa: F811
    log_in(page)
    page.get_by_role("link", name=re.compile("article.* whose source changed")).click()
    page.get_by_role("link", name=re.compile(r"^source changed\s*: Alder")).press("Enter")
    expect(page.get_by_role("deletion").first).to_contain_text("Monday")
    expect(page.get_by_role("insertion").first).to_contain_text("Tuesday")
    for width in (375, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert faults(page) == [] and page.evaluate("document.documentElement.scrollWidth") <= width
    page.emulate_media(color_scheme="dark")
    assert faults(page) == []
    page.get_by_role("button", name="I have seen it").press("Enter")
    expect(page.get_by_text("Noted.")).to_be_visible()
    expect(page.get_by_text("The outlet has changed this report since.")).to_have_count(0)
    page.goto("/articles/?state=look")
    expect(page.get_by_role("link", name=re.compile(r"^taken back\s*: "))).to_have_attribute(
        "href", re.compile("/reports/")
    )
    expect(page.get_by_role("link", name=re.compile(r"^source changed\s*: Alder"))).to_have_count(0)
