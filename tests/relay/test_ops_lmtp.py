"""Mail handed over by LMTP: each recipient is answered after its copy is safe; what was refused leaves nothing."""

import asyncio
import logging
import smtplib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from handbill.kit import maildir
from handbill.ops import lmtp
from handbill.ops.net import free_port

MAIL = "From: letter@outlet.example\r\nSubject: River rises\r\n\r\n.hidden dot\r\nText\r\n"
KEPT = b".hidden dot\r\nText\r\n"


class Inbox:
    """A server in a thread, which knows two addresses."""

    def __init__(self, folder: Path, listen: str) -> None:
        self.folder, self.listen = folder, listen
        self.broken = False
        self._ready, self._loop = threading.Event(), asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),), daemon=True)

    def knows(self, address: str) -> bool:
        if self.broken:
            raise RuntimeError("the database is gone")
        return address.partition("@")[0] in ("one", "two")

    async def _run(self) -> None:
        self._stop = asyncio.Event()
        receiver = lmtp.Receiver(self.folder, {"nothing": lambda address: False, "letters": self.knows})
        await lmtp.serve(self.listen, receiver, self._stop, self._ready.set)

    def __enter__(self) -> "Inbox":
        maildir.prepare(self.folder / "letters")
        self._thread.start()
        assert self._ready.wait(5)
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)

    def client(self) -> smtplib.LMTP:
        return smtplib.LMTP(self.listen) if self.listen.startswith("/") else smtplib.LMTP(*self.listen.split(":"))

    def mails(self) -> list[bytes]:
        return [mail.read_bytes() for mail in maildir.waiting(self.folder / "letters", 100)]


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    with Inbox(tmp_path, f"127.0.0.1:{free_port(0)}") as server:
        yield server


def test_a_mail_is_kept_as_it_came_with_its_envelope(inbox: Inbox) -> None:
    with inbox.client() as client:
        assert client.sendmail("letter@outlet.example", ["one@paper.example"], MAIL) == {}
        (kept,) = inbox.mails()
    head, _, body = kept.partition(b"\r\n\r\n")
    assert head.startswith(b"Return-Path: <letter@outlet.example>\r\nX-Original-To: <one@paper.example>\r\nFrom:")
    assert body == KEPT


def test_each_recipient_has_a_copy_and_an_answer_and_an_unknown_one_is_refused(inbox: Inbox) -> None:
    with inbox.client() as client:
        client.ehlo_or_helo_if_needed()
        client.mail("letter@outlet.example")
        asked = [client.rcpt(f"{who}@paper.example")[0] for who in ("one", "nobody", "two")]
        answers = [client.data(MAIL), client.getreply()]  # smtplib reads one of them by itself
        assert (asked, [code for code, _ in answers]) == ([250, 550, 250], [250, 250])
        assert client.sendmail("", ["two@paper.example"], MAIL) == {}
    came = [mail.splitlines()[:2] for mail in inbox.mails()]
    assert [to for _, to in came] == [b"X-Original-To: <%s@paper.example>" % who for who in (b"one", b"two", b"two")]
    assert came[2][0] == b"Return-Path: <>"


def test_too_large_a_mail_is_refused_for_each_recipient_and_the_line_goes_on(inbox: Inbox, monkeypatch) -> None:
    monkeypatch.setattr(lmtp, "MAX_BYTES", 200_000)
    long_line = "x" * 300_000 + "\r\n.\r\n"
    with inbox.client() as client:
        client.ehlo_or_helo_if_needed()
        client.esmtp_features.pop("size", None)
        for body in (long_line, "\r\n" * 150_000):
            client.mail("a@outlet.example")
            for who in ("one", "two"):
                client.rcpt(f"{who}@paper.example")
            assert client.data(body)[0] == 552 and client.getreply()[0] == 552
        client.mail("a@outlet.example", ["size=300000"])
        assert client.docmd("mail", "FROM:<a@outlet.example> SIZE=300000")[0] == 552
        client.rset()
        assert client.sendmail("a@outlet.example", ["one@paper.example"], "y" * 150_000) == {}
    (kept,) = inbox.mails()
    assert kept.endswith(b"y" * 150_000 + b"\r\n")


