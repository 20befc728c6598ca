"""Relays that misbehave in every way of a grammar: nobody is lost, and only a connection lost after the dot repeats."""

from collections import Counter

import pytest

from tests.crash.newsroom import Newsroom, everyone, references, settings_of
from tests.crash.relays import describe, plans

COPIES = 60
FEW, ALL = 12, 300
LARGE = 200_000  # bytes: more than a socket takes at once
FAST = 60  # a relay that hangs costs two minutes of the engine's patience; other clocks run as they are

SEEDS = [*range(FEW), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(FEW, ALL))]


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_is_lost_whatever_relays_do(newsroom: Newsroom, count, seed: int):
    made, reference = plans(seed), next(references)
    print(describe(made))
    moods = [mood for plan in made for mood in plan.moods]
    hangs = any(getattr(mood.act, "how", "") == "hang" for mood in moods)
    newsroom("forget")
    newsroom("hand over", reference=reference, count=COPIES, size=LARGE if seed % 4 == 3 else 0)
    with newsroom.relays(*made) as sinks:
        settled = newsroom.settle(relays=settings_of(sinks), speed=FAST if hangs else 1)
        refused = set().union(*(sink.refused for sink in sinks))
    told, copies = newsroom.report(reference), newsroom.copies(reference)
    doubts = Counter(told["doubts"])
    states = {address: row[0] for address, row in told["copies"].items()}
    print(settled, Counter(states.values()), len(doubts))
    assert sorted(states) == everyone(reference, COPIES)
    assert {address for address, state in states.items() if state == "accepted"} <= set(copies)
    lost = [address for address in states if address not in copies and address not in refused]
    assert not lost
    assert all(state in ("accepted", "refused") for state in states.values())
    assert {address for address, state in states.items() if state == "refused"} <= refused
    repeats = {address: number - 1 for address, number in copies.items() if number > 1}
    assert all(number <= doubts[address] for address, number in repeats.items())
    if not any(mood.loses for mood in moods):
        assert not doubts
    count(
        "scripted relays", copies=COPIES, lost=len(lost), in_doubt=sum(doubts.values()), repeats=sum(repeats.values())
    )
