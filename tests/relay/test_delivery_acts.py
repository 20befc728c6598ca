"""Each kind of answer leads to its act, seen from outside: who got what, when it is tried again, who is called."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest

from handbill.delivery import actions, standing
from handbill.delivery.models import Breaker, Delivery, Mailing, Suppression
from handbill.delivery.records import LetterBody, Recipient
from handbill.kit.mail_settings import Relay
from handbill.testing.relay import OFFERS, Act, LoopbackRelay, Moment, Reply

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LETTER = LetterBody("main", "news@paper.example", "Today", "<p>Hi</p>", "Hi")
DEE = "dee@mail.example"
pytestmark = pytest.mark.django_db


@pytest.fixture
def pair(settings):
    """Two relays, of which the second takes everything."""
    with LoopbackRelay() as first, LoopbackRelay() as second:
        use(settings, first, second)
        yield first, second


def use(settings, *relays: LoopbackRelay, **given: object) -> None:
    both = zip(("first", "second"), relays, strict=False)
    chosen = tuple(Relay(name, one.host, one.port, "smtp", **given) for name, one in both)
    settings.HANDBILL = dataclasses.replace(settings.HANDBILL, relays=chosen)


def hand_over(*addresses: str, reference: str = "issue-1", ranks: Callable[[int], int] = lambda n: 0) -> None:
    people = [Recipient(f"{reference}-{n}", address, "main", ranks(n)) for n, address in enumerate(addresses)]
    actions.hand_over(reference, "issue", [LETTER], people, NOON)


def readers(count: int, domain: str = "mail.example") -> list[str]:
    return [f"reader{n}@{domain}" for n in range(count)]


def to_dee(stage: str, reply: Reply) -> Callable[[Moment], Act | None]:
    return lambda moment: reply if moment.stage == stage and moment.recipients[-1:] == (DEE,) else None


class OurFault(NamedTuple):
    """The relay speaks of us: the next relay takes all, and this one rests."""

    stage: str
    reply: Reply
    reason: str
    calls: bool
    rest: timedelta = timedelta(hours=1)


OURS = {
    "quota": OurFault("mail", Reply(452, "4.5.3 Daily sending quota exceeded"), "quota", False),
    "quota, for good": OurFault("dot", Reply(550, "5.4.5 Daily sending limit exceeded"), "quota", False),
    "suspension": OurFault("rcpt", Reply(550, "5.7.1 Your account has been suspended"), "account", True),
    "suspension at the greeting": OurFault("connect", Reply(554, "Your account is disabled"), "account", True),
    "authentication": OurFault("mail", Reply(530, "5.7.0 Authentication required"), "login", True),
    "nobody there": OurFault("connect", Reply(421, "4.3.2 Out of service"), "system", False, timedelta(minutes=1)),
}


@pytest.mark.parametrize("fault", OURS.values(), ids=OURS)
def test_what_is_said_of_us_switches_the_relay(pair, fault):
    first, second = pair
    first.script = lambda moment: fault.reply if moment.stage == fault.stage else None
    hand_over(*readers(60))
    assert actions.send_batch(NOON).accepted == 60 and len(second.messages) == 60
    (rest,) = Breaker.objects.all()
    assert (rest.about, rest.calls, rest.until >= NOON + fault.rest) == ("relay first", fault.calls, True)
    assert rest.reason == fault.reason or fault.reason == "system"
    assert [call.about for call in standing.calls()] == ["relay first"] * fault.calls


def test_a_refused_login_switches_the_relay_and_calls_the_editor(settings, monkeypatch):
    monkeypatch.setenv("HANDBILL_RELAY_PASSWORD_FIRST", "wrong")
    with LoopbackRelay(offers=[*OFFERS, "AUTH PLAIN"]) as first, LoopbackRelay() as second:
        use(settings, first, second)
        with_user = dataclasses.replace(settings.HANDBILL.relays[0], user="news")
        settings.HANDBILL = dataclasses.replace(settings.HANDBILL, relays=(with_user, settings.HANDBILL.relays[1]))
        hand_over(*readers(20))
        assert actions.send_batch(NOON).accepted == 20 and len(second.messages) == 20
    (call,) = standing.calls()
    assert (call.about, call.reason) == ("relay first", "login")
    assert Breaker.objects.get().until >= NOON + timedelta(hours=1)


class Later(NamedTuple):
    """The copy stays with the relay and is tried again."""

    stage: str
    reply: Reply
    reason: str
    wait: timedelta


LATERS = {
    "greylisting": Later("rcpt", Reply(451, "4.7.1 Greylisted, come back later"), "greylisted", timedelta(minutes=5)),
    "full": Later("rcpt", Reply(452, "4.2.2 The mailbox is full"), "full", timedelta(minutes=5)),
    "full, it says for good": Later("rcpt", Reply(552, "5.2.2 Mailbox is full"), "full", timedelta(hours=4)),
    "slow down": Later("dot", Reply(451, "4.7.0 Too much mail from you, slow down"), "rate", timedelta(minutes=5)),
}


@pytest.mark.parametrize("later", LATERS.values(), ids=LATERS)
def test_what_passes_is_tried_again_later_by_the_same_relay(pair, later):
    first, second = pair
    first.script = to_dee(later.stage, later.reply)
    hand_over(*readers(10), DEE)
    assert actions.send_batch(NOON).accepted == 10
    row = Delivery.objects.get(next_at__isnull=False)
    assert row.state == "deferred" and NOON + later.wait <= row.next_at <= NOON + later.wait + timedelta(minutes=1)
    assert row.attempts.get().reason == later.reason and not second.messages and not Breaker.objects.exists()
    first.script = None
    assert actions.send_batch(row.next_at).accepted == 1 and len(first.sent_to(DEE)) == 1


def test_a_mailbox_that_stays_full_is_left_to_the_next_issue_and_its_reader_kept(pair):
    first, _ = pair
    first.script = to_dee("rcpt", LATERS["full, it says for good"].reply)
    hand_over(DEE)
    for hours in (0, 5, 10, 15):
        actions.send_batch(NOON + timedelta(hours=hours))
    row = Delivery.objects.get()
    assert (row.state, row.tries, row.next_at) == ("refused", 3, None)
    assert not Suppression.objects.exists() and set(row.attempts.values_list("ends", flat=True)) == {""}


def test_an_unknown_reader_is_given_up(pair):
    first, second = pair
    first.script = to_dee("rcpt", Reply(550, "5.1.1 User unknown"))
    hand_over(*readers(5), DEE)
    assert actions.send_batch(NOON).refused == 1
    hand_over(*readers(5), DEE, reference="issue-2")
    first.script = None
    assert actions.send_batch(NOON).suppressed == 1
    assert not first.sent_to(DEE) and not second.messages and not Breaker.objects.exists()


def test_a_letter_refused_for_what_it_says_stops_and_calls_the_editor(settings):
    with LoopbackRelay(lambda moment: Reply(554, "5.7.1 Rejected as spam") if moment.stage == "dot" else None) as only:
        use(settings, only, rate=60)
        hand_over(*readers(300))
        actions.send_batch(NOON, limit=1000)
    assert Mailing.objects.get().held_at and Delivery.objects.filter(tries=0).count() > 100
    (call,) = standing.calls()
    assert (call.about, call.reason) == ("issue-1", "content")


def test_one_readers_filter_stops_nothing(pair):
    first, _ = pair
    first.script = to_dee("dot", Reply(554, "5.7.1 Rejected as spam"))
    hand_over(*readers(50), DEE)
    done = actions.send_batch(NOON)
    assert (done.accepted, done.refused) == (50, 1) and Mailing.objects.get().held_at is None


def test_who_confirmed_first_goes_first_with_each_provider_while_a_relay_warms_up(settings):
    with LoopbackRelay() as only:
        use(settings, only, warm_up=NOON.date(), connections=1)
        mixed = [f"reader{n}@{('gmail.com', 'mail.example')[n % 2]}" for n in range(300)]
        hand_over(*mixed, ranks=lambda n: 1_700_000_000 + 1000 - n)
        with pytest.raises(Exception, match="used up"):
            actions.send_batch(NOON)
        got = [taken.recipients[0] for taken in only.messages]
        assert got == mixed[:99:-1] and len(got) == 200


def test_the_order_holds_when_a_provider_was_left_alone(settings):
    with LoopbackRelay() as only:
        use(settings, only, connections=1)
        later = NOON + timedelta(minutes=10)
        Breaker.objects.create(about="provider gmail", failures=1, since=NOON, until=later, reason="rate")
        hand_over(*readers(120, "gmail.com"), ranks=lambda n: 1000 - n)
        assert actions.send_batch(NOON, limit=1000).accepted == 0
        assert actions.send_batch(later + timedelta(minutes=1), limit=1000).accepted == 120
        assert [taken.recipients[0] for taken in only.messages] == readers(120, "gmail.com")[::-1]
    assert Breaker.objects.get().until is None and Breaker.objects.get().failures == 0


def test_an_address_beyond_ascii_waits_where_no_relay_takes_it_and_harms_nobody(settings):
    narrow = [offer for offer in OFFERS if offer != "SMTPUTF8"]
    with LoopbackRelay(offers=narrow) as first, LoopbackRelay() as second:
        use(settings, first)
        hand_over("jörg@mail.example", *readers(20))
        done = actions.send_batch(NOON)
        assert (done.accepted, done.deferred) == (20, 1) and not Breaker.objects.exists()
        (one,) = standing.mailing_standings(NOON, 1)
        assert [(held.reason, held.count) for each in one.providers for held in each.held] == [("smtputf8", 1)]
        use(settings, first, second)
        assert actions.send_batch(NOON + timedelta(minutes=6)).accepted == 1
        (taken,) = second.messages
        assert taken.recipients == ("jörg@mail.example",) and "SMTPUTF8" in taken.asked.split()


@pytest.mark.parametrize("offers", [[], ["CHUNKING"]], ids=["pipelined", "chunked"])
def test_reports_are_asked_for_where_they_are_offered_and_only_there(settings, offers):
    with LoopbackRelay(offers=[*OFFERS, *offers, "DSN"]) as knows, LoopbackRelay(offers=[*OFFERS, *offers]) as not_so:
        for relay, reference in ((knows, "issue-1"), (not_so, "issue-2")):
            use(settings, relay)
            hand_over(*readers(10), reference=reference)
            assert actions.send_batch(NOON).accepted == 10
        for taken in knows.messages:
            words = [word for word in taken.asked.split() if not word.startswith("ENVID=")]
            (named,) = set(taken.asked.split()) - set(words)
            assert words == ["RET=HDRS", "NOTIFY=FAILURE"]
            assert f"Message-ID: <{named.removeprefix('ENVID=')}@".encode() in taken.data
        assert {taken.asked for taken in not_so.messages} == {""}
