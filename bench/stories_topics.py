"""Topics: each article's is suggested from those before it, then revealed, as an editor would choose; and how fast.

On 3,000 dated articles of 104 outlets with one topic each, in order of date (and of the file within a day). ROUND by
ROUND each is predicted from all before it; the weights of the signs, and how rare words are, were learned before the
round. A topic's name is known when the topic was given once.
"""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection

import numpy as np
from numpy.typing import NDArray

from bench.rows import Row, at_most
from handbill.stories import suggest
from handbill.stories.suggest import Choice, Told, learn, look_ahead, read

ROUND, QUICK_ROUND = 200, 400
QUICK = 1_000  # the first by date
LARGE, QUICK_LARGE = 20_000, 500
ASKED = 100
BINS = 10

Given = tuple[Told, frozenset[int]]


def topics(articles: Sequence[dict[str, str]], quick: bool) -> Iterator[Row]:
    """How often the editor's topic is among the first three, and five; how honest the confidence is; how fast."""
    given, names = _given(articles)
    given = given[: QUICK if quick else None]
    choices = [read(told, chosen, names) for told, chosen in given]
    chances, right = _day_by_day(choices, len(names), QUICK_ROUND if quick else ROUND)
    yield Row("topics, silent until it has learned from", suggest.LEAST, "articles")
    yield from _recall(chances, right, quick)
    yield Row("topics, expected calibration error", round(_calibration(chances, right), 3), "")
    yield from _speed(given, names, QUICK_LARGE if quick else LARGE)


def _recall(chances: NDArray[np.float32], right: NDArray[np.bool_], quick: bool) -> Iterator[Row]:
    places = _places(chances, right)
    spoken = places[suggest.LEAST :]
    for most, target in ((3, 0.75), (5, 0.82)):
        value = round(float((spoken <= most).mean()), 3)
        aim = () if quick else (f"≥ {target}", value >= target)
        yield Row(f"topics, recall at {most} once it speaks", value, "", *aim)
        held = float((places <= most).mean())
        yield Row(f"topics, recall at {most} of all, silence counted as wrong", round(held, 3), "")
    shown = np.where(chances >= suggest.WORTH_SHOWING, chances, 0)
    for most in (3, 5):
        held = float((_places(shown, right)[suggest.LEAST :] <= most).mean())
        yield Row(f"topics, recall at {most} of those shown, once it speaks", round(held, 3), "")
    offered = np.minimum((shown[suggest.LEAST :] > 0).sum(1), suggest.OFFERED).mean()
    yield Row("topics, shown an article, of at most five", round(float(offered), 2), "")


def _given(articles: Sequence[dict[str, str]]) -> tuple[list[Given], dict[int, str]]:
    ordered = sorted(articles, key=lambda article: article["date"][:10])
    labels = sorted({article["topic"] for article in articles})
    number = {topic: n for n, topic in enumerate(labels)}
    given = [
        (
            Told(a["title"], a["text"], "en", a["outlet"], date.fromisoformat(a["date"][:10]).toordinal()),
            frozenset([number[a["topic"]]]),
        )
        for a in ordered
    ]
    return given, dict(enumerate(labels))


def _day_by_day(choices: Sequence[Choice], count: int, every: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """For each article (rows) the chance of each topic, 0 where it is not named; and which is right."""
    chances = np.zeros((len(choices), count), np.float32)
    right = np.zeros((len(choices), count), np.bool_)
    for row, choice in enumerate(choices):
        right[row, list(choice.topics)] = True
    for start in range(suggest.LEAST, len(choices), every):
        ahead = look_ahead(choices[: start + every], start)
        chances[start : start + every, ahead.topics] = ahead.chances
    return chances, right


def _places(chances: NDArray[np.float32], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The place of the right topic among those named; infinite where it is not."""
    mine = np.where(right, chances, 0).max(1)
    return np.where(mine >= suggest.LEAST_CONFIDENCE, 1.0 + (chances > mine[:, None]).sum(1), np.inf)


def _calibration(chances: NDArray[np.float32], right: NDArray[np.bool_]) -> float:
    """Mean distance of confidence and truth in ten bins, over what is shown (Naeini, 2015)."""
    best = np.argsort(-chances, 1)[:, : suggest.OFFERED]
    said, true = np.take_along_axis(chances, best, 1).ravel(), np.take_along_axis(right, best, 1).ravel()
    said, true = said[said >= suggest.WORTH_SHOWING], true[said >= suggest.WORTH_SHOWING]
    bins = np.minimum((said * BINS).astype(int), BINS - 1)
    gaps = [abs(said[bins == n].mean() - true[bins == n].mean()) * (bins == n).sum() for n in set(bins)]
    return float(sum(gaps) / len(said))


def _speed(given: Sequence[Given], names: Mapping[int, str], count: int) -> Iterator[Row]:
    """Learning in a process of its own, as a newsroom's worker does, so that its memory is its own."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    worker = context.Process(target=_learn_many, args=(given[:QUICK], names, count, theirs))
    worker.start()
    theirs.close()  # so that a worker that dies is an error here, not a wait without end
    spent, memory, stored, each = ours.recv()
    worker.join()
    yield at_most(f"topics, learned anew from {count:,}", spent, "CPU s", 60)
    yield at_most(f"topics, learned anew from {count:,}, peak memory", memory, "MB", 500)
    yield Row("topics, what was learned, as stored", round(stored, 1), "MB")
    yield Row("topics, one article's", round(each, 1), "CPU ms")


def _learn_many(given: Sequence[Given], names: Mapping[int, str], count: int, answer: Connection) -> None:
    """Send the CPU seconds and the peak MB of learning, the MB of what was learned, and the CPU ms of a suggestion."""
    began = time.process_time()
    newest = islice(_many(given, count), suggest.MOST)  # as a newsroom hands them from its database
    learned = learn((read(told, chosen, names) for told, chosen in newest), names)
    spent = time.process_time() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    if learned is None:
        raise ValueError(f"{count} articles are too few to learn from.")
    stored = len(suggest.dump(learned)) / 1e6
    began = time.process_time()
    for told, _ in given[:ASKED]:
        suggest.suggest(learned, told)
    answer.send((spent, memory, stored, (time.process_time() - began) * 1e3 / ASKED))


def _many(given: Sequence[Given], count: int) -> Iterator[Given]:
    """So many articles, their real words in another order, one at a time, the newest first."""
    dice = random.Random(8)
    for n in range(count):
        told, chosen = given[-1 - n % len(given)]
        words = told.text.split()
        dice.shuffle(words)
        yield replace(told, text=" ".join(words)), chosen
