"""Rounds of sending against a relay that misbehaves: nobody is left out and nobody is mailed twice without need."""

import contextlib
import dataclasses
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import SMTP

import pytest
from django.db import OperationalError, connection

from handbill.delivery import actions, queries
from handbill.delivery.engine.outcome import Outcome
from handbill.delivery.errors import NoJournal, NoRelay
from handbill.delivery.journal import Journal, Tried
from handbill.delivery.models import Attempt, Breaker, Delivery, Suppression, Tally
from handbill.delivery.records import READER_SLOT, LetterBody, Recipient, SendRound
from handbill.delivery.send import LEASE_SECONDS, WINDOW, Dispatch
from handbill.kit.crypto import read_token
from handbill.kit.mail_settings import Relay
from handbill.testing.relay import Act, Drop, LoopbackRelay, Moment, Reply, Stall
from handbill.work.actions import release_all

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
UNSUBSCRIBE = f"https://paper.example/unsubscribe/{READER_SLOT}/"
LETTER = LetterBody(
    "main",
    "Die Zeitung <news@paper.example>",
    "Heute: fünf Berichte",
    f'<p>Hallo</p><a href="{UNSUBSCRIBE}">Abbestellen</a>',
    f"Hallo\n{UNSUBSCRIBE}\n",
    "de",
    UNSUBSCRIBE,
)
Deliver = Callable[..., SendRound]


@pytest.fixture
def relay() -> Iterator[LoopbackRelay]:
    with LoopbackRelay() as running:
        yield running


@pytest.fixture
def use(settings) -> Callable[..., None]:
    """Put relays into the newsroom's settings, in order; ``down`` is one that nobody runs."""

    def put(*relays: LoopbackRelay | str) -> None:
        settings.HANDBILL = dataclasses.replace(
            settings.HANDBILL,
            relays=tuple(
                Relay(one, "127.0.0.1", 1, "smtp")
                if isinstance(one, str)
                else Relay(f"relay-{n}", one.host, one.port, "smtp")
                for n, one in enumerate(relays)
            ),
        )

    return put


@pytest.fixture
def newsroom(db, relay: LoopbackRelay, use) -> LoopbackRelay:
    use(relay)
    return relay


def hand_over(count: int, reference: str = "issue-1", kind: str = "issue") -> None:
    people = (Recipient(f"reader-{n}", f"reader{n}@mail.example", "main") for n in range(count))
    actions.hand_over(reference, kind, [LETTER], people, NOON)


def states() -> Counter[str]:
    return Counter(Delivery.objects.values_list("state", flat=True))


def received(relay: LoopbackRelay) -> Counter[str]:
    return Counter(taken.recipients[0] for taken in relay.messages)


def once(stage: str, act: Act, address: str = "reader3@mail.example") -> Callable[[Moment], Act | None]:
    left = [act]

    def script(moment: Moment) -> Act | None:
        mine = moment.stage == stage and (stage == "mail" or address in moment.recipients)
        return left.pop() if mine and left else None

    return script


def always(stage: str, act: Act, address: str = "") -> Callable[[Moment], Act | None]:
    return lambda moment: act if moment.stage == stage and (not address or address in moment.recipients) else None


def test_everybody_gets_their_own_copy_over_one_connection(newsroom):
    hand_over(45)
    done = actions.send_batch(NOON)
    assert done == SendRound(accepted=45)
    assert received(newsroom) == Counter(f"reader{n}@mail.example" for n in range(45))
    assert states() == {"accepted": 45} and queries.progress("issue-1").settled
    assert queries.anything_due(NOON + timedelta(days=9)) == 0
    assert Delivery.objects.filter(relay="relay-0", reply="2.0.0 Taken").count() == 45
    assert not Attempt.objects.exists()
    assert list(Tally.objects.values_list("provider", "relay", "outcome", "count")) == [("", "relay-0", "accepted", 45)]
    assert actions.send_batch(NOON) == SendRound()


def test_a_copy_carries_its_readers_links(newsroom, settings):
    hand_over(2)
    actions.send_batch(NOON)
    taken = newsroom.sent_to("reader1@mail.example")[0]
    message = message_from_bytes(taken.data, policy=SMTP)
    link = message["List-Unsubscribe"].strip("<>")
    token = link.removeprefix("https://paper.example/unsubscribe/").strip("/")
    assert read_token(settings.KEYS.token, "reader", token) == "reader-1"
    assert link in message.get_body(("html",)).get_content() and link in message.get_body(("plain",)).get_content()
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert (message["To"], message["Subject"]) == ("reader1@mail.example", "Heute: fünf Berichte")
    assert message["Message-ID"].endswith("@paper.example>") and message["List-Id"] == "<digest.paper.example>"
    assert taken.sender == "news@paper.example" and READER_SLOT.encode() not in taken.data
    assert len({message_from_bytes(one.data)["Message-ID"] for one in newsroom.messages}) == 2


