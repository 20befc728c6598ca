"""A budget too small for all: today's issue goes first, what is left of yesterday's lapses, nobody gets neither."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.delivery import actions, queries, standing
from handbill.delivery.errors import NoRelay
from handbill.delivery.models import Attempt, Delivery, Mailing, Tally
from handbill.delivery.records import LetterBody, Recipient, SendRound
from handbill.delivery.stale import AGAIN, LAPSED, LATER, fate
from handbill.kit.mail_settings import Relay
from handbill.testing.relay import LoopbackRelay, Reply

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
STATES = [str(state) for state in Delivery.State]
Send = Callable[..., SendRound | None]


@pytest.fixture
def relay() -> Iterator[LoopbackRelay]:
    with LoopbackRelay() as running:
        yield running


@pytest.fixture
def send(db, relay, settings) -> Send:
    """Send what is due on a day, at an hour after noon, with a budget of six copies a day."""
    lane = Relay("main", relay.host, relay.port, "smtp", daily=6)
    settings.HANDBILL = dataclasses.replace(settings.HANDBILL, relays=(lane,))

    def run(day: int, hours: float = 0.0) -> SendRound | None:
        try:
            return actions.send_batch(NOON + day * DAY + timedelta(hours=hours))
        except NoRelay:  # the budget is used up
            return None

    return run


def issue(day: int, readers: range | list[int], letter: str = "Today") -> None:
    body = LetterBody("main", "Paper <news@paper.example>", f"{letter} {day}", "<p>Hi</p>", "Hi")
    people = [Recipient(str(n), f"reader{n}@mail.example", "main", rank=n) for n in readers]
    actions.hand_over(f"issue:{day}", "issue", [body], people, NOON + day * DAY)


def got(relay: LoopbackRelay) -> list[tuple[str, int]]:
    """(issue, reader) in the order in which the relay took them."""
    told = []
    for taken in relay.messages:
        subject = next(line for line in taken.data.split(b"\r\n") if line.startswith(b"Subject: "))
        told.append((subject.decode().split()[-1], int(taken.recipients[0].split("@")[0].removeprefix("reader"))))
    return told


def states(day: int) -> Counter[str]:
    return Counter(Delivery.objects.filter(mailing__reference=f"issue:{day}").values_list("state", flat=True))


@given(st.lists(st.tuples(st.sampled_from(STATES), st.booleans())))
def test_a_copy_lapses_only_for_who_has_a_newer_one(newer):
    found = fate(newer)
    assert (found == LAPSED) == any(state == "accepted" for state, _ in newer)
    assert found or not any(unsettled for _, unsettled in newer)


def test_todays_goes_first_and_yesterdays_lapses_for_who_got_todays(relay, send):
    issue(1, range(10))
    send(1)
    assert states(1) == {"accepted": 6, "waiting": 4}
    issue(2, range(10))
    send(2), send(2, 1)
    assert got(relay)[6:] == [("2", n) for n in (6, 7, 8, 9, 0, 1)]  # who was owed an issue comes first
    assert states(1) == {"accepted": 6, "waiting": 4}  # not looked at again yet
    issue(3, range(10))
    send(3), send(3, 1)
    assert got(relay)[12:] == [("3", n) for n in (2, 3, 4, 5, 0, 1)]
    assert states(1) == {"accepted": 6, "lapsed": 4}
    send(4)
    assert states(2) == {"accepted": 6, "lapsed": 4} and states(3) == {"accepted": 10}
    assert Counter(day for day, _ in got(relay)) == {"1": 6, "2": 6, "3": 10}  # nobody was left without an issue


def test_what_lapsed_is_counted_shown_and_answered(relay, send):
    issue(1, range(8))
    send(1)
    issue(2, [6, 7])
    assert send(2) == SendRound(accepted=2, later=2)
    assert send(2, 1) == SendRound(lapsed=2)
    assert (queries.progress("issue:1").lapsed, queries.progress("issue:1").settled) == (2, True)
    assert Tally.objects.get(outcome="lapsed").count == 2 and not Attempt.objects.exists()
    shown = standing.mailing_standings(NOON + 2 * DAY, 2)[1]
    assert shown.over and shown.progress.lapsed == 2
    lapsed = Delivery.objects.filter(state="lapsed")
    assert {bytes(row.address_sealed) for row in lapsed} == {b""} and all(row.settled_at for row in lapsed)


def test_who_gets_no_newer_issue_gets_the_older(relay, send):
    issue(1, range(8))
    send(1)
    issue(2, [0, 1, 6])  # nothing to read for 7 today
    assert send(2) == SendRound(accepted=4, later=1)
    assert send(2, 1) == SendRound(lapsed=1)
    assert got(relay)[6:] == [("1", 7), ("2", 6), ("2", 0), ("2", 1)]


def test_readers_of_another_hour_are_nobodys_newer_issue(relay, send):
    issue(1, range(8))
    send(1)
    issue(2, range(20, 24))
    send(2)
    assert states(1) == {"accepted": 8} and states(2) == {"accepted": 4}


def test_who_was_refused_todays_gets_yesterdays(relay, send):
    issue(1, range(7))
    send(1)
    issue(2, [6])
    relay.script = lambda moment: Reply(554, "5.6.0 this letter is malformed") if moment.stage == "dot" else None
    send(2)
    assert states(2) == {"refused": 1} and states(1)["lapsed"] == 0
    relay.script = None
    assert send(2, 1) == SendRound(accepted=1) and got(relay)[-1] == ("1", 6)


def test_while_todays_is_being_handed_over_yesterdays_waits_for_it(relay, send):
    issue(1, range(8))
    send(1)
    issue(2, [6, 7])
    Mailing.objects.filter(reference="issue:2").update(sealed_at=None)
    assert send(2) == SendRound(accepted=2, later=2)


def test_an_issue_of_the_same_hours_is_as_ever(relay, send):
    issue(1, range(8))
    Mailing.objects.create(reference="issue:next", kind="issue", created_at=NOON)  # its letters are filed ahead
    send(1)
    assert states(1) == {"accepted": 6, "waiting": 2}


def test_a_copy_that_may_be_with_its_reader_goes_on_as_ever(relay, send):
    issue(1, [0])
    Delivery.objects.update(state="in doubt", tries=1)
    issue(2, [0])
    assert send(2) == SendRound(accepted=2) and states(1) == {"accepted": 1}


def test_an_older_issue_is_looked_at_again_in_a_while(relay, send):
    issue(1, range(7))
    send(1)
    issue(2, range(7))
    send(2)
    later = Delivery.objects.get(mailing__reference="issue:1", state="waiting")
    assert timedelta(0) <= later.next_at - (NOON + 2 * DAY + AGAIN) < timedelta(minutes=1) and LATER not in STATES
