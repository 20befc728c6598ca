"""The whole way: an issue goes out, the relay hands a bounce back over LMTP; one reader ends, no other."""

import asyncio
import dataclasses
import smtplib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from handbill.delivery import actions, queries
from handbill.delivery.models import Feedback
from handbill.delivery.records import LetterBody, Recipient
from handbill.kit import maildir
from handbill.kit.mail_settings import Relay
from handbill.ops import lmtp
from handbill.ops.net import free_port
from handbill.subscribers import actions as subscribers
from handbill.subscribers.models import Subscriber, Subscription
from handbill.testing.relay import LoopbackRelay, Taken

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
DAY = timedelta(days=1)
LETTER = LetterBody("main", "The Paper <news@paper.example>", "Today", "<p>Hi</p>", "Hi")
DEE, BOB = UUID(int=1), UUID(int=2)
NAMES = {DEE: "dee@mail.example", BOB: "bob@mail.example"}


class Inbox:
    """The newsroom's own LMTP server, in a thread. Return paths need no database, so nothing here asks one."""

    def __init__(self, folder: Path) -> None:
        self.port, self._folder = free_port(0), folder
        self._ready, self._loop = threading.Event(), asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),), daemon=True)

    async def _run(self) -> None:
        self._stop = asyncio.Event()
        receiver = lmtp.Receiver(self._folder, {actions.BOUNCES: actions.is_return_path})
        await lmtp.serve(f"127.0.0.1:{self.port}", receiver, self._stop, self._ready.set)

    def __enter__(self) -> "Inbox":
        maildir.prepare(self._folder / actions.BOUNCES)
        self._thread.start()
        assert self._ready.wait(5)
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)

    def hand(self, to: str, mail: bytes) -> None:
        with smtplib.LMTP("127.0.0.1", self.port) as client:
            client.sendmail("", [to], mail)


@pytest.fixture
def relay(tmp_path: Path, settings: Any) -> Iterator[LoopbackRelay]:
    with LoopbackRelay() as server:
        settings.HANDBILL = dataclasses.replace(
            settings.HANDBILL,
            home=tmp_path,
            bounce_address="bounces@paper.example",
            relays=(Relay("main", server.host, server.port, "smtp"),),
        )
        yield server


@pytest.fixture
def inbox(relay: LoopbackRelay, tmp_path: Path) -> Iterator[Inbox]:
    with Inbox(tmp_path / "inbox") as server:
        yield server


@pytest.fixture(autouse=True)
def readers() -> None:
    for identity in NAMES:
        Subscriber.objects.create(
            id=identity,
            address_hash=str(identity),
            address_sealed=b"",
            created_at=NOON - DAY,
            confirmed_at=NOON - DAY,
            audience="",
        )
        Subscription.objects.create(subscriber_id=identity, started_at=NOON - DAY)


def send(relay: LoopbackRelay, at: datetime) -> dict[UUID, Taken]:
    """Send an issue to whoever reads; what the relay took, by reader."""
    before = len(relay.messages)
    people = [Recipient(str(who), NAMES[who], "main") for who in NAMES if who in reading()]
    actions.hand_over(f"issue-{at:%Y-%m-%d}", "issue", [LETTER], people, at)
    assert actions.send_batch(at).accepted == len(people)
    return {who: taken for taken in relay.messages[before:] for who in NAMES if NAMES[who] in taken.recipients}


def report(taken: Taken, said: str) -> bytes:
    return (
        f"From: MAILER-DAEMON@mx.mail.example\r\nTo: {taken.sender}\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nI could not deliver your message.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.mail.example\r\n\r\n"
        f"Final-Recipient: rfc822; {taken.recipients[0]}\r\nAction: failed\r\nStatus: {said.split()[1]}\r\n"
        f"Diagnostic-Code: smtp; {said} (in reply to RCPT TO command)\r\n\r\n"
        "--b\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: Today\r\n--b--\r\n"
    ).encode()


def away(taken: Taken) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = taken.recipients[0], taken.sender, "Automatic reply: Today"
    mail["Auto-Submitted"] = "auto-replied"
    mail.set_content("This mailbox is closed until Monday: 550 5.1.1 user unknown.")
    return mail.as_bytes()


def reading(now: datetime = NOON) -> set[UUID]:
    actions.take_in_bounces(now)
    subscribers.pull_feedback(now)
    return set(Subscription.objects.filter(ended_at=None).values_list("subscriber_id", flat=True))


def test_a_definite_bounce_ends_its_reader_and_no_other(relay: LoopbackRelay, inbox: Inbox) -> None:
    taken = send(relay, NOON)
    inbox.hand(taken[DEE].sender, report(taken[DEE], "550 5.1.1 no such user"))
    assert reading() == {BOB} and set(send(relay, NOON + DAY)) == {BOB}
    assert queries.progress("issue-2026-03-03").accepted == 2


def test_a_vague_one_needs_a_second_mailing_and_a_block_never_ends(relay: LoopbackRelay, inbox: Inbox) -> None:
    for day in range(3):
        at = NOON + day * DAY
        taken = send(relay, at)
        inbox.hand(taken[BOB].sender, report(taken[BOB], "550 5.7.1 your network is on our block list; user unknown"))
        if DEE in taken:
            inbox.hand(taken[DEE].sender, report(taken[DEE], "550 5.1.2 unknown domain"))
        assert reading(at) == ({DEE, BOB} if day == 0 else {BOB})


def test_an_auto_reply_changes_nothing(relay: LoopbackRelay, inbox: Inbox) -> None:
    for day in range(2):
        taken = send(relay, NOON + day * DAY)
        inbox.hand(taken[DEE].sender, away(taken[DEE]))
        assert reading(NOON + day * DAY) == {DEE, BOB}
    assert set(Feedback.objects.values_list("kind", "result")) == {("auto-reply", "nothing")}


def test_a_bounce_to_a_made_up_path_is_turned_away_at_the_door(relay: LoopbackRelay, inbox: Inbox) -> None:
    taken = send(relay, NOON)
    forged = taken[DEE].sender.replace("@", "a@", 1).replace("+", "+a", 1)
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        inbox.hand(forged, report(taken[DEE], "550 5.1.1 no such user"))
    assert reading() == {DEE, BOB}