def test_a_disk_that_takes_nothing_and_a_database_that_is_gone_let_the_sender_keep_the_mail(
    inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    new = inbox.folder / "letters" / "tmp"
    new.rmdir()
    new.write_text("a file in place of the folder")
    with inbox.client() as client, caplog.at_level(logging.DEBUG):
        client.ehlo_or_helo_if_needed()
        client.mail("a@outlet.example")
        client.rcpt("one@paper.example")
        assert client.data(MAIL)[0] == 452
        inbox.broken = True
        client.mail("a@outlet.example")
        assert client.rcpt("one@paper.example")[0] == 451
    assert inbox.mails() == []
    assert "paper.example" not in caplog.text and "River" not in caplog.text and "RuntimeError" in caplog.text


def test_nothing_is_kept_of_a_mail_that_breaks_off(inbox: Inbox) -> None:
    host, port = inbox.listen.split(":")
    with socket.create_connection((host, int(port)), timeout=5) as line:
        said = line.makefile("rb")
        for command in (b"", b"LHLO x", b"MAIL FROM:<a@b.example>", b"RCPT TO:<one@paper.example>", b"DATA"):
            line.sendall(command and command + b"\r\n")
            while said.readline()[3:4] == b"-":
                pass
        line.sendall(b"Subject: half\r\n\r\nThe rest")
        line.shutdown(socket.SHUT_WR)
        assert said.read() == b""
    assert inbox.mails() == []
    assert list((inbox.folder / "letters" / "tmp").iterdir()) == []


def test_commands_sent_at_once_are_answered_in_turn(inbox: Inbox) -> None:
    host, port = inbox.listen.split(":")
    with socket.create_connection((host, int(port)), timeout=5) as line:
        line.sendall(
            b"LHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<one@paper.example>\r\n"
            b"RCPT TO:<two@paper.example>\r\nDATA\r\n"
            b"Subject: x\r\n\r\ny\r\n.\r\nMAIL FROM:<c@b.example>\r\nDATA\r\nQUIT\r\n"
        )
        answers = line.makefile("rb").read().splitlines()
    codes = [int(answer[:3]) for answer in answers if answer[3:4] == b" "]
    assert codes == [220, 250, 250, 250, 250, 354, 250, 250, 250, 503, 221]


def test_a_dot_that_ends_a_very_long_line_does_not_end_the_mail() -> None:
    class Pieces(lmtp._Line):
        def __init__(self, *pieces: bytes) -> None:
            self.pieces = list(pieces)

        async def _piece(self) -> bytes:
            return self.pieces.pop(0)

        def __del__(self) -> None:
            """There is no connection to close."""

    line = Pieces(b"..long", b".\r\n", b"..\r\n", b".\r\n")
    assert asyncio.run(line._mail()) == b".long.\r\n.\r\n"


def test_there_are_bounds_for_recipients_and_for_connections(inbox: Inbox, monkeypatch) -> None:
    monkeypatch.setattr(lmtp, "MAX_RECIPIENTS", 2)
    monkeypatch.setattr(lmtp, "MAX_LINES", 1)
    with inbox.client() as client:
        client.ehlo_or_helo_if_needed()
        client.mail("a@outlet.example")
        assert [client.rcpt("one@paper.example")[0] for _ in range(3)] == [250, 250, 452]
        with pytest.raises(smtplib.SMTPConnectError) as caught:
            inbox.client()
        assert caught.value.smtp_code == 421


@pytest.mark.parametrize("address", ["<one>", "<o ne@paper.example>", '<"one\x01"@paper.example>', "<>"])
def test_odd_recipients_are_refused(inbox: Inbox, address: str) -> None:
    with inbox.client() as client:
        client.ehlo_or_helo_if_needed()
        client.mail("a@outlet.example")
        code = client.docmd("RCPT", f"TO:{address}")[0]
        assert code == 250 if address == "<one>" else 500 <= code < 600


def test_a_socket_left_by_one_that_was_killed_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "lmtp.sock"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    with Inbox(tmp_path, str(path)) as inbox, inbox.client() as client:
        assert client.sendmail("a@outlet.example", ["one@paper.example"], MAIL) == {}
        assert len(inbox.mails()) == 1
