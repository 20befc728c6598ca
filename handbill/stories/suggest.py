"""Learn which topics an editor gives to which words, and suggest them with a confidence. Pure.

Kernel ridge regression (one linear model a topic) on the cosine of weighted words and pairs of words, nearer dates
counting more; beside it the vote of the nearest examples and how often a topic is chosen at all, lately, and for the
outlet. One Cholesky factor gives what each example would have been predicted from those before it, and on these
predictions a logistic model learns how to weigh the parts: so a confidence is one on choices that were not yet known.
"""

from __future__ import annotations

import io
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from handbill.kit.text import words
from handbill.stories.terms import stem, tells

MOST = 5_000  # examples learned from, the newest: the kernel takes 4 * MOST^2 bytes, twice
LEAST = 200  # examples before anything is said
LEAST_OF_TOPIC = 2  # examples before a topic is named
OFFERED = 5
LEAST_CONFIDENCE = 0.02  # less is not worth a reader's eye
READ = 16_000  # characters of a text
TITLE = 8.0  # a word of the title counts as so many of the text
RIDGE = 0.15
FRESH, HALF_LIFE = 0.4, 180.0  # share of a likeness that fades, and days until half of it has
NEAREST = 60
REPLAYED = 3_000  # newest examples on which the parts are weighed
STEPS = 20  # of Newton's method
BUCKETS = 1 << 20
BLOCK = 256

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of an article before its topics are chosen. ``day`` is a date's ordinal."""

    title: str
    text: str
    language: str
    outlet: str
    day: int


@dataclass(frozen=True, slots=True)
class Choice:
    """An article with the topics (ids) that an editor gave it."""

    told: Told
    topics: frozenset[int]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A topic (id), the chance that an editor would choose it (0..1), and the words that speak for it."""

    topic: int
    confidence: float
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """What was learned of n examples, t topics and f features: arrays alone, so that it is stored without code.

    ``starts`` (BUCKETS + 1), ``rows`` and ``values``: for each bucket the examples that have its words, and how much.
    ``alpha`` (n, t): the ridge's; ``chosen`` (n, t): the choices; ``blend`` (f): the weights of the parts.
    """

    topics: NDArray[np.int64]
    days: Ints
    outlets: NDArray[np.int64]
    idf: Floats
    starts: Ints
    rows: Ints
    values: Floats
    alpha: Floats
    chosen: NDArray[np.bool_]
    blend: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Ahead:
    """What speaks for each topic, before an article's own choice is known.

    ``parts`` (articles, topics, parts); ``known`` (articles, topics): whether the topic has examples enough by then.
    """

    topics: NDArray[np.int64]
    parts: Floats
    known: NDArray[np.bool_]


def learn(choices: Sequence[Choice]) -> Learned | None:
    """Learn from the newest MOST choices, in any order; None while there are fewer than LEAST, or of one topic only."""
    known = sorted(choices, key=lambda c: (c.told.day, c.told.title, c.told.text, sorted(c.topics)))[-MOST:]
    topics, chosen = _chosen(known)
    if len(known) < LEAST or len(topics) < 2:
        return None
    days, outlets = _dates_and_outlets(known)
    index = _index([_hashed(_features(choice.told)) for choice in known])
    likeness = _kernel(index, days)
    alpha, ahead = _ridge(likeness, chosen)
    first = max(1, len(known) - REPLAYED)
    blend = _weigh(_replay(likeness, ahead, chosen, days, outlets, first), chosen[first:])
    return Learned(topics, days, outlets, index.idf, index.starts, index.rows, index.values, alpha, chosen, blend)


def look_ahead(choices: Sequence[Choice], first: int) -> Ahead:
    """What would have been known of each of ``choices`` from ``first`` on, in the order given, from those before it."""
    topics, chosen = _chosen(choices)
    days, outlets = _dates_and_outlets(choices)
    likeness = _kernel(_index([_hashed(_features(choice.told)) for choice in choices]), days)
    _, ahead = _ridge(likeness, chosen)
    enough: NDArray[np.bool_] = np.asarray(np.cumsum(chosen, 0) - chosen >= LEAST_OF_TOPIC)
    return Ahead(topics, _replay(likeness, ahead, chosen, days, outlets, first), enough[first:])


def _chosen(choices: Sequence[Choice]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The topics with examples enough, and which of them each choice has."""
    counts = Counter(topic for choice in choices for topic in choice.topics)
    topics = sorted(topic for topic, count in counts.items() if count >= LEAST_OF_TOPIC)
    place = {topic: n for n, topic in enumerate(topics)}
    chosen = np.zeros((len(choices), len(topics)), np.bool_)
    for row, choice in enumerate(choices):
        chosen[row, [place[topic] for topic in choice.topics if topic in place]] = True
    return np.array(topics, np.int64), chosen


