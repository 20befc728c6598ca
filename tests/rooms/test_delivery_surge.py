"""A provider that calls its readers unknown all at once ends few of them, and an editor can undo those."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from handbill.delivery import actions, queries
from handbill.delivery.engine.outcome import Outcome
from handbill.delivery.journal import Journal, Tried
from handbill.delivery.models import Proof, Suppression
from handbill.delivery.proof import Said, count_gone, most_gone
from handbill.delivery.records import LetterBody, Recipient
from handbill.ops.cli import cli
from handbill.ops.commands import delivery as commands  # noqa: F401 - makes them known
from handbill.ops.doctor_bounces import _surges
from handbill.subscribers import actions as subscribers
from handbill.subscribers.models import Subscriber, Subscription

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
DAY = timedelta(days=1)
LETTER = LetterBody("main", "The Paper <news@paper.example>", "Today", "<p>Hi</p>", "Hi")
UNKNOWN = Outcome("refused", 550, "5.1.1 no such user", "gone", stage="rcpt")
TAKEN = Outcome("accepted", 250, "2.0.0 taken")


def send(count: int, unknown: int, domain: str = "gmail.com", at: datetime = NOON, first: int = 0) -> None:
    """An issue of which so many copies are refused, as the sender writes it down; in turns of 100."""
    reference = f"issue-{domain}-{at}"
    people = [Recipient(str(UUID(int=first + n)), f"reader{first + n}@{domain}", "main") for n in range(count)]
    actions.hand_over(reference, "issue", [LETTER], people, at)
    journal, done = Journal(), 0
    while rows := [row for row in journal.claim(at, 600, 100) if row.state != "suppressed"]:
        journal.write([Tried(row, UNKNOWN if done + n < unknown else TAKEN, "main") for n, row in enumerate(rows)], at)
        done += len(rows)


def subscribe(count: int) -> None:
    Subscriber.objects.bulk_create(
        Subscriber(
            id=UUID(int=n),
            address_hash=str(n),
            address_sealed=b"",
            created_at=NOON - DAY,
            confirmed_at=NOON,
            audience="",
        )
        for n in range(count)
    )
    Subscription.objects.bulk_create(
        Subscription(subscriber_id=UUID(int=n), started_at=NOON - DAY) for n in range(count)
    )


def reading() -> int:
    return Subscriber.objects.filter(audience="", subscriptions__ended_at=None).count()


@given(st.integers(0, 10**6), st.integers(0, 10**4))
def test_more_readers_never_allow_fewer_and_a_large_list_allows_one_in_twenty(tried: int, more: int) -> None:
    assert 10 <= most_gone(tried) <= most_gone(tried + more)
    assert most_gone(tried) <= max(10, 50, tried // 20)


def test_ordinary_losses_end_as_ever() -> None:
    send(1000, 40)
    assert Suppression.objects.filter(reason="gone").count() == 40 and queries.surges() == []


def test_of_many_at_once_most_are_held_and_still_mailed() -> None:
    subscribe(400)
    send(400, 400)
    assert Suppression.objects.count() == 50
    (surge,) = queries.surges()
    assert (surge.provider, surge.held) == ("gmail", 350)
    subscribers.pull_feedback(NOON)
    assert reading() == 350
    (finding,) = _surges()
    assert "350 readers of gmail" in finding.what and finding.level == "wrong"
    send(350, 350, at=NOON + 2 * DAY, first=50)
    assert Suppression.objects.count() == 50  # nobody has looked yet


def test_another_provider_is_not_held_by_it() -> None:
    send(400, 400)
    send(1000, 30, "gmx.de", at=NOON + timedelta(minutes=1), first=1000)
    assert Proof.objects.filter(provider="gmx", fate="ended").count() == 30
    assert [surge.provider for surge in queries.surges()] == ["gmail"]


def test_a_small_list_keeps_its_readers_too() -> None:
    send(30, 30)
    assert Suppression.objects.count() == 15 and queries.surges()[0].held == 15


def test_forgiven_readers_read_on_and_whoever_left_stays_away() -> None:
    subscribe(400)
    send(400, 400)
    ended = set(Suppression.objects.values_list("address_hash", flat=True))
    subscribers.pull_feedback(NOON)
    left = Subscription.objects.filter(end_reason="gone").first()
    Subscription.objects.create(
        subscriber_id=left.subscriber_id, started_at=NOON, ended_at=NOON + DAY, end_reason="reader"
    )
    told = CliRunner().invoke(cli, ["delivery", "surges", "--forgive", "gmail"])
    assert told.exit_code == 0 and "49 who had ended" in told.output and len(ended) == 50
    assert reading() == 399 and not Suppression.objects.exists() and not Proof.objects.exists()
    subscribers.pull_feedback(NOON + DAY)
    assert reading() == 399 and queries.surges() == []


def test_what_is_not_pulled_yet_ends_nobody_once_forgiven() -> None:
    subscribe(400)
    send(400, 400)
    assert subscribers.forgive_gone("gmail", NOON) == 0
    subscribers.pull_feedback(NOON)
    assert reading() == 400


def test_believed_readers_end() -> None:
    subscribe(400)
    send(400, 400)
    assert "350 readers" in CliRunner().invoke(cli, ["delivery", "surges", "--believe", "gmail"]).output
    subscribers.pull_feedback(NOON)
    assert reading() == 0 and Suppression.objects.count() == 400 and queries.surges() == []


def test_readers_of_no_known_provider_are_looked_at_together() -> None:
    send(400, 400, "mail.example")
    assert [(surge.provider, surge.held) for surge in queries.surges()] == [("other", 350)]
    assert actions.believe_gone("other", NOON) == 350


def test_a_word_that_was_vague_first_is_proven_by_the_definite_one() -> None:
    actions.hand_over("issue", "issue", [LETTER], [Recipient("1", "a@gmail.com", "main")], NOON)
    mailing = queries.Mailing.objects.get().pk
    assert count_gone([Said("hash", mailing, False, "gmail")], NOON) == set()
    assert count_gone([Said("hash", mailing, True, "gmail")], NOON) == {"hash"}
    assert Proof.objects.get().fate == "ended"
