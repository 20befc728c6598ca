"""What comes back: heeded once, with its own copy; a block ends nothing, a forgery is ignored and counted."""

import dataclasses
import logging
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from handbill.delivery import actions, feedback, paths, queries
from handbill.delivery.engine.feedback import Told
from handbill.delivery.models import Attempt, Delivery, Feedback, Proof, Suppression
from handbill.delivery.paths import Marks
from handbill.delivery.records import LetterBody, Recipient
from handbill.kit import maildir
from handbill.kit.sandbox import Sandbox
from handbill.ops.commands.inbox import purposes

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
DAY = timedelta(days=1)
LETTER = LetterBody("main", "The Paper <news@paper.example>", "Today", "<p>Hi</p>", "Hi")
UNKNOWN = "550 5.1.1 <{to}>: no such user (in reply to RCPT TO command)"
VAGUE = "550 <{to}>: user unknown (in reply to RCPT TO command)"
BLOCK = "550 5.7.1 Our system blocked your network 192.0.2.1; user unknown lists do not apply"


@pytest.fixture(autouse=True)
def newsroom(tmp_path: Path, settings: Any) -> Path:
    settings.HANDBILL = dataclasses.replace(
        settings.HANDBILL,
        home=tmp_path,
        bounce_address="bounces@paper.example",
        bounce_maildir=str(tmp_path / "theirs"),
    )
    maildir.prepare(tmp_path / "inbox" / "bounces")
    maildir.prepare(tmp_path / "theirs")
    return tmp_path


def issue(count: int = 1, at: datetime = NOON, name: str = "") -> list[Delivery]:
    """An issue whose copies the relay accepted."""
    reference = name or f"issue-{at.date()}"
    people = (Recipient(f"reader-{n}", f"reader{n}@mail.example", "main") for n in range(count))
    actions.hand_over(reference, "issue", [LETTER], people, at)
    rows = Delivery.objects.filter(mailing__reference=reference)
    rows.update(state="accepted", next_at=None, settled_at=at, address_sealed=b"")
    return list(rows.select_related("mailing").order_by("pk"))


def bounce(
    path: str, said: str = UNKNOWN, to: str = "reader0@mail.example", status: str = "", letter: str = ""
) -> bytes:
    status = status or next((word for word in said.split() if word.count(".") == 2 and word[0] in "245"), "5.0.0")
    return (
        f"Return-Path: <>\r\nX-Original-To: {path}\r\nFrom: MAILER-DAEMON@mx.mail.example\r\nTo: {path}\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n"
        f"Message-ID: <{abs(hash((path, said, letter)))}@mx.mail.example>\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nYour mail could not be delivered.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.mail.example\r\n\r\n"
        f"Final-Recipient: rfc822; {to}\r\nAction: failed\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; {said.format(to=to)}\r\n\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\n{letter or 'Subject: Today'}\r\n\r\nHi\r\n--b--\r\n"
    ).encode()


def complaint(letter: str, fields: str = "", kind: str = "abuse") -> bytes:
    return (
        "From: fbl@provider.example\r\nTo: abuse@paper.example\r\nSubject: complaint\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nA complaint.\r\n"
        f"--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: {kind}\r\nVersion: 1\r\n{fields}\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\n{letter}\r\n\r\nHi\r\n--b--\r\n"
    ).encode()


def letter_of(row: Delivery) -> str:
    """The head of a reader's copy, as mail systems return it."""
    name = f"{Marks().message_name(row.mailing.reference, row.recipient)}@paper.example"
    link = f"https://paper.example/unsubscribe/{Marks().reader_token(row.recipient)}/"
    return f"Message-ID: <{name}>\r\nList-Unsubscribe: <{link}>\r\nSubject: Today"


def path(row: Delivery) -> str:
    return paths.Marks().sender(row.pk, "news@paper.example")


def file(data: bytes, now: datetime = NOON) -> str:
    return feedback.file_feedback(data, now)


def ended() -> list[tuple[str, str]]:
    return [(news.recipient, news.ends) for news in queries.feedback_after(0, 10_000) if news.ends]


def test_a_definite_bounce_ends_and_suppresses_and_arrives_behind_the_cursor() -> None:
    (row,) = issue()
    Attempt.objects.create(delivery=row, at=NOON, outcome="refused", reason="blocked", relay="main")
    cursor = queries.feedback_after(0, 10)[-1].cursor
    assert file(bounce(path(row).upper())) == "filed"
    (news,) = queries.feedback_after(cursor, 10)
    assert (news.recipient, news.ends, news.reason, news.state) == ("reader-0", "gone", "gone", "refused")
    assert Suppression.objects.get().reason == "gone" and Attempt.objects.last().source == "bounce"
    assert queries.progress(row.mailing.reference).accepted == 1


def test_a_mail_is_heeded_once_by_whatever_way_it_comes() -> None:
    (row,) = issue()
    mail = bounce(path(row))
    assert [file(mail), file(mail), file(b"Received: by other.example\r\n" + mail)] == ["filed", "known", "known"]
    assert Attempt.objects.count() == Feedback.objects.count() == 1


