"""Mails that came in: filed once with their source, or held for a person; whatever one of them breaks."""

import dataclasses
import logging
import os
import sys
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from handbill.kit import maildir
from handbill.ops import doctor, tree
from handbill.ops.net import free_port
from handbill.sources import actions as sources
from handbill.sources.models import Feed
from handbill.wire import actions, inbox
from handbill.wire.models import HeldMail, Report
from handbill.wire.records import TakenIn
from handbill.wire.tasks import read_inbox

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
WHY = HeldMail.Why


def letter(number: int = 1, html: str = "<p>The river rises.</p>", **changes: str) -> bytes:
    headers = {
        "From": "The Outlet <letter@outlet.example>",
        "To": "desk@paper.example",
        "Subject": f"Letter {number}",
        "Date": "Sun, 22 Nov 2026 10:00:00 +0200",
        "Message-ID": f"<n-{number}@outlet.example>",
        "List-Id": "Daily <daily.outlet.example>",
    }
    message = EmailMessage()
    for name, value in (headers | {name.replace("_", "-"): value for name, value in changes.items()}).items():
        if value:
            message[name] = value
    message.set_content(html, subtype="html")
    return message.as_bytes()


@pytest.fixture
def own(tmp_path: Path, settings: Any) -> Path:
    """The newsroom's own maildir, in a folder of this test's own."""
    settings.HANDBILL = dataclasses.replace(settings.HANDBILL, home=tmp_path)
    maildir.prepare(tmp_path / "inbox" / "newsletters")
    return tmp_path / "inbox" / "newsletters"


@pytest.fixture
def other(own: Path, tmp_path: Path, settings: Any) -> Path:
    """Another program's maildir."""
    maildir.prepare(tmp_path / "Maildir")
    settings.HANDBILL = dataclasses.replace(settings.HANDBILL, newsletter_maildir=str(tmp_path / "Maildir"))
    return tmp_path / "Maildir"


def handed(own: Path, feed: Feed, data: bytes) -> None:
    """A mail as the LMTP server writes it."""
    maildir.deliver(
        own, f"Return-Path: <b@o.example>\r\nX-Original-To: <{key(feed)}@paper.example>\r\n".encode() + data
    )


def key(feed: Feed) -> str:
    return feed.address.removeprefix("newsletter:")


def outlet(matcher: str = "", name: str = "The Outlet") -> Feed:
    return sources.add_newsletter(name, matcher, NOW)


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_a_mail_to_a_newsletter_s_address_is_a_report_of_its_source(own: Path) -> None:
    feed = outlet()
    body = f'<p>River.</p><p><a href="https://outlet.example/x">Unsubscribe</a> {key(feed)}@paper.example</p>'
    handed(own, feed, letter(html=body, List_Unsubscribe="<https://outlet.example/x>"))
    assert actions.take_in_mails(NOW) == TakenIn(filed=1)
    report = Report.objects.get()
    assert (report.source, report.feed, report.title, report.author) == (feed.source, feed, "Letter 1", "The Outlet")
    assert (report.text, report.backlog, report.filed_at) == ("River.", False, NOW)
    assert report.published_at == datetime(2026, 11, 22, 8, tzinfo=UTC)
    kept = " ".join(str(value) for value in Report.objects.values_list().get())
    assert key(feed) not in kept and "outlet.example/x" not in kept and "desk@" not in kept
    assert names(own / "new") == []
    feed.refresh_from_db()
    assert feed.succeeded_at == feed.newest_at == feed.first_filed_at == NOW and feed.gap_minutes is None


def test_the_newsletter_s_rhythm_is_learnt(own: Path) -> None:
    feed = outlet()
    for day in range(3):
        handed(own, feed, letter(day))
        actions.take_in_mails(NOW + timedelta(days=day))
    feed.refresh_from_db()
    assert feed.gap_minutes == 24 * 60 and feed.newest_at == NOW + timedelta(days=2)


@pytest.mark.parametrize(
    ("local", "known"), [("{key}", True), ("news+{key}", True), ("{KEY}", True), ("news", False), ("{key}x", False)]
)
def test_only_addresses_with_a_key_are_known(local: str, known: bool) -> None:
    code = key(outlet())
    assert actions.knows_recipient(local.format(key=code, KEY=code.upper()) + "@paper.example") is known


def test_a_feed_that_is_fetched_is_not_reached_by_mail() -> None:
    sources.add_source("The Outlet", "https://outlet.example/feed", NOW)
    assert not actions.knows_recipient("https://outlet.example/feed@paper.example")
    assert not actions.knows_recipient("@paper.example")


