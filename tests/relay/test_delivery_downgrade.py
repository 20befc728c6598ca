"""Relays that can't do what they offer: each is talked to slower, is remembered so, and nothing is lost or repeated."""

from collections import Counter
from collections.abc import Callable

import pytest

from handbill.delivery.engine.protocol import Mode
from handbill.kit.mail_settings import Relay
from handbill.testing.relay import OFFERS, Act, Drop, LoopbackRelay, Moment, Reply
from tests.mta.send import BODY, Sending, readers

CHUNKING = (*OFFERS, "CHUNKING")
OUT_OF_ORDER = Reply(503, "5.5.1 Wait for the answer first")
NOT_IN_STEP = Reply(554, "SMTP synchronization error")
TOO_FAST = Reply(421, "4.7.0 Improper command pipelining")
COUNT = 60


def always(stage: str, act: Act) -> Callable[[Moment], Act | None]:
    return lambda moment: act if moment.stage == stage else None


def send(relay: LoopbackRelay, **options) -> Sending:
    return Sending(Relay("odd", relay.host, relay.port, "smtp"), readers(COUNT), connections=3, **options)


def learns(relay: LoopbackRelay, mode: Mode) -> None:
    """All get one whole copy, now and the next time, when what was learnt is known from the start."""
    first = send(relay)
    assert first.states == {"accepted": COUNT} and not first.trouble
    assert first.manners.fastest is mode and first.manners.proven
    again = send(relay, manners=first.manners)
    assert again.states == {"accepted": COUNT} and again.manners.fastest is mode
    assert Counter(one.recipients for one in relay.messages) == {(copy.to,): 2 for copy in readers(COUNT)}
    assert {one.data for one in relay.messages} == {BODY}


@pytest.mark.parametrize("offers", [OFFERS, CHUNKING], ids=["pipelining", "chunking"])
@pytest.mark.parametrize("act", [OUT_OF_ORDER, NOT_IN_STEP, TOO_FAST], ids=str)
def test_a_relay_that_wont_have_the_next_envelope_before_it_answered_the_dot(offers, act):
    with LoopbackRelay(offers=offers, hurried={"dot": act}) as relay:
        learns(relay, Mode.GROUPED)


@pytest.mark.parametrize("offers", [OFFERS, CHUNKING], ids=["pipelining", "chunking"])
@pytest.mark.parametrize("act", [OUT_OF_ORDER, NOT_IN_STEP, TOO_FAST], ids=str)
@pytest.mark.parametrize("stage", ["mail", "rcpt"])
def test_a_relay_that_offers_pipelining_and_wont_have_any(offers, act, stage):
    with LoopbackRelay(offers=offers, hurried={stage: act}) as relay:
        learns(relay, Mode.PLAIN)


@pytest.mark.parametrize("code", [500, 502, 503, 504])
def test_a_relay_that_offers_chunks_and_doesnt_know_them(code):
    with LoopbackRelay(always("chunk", Reply(code, "5.5.1 What is BDAT?")), offers=CHUNKING) as relay:
        learns(relay, Mode.PIPELINED)


@pytest.mark.parametrize("offers", [OFFERS, CHUNKING], ids=["pipelining", "chunking"])
@pytest.mark.parametrize(("stage", "mode"), [("dot", Mode.GROUPED), ("rcpt", Mode.PLAIN), ("mail", Mode.PLAIN)])
def test_a_relay_that_hangs_up_on_who_runs_ahead(offers, stage, mode):
    """What had wholly gone out by then is in doubt, at most three copies of a probe; nothing is held against it."""
    with LoopbackRelay(offers=offers, hurried={stage: Drop()}) as relay:
        first = send(relay)
        assert set(first.states) <= {"accepted", "in doubt"} and first.states["in doubt"] <= 3
        assert not first.trouble and first.manners.fastest is mode and first.manners.proven
        assert Counter(one.recipients[0] for one in relay.messages) == dict.fromkeys(first.accepted, 1)
        assert send(relay, manners=first.manners).states == {"accepted": COUNT}


@pytest.mark.parametrize(("act", "state"), [(Reply(421, "4.3.2 closing"), "deferred"), (Drop(), "in doubt")], ids=str)
def test_a_relay_that_hangs_up_at_a_chunk(act, state):
    with LoopbackRelay(always("chunk", act), offers=CHUNKING) as relay:
        sending = send(relay)
    assert sending.states == {"accepted": COUNT - 1, state: 1} and sending.manners.fastest is Mode.PIPELINED
    assert len(relay.messages) == COUNT - 1