def test_a_confirmation_is_no_list_mail(newsroom):
    hand_over(1, kind="confirmation")
    actions.send_batch(NOON)
    message = message_from_bytes(newsroom.messages[0].data)
    assert message["Auto-Submitted"] == "auto-generated"
    assert not [name for name in message if name.startswith("List-")]


def test_limit_and_stop_end_a_round_and_leave_the_rest_due(newsroom):
    hand_over(90)
    assert actions.send_batch(NOON, limit=30).accepted == 30
    done = actions.send_batch(NOON, stop=lambda: len(newsroom.messages) > 30)
    assert 0 < done.accepted <= 60
    assert states() + Counter(accepted=0) == Counter(accepted=30 + done.accepted, waiting=60 - done.accepted)
    assert queries.anything_due(NOON) == 60 - done.accepted and not Delivery.objects.exclude(lease_token="").exists()


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (Reply(550, "5.1.1 <reader3@mail.example> user unknown"), "gone"),
        (Reply(554, "5.7.1 reader3 blocked by our list"), "blocked"),
        (Reply(552, "5.3.4 Message too big"), "size"),
    ],
)
def test_a_refusal_is_reported_with_its_reason_and_only_gone_suppresses(newsroom, act, reason):
    hand_over(6)
    newsroom.script = once("rcpt", act)
    assert actions.send_batch(NOON) == SendRound(accepted=5, refused=1)
    (news,) = queries.feedback_after(0, 10)
    assert (news.recipient, news.state, news.reason) == ("reader-3", "refused", reason)
    assert queries.feedback_after(news.cursor, 10) == []
    assert Suppression.objects.count() == (reason == "gone")
    assert "reader3" not in Attempt.objects.get(outcome="refused").reply


def test_an_address_is_kept_only_as_long_as_it_is_needed(newsroom):
    hand_over(6)
    actions.suppress("reader1@mail.example", "complaint", NOON)
    newsroom.script = once("rcpt", Reply(450, "4.2.0 come back"))
    assert actions.send_batch(NOON) == SendRound(accepted=4, deferred=1, suppressed=1)
    kept = Delivery.objects.exclude(address_sealed=b"")
    assert [row.recipient for row in kept] == ["reader-3"]
    assert actions.send_batch(NOON + timedelta(minutes=6)) == SendRound(accepted=1)
    assert not kept.all().exists()


def test_a_deferred_copy_goes_later(newsroom):
    hand_over(6)
    newsroom.script = once("rcpt", Reply(450, "4.2.0 come back"))
    assert actions.send_batch(NOON) == SendRound(accepted=5, deferred=1)
    assert actions.send_batch(NOON + timedelta(minutes=4)) == SendRound()
    assert actions.send_batch(NOON + timedelta(minutes=6)) == SendRound(accepted=1)
    assert received(newsroom) == Counter(f"reader{n}@mail.example" for n in range(6))
    late = Delivery.objects.get(recipient="reader-3")
    assert (late.tries, late.repeats) == (2, 0)


def test_a_copy_deferred_for_days_is_given_up(newsroom):
    hand_over(1)
    newsroom.script = always("rcpt", Reply(450, "4.2.0 come back"))
    for day in range(4):
        actions.send_batch(NOON + timedelta(days=day))
    assert states() == {"refused": 1}
    assert [news.reason for news in queries.feedback_after(0, 9)] == ["expired"]


@pytest.mark.parametrize(("keep", "copies"), [(True, 2), (False, 1)])
def test_lost_after_the_dot_is_sent_again_once_under_the_same_message_id(newsroom, keep, copies):
    hand_over(10)
    newsroom.script = once("dot", Drop(keep=keep))
    assert actions.send_batch(NOON) == SendRound(accepted=9, in_doubt=1)
    assert queries.progress("issue-1").in_doubt == 1
    assert actions.send_batch(NOON + timedelta(minutes=2)) == SendRound(accepted=1)
    twice = newsroom.sent_to("reader3@mail.example")
    assert len(twice) == copies and len({taken.data for taken in twice}) == 1
    assert sum(received(newsroom).values()) == 9 + copies
    assert queries.progress("issue-1").repeats == 1 and queries.progress("issue-1").settled


