"""Answers to readers as long as copies are kept; totals afterwards, in small steps."""

import dataclasses
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from handbill.delivery import actions, queries, retention
from handbill.delivery.models import Attempt, Body, Delivery, Feedback, Mailing, Proof, Total
from handbill.delivery.proof import Said, count_gone
from handbill.delivery.records import LetterBody, Recipient
from handbill.ops import doctor
from handbill.ops.cli import cli
from handbill.ops.commands import delivery as commands
from handbill.subscribers import queries as people
from handbill.subscribers.models import Subscriber, Subscription

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
DAY = timedelta(days=1)
LETTER = LetterBody("main", "The Paper <news@paper.example>", "Today", "<p>Hi</p>", "Hi")


def mail(reference: str, *ids: str, at: datetime = NOON, kind: str = "issue") -> Mailing:
    recipients = [Recipient(one, f"{one}@mail.example", "main") for one in ids]
    return actions.hand_over(reference, kind, [LETTER], recipients, at)


def settle(reference: str, state: str = "accepted", **values: Any) -> None:
    rows = Delivery.objects.filter(mailing__reference=reference)
    rows.update(state=state, next_at=None, settled_at=NOON, address_sealed=b"", **values)


@pytest.fixture
def bob() -> Subscriber:
    from handbill.delivery.address import address_hash

    person = Subscriber.objects.create(
        address_sealed=b"x",
        address_hash=address_hash("bob@mail.example"),
        created_at=NOON,
        confirmed_at=NOON,
        audience="",
    )
    Subscription.objects.create(subscriber=person, started_at=NOON)
    return person


def test_a_reader_is_told_of_every_copy_the_newest_first(bob: Subscriber) -> None:
    for day in range(3):
        mail(f"issue-{day}", str(bob.pk), "other", at=NOON + day * DAY)
        settle(f"issue-{day}")
    copy = Delivery.objects.get(mailing__reference="issue-1", recipient=str(bob.pk))
    for outcome, code, reply, source in (
        ("deferred", 450, "4.2.0 later", ""),
        ("accepted", 250, "Ok queued as X1", ""),
    ):
        Attempt.objects.create(
            delivery=copy, at=NOON, relay="main", outcome=outcome, code=code, reply=reply, reason="", source=source
        )
    Attempt.objects.create(delivery=copy, at=NOON + DAY, outcome="refused", reason="full", source="bounce")
    found = people.answer(" Bob@mail.example\n", NOON + 3 * DAY)
    assert found.known and found.reading and [one.mailing for one in found.copies] == ["issue-2", "issue-1", "issue-0"]
    told = found.copies[1]
    assert (told.state, told.relay, told.reply) == ("accepted", "main", "Ok queued as X1")
    assert [(one.outcome, one.source, one.reason) for one in told.tries] == [
        ("deferred", "", ""),
        ("refused", "bounce", "full"),
    ]
    assert [one.mailing for one in people.answer("bob@mail.example", NOON, date(2026, 3, 5)).copies] == ["issue-2"]


def test_days_are_the_newsrooms_own(bob: Subscriber) -> None:
    mail("late", str(bob.pk), at=datetime(2026, 3, 2, 23, 30, tzinfo=UTC))  # half past midnight in Berlin
    assert people.answer("bob@mail.example", NOON, date(2026, 3, 3)).copies
    assert not people.answer("bob@mail.example", NOON, date(2026, 3, 2)).copies


def test_who_left_or_is_suppressed_is_told_why(bob: Subscriber) -> None:
    Subscription.objects.update(ended_at=NOON, end_reason="complaint")
    actions.suppress("bob@mail.example", "complaint", NOON)
    found = people.answer("bob@mail.example", NOON)
    assert (found.reading, found.ended, found.suppressed) == (False, "complaint", "complaint")
    assert not people.answer("nobody@mail.example", NOON).known


