"""The loopback relay keeps the promises of RFC 5321 to a client that is not ours: smtplib."""

import smtplib
import socket
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from handbill.testing.relay import Act, Drop, LoopbackRelay, Moment, Reply, Stall, read_folder

LETTER = b"Subject: Hello\r\nFrom: ada@paper.example\r\n\r\nOne line.\r\n"


@pytest.fixture
def relay() -> Iterator[LoopbackRelay]:
    with LoopbackRelay() as relay:
        yield relay


def client(relay: LoopbackRelay) -> smtplib.SMTP:
    return smtplib.SMTP(relay.host, relay.port, timeout=10)


def at(stage: str, act: Act) -> Callable[[Moment], Act | None]:
    """A script that does ``act`` the first time it is asked at ``stage``."""
    acts = [act]
    return lambda moment: acts.pop() if moment.stage == stage and acts else None


def test_a_message_arrives_as_it_was_sent(relay: LoopbackRelay) -> None:
    with client(relay) as smtp:
        smtp.sendmail("ada@paper.example", ["bob@reader.example", "dee@reader.example"], LETTER)
    [taken] = relay.messages
    assert (taken.sender, taken.recipients) == ("ada@paper.example", ("bob@reader.example", "dee@reader.example"))
    assert taken.data == LETTER
    assert relay.sent_to("dee@reader.example") == [taken]
    assert relay.sent_to("cy@reader.example") == []


@pytest.mark.parametrize("body", [b".\r\n", b"..\r\n..a\r\n", b".a\r\n.\r\nb\r\n", b"a\r\n.\r\n\r\n", b"\r\n" * 3])
def test_leading_dots_survive(relay: LoopbackRelay, body: bytes) -> None:
    data = b"Subject: Dots\r\n\r\n" + body
    with client(relay) as smtp:
        smtp.sendmail("ada@paper.example", ["bob@reader.example"], data)
    assert relay.messages[0].data == data


def test_only_a_dot_between_two_line_ends_closes_a_message(relay: LoopbackRelay) -> None:
    with socket.create_connection((relay.host, relay.port), 10) as raw:
        raw.sendall(b"EHLO c\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n")
        raw.sendall(b"one\n.\r\nMAIL FROM:<evil@a.example>\r\n\n.\n\r\n.\r\nQUIT\r\n")
        while raw.recv(4096):
            pass
    assert [taken.data for taken in relay.messages] == [b"one\n.\r\nMAIL FROM:<evil@a.example>\r\n\n.\n\r\n"]


def test_a_connection_carries_many_messages_pipelined(relay: LoopbackRelay) -> None:
    one = b"MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n" + LETTER + b".\r\n"
    with socket.create_connection((relay.host, relay.port), 10) as raw:
        raw.sendall(b"EHLO c\r\n" + one * 20 + b"QUIT\r\n")
        answers = b"".join(iter(lambda: raw.recv(65536), b""))
    assert [taken.data for taken in relay.messages] == [LETTER] * 20
    assert answers.count(b"354 ") == 20
    assert answers.endswith(b"221 2.0.0 Goodbye\r\n")


def test_it_offers_what_the_engine_needs(relay: LoopbackRelay) -> None:
    with client(relay) as smtp:
        smtp.ehlo()
        assert {"pipelining", "8bitmime", "smtputf8", "size"} <= set(smtp.esmtp_features)


def test_an_address_outside_ascii_is_kept(relay: LoopbackRelay) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "ada@paper.example", "zoë@reader.example", "Grüße"
    mail.set_content("Übermorgen.\n")
    with client(relay) as smtp:
        smtp.send_message(mail)
    assert relay.messages[0].recipients == ("zoë@reader.example",)
    assert "Grüße".encode() in relay.messages[0].data


def test_noop_and_reset_and_unknown_words_leave_the_session_usable(relay: LoopbackRelay) -> None:
    with client(relay) as smtp:
        smtp.ehlo()
        assert smtp.noop()[0] == 250
        assert smtp.docmd("VRFY x")[0] == 502
        assert smtp.mail("ada@paper.example")[0] == 250
        assert smtp.mail("ada@paper.example")[0] == 503
        assert smtp.rset()[0] == 250
        assert smtp.docmd("DATA")[0] == 503
        assert smtp.docmd("MAIL nonsense")[0] == 501
        smtp.sendmail("ada@paper.example", ["bob@reader.example"], LETTER)
    assert len(relay.messages) == 1