@pytest.mark.parametrize("act", [Drop(), Reply(421, "4.3.2 closing")])
def test_lost_before_the_dot_costs_one_copy_a_wait_and_the_others_nothing(newsroom, act):
    hand_over(10)
    newsroom.script = once("rcpt", act)
    assert actions.send_batch(NOON) == SendRound(accepted=9, deferred=1)
    actions.send_batch(NOON + timedelta(minutes=6))
    assert received(newsroom) == Counter(f"reader{n}@mail.example" for n in range(10))
    assert queries.progress("issue-1").repeats == 0


def test_a_relay_that_closes_after_each_message_still_serves_all(newsroom):
    hand_over(25)
    newsroom.script = lambda moment: Reply(421, "one is enough") if moment.message > 1 else None
    for minutes in (0, 10, 30, 60, 120, 240, 500, 800):
        actions.send_batch(NOON + timedelta(minutes=minutes))
    assert received(newsroom) == Counter(f"reader{n}@mail.example" for n in range(25))


def test_the_next_relay_takes_over(newsroom, use):
    hand_over(5)
    use("down", newsroom)
    assert actions.send_batch(NOON) == SendRound(accepted=5)
    assert set(Delivery.objects.values_list("relay", flat=True)) == {"relay-1"}
    assert "can't be reached" in Breaker.objects.get(about="relay down").why


def test_what_a_relay_refuses_us_moves_to_the_next_in_mid_run(newsroom, use):
    with LoopbackRelay(script=always("mail", Reply(550, "5.7.1 sender blocked"))) as first:
        hand_over(10)
        use(first, newsroom)
        assert actions.send_batch(NOON) == SendRound(accepted=10)
        assert not first.messages
    assert set(received(newsroom).values()) == {1}
    assert {tried.outcome for tried in Attempt.objects.filter(relay="relay-0")} == {"deferred"}
    assert queries.feedback_after(0, 9) == [] and not Suppression.objects.exists()


def test_a_relay_that_loses_every_copy_is_put_aside(newsroom):
    hand_over(50)
    newsroom.script = always("rcpt", Drop())
    with pytest.raises(NoRelay):
        actions.send_batch(NOON)
    assert states() == {"deferred": 3, "waiting": 47}
    assert Delivery.objects.filter(state="waiting", tries=0, lease_token="").count() == 47
    newsroom.script = None
    assert actions.send_batch(NOON + timedelta(minutes=6)).accepted == 50
    assert set(received(newsroom).values()) == {1}


def test_without_a_relay_everybody_stays_due_and_no_address_is_logged(db, use, caplog):
    caplog.set_level(logging.DEBUG)
    use("down", "also-down")
    hand_over(5)
    with pytest.raises(NoRelay) as trouble:
        actions.send_batch(NOON)
    assert states() == {"waiting": 5} and queries.anything_due(NOON) == 5
    assert not Attempt.objects.exists() and Delivery.objects.filter(tries=0, lease_token="").count() == 5
    assert "also-down" in str(trouble.value)
    assert "down" in caplog.text and "mail.example" not in caplog.text


def test_suppression_is_asked_last(newsroom):
    hand_over(5)
    actions.suppress("Reader3@mail.example", "complaint", NOON)
    assert actions.send_batch(NOON) == SendRound(accepted=4, suppressed=1)
    assert not newsroom.sent_to("reader3@mail.example")
    assert queries.progress("issue-1").settled


def test_a_reader_who_was_gone_may_confirm_and_is_back(newsroom):
    actions.suppress("reader0@mail.example", "gone", NOON)
    actions.suppress("reader1@mail.example", "complaint", NOON)
    hand_over(2, "issue-1")
    assert actions.send_batch(NOON).suppressed == 2
    hand_over(2, "confirm-1", "confirmation")
    assert actions.send_batch(NOON) == SendRound(accepted=1, suppressed=1)
    hand_over(2, "issue-2")
    assert actions.send_batch(NOON) == SendRound(accepted=1, suppressed=1)


def test_a_row_that_cannot_be_opened_holds_up_nobody(newsroom):
    hand_over(5)
    Delivery.objects.filter(recipient="reader-2").update(address_sealed=b"\x01broken")
    assert actions.send_batch(NOON) == SendRound(accepted=4, deferred=1)
    assert Attempt.objects.get(outcome="deferred").reason == "sealed"