def test_what_is_not_definite_wants_two_mailings_half_a_day_apart() -> None:
    (first,), (soon,), (second,) = (
        issue(at=at, name=name) for at, name in ((NOON, "one"), (NOON, "two"), (NOON + DAY, "three"))
    )
    assert file(bounce(path(first), VAGUE)) == "filed" and ended() == []
    file(bounce(path(first), VAGUE, letter="Subject: again"), NOON + DAY)
    file(bounce(path(soon), VAGUE), NOON + timedelta(hours=1))
    assert ended() == [] and not Suppression.objects.exists() and Proof.objects.count() == 2
    file(bounce(path(second), VAGUE), NOON + DAY)
    assert ended() == [("reader-0", "gone")] and Suppression.objects.get().reason == "gone"


def test_two_proofs_a_quarter_apart_prove_nothing() -> None:
    (first,), (second,) = issue(), issue(at=NOON + 90 * DAY)
    file(bounce(path(first), VAGUE))
    file(bounce(path(second), VAGUE), NOON + 90 * DAY)
    assert ended() == []


def test_a_reader_who_is_back_begins_anew() -> None:
    (first,), (second,) = issue(), issue(at=NOON + DAY)
    file(bounce(path(first), VAGUE))
    actions.allow("reader0@mail.example")
    file(bounce(path(second), VAGUE), NOON + DAY)
    assert ended() == []


@pytest.mark.parametrize(
    "said",
    [
        BLOCK,
        "552 5.2.2 mailbox full",
        "550 5.7.26 message failed DMARC policy",
        "554 5.7.1 message content rejected as spam",
        "550 5.2.1 mailbox disabled, not accepting messages",
    ],
)
def test_what_is_about_us_or_a_full_mailbox_ends_nothing_however_often(said: str) -> None:
    for day in range(4):
        (row,) = issue(at=NOON + day * DAY)
        assert file(bounce(path(row), said), NOON + day * DAY) == "filed"
    assert ended() == [] and not Suppression.objects.exists() and Attempt.objects.count() == 4


def test_a_provider_that_blocks_thousands_suppresses_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    class Here:
        """The reading itself, without the child's protection, which costs time here."""

        def run(self, function: Any, *arguments: Any) -> Any:
            return function(*arguments)

    monkeypatch.setattr(feedback, "sandbox", Here())
    for at in (NOON, NOON + DAY):
        for row in issue(1000, at):
            file(bounce(path(row), BLOCK, to=f"{row.recipient.replace('-', '')}@mail.example"), at)
    assert Attempt.objects.filter(reason="blocked").count() == 2000
    assert ended() == [] and not Suppression.objects.exists() and not Proof.objects.exists()


def test_a_forged_return_path_is_ignored_and_counted() -> None:
    (row,) = issue()
    genuine = path(row)
    place = genuine.index("+") + 3
    forged = genuine[:place] + ("a" if genuine[place] != "a" else "b") + genuine[place + 1 :]
    mails = [
        bounce(forged),
        bounce("bounces@paper.example"),
        bounce("news@paper.example", letter="To: reader0@mail.example"),
    ]
    assert [file(mail) for mail in mails] == ["stray"] * 3
    assert not Attempt.objects.exists() and Feedback.objects.filter(result="stray").count() == 3


def test_a_copy_that_is_no_longer_known_makes_a_stray() -> None:
    (row,) = issue()
    mail = bounce(path(row))
    row.delete()
    assert file(mail) == "stray"


def test_a_bounce_without_a_return_path_is_known_by_the_letter_it_returns() -> None:
    rows = [issue(at=NOON - n * DAY)[0] for n in range(3)]
    assert file(bounce("news@paper.example", letter=letter_of(rows[1]))) == "filed"
    assert Attempt.objects.get().delivery == rows[1] and ended() == [("reader-0", "gone")]
    token_alone = letter_of(rows[0]).partition("\r\n")[2]
    assert file(bounce("news@paper.example", letter=token_alone)) == "stray"


@pytest.mark.parametrize("how", ["path", "letter", "link alone"])
def test_a_complaint_suppresses_at_once(how: str) -> None:
    (row,) = issue()
    letter = {"path": "Subject: Today", "letter": letter_of(row), "link alone": letter_of(row).partition("\r\n")[2]}[
        how
    ]
    fields = f"Original-Mail-From: <{path(row)}>\r\n" if how == "path" else ""
    assert file(complaint(letter, fields)) == "filed"
    assert ended() == [("reader-0", "complaint")] and Suppression.objects.get().reason == "complaint"
    actions.allow("reader0@mail.example")


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure"])
def test_a_report_in_which_nobody_complains_ends_nothing(kind: str) -> None:
    (row,) = issue()
    assert file(complaint(letter_of(row), kind=kind)) == "filed"
    assert ended() == [] and not Suppression.objects.exists()


