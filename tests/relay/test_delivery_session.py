"""A session tells what became of each copy, whatever the relay does."""

from collections.abc import Callable

import pytest

from handbill.delivery.engine.session import Outcome, RelayTrouble, Session
from handbill.kit.settings import Relay
from handbill.testing.relay import Act, Drop, LoopbackRelay, Moment, Reply, Stall

DATA = b"Subject: Morning\r\n\r\n.one\r\n..two\r\nthree\r\n"
FROM, DEE = "news@paper.example", "dee.bounces@mail.example"


def at(stage: str, act: Act, times: int = 1) -> Callable[[Moment], Act | None]:
    left = [act] * times

    def script(moment: Moment) -> Act | None:
        return left.pop() if moment.stage == stage and left else None

    return script


def open_to(relay: LoopbackRelay, timeout: float = 5.0) -> Session:
    return Session.open(Relay("local", relay.host, relay.port, "smtp"), timeout=timeout)


def send(act_at: str, act: Act, timeout: float = 5.0) -> tuple[Outcome, bool, list[bytes]]:
    with LoopbackRelay(script=at(act_at, act)) as relay:
        session = open_to(relay, timeout)
        outcome = session.send(FROM, DEE, DATA)
        alive = session.alive
        session.close()
        return outcome, alive, [taken.data for taken in relay.messages]


def test_many_copies_go_over_one_connection_unchanged():
    connections = set()
    with LoopbackRelay(script=lambda moment: connections.add(moment.connection)) as relay:
        session = open_to(relay)
        outcomes = [session.send(FROM, f"reader{n}@mail.example", DATA) for n in range(30)]
        session.close()
        assert [outcome.state for outcome in outcomes] == ["accepted"] * 30
        assert [taken.data for taken in relay.messages] == [DATA] * 30
        assert [taken.recipients for taken in relay.messages] == [(f"reader{n}@mail.example",) for n in range(30)]
    assert connections == {1}


@pytest.mark.parametrize("stage", ["rcpt", "data", "dot"])
@pytest.mark.parametrize(("code", "state"), [(450, "deferred"), (550, "refused")])
def test_a_refused_copy_leaves_the_session_open_for_the_next(stage: str, code: int, state: str):
    with LoopbackRelay(script=at(stage, Reply(code, "Not now"))) as relay:
        session = open_to(relay)
        assert session.send(FROM, DEE, DATA).state == state
        assert session.send(FROM, "bob@mail.example", DATA).state == "accepted"
        assert session.alive
        session.close()
        assert [taken.recipients for taken in relay.messages] == [("bob@mail.example",)]


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
def test_lost_before_the_final_dot_is_deferred(stage: str):
    outcome, alive, kept = send(stage, Drop())
    assert (outcome.state, outcome.strike, alive, kept) == ("deferred", True, False, [])


@pytest.mark.parametrize("keep", [True, False])
def test_lost_after_the_final_dot_is_in_doubt(keep: bool):
    outcome, alive, kept = send("dot", Drop(keep=keep))
    assert (outcome.state, outcome.strike, alive, len(kept)) == ("in doubt", True, False, int(keep))


@pytest.mark.parametrize(("stage", "state"), [("rcpt", "deferred"), ("dot", "in doubt")])
def test_a_relay_that_stalls_is_left(stage: str, state: str):
    outcome, alive, _ = send(stage, Stall(60), timeout=0.3)
    assert (outcome.state, alive) == (state, False)


class SlowReader:
    """Takes whatever it is sent; notes how long each reply is waited for."""

    def __init__(self) -> None:
        self.sock, self.waits, self.seconds = self, {}, 30.0

    def gettimeout(self) -> float:
        return self.seconds

    def settimeout(self, seconds: float) -> None:
        self.seconds = seconds

    def docmd(self, command: str) -> tuple[int, bytes]:
        self.waits[command.split()[0]] = self.seconds
        return (354 if command == "DATA" else 250), b"ok"

    def send(self, data: bytes) -> None:
        self.sent = data

    def getreply(self) -> tuple[int, bytes]:
        self.waits[self.sent.decode().strip()] = self.seconds
        return 250, b"kept"


def test_a_relay_that_reads_the_whole_message_first_is_given_time():
    """Taken to be lost after the dot, the copy would be sent again though the relay has it."""
    relay = SlowReader()
    session = Session(Relay("local", "127.0.0.1", 25, "smtp"), relay)
    for _ in range(2):
        assert session.send(FROM, DEE, DATA).state == "accepted"
    assert relay.waits == {"MAIL": 30, "RCPT": 30, "DATA": 30, ".": 120}


@pytest.mark.parametrize("stage", ["mail", "rcpt", "dot"])
def test_a_relay_that_closes_down_takes_nothing(stage: str):
    outcome, alive, kept = send(stage, Reply(421, "4.3.2 Closing"))
    assert (outcome.strike, alive, kept) == (True, False, [])
    assert outcome.state in ("deferred", "relay")


def test_a_refused_sender_is_the_relays_doing_not_the_readers():
    outcome, alive, _ = send("mail", Reply(550, "5.7.1 Sender not allowed"))
    assert (outcome.state, outcome.strike, alive) == ("relay", True, True)


def test_the_reply_is_kept_without_the_address():
    outcome, _, _ = send("rcpt", Reply(550, f"5.1.1 <{DEE}>: no such user dee.bounces here"))
    assert (outcome.code, outcome.reason) == (550, "gone")
    assert "dee" not in outcome.reply and "mail.example" not in outcome.reply


def test_an_address_beyond_ascii_goes_to_a_relay_that_takes_it():
    with LoopbackRelay() as relay:
        session = open_to(relay)
        assert session.send(FROM, "jörg@mail.example", DATA).state == "accepted"
        assert session.send(FROM, DEE, DATA).state == "accepted"
        session._wire.esmtp_features.pop("smtputf8")
        held = session.send(FROM, "jörg@mail.example", DATA)
        session.close()
    assert (held.state, held.reason, held.strike) == ("deferred", "smtputf8", False)


def test_nobody_there_is_relay_trouble():
    with LoopbackRelay() as relay:
        closed = Relay("main", relay.host, relay.port, "smtp")
    with pytest.raises(RelayTrouble, match="main"):
        Session.open(closed, timeout=2)


@pytest.mark.parametrize("act", [Reply(554, "Go away"), Drop()])
def test_turned_away_at_the_door_is_relay_trouble(act: Act):
    with LoopbackRelay(script=at("connect", act)) as relay, pytest.raises(RelayTrouble):
        open_to(relay)


def test_a_relay_without_login_or_encryption_is_named():
    with LoopbackRelay() as relay:
        for name, security, user in (("a", "smtp", "ada"), ("b", "smtp+starttls", "")):
            with pytest.raises(RelayTrouble, match=f"Relay {name} "):
                Session.open(Relay(name, relay.host, relay.port, security, user), "secret", timeout=2)


def test_a_password_never_travels_in_the_clear():
    with pytest.raises(RelayTrouble, match="encryption"):
        Session.open(Relay("main", "relay.example", 25, "smtp", "ada"), "secret", timeout=2)
