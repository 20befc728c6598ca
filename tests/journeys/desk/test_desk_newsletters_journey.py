"""A newsletter's first days: an address for it, its mails by LMTP, one to confirm, one from nobody known, a story."""

import re
import signal
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.sync_api import expect

from handbill.kit import maildir

CONFIRM = "https://outlet.example/confirm?token=aB3dE5fG7hJ9kL1mN3pQ5rS7"


@pytest.fixture
def inbox(newsroom, desk) -> Iterator[list[str]]:
    """The newsroom's LMTP server at work: its host and port."""
    command = [sys.executable, "-m", "handbill", "inbox"]
    server = subprocess.Popen(command, env=newsroom, stderr=subprocess.PIPE, text=True)
    try:
        assert "Mail is taken in" in server.stderr.readline()
        yield newsroom["HANDBILL_NEWSLETTER_LISTEN"].split(":")
        server.send_signal(signal.SIGTERM)
        assert server.wait(10) == 0
    finally:
        server.kill()


def letter(number: int, subject: str, html: str) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"] = "The Lock Keeper <keeper@outlet.example>", "desk@paper.example"
    mail["Subject"], mail["Message-ID"] = subject, f"<{number}@outlet.example>"
    mail.set_content(html + '<p><a href="https://outlet.example/unsubscribe">Unsubscribe</a></p>', subtype="html")
    return mail.as_bytes()


def test_from_an_address_to_a_story(page, newsroom, inbox, work, check):
    page.goto("/sources/newsletters/")
    page.get_by_label("The outlet's name").fill("The Lock Keeper")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("Subscribe to its newsletter with")).to_be_visible()
    address = page.locator("code", has_text="@letters.paper.example").first.inner_text()

    with smtplib.LMTP(*inbox) as client:
        ask = letter(1, "Please confirm your subscription", f'<p>Welcome.</p><a href="{CONFIRM}">Yes, I do</a>')
        assert client.sendmail("keeper@outlet.example", [address], ask) == {}
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            client.sendmail("keeper@outlet.example", ["desk@letters.paper.example"], ask)
    told = "<p>The lock at Alder mill stays shut until spring. The keeper says that its gates are rotten.</p>"
    maildir.deliver(Path(newsroom["HANDBILL_NEWSLETTER_MAILDIR"]), letter(2, "The lock stays shut", told))
    work()

    page.goto("/sources/newsletters/")
    expect(page.get_by_role("link", name="Yes, I do")).to_have_attribute("href", CONFIRM)
    check(page, "newsletters")
    page.get_by_role("button", name=re.compile("^File it.*: The lock")).press("Enter")
    expect(page.get_by_text("1 mail of “The Lock Keeper” is filed.")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Discard")).press("Enter")
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    expect(page.get_by_text("There are none. A mail waits here")).to_be_visible()

    work()
    page.goto("/stories/")
    expect(page.get_by_role("heading", name="The lock stays shut")).to_be_visible()