def _dates_and_outlets(choices: Sequence[Choice]) -> tuple[Ints, NDArray[np.int64]]:
    days = np.array([choice.told.day for choice in choices], np.int32)
    return days, np.array([_outlet(choice.told.outlet) for choice in choices], np.int64)


def suggest(learned: Learned, told: Told, most: int = OFFERED) -> list[Suggestion]:
    """At most ``most`` topics, the likeliest first; none for a text without a known word."""
    counted = _features(told)
    buckets, weights = _weighted(_hashed(counted), learned.idf)
    rows, which, values = _postings(learned.starts, learned.rows, learned.values, buckets)
    fade = _fade(np.int32(told.day) - learned.days)
    near = np.bincount(rows, values * weights[which], len(learned.days)).astype(np.float32) * fade
    if not near.any():
        return []
    parts = _parts(near @ learned.alpha, near, learned.chosen, np.int32(told.day) - learned.days,
                   learned.outlets == _outlet(told.outlet))  # fmt: skip
    likely = chances(parts, learned.blend)
    best = [n for n in np.argsort(-likely, kind="stable")[:most] if likely[n] >= LEAST_CONFIDENCE]
    speaking = values * weights[which] * fade[rows]
    names = _as_read(told, counted)
    return [
        Suggestion(
            int(learned.topics[n]),
            float(likely[n]),
            _spoken(np.bincount(which, speaking * learned.alpha[rows, n], len(buckets)), names),
        )
        for n in best
    ]


def dump(learned: Learned) -> bytes:
    """As a compressed npz; small numbers at half their width."""
    arrays = {field.name: getattr(learned, field.name) for field in fields(Learned)}
    for name in ("values", "alpha"):
        arrays[name] = arrays[name].astype(np.float16)
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    return out.getvalue()


