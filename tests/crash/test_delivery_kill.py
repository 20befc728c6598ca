"""kill -9 at every point of the journal and at random: nobody is missing, and at most what was in hand is repeated."""

import os
import random
import signal
import time
from collections.abc import Iterator
from itertools import cycle

import pytest

from tests.crash.driver import POINTS
from tests.crash.newsroom import CONNECTIONS, WINDOW, Newsroom, everyone, references, settings_of, until
from tests.crash.relays import MODES, Plan

IN_HAND = CONNECTIONS * WINDOW


class Sender:
    """Sends over one relay in good mood."""

    def __init__(self, newsroom: Newsroom, relays: list[dict]) -> None:
        self.newsroom, self.relays = newsroom, relays

    def __call__(self, do: str = "send", **what) -> bool:
        return self.newsroom(do, relays=self.relays, **what)

    def hand_over(self, count: int) -> str:
        reference = next(references)
        self.newsroom("hand over", reference=reference, count=count)
        return reference

    def nobody_is_missing(self, reference: str, total: int, kills: int) -> dict[str, int]:
        copies, found = self.newsroom.copies(reference), self.newsroom.report(reference)
        assert sorted(copies) == everyone(reference, total)
        extra = sum(copies.values()) - total
        assert extra <= found["repeats"] <= kills * IN_HAND
        assert all(number - 1 <= found["copies"][address][2] for address, number in copies.items())
        assert found["accepted"] == found["total"] == total
        return {"kills": kills, "copies": total, "lost": 0, "repeats": extra}


@pytest.fixture
def sender(newsroom: Newsroom) -> Iterator[Sender]:
    newsroom("forget")
    with newsroom.relays(Plan(connections=CONNECTIONS)) as sinks:
        yield Sender(newsroom, settings_of(sinks))


@pytest.mark.parametrize("nth", [1, pytest.param(2, marks=pytest.mark.long)])
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_journal_point(sender: Sender, count, point: str, nth: int):
    reference = sender.hand_over(250)
    assert sender(die=point, nth=nth)
    sender(minutes=60)
    count("kill -9 at a point of the journal", **sender.nobody_is_missing(reference, 250, kills=1))


def test_killed_amid_a_window_repeats_only_what_was_under_way(sender: Sender):
    reference = sender.hand_over(250)
    assert sender(die="after the dot", nth=227)
    copies = sender.newsroom.copies(reference)
    taken, settled = sum(copies.values()), sender.newsroom.report(reference)["accepted"]
    assert 227 <= taken < 250 and taken - settled <= IN_HAND
    sender(minutes=60)
    sender.nobody_is_missing(reference, 250, kills=1)
    assert sum(sender.newsroom.copies(reference).values()) == 250 + taken - settled


def test_three_processes_share_the_work_without_doubles(sender: Sender):
    reference = sender.hand_over(200)
    sender("send with", workers=3)
    assert set(sender.newsroom.copies(reference).values()) == {1}
    sender.nobody_is_missing(reference, 200, kills=0)


@pytest.mark.parametrize("kills", [8, pytest.param(100, marks=pytest.mark.long)])
def test_killed_at_random_moments(newsroom: Newsroom, count, kills: int):
    """In every mode, plain and under TLS: when the relay has taken so many more, and up to 3 ms later."""
    chance, reference, worst, killed = random.Random(kills), next(references), 0, 0
    total = 60 * kills
    newsroom("forget")
    newsroom("hand over", reference=reference, count=total)
    with newsroom.relays(
        *(Plan(mode, "smtps" * (place % 2) or "smtp", CONNECTIONS) for place, mode in enumerate(MODES))
    ) as sinks:
        for number, sink in zip(range(kills), cycle(sinks), strict=False):
            before = newsroom.under_way(reference)
            more = len(sink.messages) + chance.randint(0, 80)
            child = newsroom.start("send", minutes=10 * number, relays=[sink.setting], limit=total)
            until(lambda more=more, sink=sink: len(sink.messages) >= more)
            time.sleep(chance.uniform(0, 0.003))
            os.kill(child, signal.SIGKILL)
            killed += newsroom("wait", pid=child)
            time.sleep(0.02)  # what is in the sockets arrives
            worst = max(worst, newsroom.under_way(reference) - before)
        newsroom.settle(minutes=10 * kills, relays=[sinks[0].setting])
    assert killed == kills and worst <= IN_HAND
    copies, found = newsroom.copies(reference), newsroom.report(reference)
    assert sorted(copies) == everyone(reference, total)
    extra = sum(copies.values()) - total
    assert extra <= found["repeats"] <= kills * IN_HAND and found["accepted"] == total
    count("kill -9 at random", kills=kills, copies=total, lost=0, repeats=extra, most_repeats_of_a_kill=worst)


@pytest.mark.long
def test_killed_again_and_again_at_points_of_the_journal(sender: Sender, count):
    reference, chance, kills = sender.hand_over(3000), random.Random(2026), 0
    for round_number in range(40):
        point = chance.choice(POINTS)
        nth = chance.randint(1, 180 if point.endswith("dot") else 3)
        kills += sender(minutes=60 * round_number, limit=200, die=point, nth=nth)
    for round_number in range(40, 60):
        sender(minutes=60 * round_number)
    assert kills > 20
    count("kill -9 at a point of the journal", **sender.nobody_is_missing(reference, 3000, kills))
