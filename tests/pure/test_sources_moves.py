"""A permanent redirect is believed once it lasts, and only then."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.sources.moves import LASTING, LASTING_UPGRADE, STAYED, VISITS, Move, after_visit, believed, is_upgrade

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
OLD, NEW = "http://old.example/feed", "https://new.example/feed"


def visited(*targets: str, every: timedelta = timedelta(days=2), address: str = OLD) -> tuple[Move, datetime]:
    move, now = STAYED, NOW
    for number, target in enumerate(targets):
        now = NOW + number * every
        move = after_visit(move, address, target, now)
    return move, now


def test_a_move_is_believed_after_a_week_of_nothing_else() -> None:
    move, now = visited(*[NEW] * 5)
    assert move == Move(NEW, NOW, 5) and believed(move, OLD, now)


@pytest.mark.parametrize(
    ("targets", "every"),
    [
        ([NEW] * 4, timedelta(days=10)),  # too few visits
        ([NEW] * 50, timedelta(hours=3)),  # too soon
        ([NEW] * 9 + [""], timedelta(days=2)),  # it leads there no more
        ([NEW] * 9 + ["https://third.example/"], timedelta(days=2)),
        ([OLD] * 9, timedelta(days=2)),
    ],
)
def test_a_move_that_does_not_last_is_not_believed(targets: list[str], every: timedelta) -> None:
    move, now = visited(*targets, every=every)
    assert not believed(move, OLD, now)


def test_the_same_address_over_tls_is_believed_after_a_day() -> None:
    move, now = visited(*["https://old.example/feed"] * 5, every=timedelta(hours=6))
    assert believed(move, OLD, now)
    assert not is_upgrade(OLD, NEW) and not is_upgrade("https://old.example/feed", OLD)


@given(st.integers(0, 40), st.integers(0, 20 * 24), st.booleans())
def test_belief_needs_time_and_visits(visits: int, hours: int, upgrade: bool) -> None:
    to = "https://old.example/feed" if upgrade else NEW
    long = hours >= (LASTING_UPGRADE if upgrade else LASTING).total_seconds() / 3600
    assert believed(Move(to, NOW, visits), OLD, NOW + timedelta(hours=hours)) == (visits >= VISITS and long)
