"""A newsletter's first days: an address for it, its mails by LMTP, one to confirm, one from nobody known, a story."""

import os
import re
import signal
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from test_desk_journey import faults, log_in, page, pytestmark  # noqa: F401

from handbill.kit import maildir
from handbill.ops.net import free_port

CONFIRM = "https://outlet.example/confirm?token=aB3dE5fG7hJ9kL1mN3pQ5rS7"
SHOTS = os.environ.get("HANDBILL_TEST_SHOTS")


@pytest.fixture(scope="module")
def paper(tmp_path_factory) -> Iterator[dict[str, str]]:
    """The environment of a newsroom whose LMTP server is at work."""
    home = tmp_path_factory.mktemp("newsroom")
    maildir.prepare(home / "Maildir")
    own = {"HOME": str(home), "NEWSLETTER_LISTEN": f"127.0.0.1:{free_port(0)}"}
    own |= {"NEWSLETTER_DOMAIN": "letters.paper.example", "NEWSLETTER_MAILDIR": str(home / "Maildir")}
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("HANDBILL_", "DJANGO_"))}
    yield outer | {f"HANDBILL_{name}": value for name, value in own.items()}


@pytest.fixture(scope="module")
def desk(paper) -> Iterator[str]:
    program = [sys.executable, str(Path(__file__).with_name("desk_server.py")), paper["HANDBILL_HOME"]]
    with subprocess.Popen(program, env=paper, stdout=subprocess.PIPE, text=True) as server:
        port = int(server.stdout.readline())
        inbox = subprocess.Popen(
            [sys.executable, "-m", "handbill", "inbox"], env=paper, stderr=subprocess.PIPE, text=True
        )
        try:
            assert "Mail is taken in" in inbox.stderr.readline()
            yield f"http://localhost:{port}"
            inbox.send_signal(signal.SIGTERM)
            assert inbox.wait(10) == 0
        finally:
            inbox.kill()
            server.kill()


def letter(number: int, subject: str, html: str) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"] = "The Lock Keeper <keeper@outlet.example>", "desk@paper.example"
    mail["Subject"], mail["Message-ID"] = subject, f"<{number}@outlet.example>"
    mail.set_content(html + '<p><a href="https://outlet.example/unsubscribe">Unsubscribe</a></p>', subtype="html")
    return mail.as_bytes()


def work(paper: dict[str, str]) -> None:
    """A round of the day by hand, as cron does it."""
    subprocess.run([sys.executable, "-m", "handbill", "fetch"], env=paper, check=True, capture_output=True, timeout=60)


def test_from_an_address_to_a_story(page: Page, paper: dict[str, str]) -> None:  # noqa: F811
    log_in(page)
    page.goto("/sources/newsletters/")
    page.get_by_label("The outlet's name").fill("The Lock Keeper")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("Subscribe to its newsletter with")).to_be_visible()
    address = page.locator("code", has_text="@letters.paper.example").first.inner_text()

    with smtplib.LMTP(*paper["HANDBILL_NEWSLETTER_LISTEN"].split(":")) as client:
        ask = letter(1, "Please confirm your subscription", f'<p>Welcome.</p><a href="{CONFIRM}">Yes, I do</a>')
        assert client.sendmail("keeper@outlet.example", [address], ask) == {}
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            client.sendmail("keeper@outlet.example", ["desk@letters.paper.example"], ask)
    told = "<p>The lock at Alder mill stays shut until spring. The keeper says that its gates are rotten.</p>"
    maildir.deliver(Path(paper["HANDBILL_NEWSLETTER_MAILDIR"]), letter(2, "The lock stays shut", told))
    work(paper)

    page.goto("/sources/newsletters/")
    expect(page.get_by_role("link", name="Yes, I do")).to_have_attribute("href", CONFIRM)
    for width in (375, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert faults(page) == [] and page.evaluate("document.documentElement.scrollWidth") <= width
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/newsletters-{width}.png", full_page=True)
    page.get_by_role("button", name=re.compile("^File it.*: The lock")).press("Enter")
    expect(page.get_by_text("1 mail of “The Lock Keeper” is filed.")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Discard")).press("Enter")
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    expect(page.get_by_text("There are none. A mail waits here")).to_be_visible()

    work(paper)
    page.goto("/stories/")
    expect(page.get_by_role("heading", name="The lock stays shut")).to_be_visible()