def test_the_command_answers_and_takes_the_address_from_its_input(
    bob: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail("issue-0", str(bob.pk))
    settle("issue-0")
    monkeypatch.setattr("handbill.ops.cli.open_newsroom", lambda home: None)
    monkeypatch.setattr(commands, "now", lambda: NOON)
    done = CliRunner().invoke(cli, ["delivery", "find", "-"], input="bob@mail.example\n")
    assert (
        done.exit_code == 0 and "Reads the paper." in done.stdout and "issue-0: accepted at 2026-03-03" in done.stdout
    )
    data = json.loads(CliRunner().invoke(cli, ["delivery", "find", "bob@mail.example", "--json"]).stdout)
    assert data["copies"][0]["state"] == "accepted" and "bob@" not in json.dumps(data)
    assert CliRunner().invoke(cli, ["delivery", "find", "cy@mail.example"]).exit_code == 1


def test_old_copies_become_totals_and_progress_stays_as_it_was(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    mail("old", *[f"reader-{n}" for n in range(10)])
    settle("old", repeats=1)
    Delivery.objects.filter(recipient="reader-3").update(state="refused", repeats=0)
    Attempt.objects.create(delivery=Delivery.objects.first(), at=NOON, outcome="refused")
    before = queries.progress("old")
    assert retention.fold_old(NOON + 13 * DAY) == 0
    later = NOON + 15 * DAY
    assert retention.fold_old(later, most=2) == 6 and Delivery.objects.count() == 4
    assert queries.progress("old") == before
    assert retention.fold_old(later) == 4 and queries.progress("old") == before and before.settled
    assert not Delivery.objects.exists() and not Attempt.objects.exists() and not Body.objects.exists()
    assert set(Total.objects.values_list("state", "count", "repeats")) == {("accepted", 9, 9), ("refused", 1, 0)}
    assert Mailing.objects.get().folded_at == later and retention.fold_old(later) == 0
    mail("old", "reader-77")
    assert queries.progress("old") == before


def test_a_copy_that_is_not_settled_stays_with_its_letter() -> None:
    mail("old", "one", "two")
    Delivery.objects.filter(recipient="one").update(state="accepted", next_at=None)
    mail("other", "three")
    settle("other")
    assert retention.fold_old(NOON + 15 * DAY) == 2
    assert Delivery.objects.get().recipient == "two" and Body.objects.count() == 1
    assert (queries.progress("old").accepted, queries.progress("old").waiting) == (1, 1)


def test_the_setting_says_for_how_long(settings: Any) -> None:
    settings.HANDBILL = dataclasses.replace(settings.HANDBILL, retention_days=30)
    mail("old", "one")
    settle("old")
    assert retention.fold_old(NOON + 29 * DAY) == 0 and retention.fold_old(NOON + 31 * DAY) == 1


def test_old_word_of_what_came_back_is_forgotten() -> None:
    mailing = mail("old", "one")
    Feedback.objects.create(identity="x", at=NOON, kind="bounce", result="stray")
    count_gone([Said("a" * 64, mailing.pk, False, "")], NOON)
    assert queries.came_back_since(NOON - DAY) == {("bounce", "stray"): 1}
    retention.fold_old(NOON + 15 * DAY)
    assert not Feedback.objects.exists() and Proof.objects.exists()
    retention.fold_old(NOON + 61 * DAY)
    assert not Proof.objects.exists()


def test_a_letter_can_be_looked_at_as_it_is_sent() -> None:
    assert queries.sample_copy() is None
    letter = dataclasses.replace(LETTER, one_click="https://paper.example/unsubscribe/HANDBILL-READER-TOKEN/")
    actions.hand_over("issue-0", "issue", [letter], [Recipient("one", "one@mail.example", "main")], NOON)
    found = queries.sample_copy() or b""
    assert (
        b"List-Unsubscribe: <https://paper.example/unsubscribe/nobody/>" in found and b"one@mail.example" not in found
    )


def test_doctor_counts_what_came_back(settings: Any) -> None:
    now = datetime.now(UTC)
    for identity, kind, result in (("a", "bounce", "filed"), ("b", "bounce", "stray"), ("c", "bounce", "stray")):
        Feedback.objects.create(identity=identity, at=now, kind=kind, result=result)
    Feedback.objects.create(identity="old", at=now - 2 * DAY, kind="complaint", result="filed")
    (finding,) = doctor._came_back(settings.HANDBILL)
    assert finding.what == "mails that came back in the last day: 1 bounce (filed), 2 bounce (stray)"
