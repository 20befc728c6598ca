"""Ada brings a day from triage to sent: she orders it, approves, undoes once, approves again, and Ben sees it live.

Time is moved by the clock that the code asks. The newsroom is its own, since its day ends.
"""

import re
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from desk.conftest import LOOKS, log_in, opened
from handbill.testing.relay import LoopbackRelay

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def relay():
    with LoopbackRelay() as one:
        yield one


@pytest.fixture(scope="module")
def newsroom(newsroom, tmp_path_factory, relay):
    relays = f'[{{name = "own", address = "smtp://{relay.host}:{relay.port}"}}]'
    return newsroom | {"HANDBILL_HOME": str(tmp_path_factory.mktemp("issue")), "HANDBILL_RELAYS": relays}


@pytest.fixture(scope="module")
def desk(newsroom):
    program = [sys.executable, str(HERE / "desk_server.py"), newsroom["HANDBILL_HOME"]]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, env=newsroom) as server:
        try:
            yield f"http://localhost:{int(server.stdout.readline())}"
        finally:
            server.kill()


@pytest.fixture(scope="module")
def ada(browser, desk):
    with browser.new_context(base_url=desk, **LOOKS) as context:
        with opened(context) as page:
            log_in(page)
        yield context


@pytest.fixture
def ben(ada, browser, desk):
    """Another editor's browser, with JavaScript switched off."""
    look = {"base_url": desk, "java_script_enabled": False, "storage_state": ada.storage_state()}
    with browser.new_context(**look) as context, opened(context) as page:
        yield page


def run(newsroom, *what: str) -> str:
    command = [sys.executable, str(HERE / "day.py"), *what]
    return subprocess.run(command, env=newsroom, check=True, capture_output=True, text=True, timeout=60).stdout


def headlines(page) -> list[str]:
    return page.locator(".desk-order-title").all_inner_texts()


def test_a_day_goes_from_triage_to_sent_with_undo_used_once(page, ben, newsroom, relay, check):
    run(newsroom, "reader", "bob@readers.example")
    before = len(relay.messages)

    page.goto("/stories/")
    story = page.locator(".desk-story", has_text="Harbour gets a second crane")
    story.get_by_role("button", name=re.compile("publish", re.IGNORECASE)).click()
    expect(page.locator(".messages")).to_contain_text("is published")
    page.get_by_role("link", name="Send room").click()
    expect(page.get_by_role("heading", name="Order")).to_be_visible()
    expect(page.locator(".desk-order-title", has_text="Harbour gets a second crane")).to_be_visible()

    # The order: by keyboard, by drag, and by the other editor's plain buttons.
    crane = page.locator(".desk-order > li", has_text="Harbour gets a second crane")
    crane.focus()
    while crane.evaluate("each => [...each.parentNode.children].indexOf(each)"):
        page.keyboard.press("Alt+ArrowUp")
    expect(page.locator("#rank")).to_be_visible()
    expect(crane).to_be_focused()
    expect(page.locator(".desk-subject")).to_have_text("Harbour gets a second crane")
    frame = page.frame_locator("#frame")
    expect(frame.locator("h2").first).to_contain_text("Harbour gets a second crane")
    ben.goto("/issue/?still=1")
    shown = headlines(page)
    assert headlines(ben) == shown and len(shown) > 2
    ben.get_by_role("button", name=f"Make it the lead: {shown[2]}").click()
    assert headlines(ben) == [shown[2], *shown[:2], *shown[3:]]
    expect(page.locator(".desk-order-title").first).to_have_text(shown[2])  # by itself
    page.locator(".desk-order > li").nth(1).drag_to(
        page.locator(".desk-order > li").first, target_position={"x": 60, "y": 3}
    )
    expect(page.locator(".desk-order-title").first).to_have_text(shown[0])
    expect(page.locator(".desk-subject")).to_have_text(shown[0])
    ben.reload()
    assert headlines(ben) == headlines(page)

    page.get_by_role("textbox", name="Subject").fill("A second crane for the harbour")
    page.get_by_role("button", name="Set the subject").click()
    expect(page.locator(".desk-subject")).to_have_text("A second crane for the harbour")
    page.get_by_role("button", name="Send a test to me").click()
    expect(page.locator(".messages")).to_contain_text("on its way to ada@paper.example")
    check(page, "issue-open")
    page.set_viewport_size({"width": 1280, "height": 900})
    for name in ("700 pixels", "Dark", "Images off", "Text part"):
        page.get_by_role("link", name=name).click()
        expect(page.get_by_role("link", name=name)).to_have_attribute("aria-current", "true")
        expect(frame.locator("body")).to_contain_text("Harbour gets a second crane")

    page.get_by_role("button", name="Approve").press("Enter")
    expect(page.locator("#day-head")).to_contain_text("can be undone")
    check(page, "issue-approved", (375,))
    page.get_by_role("button", name="Undo").press("Enter")
    expect(page.locator("#day-head .desk-level")).to_have_text("Open")
    ben.reload()
    ben.get_by_role("button", name="Approve").click()
    expect(page.locator("#day-head")).to_contain_text("can be undone")  # by itself

    hour = datetime.fromisoformat(page.locator("#day-head").get_attribute("data-goes"))
    moved = (hour - datetime.now(hour.tzinfo)) + timedelta(minutes=1)
    Path(newsroom["HANDBILL_HOME"], "clock").write_text(str(moved.total_seconds()))
    expect(page.locator("#day-head .desk-level")).to_have_text("Approved")
    assert "readers=1" in run(newsroom, "send", (hour + timedelta(minutes=1)).isoformat())
    expect(page.locator("#sent-head")).to_be_visible()
    expect(page.locator(".desk-legend")).to_contain_text("1 accepted")
    expect(page.locator(".desk-acts")).to_contain_text("took the approval back")
    check(page, "issue-sent")
    issues = [mail for mail in relay.messages[before:] if "bob@readers.example" in mail.recipients]
    assert len(issues) == 1 and b"Subject: A second crane for the harbour" in issues[0].data
    page.get_by_role("link", name="See the delivery").click()
    expect(page.locator(".desk-sending .desk-level")).to_have_text("All sent")
