"""The outbox shows what the relay took, and lets no mail act on the page."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
import urllib3

from handbill.testing.outbox import Outbox, show
from handbill.testing.relay import LoopbackRelay, Taken

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def mail(subject: str = "The <b>day</b>", html: str = '<p>Read <a href="https://paper.example/">on</a>') -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "news@paper.example", "bob@reader.example", subject
    message.set_content("Read on.\n")
    message.add_alternative(html, subtype="html")
    return message.as_bytes()


def taken(data: bytes) -> Taken:
    return Taken("news@paper.example", ("bob@reader.example",), data, NOON)


def text(path: str, *mails: bytes) -> str:
    return show(path, [taken(data) for data in mails]).body.decode()


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with LoopbackRelay(folder=tmp_path) as relay, Outbox(relay) as outbox:
        relay.take(taken(mail()))
        yield outbox


def test_the_list_has_the_newest_first_and_escapes() -> None:
    page = text("/outbox/", mail("First"), mail("<script>alert(1)</script>"))
    assert page.index('href="/outbox/2/"') < page.index('href="/outbox/1/"')
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "bob@reader.example" in page
    assert '<html lang="en">' in page


def test_a_long_list_is_paged() -> None:
    mails = [mail(f"Number {n}") for n in range(1, 151)]
    newest, older = text("/outbox/", *mails), text("/outbox/?before=51", *mails)
    assert "Number 150<" in newest
    assert "Number 50<" not in newest
    assert 'href="/outbox/?before=51"' in newest
    assert "Number 50<" in older
    assert "Number 1<" in older
    assert "?before=" not in older


@pytest.mark.parametrize("before", ["0", "-1", "x", "9" * 40, "١"])
def test_a_nonsense_page_is_the_newest(before: str) -> None:
    assert text(f"/outbox/?before={before}", mail()) == text("/outbox/", mail())


def test_the_mail_stands_in_a_frame_without_scripts() -> None:
    page = text("/outbox/1/", mail())
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    assert 'src="/outbox/1/html"' in page
    frame = show("/outbox/1/html", [taken(mail(html="<script>alert(1)</script><a\nhref='https://x.example'>x</a>"))])
    assert "allow-scripts" not in frame.policy
    assert "default-src 'none'" in frame.policy
    assert b'<a target="_blank" rel="noopener"' in frame.body


@pytest.mark.parametrize("path", ["/outbox/1/", "/outbox/1/text", "/outbox/1/source"])
def test_no_words_of_a_mail_become_markup(path: str) -> None:
    page = text(path, b"Subject: <img src=x>\r\nFrom: <img@src.example>\r\n\r\n<img src=x>\r\n")
    assert "<img" not in page
    assert "&lt;img" in page


def test_text_and_source_are_shown_as_they_are() -> None:
    assert "Read on." in text("/outbox/1/text", mail())
    assert "Content-Type: multipart/alternative" in text("/outbox/1/source", mail())


@pytest.mark.parametrize("path", ["/outbox/2/", "/outbox/0/", "/outbox/1/other", "/x", "/outbox/99999999999/"])
def test_what_is_not_there_says_so(path: str) -> None:
    shown = show(path, [taken(mail())])
    assert shown.status == 404
    assert b"See the whole outbox" in shown.body


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe\x00",
        b"Subject: =?nope?q?x?=\r\nContent-Type: text/html; charset=nope\r\n\r\n\xff",
        b'From: "\r\nTo: <\r\nDate: x\r\n\r\n',
        b"Content-Type: multipart/mixed\r\n\r\nno boundary",
    ],
)
@pytest.mark.parametrize("path", ["/outbox/", "/outbox/1/", "/outbox/1/html", "/outbox/1/text", "/outbox/1/source"])
def test_a_broken_mail_is_shown_too(path: str, data: bytes) -> None:
    assert show(path, [taken(data)]).status == 200


def test_it_is_served_with_a_policy(outbox: Outbox) -> None:
    page = urllib3.request("GET", outbox.address + "/")
    assert page.status == 200
    assert b"The &lt;b&gt;day&lt;/b&gt;" in page.data
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert urllib3.request("GET", outbox.address + "/outbox/1", redirect=False).headers["Location"] == "/outbox/1/"
    assert b"--paper" in urllib3.request("GET", outbox.address + "/outbox/style.css").data


def test_another_name_for_this_machine_is_refused(outbox: Outbox) -> None:
    answer = urllib3.request("GET", outbox.address + "/outbox/", headers={"Host": "outlet.example"})
    assert answer.status == 421


def test_the_folder_alone_is_enough(tmp_path: Path) -> None:
    with LoopbackRelay(folder=tmp_path) as relay:
        relay.take(taken(mail("From before")))
    with Outbox(tmp_path) as outbox:
        assert b"From before" in urllib3.request("GET", outbox.address + "/outbox/").data
