"""Topics: each article's is suggested from those before it, then revealed, as an editor would choose; and how fast.

On 3,000 dated articles of 104 outlets with one topic each, in order of date (and of the file within a day). The
learner is trained on all but the newest ROUND of what is known, and those are predicted one by one, each from all
before it, with the weights of the parts as they were learned before the round.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from bench.rows import Row
from handbill.stories import suggest
from handbill.stories.suggest import Choice, Told, learn

ROUND = 200
LARGE = 20_000
BINS = 10


def topics(articles: Sequence[dict[str, str]]) -> Iterator[Row]:
    """How often the editor's topic is among the first three, and five; how honest the confidence is; how fast."""
    choices = _choices(articles)
    chances, right = _day_by_day(choices)
    place = _places(chances, right)
    spoken = place[suggest.LEAST :]
    yield Row("topics, silent until it has learned from", suggest.LEAST, "articles")
    for most, target in ((3, 0.75), (5, 0.82)):
        value = round(float((spoken <= most).mean()), 3)
        yield Row(f"topics, recall at {most} once it speaks", value, "", f"≥ {target}", value >= target)
        yield Row(
            f"topics, recall at {most} of all, silence counted as wrong", round(float((place <= most).mean()), 3), ""
        )
    sure = np.sort(np.maximum(chances, 0), 1)[:, -3:].sum(1) > 0.5
    yield Row("topics, articles whose first three are together likelier than not", int(sure.sum()), "articles")
    for most in (3, 5):
        yield Row(f"topics, recall at {most} of these", round(float((place[sure] <= most).mean()), 3), "")
    yield Row("topics, expected calibration error", round(_calibration(chances, right), 3), "")
    yield from _speed(choices)


def _choices(articles: Sequence[dict[str, str]]) -> list[Choice]:
    ordered = sorted(articles, key=lambda article: article["date"][:10])
    number = {topic: n for n, topic in enumerate(sorted({article["topic"] for article in articles}))}
    return [
        Choice(
            Told(a["title"], a["text"], "en", a["outlet"], date.fromisoformat(a["date"][:10]).toordinal()),
            frozenset([number[a["topic"]]]),
        )
        for a in ordered
    ]


def _day_by_day(choices: Sequence[Choice]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """For each article (rows) the chance of each topic, -1 where it is not named; and which is right."""
    count = 1 + max(max(choice.topics) for choice in choices)
    chances = np.full((len(choices), count), -1, np.float32)
    right = np.zeros((len(choices), count), np.bool_)
    for row, choice in enumerate(choices):
        right[row, list(choice.topics)] = True
    for start in range(suggest.LEAST, len(choices), ROUND):
        known = learn(choices[:start])
        ahead = suggest.look_ahead(choices[: start + ROUND], start)
        if known is not None:
            chances[start : start + ROUND, ahead.topics] = np.where(
                ahead.known, suggest.chances(ahead.parts, known.blend), -1
            )
    return chances, right


def _places(chances: NDArray[np.float32], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The place of the right topic among those named; infinite where it is not."""
    mine = np.where(right, chances, -1).max(1)
    return np.where(mine >= suggest.LEAST_CONFIDENCE, 1.0 + (chances > mine[:, None]).sum(1), np.inf)


def _calibration(chances: NDArray[np.float32], right: NDArray[np.bool_]) -> float:
    """Mean distance of confidence and truth in ten bins, over what is offered (Naeini, 2015)."""
    best = np.argsort(-chances, 1)[:, : suggest.OFFERED]
    said, true = np.take_along_axis(chances, best, 1).ravel(), np.take_along_axis(right, best, 1).ravel()
    said, true = said[said >= suggest.LEAST_CONFIDENCE], true[said >= suggest.LEAST_CONFIDENCE]
    bins = np.minimum((said * BINS).astype(int), BINS - 1)
    gaps = [abs(said[bins == n].mean() - true[bins == n].mean()) * (bins == n).sum() for n in set(bins)]
    return float(sum(gaps) / len(said))


def _speed(choices: Sequence[Choice]) -> Iterator[Row]:
    """20,000 articles of real words in another order."""
    dice, many = random.Random(8), []
    for n in range(LARGE):
        one = choices[n % len(choices)]
        words = one.told.text.split()
        dice.shuffle(words)
        many.append(Choice(Told(one.told.title, " ".join(words), "en", one.told.outlet, one.told.day), one.topics))
    began = time.process_time()
    learned = learn(many)
    spent = round(time.process_time() - began, 1)
    yield Row(f"topics, learned anew from {LARGE:,}", spent, "CPU s", "< 60 CPU s", spent < 60)
    if learned is None:
        return
    yield Row("topics, what was learned, as stored", round(len(suggest.dump(learned)) / 1e6, 1), "MB")
    began = time.process_time()
    for choice in choices[:200]:
        suggest.suggest(learned, choice.told)
    yield Row("topics, one article's", round((time.process_time() - began) * 5, 1), "CPU ms")
