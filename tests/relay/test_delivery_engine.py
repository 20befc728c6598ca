"""The engine tells what became of each copy, once, whatever the relay does; and learns how fast it may go."""

import contextlib
import itertools
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest

from handbill.delivery.engine.connection import Patience
from handbill.delivery.engine.greeting import Terms
from handbill.delivery.engine.loop import send_all
from handbill.delivery.engine.outcome import Copy, Outcome, RelayTrouble
from handbill.delivery.engine.pool import Limits, Manners, Pool
from handbill.kit.mail_settings import Relay
from handbill.testing.relay import OFFERS, Act, Drop, LoopbackRelay, Moment, Reply, Stall

FROM = "news@paper.example"
BODY = (b"Subject: Morning\r\n\r\n", b"one\r\n", b"two\r\n")
DATA = b"".join(BODY)
LARGE = DATA + b"a line of fifty bytes, no more and no less than it\r\n" * 20_000
CHUNKING = (*OFFERS, "CHUNKING")
SLOW = ("8BITMIME", "SMTPUTF8")
MODES = {"plain": SLOW, "pipelined": OFFERS, "chunked": CHUNKING}
ALL_MODES = pytest.mark.parametrize("offers", MODES.values(), ids=MODES.keys())
PATIENCE = Patience(connect=5, reply=0.4, final=0.6, idle=0.2)


class Sending:
    """Sends ``count`` copies and keeps what was told of each."""

    def __init__(self, *relays: LoopbackRelay | Relay, count: int = 10, to: str = "", stop_after: int = -1, **limits):
        self.told: list[tuple[int, Outcome]] = []
        self.by: Counter[str] = Counter()
        self.numbers = iter(range(count))
        self.to = to
        limits = Limits(**{"patience": PATIENCE, **limits})
        self.pools = [Pool(Terms(as_relay(relay)), self.source, limits) for relay in relays]
        self.stop_after = stop_after
        send_all(self.pools, self.report, lambda: 0 <= self.stop_after <= len(self.told))

    def source(self, count: int) -> list[Copy] | None:
        return [self.copy(n) for n in itertools.islice(self.numbers, count)] or None

    def copy(self, number: int) -> Copy:
        return Copy(number, FROM, self.to or f"reader{number}@mail.example", BODY, len(DATA))

    def report(self, pool: Pool, told: list[tuple[int, Outcome]]) -> None:
        self.told += told
        self.by[pool.relay.name] += len(told)

    @property
    def states(self) -> Counter[str]:
        return Counter(outcome.state for _, outcome in self.told)

    @property
    def manners(self) -> Manners:
        return self.pools[0].manners


def as_relay(relay: LoopbackRelay | Relay) -> Relay:
    return relay if isinstance(relay, Relay) else Relay(f"port-{relay.port}", relay.host, relay.port, "smtp")


def at(stage: str, act: Act, times: int = 1, after: int = 0) -> Callable[[Moment], Act | None]:
    left = [act] * times

    def script(moment: Moment) -> Act | None:
        return left.pop() if moment.stage == stage and moment.taken >= after and left else None

    return script


@ALL_MODES
@pytest.mark.parametrize("connections", [1, 4])
def test_everybody_gets_one_copy_unchanged(offers, connections):
    with LoopbackRelay(offers=offers) as relay:
        sending = Sending(relay, count=200, connections=connections)
    assert sending.states == {"accepted": 200} and sorted(key for key, _ in sending.told) == list(range(200))
    assert {taken.data for taken in relay.messages} == {DATA} and {taken.sender for taken in relay.messages} == {FROM}
    assert Counter(taken.recipients[0] for taken in relay.messages) == Counter(sending.copy(n).to for n in range(200))
    assert sending.manners.proven


@ALL_MODES
@pytest.mark.parametrize("stage", ["rcpt", "data", "dot"])
@pytest.mark.parametrize(("code", "state"), [(450, "deferred"), (550, "refused")])
def test_a_refused_copy_costs_the_others_nothing(offers, stage, code, state):
    with LoopbackRelay(at(stage, Reply(code, "Not now"), after=5), offers=offers) as relay:
        sending = Sending(relay, count=20)
    expected = {"accepted": 20} if stage == "data" and offers is CHUNKING else {"accepted": 19, state: 1}
    assert sending.states == expected and len(relay.messages) == expected["accepted"]


