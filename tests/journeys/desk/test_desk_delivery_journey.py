"""Ada watches the issue go out: a relay drops the paper in mid-run, the other takes over, and she steers.

Everything is counted where it arrived.
"""

import re
import subprocess
import sys
import threading
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect

from desk.conftest import opened
from handbill.testing.relay import Moment, Reply

SENDING = Path(__file__).with_name("sending.py")
SUSPENDED = Reply(550, "5.7.0 Your account has been suspended")
SECONDS = 60


class Gate:
    """Lets a relay take so many copies, then has it wait until it is opened; after that it says ``reply``."""

    def __init__(self, count: int, reply: Reply | None = None) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        self._count, self._reply = count, reply

    def __call__(self, moment: Moment) -> Reply | None:
        if moment.stage != "dot" or moment.taken < self._count:
            return None
        self.reached.set()
        self.opened.wait(SECONDS)
        return self._reply


@pytest.fixture
def plain(ada, browser, desk):
    """Another editor's browser, with JavaScript switched off."""
    look = {"base_url": desk, "java_script_enabled": False, "storage_state": ada.storage_state()}
    with browser.new_context(**look) as context, opened(context) as page:
        yield page


@contextmanager
def sending(newsroom, reference: str, count: int, domain: str = "mail.example"):
    """Copies handed over; they go out once it is told ``go``."""
    command = [sys.executable, str(SENDING), reference, str(count), domain]
    with subprocess.Popen(
        command, env=newsroom, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as program:
        try:
            assert program.stdout.readline() == "handed over\n"
            yield program
        finally:
            program.kill()


def go(program) -> None:
    program.stdin.write("go\n")


def ended(program) -> str:
    return program.communicate(timeout=SECONDS)[0]


def relay(page, name: str):
    return page.locator(".desk-feed", has=page.get_by_role("heading", name=name))


def got(*relays) -> Counter[str]:
    return Counter(taken.recipients[0] for one in relays for taken in one.messages)


def test_a_relay_drops_the_paper_in_mid_run_and_the_other_takes_over(page, plain, newsroom, relays, check):
    first, second = relays
    first.script, second.script = Gate(30, SUSPENDED), Gate(60)
    with sending(newsroom, "issue:2026-11-26", 200) as program:
        page.goto("/delivery/")
        expect(page.get_by_text("200 readers")).to_be_visible()
        expect(relay(page, "first")).to_contain_text("in use")
        go(program)
        assert first.script.reached.wait(SECONDS)
        first.script.opened.set()
        assert second.script.reached.wait(SECONDS)
        expect(page.get_by_role("heading", name="The sending needs you")).to_be_visible()
        expect(page.locator(".desk-calls")).to_contain_text("Relay first: The account is suspended or closed.")
        expect(page.locator("#said")).to_contain_text("suspended")
        expect(relay(page, "first")).to_contain_text("left alone until")
        expect(relay(page, "second")).to_contain_text("in use")
        expect(page.locator(".desk-sending .desk-legend").first).to_contain_text("waiting")
        check(page, "delivery-trouble")
        plain.goto("/delivery/")
        expect(plain.locator(".desk-calls")).to_contain_text("Relay first: The account is suspended or closed.")
        assert plain.locator("meta[http-equiv=refresh]").count() == 1
        second.script.opened.set()
        assert "accepted=200" in ended(program)
    expect(page.locator(".desk-sending .desk-level")).to_have_text("All sent")
    assert got(first, second) == Counter(f"reader{n}@mail.example" for n in range(200))
    assert 30 <= len(first.messages) <= 34

    page.get_by_role("button", name="Use it now: first").press("Enter")
    expect(page.locator(".messages")).to_contain_text("Relay first is switched on")
    expect(page.locator(".desk-calls")).to_have_count(0)
    expect(page.locator(".desk-acts")).to_contain_text("ada · Relay first: switched on")
    first.script, before = None, len(first.messages)
    with sending(newsroom, "issue:2026-11-27", 40) as program:
        go(program)
        assert "accepted=40" in ended(program)
    assert len(first.messages) == before + 40
    assert set(got(first, second).values()) == {1, 2}  # 40 readers get two issues


def test_an_issue_is_held_and_goes_on_without_javascript(plain, newsroom, relays):
    first, second = relays
    first.script = second.script = None
    before = len(first.messages)
    with sending(newsroom, "issue:2026-11-28", 20, "gmail.com") as program:
        plain.goto("/delivery/")
        plain.get_by_placeholder("Why (for the others)").first.fill("The headline is wrong")
        plain.get_by_role("button", name="Hold").click()
        expect(plain.locator(".messages")).to_contain_text("Held: nothing more of it is sent")
        expect(plain.locator(".desk-sending")).to_contain_text("Held by ada")
        expect(plain.locator(".desk-sending")).to_contain_text("The headline is wrong")
        expect(plain.locator(".desk-sending .desk-legend").first).to_have_text(re.compile(r"\s*20\s+held\s*"))
        go(program)
        assert "accepted=0" in ended(program)
    assert len(first.messages) == before
    plain.get_by_role("button", name="Go on").click()
    expect(plain.locator(".messages")).to_contain_text("It goes on")
    with sending(newsroom, "issue:2026-11-28", 0) as program:
        go(program)
        assert "accepted=20" in ended(program)
    plain.reload()
    expect(plain.locator(".desk-sending .desk-level")).to_have_text("All sent")
    expect(plain.locator(".desk-acts")).to_contain_text("Issue of 28 November 2026: let go on")


def test_the_report_is_a_file_without_addresses(page, newsroom, relays):
    with sending(newsroom, "issue:2026-11-25", 2) as program:
        go(program)
        ended(program)
    page.goto("/delivery/")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the report").click()
    text = download.value.path().read_text()
    assert text.startswith("day,provider,relay,outcome,") and ",accepted," in text and "@" not in text