def test_a_letter_that_cannot_be_made_is_refused(newsroom):
    broken = dataclasses.replace(LETTER, sender="nobody")
    actions.hand_over("bad", "test", [broken], [Recipient("1", "bob@mail.example", "main")], NOON)
    assert actions.send_batch(NOON) == SendRound(refused=1)
    assert queries.feedback_after(0, 9)[0].reason == "content"


def test_what_a_dead_worker_had_in_hand_is_sent_when_its_lease_is_over(newsroom):
    hand_over(25)
    assert len(Journal().claim(NOON, LEASE_SECONDS, 20)) == 20
    assert actions.send_batch(NOON).accepted == 5
    assert actions.send_batch(NOON + timedelta(seconds=LEASE_SECONDS - 1)) == SendRound()
    assert queries.progress("issue-1").waiting == 20
    assert actions.send_batch(NOON + timedelta(seconds=LEASE_SECONDS)).accepted == 20
    assert queries.progress("issue-1").repeats == 20


def test_a_restarted_newsroom_need_not_wait_for_leases(newsroom):
    hand_over(5)
    Journal().claim(NOON, LEASE_SECONDS, 20)
    assert release_all() == 5
    assert actions.send_batch(NOON).accepted == 5


def test_a_worker_that_lost_its_lease_writes_no_outcome(newsroom):
    hand_over(1)
    journal = Journal()
    (row,) = journal.claim(NOON, LEASE_SECONDS, 1)
    Delivery.objects.update(lease_token="somebody else")
    for state in ("refused", "accepted"):
        journal.write([Tried(row, Outcome(state, 250, "2.0.0 or so"), "relay-0")], NOON)
    assert states() == {"sending": 1}
    assert [tried.outcome for tried in Attempt.objects.order_by("pk")] == ["refused", "accepted"]


def test_what_was_paused_past_its_lease_is_left_to_others(newsroom):
    """Only what was on the wire already may go twice."""
    hand_over(60)
    newsroom.script = lambda moment: Stall(0.1) if moment.stage == "dot" else None
    paused: list[int] = []
    taken: list[int] = []

    def pause() -> bool:
        if len(newsroom.messages) >= 10 and not paused:
            newsroom.script = None
            taken.append(len(newsroom.messages))
            paused.append(LEASE_SECONDS + 1)
            assert actions.send_batch(NOON + timedelta(seconds=LEASE_SECONDS + 1)).accepted > 30
        return False

    with contextlib.suppress(NoRelay):  # by its clock the relay may have been silent for as long
        Dispatch(NOON, pause, lambda: time.monotonic() + sum(paused)).run(60)
    copies = received(newsroom)
    assert set(copies) == {f"reader{n}@mail.example" for n in range(60)} and states() == {"accepted": 60}
    twice = sum(copies.values()) - 60
    assert 0 < twice <= taken[0] + 2 * Relay("", "", 0, "smtp").connections
    assert twice <= queries.progress("issue-1").repeats


@pytest.mark.parametrize("faults", [1, 2])
def test_outcomes_that_could_not_be_written_are_written_at_the_end(newsroom, monkeypatch, faults):
    hand_over(300)
    left = [OperationalError("database is locked")] * faults
    write = Journal.write

    def locked(journal, tried, now):
        if left:
            raise left.pop()
        return write(journal, tried, now)

    monkeypatch.setattr(Journal, "write", locked)
    with pytest.raises(NoJournal, match="database is locked"):
        actions.send_batch(NOON)
    found = states()
    assert set(found) == {"accepted", "waiting"} and found["accepted"] == len(newsroom.messages) <= 4 * WINDOW
    assert actions.send_batch(NOON).accepted == found["waiting"]
    assert set(received(newsroom).values()) == {1} and queries.progress("issue-1").repeats == 0


@pytest.mark.django_db(transaction=True)
def test_two_workers_share_the_work_without_doubles(relay, use):
    use(relay)
    hand_over(300)
    done: list[SendRound] = []

    def work() -> None:
        try:
            done.append(actions.send_batch(NOON))
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(one.accepted for one in done) == 300
    assert received(relay) == Counter(f"reader{n}@mail.example" for n in range(300))
    assert Delivery.objects.filter(state="accepted", tries=1, repeats=0).count() == 300