@ALL_MODES
@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "dot"])
@pytest.mark.parametrize("act", [Drop(), Reply(421, "4.3.2 closing")])
def test_a_relay_that_closes_at_any_stage_loses_and_doubles_nothing(offers, stage, act):
    with LoopbackRelay(at(stage, act, times=2, after=4), offers=offers) as relay:
        sending = Sending(relay, count=40, connections=2, window=4)
    assert Counter(key for key, _ in sending.told) == Counter(range(40))
    received = Counter(taken.recipients[0] for taken in relay.messages)
    assert set(received.values()) <= {1}
    for key, outcome in sending.told:
        if outcome.state != "in doubt":
            assert received[sending.copy(key).to] == (outcome.state == "accepted")
    assert isinstance(act, Drop) or not sending.states["in doubt"]


@pytest.mark.parametrize("offers", [SLOW, OFFERS])
@pytest.mark.parametrize("keep", [True, False])
def test_lost_after_the_final_dot_is_in_doubt(offers, keep):
    with LoopbackRelay(at("dot", Drop(keep=keep), after=5), offers=offers) as relay:
        sending = Sending(relay, count=20)
    assert sending.states == {"accepted": 19, "in doubt": 1} and len(relay.messages) == 19 + keep


@pytest.mark.parametrize("offers", [OFFERS, CHUNKING], ids=["pipelined", "chunked"])
def test_what_a_relay_said_before_it_cut_us_off_is_heard(offers, monkeypatch):
    """A relay that closes while we still write resets the connection: its last answers come with the error."""
    monkeypatch.setattr(Sending, "copy", lambda self, n: Copy(n, FROM, f"r{n}@mail.example", [LARGE], len(LARGE)))
    with LoopbackRelay(at("mail", Reply(421, "4.3.2 closing"), times=8, after=4), offers=offers) as relay:
        sending = Sending(relay, count=40, window=8, patience=Patience())
    assert sending.states["in doubt"] == 0 and sending.states["accepted"] == len(relay.messages)


def test_in_doubt_is_at_most_the_window():
    with LoopbackRelay(at("dot", Drop(keep=True), after=30), offers=CHUNKING) as relay:
        sending = Sending(relay, count=100, window=8)
    assert sending.states["accepted"] + sending.states["in doubt"] == 100 and 1 <= sending.states["in doubt"] <= 8
    assert not any(outcome.state == "untouched" for _, outcome in sending.told)


@ALL_MODES
@pytest.mark.parametrize(("stage", "state"), [("rcpt", "deferred"), ("dot", "in doubt")])
def test_a_relay_that_stalls_is_left(offers, stage, state):
    with LoopbackRelay(at(stage, Stall(60)), offers=offers) as relay:
        sending = Sending(relay, count=3)
    chunked = "in doubt" if offers is CHUNKING else state
    assert sending.states == {"accepted": 2, chunked: 1}


def test_a_limit_of_messages_a_connection_is_kept_and_learnt():
    connections = Counter()

    def script(moment: Moment) -> Act | None:
        if moment.stage == "dot":
            connections[moment.connection] += 1
        return Reply(421, "4.7.0 enough") if moment.stage == "mail" and moment.message > 5 else None

    with LoopbackRelay(script) as relay:
        sending = Sending(relay, count=50, connections=2)
        assert sending.states == {"accepted": 50} and sending.manners.messages == 5
        connections.clear()
        assert Sending(relay, count=20, messages=2).states == {"accepted": 20}
    assert set(connections.values()) == {2}


def test_stopping_finishes_what_is_in_flight_and_gives_the_rest_back():
    with LoopbackRelay(offers=CHUNKING) as relay:
        sending = Sending(relay, count=10_000, connections=2, stop_after=50)
    states = sending.states
    assert states["accepted"] == len(relay.messages) >= 50 and set(states) <= {"accepted", "untouched"}
    assert sending.told == list({key: (key, outcome) for key, outcome in sending.told}.values())
    assert len(sending.told) == next(sending.numbers, 10_000)


def test_two_relays_share_one_thread_and_one_source():
    with LoopbackRelay() as first, LoopbackRelay(offers=CHUNKING) as second:
        sending = Sending(first, second, count=300, connections=2)
        assert len(first.messages) + len(second.messages) == 300 and first.messages and second.messages
    assert sending.states == {"accepted": 300} and len(sending.by) == 2


