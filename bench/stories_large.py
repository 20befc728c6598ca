"""Stories: large events told in short, made up, since no collection here has them: titles, and titles with snippets.

An event has twelve words of its own, half of them shared with its theme's; a report draws from these, from its theme
and from everybody's. Sizes run from one report to some hundreds.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np

from bench.rows import Row
from handbill.stories.group import Told, group

WORDS, OWN, THEME, EVENTS_A_THEME = 8_000, 12, 300, 5
TITLE, SNIPPET = (6, 10), 18  # words
AVERAGE = 73  # reports an event
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def large(reports: int) -> Iterator[Row]:
    """B-cubed F1 of about so many reports, without and with snippets."""
    from bench.stories import b_cubed  # which imports this module

    for kind, snippet in (("titles", 0), ("titles and snippets", SNIPPET)):
        told, truth = _reports(reports, snippet)
        story = {place.report: place.opens for place in group(told)}
        _, _, f1 = b_cubed([story[one.id] for one in told], truth)
        yield Row(f"stories, large ones made up, {len(told):,} {kind}, F1", round(f1, 3), "")


def _reports(count: int, snippet: int) -> tuple[list[Told], list[int]]:
    dice = np.random.default_rng(5)
    events = max(20, count // AVERAGE)
    shares = dice.lognormal(3.6, 1.2, events)
    sizes = np.maximum(1, (shares / shares.sum() * count).astype(int))
    everybodys = _zipf(WORDS, 1.0)
    themes = [dice.permutation(WORDS)[:THEME] for _ in range(events // EVENTS_A_THEME + 1)]
    told: list[Told] = []
    truth: list[int] = []
    for event, size in enumerate(sizes):
        theme = themes[event % len(themes)]
        own = np.concatenate([dice.integers(0, WORDS, OWN // 2), dice.choice(theme, OWN // 2)])
        for _ in range(size):
            drawn = [_drawn(dice, n, own, theme, everybodys) for n in (dice.integers(*TITLE), snippet)]
            told.append(Told(len(told), f"O{len(told)}", "en", *drawn, NOON))
            truth.append(event)
    return told, truth


def _drawn(dice: np.random.Generator, count: int, own: np.ndarray, theme: np.ndarray, everybodys: np.ndarray) -> str:
    kinds = dice.choice(3, count, p=(0.55, 0.2, 0.25))
    words = np.choose(
        kinds,
        [
            dice.choice(own, count, p=_zipf(OWN, 0.8)),
            dice.choice(theme, count),
            dice.choice(WORDS, count, p=everybodys),
        ],
    )
    return " ".join(f"w{word}x" for word in dict.fromkeys(words.tolist()))


def _zipf(count: int, power: float) -> np.ndarray:
    weights = 1 / np.arange(1, count + 1) ** power
    return np.asarray(weights / weights.sum())