def load(data: bytes) -> Learned:
    """What ``dump`` wrote; never runs code of it. Raises ValueError for anything else."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            arrays = {field.name: stored[field.name] for field in fields(Learned)}
    except (KeyError, OSError, EOFError, zlib.error, BadZipFile) as error:
        raise ValueError(f"No model of topics: {error}") from error
    for name in ("values", "alpha"):
        arrays[name] = arrays[name].astype(np.float32)
    return Learned(**arrays)


_ADDRESS = re.compile(r"https?://\S+|www\.\S+")


def _features(told: Told) -> dict[str, float]:
    """How much each word, and each pair of neighbours, is said."""
    counts: dict[str, float] = {}
    for text, weight in ((told.title[:READ], TITLE), (told.text[:READ], 1.0)):
        stems = [each for each, _ in _stems(text, told.language)]
        for key in (*stems, *(f"{a} {b}" for a, b in pairwise(stems))):
            counts[key] = counts.get(key, 0.0) + weight
    return {key: 1.0 + float(np.log(count)) for key, count in counts.items()}


def _stems(text: str, language: str) -> list[tuple[str, str]]:
    """Stem and word of each word that carries meaning."""
    return [(stem(word, language), word) for word in words(_ADDRESS.sub(" ", text)) if tells(word)]


def _as_read(told: Told, counted: dict[str, float]) -> list[str]:
    """The words of ``counted`` as the article has them."""
    read = _stems(f"{told.title[:READ]} {told.text[:READ]}", told.language)
    word = dict(reversed(read))
    return [" ".join(word.get(each, each) for each in key.split(" ")) for key in counted]


def _bucket(key: str) -> int:
    return zlib.crc32(key.encode("utf-8", "surrogatepass")) % BUCKETS


def _outlet(name: str) -> int:
    return zlib.crc32(name.encode("utf-8", "surrogatepass")) if name else -1


@dataclass(frozen=True, slots=True, eq=False)
class _Index:
    idf: Floats
    starts: Ints
    rows: Ints
    values: Floats
    texts: list[tuple[Ints, Floats]]


def _index(counted: Sequence[tuple[Ints, Floats]]) -> _Index:
    """Words by bucket. A word of one example alone says nothing yet."""
    seen = np.bincount(np.concatenate([np.unique(buckets) for buckets, _ in counted]), minlength=BUCKETS)
    idf = np.where(seen > 1, np.log(len(counted) / np.maximum(seen, 1)), 0.0).astype(np.float32)
    texts = []
    for counts in counted:
        buckets, weights = _weighted(counts, idf)
        telling = weights > 0
        texts.append((buckets[telling], weights[telling]))
    sizes = [len(buckets) for buckets, _ in texts]
    every = np.concatenate([buckets for buckets, _ in texts])
    order = np.argsort(every, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(every, minlength=BUCKETS))]).astype(np.int32)
    rows = np.repeat(np.arange(len(texts), dtype=np.int32), sizes)[order]
    return _Index(idf, starts, rows, np.concatenate([weights for _, weights in texts])[order], texts)


def _hashed(counts: dict[str, float]) -> tuple[Ints, Floats]:
    """Buckets and how much each is said, in the order of ``counts``, in less memory."""
    return np.array([_bucket(key) for key in counts], np.int32), np.array(list(counts.values()), np.float32)


def _weighted(hashed: tuple[Ints, Floats], idf: Floats) -> tuple[Ints, Floats]:
    """The same with weights, of length 1 altogether."""
    buckets, said = hashed
    weights = said * idf[buckets]
    return buckets, weights / max(float(np.linalg.norm(weights)), 1e-9)


def _postings(starts: Ints, rows: Ints, values: Floats, buckets: Ints) -> tuple[Ints, NDArray[np.int64], Floats]:
    """The examples that share each bucket, which of ``buckets`` it is, and how much they have of it."""
    sizes = starts[buckets + 1] - starts[buckets]
    which = np.repeat(np.arange(len(buckets)), sizes)
    at = np.arange(len(which)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + starts[buckets][which]
    return rows[at], which, values[at]


def _fade(apart: Ints) -> Floats:
    return (1 - FRESH + FRESH * np.exp2(-np.abs(apart) / HALF_LIFE)).astype(np.float32)


def _kernel(index: _Index, days: Ints) -> Floats:
    likeness = np.empty((len(days), len(days)), np.float32)
    for row, (buckets, weights) in enumerate(index.texts):
        rows, which, values = _postings(index.starts, index.rows, index.values, buckets)
        likeness[row] = np.bincount(rows, values * weights[which], len(days)) * _fade(days - days[row])
    return likeness


def _ridge(likeness: Floats, chosen: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """The ridge's weights, and for each example what the ridge of those before it predicts.

    With K + ridge = L L' and z = L^-1 Y the latter is Y - diag(L) z: the innovations of a Gaussian process
    (Rasmussen and Williams, 2006, algorithm 2.1, one step ahead).
    """
    lower = likeness.copy()
    lower[np.diag_indices_from(lower)] += RIDGE
    lower = np.linalg.cholesky(lower)
    target = chosen.astype(np.float32)
    z = target.copy()
    for start in range(0, len(z), BLOCK):
        end = start + BLOCK
        z[start:end] = np.linalg.solve(lower[start:end, start:end], z[start:end] - lower[start:end, :start] @ z[:start])
    alpha = z.copy()
    for start in reversed(range(0, len(z), BLOCK)):
        end = start + BLOCK
        alpha[start:end] = np.linalg.solve(
            lower[start:end, start:end].T, z[start:end] - lower[end:, start:end].T @ alpha[end:]
        )
    return alpha, target - np.diag(lower)[:, None] * z


def _parts(score: NDArray[Any], near: Floats, chosen: NDArray[np.bool_], age: Ints, same: NDArray[np.bool_]) -> Floats:
    """For each topic (rows) what speaks for it (columns), from the examples before."""
    nearest = np.argpartition(-near, min(NEAREST, len(near)) - 1)[:NEAREST]
    vote = near[nearest] ** 2 @ chosen[nearest]
    usual = chosen.sum(0) / max(1, len(near))
    lately = np.exp2(-np.abs(age) / 3).astype(np.float32) @ chosen
    outlet = chosen[same].sum(0) + 2 * usual
    columns = [
        np.ones_like(usual),
        np.log(np.clip(score, 0.004, 1)),
        np.clip(score, -0.05, 1),
        np.log(_share(vote) + 0.005),
        np.log(_share(lately) + 0.02),
        np.log(_share(outlet) + 0.003),
        np.log(usual + 0.001),
    ]
    return np.stack(columns, 1).astype(np.float32)


def _share(parts: Floats) -> Floats:
    shares: Floats = parts / max(float(parts.sum()), 1e-9)
    return shares


def _replay(
    likeness: Floats, ahead: Floats, chosen: NDArray[np.bool_], days: Ints, outlets: NDArray[np.int64], first: int
) -> Floats:
    """The parts (examples from ``first``, topics, parts) as they stood before each example's own choice was known."""
    return np.stack([
        _parts(ahead[n], likeness[n, :n], chosen[:n], days[n] - days[:n], outlets[:n] == outlets[n])
        for n in range(first, len(days))
    ])  # fmt: skip


