"""The line keeps one session open, and changes relays when one fails again and again."""

from dataclasses import dataclass, field

import pytest

from handbill.delivery.engine.line import MOST_STRIKES, Line
from handbill.delivery.engine.session import Outcome, RelayTrouble
from handbill.kit.settings import Relay

GOOD, STRIKE = Outcome("accepted", 250), Outcome("deferred", reason="lost", strike=True)
FIRST, SECOND = Relay("first", "a.example", 25, "smtp"), Relay("second", "b.example", 25, "smtp")


@dataclass
class FakeSession:
    relay: Relay
    outcomes: list[Outcome]
    loses: bool = False
    alive: bool = True
    closed: bool = False

    def send(self, envelope_from: str, to: str, data: bytes) -> Outcome:
        outcome = self.outcomes.pop(0) if self.outcomes else GOOD
        self.alive = not (self.loses and outcome.strike)
        return outcome

    def close(self) -> None:
        self.closed = True


@dataclass
class Office:
    """Opens sessions as told and remembers them; ``shut`` names relays that nobody reaches."""

    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)
    shut: set[str] = field(default_factory=set)
    loses: bool = False
    opened: list[FakeSession] = field(default_factory=list)

    def __call__(self, relay: Relay) -> FakeSession:
        if relay.name in self.shut:
            raise RelayTrouble(f"{relay.name} can't be reached.")
        self.opened.append(FakeSession(relay, self.outcomes.get(relay.name, []), self.loses))
        return self.opened[-1]

    def line(self) -> Line:
        return Line([FIRST, SECOND], self)  # type: ignore[arg-type]


def send(line: Line, times: int) -> list[tuple[str, str]]:
    return [(line.send("a", "b", b"").state, line.relay_name) for _ in range(times)]


def test_one_session_serves_many_copies():
    office = Office()
    line = office.line()
    assert line.relay_name == ""
    assert send(line, 5) == [("accepted", "first")] * 5
    line.close()
    assert [session.closed for session in office.opened] == [True]


def test_closing_an_unused_line_is_nothing():
    Office().line().close()


def test_the_next_relay_takes_over_from_one_out_of_reach():
    assert send(Office(shut={"first"}).line(), 2) == [("accepted", "second")] * 2


def test_with_no_relay_left_the_last_trouble_is_told():
    with pytest.raises(RelayTrouble, match="second"):
        Office(shut={"first", "second"}).line().ready()
    with pytest.raises(RelayTrouble, match=r"handbill\.toml"):
        Line([], Office()).ready()  # type: ignore[arg-type]


@pytest.mark.parametrize("loses", [True, False])
def test_strikes_in_a_row_put_a_relay_aside(loses: bool):
    office = Office({"first": [STRIKE] * MOST_STRIKES}, loses=loses)
    assert send(office.line(), MOST_STRIKES + 1)[-1] == ("accepted", "second")
    assert all(session.closed for session in office.opened[:-1] if session.alive)
    assert len(office.opened) == (MOST_STRIKES if loses else 1) + 1


def test_a_success_in_between_forgives():
    office = Office({"first": [STRIKE, STRIKE, GOOD, STRIKE, STRIKE, GOOD]})
    assert {relay for _, relay in send(office.line(), 7)} == {"first"}