def test_too_large_a_message_is_refused_by_its_announced_size(relay: LoopbackRelay) -> None:
    with client(relay) as smtp:
        smtp.ehlo()
        assert smtp.docmd("MAIL FROM:<a@a.example> SIZE=999999999")[0] == 552


@pytest.mark.parametrize(
    ("stage", "error"),
    [
        ("connect", smtplib.SMTPConnectError),
        ("mail", smtplib.SMTPSenderRefused),
        ("rcpt", smtplib.SMTPRecipientsRefused),
        ("data", smtplib.SMTPDataError),
        ("dot", smtplib.SMTPDataError),
    ],
)
def test_a_script_refuses_at_any_stage(stage: str, error: type[Exception]) -> None:
    with LoopbackRelay(script=at(stage, Reply(450, "4.2.0 Come back later"))) as relay:
        with pytest.raises(error, match="Come back later"), client(relay) as smtp:
            smtp.sendmail("ada@paper.example", ["bob@reader.example"], LETTER)
        assert relay.messages == []


def test_a_refused_recipient_does_not_hinder_the_others() -> None:
    def script(moment: Moment) -> Act | None:
        gone = moment.stage == "rcpt" and moment.recipients[-1] == "dee@reader.example"
        return Reply(550, "5.1.1 No such reader") if gone else None

    with LoopbackRelay(script=script) as relay:
        with client(relay) as smtp:
            refused = smtp.sendmail("ada@paper.example", ["dee@reader.example", "bob@reader.example"], LETTER)
        assert list(refused) == ["dee@reader.example"]
        assert relay.messages[0].recipients == ("bob@reader.example",)


@pytest.mark.parametrize(("keep", "kept"), [(True, 1), (False, 0)])
def test_the_connection_is_lost_after_the_final_dot(keep: bool, kept: int) -> None:
    with LoopbackRelay(script=at("dot", Drop(keep=keep))) as relay:
        with pytest.raises(smtplib.SMTPServerDisconnected), client(relay) as smtp:
            smtp.sendmail("ada@paper.example", ["bob@reader.example"], LETTER)
        assert len(relay.messages) == kept


def test_a_shutting_down_relay_closes_the_connection() -> None:
    with LoopbackRelay(script=at("mail", Reply(421, "4.3.2 Going down"))) as relay, client(relay) as smtp:
        smtp.ehlo()
        assert smtp.mail("ada@paper.example")[0] == 421
        with pytest.raises(smtplib.SMTPServerDisconnected):
            smtp.noop()


def test_a_stall_outlasts_the_client_and_ends_with_the_relay() -> None:
    with LoopbackRelay(script=at("dot", Stall(3600))) as relay:
        smtp = smtplib.SMTP(relay.host, relay.port, timeout=0.3)
        with pytest.raises((smtplib.SMTPServerDisconnected, TimeoutError), match="timed out"):
            smtp.sendmail("ada@paper.example", ["bob@reader.example"], LETTER)
        smtp.close()
    assert relay.messages == []


def test_more_recipients_than_a_message_may_have_are_put_off(relay: LoopbackRelay) -> None:
    with client(relay) as smtp:
        refused = smtp.sendmail("ada@paper.example", [f"r{n}@reader.example" for n in range(1001)], LETTER)
    assert {address: code for address, (code, _) in refused.items()} == {"r1000@reader.example": 452}
    assert len(relay.messages[0].recipients) == 1000


def test_the_folder_outlives_the_relay(tmp_path: Path) -> None:
    with LoopbackRelay(folder=tmp_path / "mails") as relay:
        with client(relay) as smtp:
            smtp.sendmail("ada@paper.example", ["bob@reader.example", "dee@reader.example"], LETTER)
            smtp.sendmail("", ["bob@reader.example"], b"Delivered-To: somebody\r\n\r\n.\r\n")
        before = list(relay.messages)
    after = read_folder(tmp_path / "mails")
    assert [(t.sender, t.recipients) for t in after] == [(t.sender, t.recipients) for t in before]
    assert after[0] == before[0]
    assert len(list((tmp_path / "mails").iterdir())) == 2