@pytest.mark.parametrize("matcher", ["daily.outlet.example", "letter@outlet.example", "@outlet.example"])
def test_a_mail_in_another_maildir_is_known_by_list_or_sender_and_is_left_there_as_seen(
    other: Path, matcher: str
) -> None:
    feed = outlet(matcher)
    maildir.deliver(other, letter())
    (mail,) = names(other / "new")
    assert actions.take_in_mails(NOW) == TakenIn(filed=1)
    assert Report.objects.get().feed == feed
    assert (names(other / "new"), names(other / "cur")) == ([], [mail + ":2,S"])


def test_of_two_matchers_the_more_telling_one_decides(other: Path) -> None:
    outlet("@outlet.example", "The House")
    outlet("daily.outlet.example", "The Daily")
    maildir.deliver(other, letter())
    actions.take_in_mails(NOW)
    assert Report.objects.get().source.name == "The Daily"


def test_a_mail_is_filed_once_however_often_it_comes(own: Path, other: Path) -> None:
    feed = outlet("daily.outlet.example")
    handed(own, feed, letter())
    handed(own, feed, letter())
    maildir.deliver(other, letter())
    assert actions.take_in_mails(NOW) == TakenIn(filed=1, known=2)
    assert Report.objects.count() == 1


def test_a_mail_from_nobody_known_is_held_once_and_is_no_report(other: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for _ in range(2):
            maildir.deliver(other, letter(html='<p>Hello.</p><img src="https://o.example/p.gif"><script>x</script>'))
        assert actions.take_in_mails(NOW) == TakenIn(held=1, known=1)
    held = HeldMail.objects.get()
    assert (held.why, held.sender, held.matcher) == (WHY.UNKNOWN, "The Outlet (outlet.example)", "daily.outlet.example")
    assert (held.subject, held.text, held.feed, held.received_at) == ("Letter 1", "Hello.", None, NOW)
    assert bytes(held.data) == letter(html='<p>Hello.</p><img src="https://o.example/p.gif"><script>x</script>')
    assert not Report.objects.exists()
    assert "outlet" not in caplog.text and "Letter" not in caplog.text


def test_what_a_person_assigns_is_filed_with_all_that_is_like_it_and_all_that_follows(other: Path) -> None:
    for number in range(3):
        maildir.deliver(other, letter(number))
    maildir.deliver(other, letter(9, List_Id="", From="x@other.example"))
    assert actions.take_in_mails(NOW) == TakenIn(held=4)
    held = HeldMail.objects.get(subject="Letter 1")
    feed = actions.assign_mail(held, "The Outlet", NOW)
    assert actions.file_assigned_mails(NOW) == TakenIn(filed=3)
    assert feed.matcher == "daily.outlet.example" and Report.objects.filter(feed=feed).count() == 3
    assert HeldMail.objects.get().subject == "Letter 9"
    maildir.deliver(other, letter(4))
    assert actions.take_in_mails(NOW) == TakenIn(filed=1)


def test_what_a_person_has_assigned_is_filed_by_the_next_tick_too(other: Path) -> None:
    maildir.deliver(other, letter())
    actions.take_in_mails(NOW)
    actions.assign_mail(HeldMail.objects.get(), "The Outlet", NOW)
    read_inbox()
    assert Report.objects.get().title == "Letter 1" and not HeldMail.objects.exists()


def test_mails_without_any_sender_are_assigned_one_by_one(other: Path) -> None:
    for number in range(2):
        maildir.deliver(other, letter(number, From="", List_Id=""))
    actions.take_in_mails(NOW)
    feed = actions.assign_mail(HeldMail.objects.first(), "The Outlet", NOW)
    assert actions.file_assigned_mails(NOW) == TakenIn(filed=1)
    assert feed.matcher == "" and HeldMail.objects.count() == 1


def test_a_mail_that_asks_to_confirm_waits_with_its_links_and_gives_no_matcher(own: Path) -> None:
    feed = outlet()
    link = "https://outlet.example/confirm?token=aB3dE5fG7hJ9kL1mN3pQ5rS7"
    handed(
        own, feed, letter(html=f'<p>Welcome. <a href="{link}">Yes</a></p>', Subject="Please confirm your subscription")
    )
    assert actions.take_in_mails(NOW) == TakenIn(held=1)
    held = HeldMail.objects.get()
    assert (held.why, held.feed, held.links) == (WHY.CONFIRM, feed, [["Yes", link]])
    assert actions.assign_mail(held, "the outlet", NOW) == feed, "its key says whose it is"
    assert actions.file_assigned_mails(NOW) == TakenIn(filed=1)


def test_a_machine_s_answer_and_a_mail_that_can_t_be_read_are_held_with_the_reason(own: Path) -> None:
    feed = outlet()
    handed(own, feed, letter(1, Auto_Submitted="auto-replied"))
    maildir.deliver(own, f"X-Original-To: {key(feed)}@paper.example\r\n\r\n".encode())
    handed(own, feed, letter(3))
    assert actions.take_in_mails(NOW) == TakenIn(filed=1, held=2)
    assert {held.why: bool(held.note) for held in HeldMail.objects.all()} == {
        WHY.AUTOMATIC: False,
        WHY.UNREADABLE: True,
    }
    unreadable = HeldMail.objects.get(why=WHY.UNREADABLE)
    actions.assign_mail(unreadable, "The Outlet", NOW)
    assert actions.file_assigned_mails(NOW) == TakenIn(held=1)
    unreadable.refresh_from_db()
    assert unreadable.why == WHY.UNREADABLE and unreadable.note


def test_a_mail_that_breaks_handbill_stops_no_other_and_is_not_lost(
    own: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    feed = outlet()
    real = inbox.file_mail

    def fragile(feed: Feed, entry: Any, now: datetime) -> bool:
        if entry.title == "Letter 1":
            raise ValueError("Letter 1 of letter@outlet.example")
        return real(feed, entry, now)

    monkeypatch.setattr(inbox, "file_mail", fragile)
    for number in range(3):
        handed(own, feed, letter(number))
    assert actions.take_in_mails(NOW) == TakenIn(filed=2, held=1)
    held = HeldMail.objects.get()
    assert held.why == WHY.UNREADABLE and "ValueError" in held.note and b"Letter 1" in bytes(held.data)
    assert "ValueError" in caplog.text and "Letter" not in caplog.text and "@outlet" not in caplog.text


def test_a_database_that_is_gone_leaves_the_mail_where_it_is(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handed(own, outlet(), letter())

    def gone(*args: object) -> bool:
        raise OperationalError("database is locked")

    monkeypatch.setattr(inbox, "file_mail", gone)
    with pytest.raises(OperationalError):
        actions.take_in_mails(NOW)
    assert len(names(own / "new")) == 1 and not HeldMail.objects.exists()


@pytest.mark.parametrize("confirms", [False, True])
def test_who_dies_between_filing_and_moving_does_nothing_twice(
    own: Path, other: Path, confirms: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = outlet("daily.outlet.example")
    subject = "Please confirm your subscription" if confirms else "Letter"
    handed(own, feed, letter(1, Subject=subject))
    maildir.deliver(other, letter(2, Subject=subject))

    class Killed(BaseException):
        pass

    def die(mail: Path) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(inbox, "_remove", die)
        patch.setattr(maildir, "mark_seen", die)
        for times in range(2):  # the lease of one that died runs out first
            with pytest.raises(Killed):
                actions.take_in_mails(NOW + timedelta(minutes=10 * times))
    assert len(names(own / "new")) == 1
    actions.take_in_mails(NOW + timedelta(minutes=20))
    assert Report.objects.count() + HeldMail.objects.count() == 2
    assert names(own / "new") == names(other / "new") == [] and len(names(other / "cur")) == 1


def test_held_mails_are_bounded_in_number_size_and_time(other: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "MOST_HELD", 2)
    monkeypatch.setattr(inbox, "HELD_BYTES", 1000)
    for number in range(3):
        maildir.deliver(other, letter(number, html="<p>" + "long " * 500 + "</p>"))
        actions.take_in_mails(NOW + timedelta(minutes=number))
    assert [held.subject for held in HeldMail.objects.all()] == ["Letter 2", "Letter 1"]
    assert {len(bytes(held.data)) for held in HeldMail.objects.all()} == {1000}
    actions.take_in_mails(NOW + timedelta(days=30, minutes=1, seconds=30))
    assert [held.subject for held in HeldMail.objects.all()] == ["Letter 2"]


def test_what_a_person_has_assigned_gives_way_to_no_flood_and_no_date(
    other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "MOST_HELD", 1)
    maildir.deliver(other, letter(1))
    actions.take_in_mails(NOW)
    actions.assign_mail(HeldMail.objects.get(), "The Outlet", NOW)
    monkeypatch.setattr(inbox, "file_assigned_mails", lambda now, limit: TakenIn())  # it is not its turn yet
    for number in (2, 3):
        maildir.deliver(other, letter(number, List_Id="<flood.example>"))
    actions.take_in_mails(NOW + timedelta(minutes=1))
    assert [held.subject for held in HeldMail.objects.filter(why="assigned")] == ["Letter 1"]
    actions.take_in_mails(NOW + timedelta(days=31))
    assert [held.subject for held in HeldMail.objects.all()] == ["Letter 1"]


def test_too_large_a_mail_is_held_with_the_reason(other: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maildir.deliver(other, letter(html="<p>" + "x" * 400 + "</p>"))
    monkeypatch.setattr(inbox, "MAX_BYTES", 500)
    outlet("daily.outlet.example")
    assert actions.take_in_mails(NOW) == TakenIn(held=1)
    held = HeldMail.objects.get()
    assert held.why == WHY.UNREADABLE and "larger" in held.note


def test_links_and_folders_in_another_maildir_are_no_mails(other: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(letter())
    (other / "new" / "1.link").symlink_to(tmp_path / "secret")
    (other / "new" / "2.folder").mkdir()
    (other / "new" / ".hidden").write_bytes(letter())
    assert actions.take_in_mails(NOW) == TakenIn()
    with pytest.raises(OSError, match="symbolic"):
        maildir.read(other / "new" / "1.link", 10)


def test_a_maildir_that_can_t_be_read_is_told_and_stops_nothing(
    own: Path, tmp_path: Path, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.HANDBILL = dataclasses.replace(settings.HANDBILL, newsletter_maildir=str(tmp_path / "nowhere"))
    handed(own, outlet(), letter())
    assert actions.take_in_mails(NOW) == TakenIn(filed=1)
    assert "nowhere" in caplog.text


def test_a_discarded_mail_can_come_back_and_does_not_come_by_itself(other: Path) -> None:
    maildir.deliver(other, letter())
    actions.take_in_mails(NOW)
    held = HeldMail.objects.get()
    assert actions.discard_mail(held) and not actions.discard_mail(held)
    maildir.deliver(other, letter())
    assert actions.take_in_mails(NOW) == TakenIn(known=1)
    assert actions.restore_mail(held.pk, WHY.UNKNOWN) and not actions.restore_mail(held.pk, WHY.UNKNOWN)


def test_a_call_takes_some_and_leaves_the_rest(own: Path) -> None:
    feed = outlet()
    for number in range(3):
        handed(own, feed, letter(number))
    assert actions.take_in_mails(NOW, limit=2) == TakenIn(filed=2)
    assert actions.take_in_mails(NOW, limit=2) == TakenIn(filed=1)


def test_a_new_outlet_s_newsletter_has_a_key_of_its_own_and_the_same_matcher_no_second_one() -> None:
    one, other = outlet("daily.outlet.example"), outlet()
    assert one.source == other.source and one.address != other.address and one.next_at is None
    assert outlet("daily.outlet.example") == one and len(key(one)) == 16


def test_what_a_crash_left_in_the_maildir_goes_after_a_while(own: Path) -> None:
    for name, age in (("old", 2 * 86400), ("new", 0)):
        (own / "tmp" / name).write_bytes(b"half")
        moment = (own / "tmp" / name).stat().st_mtime - age
        os.utime(own / "tmp" / name, (moment, moment))
    maildir.prepare(own)
    assert names(own / "tmp") == ["new"]
    assert sys.platform != "linux" or (own / "new").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("listen", ["", "127.0.0.1:8124"])
def test_the_program_that_takes_mail_in_runs_where_it_is_asked_for(settings: Any, listen: str) -> None:
    newsroom = dataclasses.replace(settings.HANDBILL, newsletter_listen=listen)
    assert ("inbox" in tree.programs(newsroom)) is bool(listen)
    assert ("handbill inbox" in tree.supervisor_configuration(newsroom)) is bool(listen)


def test_doctor_tells_of_a_maildir_that_is_shut_and_of_mails_that_wait(
    other: Path, settings: Any, tmp_path: Path
) -> None:
    maildir.deliver(other, letter())
    actions.take_in_mails(NOW)
    assert [finding.level for finding in doctor._newsletters(settings.HANDBILL)] == ["warning"]
    shut = dataclasses.replace(
        settings.HANDBILL, newsletter_maildir=str(tmp_path / "nowhere"), newsletter_listen=f"127.0.0.1:{free_port(0)}"
    )
    actions.discard_mail(HeldMail.objects.get())
    nobody, closed = doctor._newsletters(shut)
    assert "nobody takes newsletters in" in nobody.what and "nowhere" in closed.what and closed.level == "wrong"