def test_a_forged_complaint_ends_nothing() -> None:
    issue()
    letter = "List-Unsubscribe: <https://paper.example/unsubscribe/reader-0.AAAAAAAAAAAAAAAAAAAAAA/>"
    assert file(complaint(letter, "Original-Rcpt-To: reader0@mail.example\r\n")) == "stray"
    assert not Suppression.objects.exists()


def test_an_auto_reply_is_never_a_bounce() -> None:
    (row,) = issue()
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "reader0@mail.example", path(row), "Out of office: user unknown"
    mail["Auto-Submitted"] = "auto-replied"
    mail.set_content("550 5.1.1 I am away, this account is closed.")
    assert file(mail.as_bytes()) == "nothing" and not Attempt.objects.exists()
    assert Feedback.objects.get().kind == "auto-reply"


def test_word_on_the_address_a_reader_forwards_to_is_not_definite() -> None:
    (row,) = issue()
    assert file(bounce(path(row), to="other@elsewhere.example")) == "filed"
    assert ended() == [] and Proof.objects.count() == 1


def test_of_several_recipients_the_readers_own_counts_else_the_kindest() -> None:
    gone = Told("a@x.example", "5.1.1", "gone", True, True)
    full = Told("b@x.example", "5.2.2", "full")
    assert feedback.told_of_copy((gone, full), lambda address: address == "a@x.example") == gone
    assert feedback.told_of_copy((gone, full), lambda address: False) == full
    assert not feedback.told_of_copy((gone,), lambda address: False).definite
    assert feedback.told_of_copy((dataclasses.replace(gone, address=""),), lambda address: False).definite
    assert not feedback.told_of_copy((), lambda address: True).reader_gone


def test_mails_are_taken_from_both_maildirs_and_ours_are_deleted(newsroom: Path) -> None:
    rows = issue(2)
    maildir.deliver(newsroom / "inbox" / "bounces", bounce(path(rows[0])))
    maildir.deliver(newsroom / "theirs", bounce(path(rows[1]), to="reader1@mail.example"))
    assert actions.take_in_bounces(NOON) == {"filed": 2}
    assert [list((newsroom / "inbox" / "bounces" / part).iterdir()) for part in ("new", "cur")] == [[], []]
    (kept,) = (newsroom / "theirs" / "cur").iterdir()
    assert kept.name.endswith(":2,S") and actions.take_in_bounces(NOON) == {}


def test_a_mail_stays_until_the_database_has_it(newsroom: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (row,) = issue()
    maildir.deliver(newsroom / "inbox" / "bounces", bounce(path(row)))

    def gone(*arguments: Any) -> None:
        raise OperationalError("the database is gone")

    with monkeypatch.context() as patch, pytest.raises(OperationalError):
        patch.setattr(feedback, "copy_of", gone)
        actions.take_in_bounces(NOON)
    assert len(maildir.waiting(newsroom / "inbox" / "bounces", 9)) == 1 and not Feedback.objects.exists()
    assert actions.take_in_bounces(NOON + timedelta(minutes=10)) == {"filed": 1}


def test_a_mail_that_breaks_its_reader_is_counted_and_holds_up_no_other(
    newsroom: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (row,) = issue()
    real = feedback.read_comeback
    broken = bounce(path(row)) + b"boom"

    class Sometimes(Sandbox):
        def run(self, function: Any, data: bytes) -> Any:
            if data.endswith(b"boom"):
                raise RuntimeError(f"boom {data!r}")
            return real(data)

    monkeypatch.setattr(feedback, "sandbox", Sometimes())
    for mail in (broken, bounce(path(row))):
        maildir.deliver(newsroom / "inbox" / "bounces", mail)
    with caplog.at_level(logging.DEBUG):
        assert actions.take_in_bounces(NOON) == {"unreadable": 1, "filed": 1}
    assert "RuntimeError" in caplog.text and "mail.example" not in caplog.text and "boom" not in caplog.text


def test_hostile_bytes_are_counted_as_nothing() -> None:
    for data in (b"", b"\0" * 5000, b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n" * 5000):
        assert file(data) in ("nothing", "stray")


def test_lmtp_takes_genuine_return_paths_alone() -> None:
    (row,) = issue()
    ours = purposes()["bounces"]
    assert ours(path(row)) and ours(path(row).upper())
    assert not any(
        map(ours, ("bounces@paper.example", "x" + path(row)[8:], f"{path(row)}.evil", "news@paper.example", ""))
    )
    assert not ours(path(row).replace("paper.example", "other.example"))


def test_a_domain_of_our_own_and_no_address_at_all(settings: Any) -> None:
    settings.HANDBILL = dataclasses.replace(settings.HANDBILL, bounce_address="bounces.paper.example")
    made = paths.Marks().sender(7, "news@paper.example")
    assert made.startswith("b-") and made.endswith("@bounces.paper.example") and paths.is_return_path(made)
    settings.HANDBILL = dataclasses.replace(settings.HANDBILL, bounce_address="")
    assert paths.Marks().sender(7, "news@paper.example") == "news@paper.example" and not paths.is_return_path(made)
