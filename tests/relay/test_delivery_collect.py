"""Bounces from a mailbox: each mail once, whole or not at all, whatever the server does; never by an open line."""

import dataclasses
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from handbill.delivery import actions, collect
from handbill.delivery.engine.collect import MailboxTrouble
from handbill.delivery.models import Feedback, Mailbox
from handbill.kit import accounts, maildir
from handbill.kit.errors import SettingsError
from handbill.kit.settings import parse_settings
from handbill.testing.mailserver import PASSWORD, USER, Cut, LoopbackMailbox, Say
from handbill.testing.relay import Drop, Stall

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MAILS = [b"Subject: %d\r\n\r\n.dotted\r\n%s\r\n" % (n, b"x" * 3000) for n in range(3)]
BOTH = pytest.mark.parametrize("protocol", ["imap", "pop3"])


@pytest.fixture
def room(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch):
    """Points the newsroom at a mailbox."""
    monkeypatch.setenv(collect.PASSWORD, PASSWORD)

    def put(server: LoopbackMailbox, protocol: str, after: str = "keep", security: str = "plain") -> Path:
        account = accounts.Mailbox(protocol, "127.0.0.1", server.port, security, USER)
        settings.HANDBILL = dataclasses.replace(
            settings.HANDBILL, home=tmp_path, bounce_mailbox=account, bounce_mailbox_after=after
        )
        return tmp_path / "inbox" / "bounces"

    return put


def kept(folder: Path) -> list[bytes]:
    return sorted(path.read_bytes().rstrip() for path in maildir.waiting(folder, 1000))


@BOTH
def test_each_mail_is_read_once_and_left_where_it_is(protocol: str, room: Any) -> None:
    with LoopbackMailbox(protocol, MAILS) as server:
        folder = room(server, protocol)
        assert collect.collect(NOON) == 3
        server.store.add(b"Subject: new\r\n\r\nHi")
        assert [collect.collect(NOON + n * MINUTE) for n in (1, 2)] == [1, 0]
        assert kept(folder) == sorted([*(mail.rstrip() for mail in MAILS), b"Subject: new\r\n\r\nHi"])
        assert len(server.store.mails) == 4
        assert server.heard.count("FETCH") + server.heard.count("RETR") == 4


@BOTH
def test_within_the_minute_nobody_asks_again(protocol: str, room: Any) -> None:
    with LoopbackMailbox(protocol, MAILS) as server:
        room(server, protocol)
        collect.collect(NOON)
        server.store.add(b"Subject: new\r\n\r\nHi")
        assert collect.collect(NOON + MINUTE / 2) == 0


@pytest.mark.parametrize(
    ("protocol", "after", "moved"),
    [("imap", "delete", {}), ("pop3", "delete", {}), ("imap", "move:Käse&Brot", {'"K&AOQ-se&-Brot"': 3})],
)
def test_mails_are_settled_as_the_setting_says(protocol: str, after: str, moved: dict[str, int], room: Any) -> None:
    with LoopbackMailbox(protocol, MAILS) as server:
        folder = room(server, protocol, after)
        assert collect.collect(NOON) == 3 and len(kept(folder)) == 3
        assert server.store.mails == {}
        assert {name: len(mails) for name, mails in server.store.moved.items()} == moved


def test_a_server_without_move_copies_and_expunges_this_mail_alone(room: Any) -> None:
    with LoopbackMailbox("imap", MAILS, offers="IMAP4rev1 UIDPLUS") as server:
        room(server, "imap", "move:Done")
        assert collect.collect(NOON) == 3
        assert server.store.mails == {} and len(server.store.moved['"Done"']) == 3
        assert server.heard.count("EXPUNGE") == 3 and "LOGIN" in server.heard


def test_mails_that_a_server_numbers_anew_are_read_anew(room: Any) -> None:
    with LoopbackMailbox("imap", MAILS) as server:
        folder = room(server, "imap")
        collect.collect(NOON)
        server.store.validity = 2
        assert collect.collect(NOON + MINUTE) == 3 and len(kept(folder)) == 6


@BOTH
@pytest.mark.parametrize("act", [Drop(), Cut(), Say(b"nonsense\r\n" * 3)])
def test_what_came_before_a_fault_is_safe_and_the_rest_comes_later(protocol: str, act: Any, room: Any) -> None:
    with LoopbackMailbox(protocol, MAILS) as server:
        folder = room(server, protocol, "delete")
        reads = []

        def script(verb: str) -> Any:
            if verb in ("FETCH", "RETR"):
                reads.append(verb)
            return act if verb in ("FETCH", "RETR") and len(reads) == 2 else None

        server.script = script
        with pytest.raises(MailboxTrouble):
            collect.collect(NOON)
        assert len(kept(folder)) == 1 and Mailbox.objects.get().trouble
        assert collect.collect(NOON + MINUTE) == 0  # left alone for five minutes
        assert collect.collect(NOON + 6 * MINUTE) == 2
        assert kept(folder) == sorted(mail.rstrip() for mail in MAILS) and server.store.mails == {}
        assert Mailbox.objects.get().trouble == ""