def _weigh(parts: Floats, chosen: NDArray[np.bool_]) -> Floats:
    """Logistic regression of choice on parts, the same for every topic: Newton's method with halved steps."""
    x = parts.reshape(-1, parts.shape[-1]).astype(np.float64)
    y = chosen.reshape(-1)
    weights = np.zeros(x.shape[1])
    loss = _loss(x, y, weights)
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-(x @ weights)))
        slope = x.T @ (y - chance) - weights
        bend = (x * (chance * (1 - chance))[:, None]).T @ x + np.eye(len(weights))
        step = np.linalg.solve(bend, slope)
        while (new := _loss(x, y, weights + step)) > loss and np.abs(step).max() > 1e-4:
            step /= 2
        weights, loss = (weights + step, new) if new < loss else (weights, loss)
    return weights.astype(np.float32)


def _loss(x: NDArray[np.float64], y: NDArray[np.bool_], weights: NDArray[np.float64]) -> float:
    logit = x @ weights
    return float(np.logaddexp(0, np.where(y, -logit, logit)).sum() + weights @ weights / 2)


def chances(parts: Floats, blend: Floats) -> Floats:
    """The chance that an editor chooses each topic: ``parts`` (..., parts) to (...)."""
    found: Floats = 1 / (1 + np.exp(-np.clip(parts @ blend, -30, 30)))
    return found


def _spoken(force: NDArray[Any], names: Sequence[str], most: int = 4) -> tuple[str, ...]:
    """The words that speak most; a pair stands for its two words."""
    found: list[str] = []
    for n in np.argsort(-force, kind="stable")[: 3 * most]:
        if force[n] > 0 and not any(set(names[n].split()) & set(each.split()) for each in found):
            found.append(names[n])
    return tuple(found[:most])