def test_a_relay_that_refuses_us_is_given_up_after_a_few_copies():
    with LoopbackRelay(lambda moment: Reply(550, "5.7.1 no") if moment.stage == "mail" else None) as relay:
        sending = Sending(relay, count=100)
    assert sending.states["relay"] == 3 and "3 copies" in str(sending.pools[0].trouble)
    assert len(sending.told) + len(list(sending.numbers)) == 100


def test_nobody_there_is_trouble_and_nothing_is_pulled():
    with LoopbackRelay() as relay:
        closed = as_relay(relay)
    sending = Sending(closed)
    assert isinstance(sending.pools[0].trouble, RelayTrouble) and closed.name in str(sending.pools[0].trouble)
    assert sending.told == [] and next(sending.numbers) == 0


@pytest.mark.parametrize("act", [Reply(554, "Go away"), Drop(), Stall(60)])
def test_turned_away_at_the_door_is_trouble(act):
    with LoopbackRelay(at("connect", act)) as relay:
        sending = Sending(relay)
    assert isinstance(sending.pools[0].trouble, RelayTrouble) and sending.told == []


def test_fewer_connections_are_welcome():
    refused = threading.Event()

    def script(moment: Moment) -> Act | None:
        if moment.stage == "dot" and len(relay.messages) > 20:
            refused.wait(10)  # else two connections may have sent it all before the third comes
        if moment.stage != "connect" or moment.connection <= 2:
            return None
        refused.set()
        return Reply(421, "too many")

    with LoopbackRelay(script) as relay:
        sending = Sending(relay, count=400, connections=6)
    assert sending.states == {"accepted": 400} and sending.manners.connections <= 2


def test_a_connection_that_is_refused_once_all_was_sent_is_no_trouble():
    refused = []

    def script(moment: Moment) -> Act | None:
        if moment.stage == "dot":
            time.sleep(0.02)
        if moment.stage != "connect" or moment.connection == 1:
            return None
        while len(relay.messages) < 20:
            time.sleep(0.01)
        refused.append(moment.connection)
        return Reply(421, "4.7.0 too many connections")

    with LoopbackRelay(script) as relay:
        sending = Sending(relay, count=20, connections=3, patience=Patience(reply=10, idle=0.2))
    assert sending.states == {"accepted": 20} and refused and sending.pools[0].trouble is None


def test_a_password_never_travels_in_the_clear():
    with pytest.raises(RelayTrouble, match="encryption"):
        Pool(Terms(Relay("main", "relay.example", 25, "smtp", "ada"), password="secret"), lambda count: None)


def test_a_relay_without_encryption_or_login_is_named():
    with LoopbackRelay() as relay:
        for security, user in (("smtp", "ada"), ("smtp+starttls", "")):
            sending = Sending(Relay("main", relay.host, relay.port, security, user))
            assert "Relay main" in str(sending.pools[0].trouble)


@pytest.mark.parametrize(
    "words", [b"hello\r\n", b"220-" + b"x" * 100_000, b"220 hi\r\n250 a\r\n999\r\n", b"220 hi\r\n25"]
)
def test_a_relay_that_talks_nonsense_is_left(words):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(words)
                with contextlib.suppress(ConnectionResetError):
                    while connection.recv(4096):
                        pass

        talking = threading.Thread(target=answer, daemon=True)
        talking.start()
        sending = Sending(Relay("odd", "127.0.0.1", server.getsockname()[1], "smtp"), count=1)
        talking.join(5)
    assert sending.states["accepted"] == 0 and sending.pools[0].trouble


def test_a_source_that_fails_closes_the_connections():
    def source(count: int) -> None:
        raise ZeroDivisionError

    with LoopbackRelay() as relay:
        pool = Pool(Terms(as_relay(relay)), source)
        with pytest.raises(ZeroDivisionError):
            send_all([pool], lambda pool, told: None)
    assert all(connection.wire.fileno() == -1 for connection in pool.connections)


def test_a_pause_of_the_source_is_waited_for():
    batches = iter([[0, 1], [], [2], []])

    with LoopbackRelay(offers=CHUNKING) as relay:
        told: list[tuple[int, Outcome]] = []

        def source(count: int) -> list[Copy] | None:
            numbers = next(batches, None)
            return None if numbers is None else [Copy(n, FROM, f"r{n}@mail.example", BODY, len(DATA)) for n in numbers]

        send_all([Pool(Terms(as_relay(relay)), source)], lambda pool, more: told.extend(more))
    assert [key for key, outcome in told if outcome.state == "accepted"] == [0, 1, 2]