@BOTH
def test_a_killed_reader_reads_again_and_the_mail_is_heeded_once(
    protocol: str, room: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LoopbackMailbox(protocol, MAILS[:1]) as server:
        folder = room(server, protocol, "delete")
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(Mailbox, "remember", lambda *arguments: (_ for _ in ()).throw(KeyboardInterrupt()))
            collect.collect(NOON)
        assert len(kept(folder)) == 1 and len(server.store.mails) == 1
        assert collect.collect(NOON + 6 * MINUTE) == 1 and server.store.mails == {}
        assert actions.take_in_bounces(NOON) == {"nothing": 1, "known": 1} and Feedback.objects.count() == 1


@BOTH
def test_a_huge_answer_ends_the_round_and_one_huge_mail_is_passed_over(
    protocol: str, room: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collect, "MOST_BYTES", 1_000_000)
    with LoopbackMailbox(protocol, MAILS) as server:
        folder = room(server, protocol)
        begins = b"* 1 FETCH (UID 1 BODY[]<0> {999999999}\r\n" if protocol == "imap" else b"+OK\r\n"
        server.script = lambda verb: Say(begins + b"x\r\n" * 500_000) if verb in ("FETCH", "RETR") else None
        with pytest.raises(MailboxTrouble):
            collect.collect(NOON)
        server.script = None
        assert collect.collect(NOON + 6 * MINUTE) == 2
        assert kept(folder) == sorted(mail.rstrip() for mail in MAILS[1:])


@BOTH
def test_a_slow_server_is_left(protocol: str, room: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "SECONDS", 0.5)
    with LoopbackMailbox(protocol, MAILS) as server:
        room(server, protocol)
        server.script = lambda verb: Stall(30) if verb in ("SEARCH", "UIDL") else None
        with pytest.raises(MailboxTrouble, match="too long"):
            collect.collect(NOON)


@BOTH
def test_a_wrong_password_is_said_without_the_address(
    protocol: str, room: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(collect.PASSWORD, "wrong")
    with LoopbackMailbox(protocol, MAILS) as server:
        room(server, protocol)
        with pytest.raises(MailboxTrouble, match="refused the login") as told:
            collect.collect(NOON)
        assert USER not in str(told.value) and "wrong" not in str(told.value)


@BOTH
def test_tls_is_verified(protocol: str, room: Any, certificate: Path) -> None:
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    theirs.load_cert_chain(certificate)
    with LoopbackMailbox(protocol, MAILS, tls=theirs) as server:
        room(server, protocol, security="tls")
        with pytest.raises(MailboxTrouble, match="certificate"):
            collect.collect(NOON)
        assert "USER" not in server.heard and "AUTHENTICATE" not in server.heard
        assert collect.collect(NOON + 6 * MINUTE, ssl.create_default_context(cafile=certificate)) == 3


def test_a_folder_to_move_to_that_is_missing_is_said_and_nothing_is_read_twice(room: Any) -> None:
    with LoopbackMailbox("imap", MAILS) as server:
        folder = room(server, "imap", "move:Nowhere")
        for minutes in (0, 6):
            with pytest.raises(MailboxTrouble, match="bounce_mailbox_after"):
                collect.collect(NOON + minutes * MINUTE)
        assert len(kept(folder)) == 1 and len(server.store.mails) == 3


def test_nobody_there(room: Any) -> None:
    with LoopbackMailbox("imap") as server:
        room(server, "imap")
    with pytest.raises(MailboxTrouble, match="can't be reached"):
        collect.collect(NOON)


@pytest.mark.parametrize(
    "wrong",
    [
        "imaps://mail.example",
        "imap://ada@mail.example",
        "pop3://ada@mail.example",
        "imaps://ada:pencil@mail.example",
        "http://ada@mail.example",
        "pop3s://ada@mail.example/INBOX",
        "imaps://ada@mail.example:0",
    ],
)
def test_a_mailbox_that_makes_no_sense_stops_the_start(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as told:
        parse_settings(tmp_path, {"bounce_mailbox": wrong}, {})
    assert "pencil" not in str(told.value) and "bounce_mailbox" in str(told.value)


def test_mailboxes_are_read_from_their_addresses(tmp_path: Path) -> None:
    found = parse_settings(tmp_path, {}, {"HANDBILL_BOUNCE_MAILBOX": "imaps://b%40p.example@mail.example/In%2FB"})
    assert found.bounce_mailbox == accounts.Mailbox("imap", "mail.example", 993, "tls", "b@p.example", "In/B")
    for text in ("keep", "delete", "move:Done"):
        assert accounts.read_after(text) == text
    for text in ("", "move:", "burn"):
        with pytest.raises(ValueError, match="write"):
            accounts.read_after(text)
