"""Learn which topics an editor gives to which words, and suggest them with a confidence. Pure.

Kernel ridge regression (one linear model a topic) on the cosine of weighted words and pairs of words, nearer dates
counting more; beside it how like an article is to a topic's examples, whether it says the topic's name, and how often
the topic is chosen at all and for the outlet. One Cholesky factor gives what each example would have been predicted
from those before it, and on these predictions ``weigh`` learns how much each sign counts: so a confidence is one on
choices that were not yet known (ADR-0043).
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from heapq import nlargest
from itertools import pairwise
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from handbill.kit.text import words
from handbill.stories import weigh
from handbill.stories.terms import stem, tells

MOST = 5_000  # examples learned from, the newest: the kernel takes 4 * MOST^2 bytes, once
LEAST = 200  # examples before anything is said
OFFERED = 5
LEAST_CONFIDENCE = 0.01
FORMAT = 2  # of what was learned, as stored; another one is learned anew
WORTH_SHOWING = 0.05  # less is not worth an editor's eye
READ = 16_000  # characters of a text
TITLE = 8.0  # a word of the title counts as so many of the text
RIDGE = 0.3
FRESH, HALF_LIFE = 0.5, 180.0  # share of a likeness that fades, and days until half of it has
REPLAYED = 3_000  # newest examples on which the signs are weighed
BUCKETS = 1 << 20
BLOCK = 256

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of an article before its topics are chosen. ``day`` is a date's ordinal."""

    title: str
    text: str
    language: str
    outlet: str
    day: int


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """An article as it was read, without its text, and the topics (ids) that an editor gave it.

    ``buckets`` and ``said``: its words and pairs, and how much each is said. ``named``: how much it says of the name
    of each topic of which it says any.
    """

    day: int
    outlet: int
    mark: int
    topics: frozenset[int]
    buckets: Ints
    said: Floats
    named: dict[int, float]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A topic (id), the chance that an editor would choose it (0..1), and the words that speak for it."""

    topic: int
    confidence: float
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """What was learned of n examples, t topics and f signs: arrays alone, so that it is stored without code.

    ``starts`` (BUCKETS + 1), ``rows`` and ``values``: for each bucket the examples that have its words, and how much.
    ``alpha`` (n, t): the ridge's; ``chosen`` (n, t): the choices; ``sizes`` (t): a topic's examples' sum, its length
    squared; ``blend`` (f) and ``sure`` (2): how much the signs count (``weigh``).
    """

    topics: NDArray[np.int64]
    names: NDArray[np.str_]
    days: Ints
    outlets: NDArray[np.int64]
    idf: Floats
    starts: Ints
    rows: Ints
    values: Floats
    alpha: Floats
    chosen: Bools
    sizes: Floats
    blend: Floats
    sure: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Ahead:
    """The chance of each of ``topics`` before an article's own choice is known: (articles, topics), 0 for a new one."""

    topics: NDArray[np.int64]
    chances: Floats


def read(told: Told, topics: Iterable[int], names: Mapping[int, str]) -> Choice:
    """An article and its topics as ``learn`` takes them. ``names``: of all topics that may be chosen."""
    counted = _features(told)
    buckets, said = _hashed(counted)
    named = {topic: much for topic, name in names.items() if (much := _named(name, told.language, counted))}
    mark = zlib.crc32(f"{told.title}\n{told.text}".encode("utf-8", "surrogatepass"))
    return Choice(told.day, _outlet(told.outlet), mark, frozenset(topics), buckets, said, named)


def learn(choices: Iterable[Choice], names: Mapping[int, str]) -> Learned | None:
    """Learn from the newest MOST choices, in any order; None while there are fewer than LEAST, or of one topic only."""
    newest = nlargest(MOST, choices, key=lambda c: (c.day, c.mark, sorted(c.topics)))
    known = newest[::-1]
    topics, chosen = _chosen(known)
    if len(known) < LEAST or len(topics) < 2:
        return None
    index = _index(known)
    seen = _look_back(known, index, topics, chosen, max(1, len(known) - REPLAYED))
    blend, sure = weigh.weights(seen.signs, seen.known, chosen[seen.first :])
    days, outlets = _dates_and_outlets(known)
    called = np.array([names.get(int(topic), "") for topic in topics], np.str_)
    return Learned(topics, called, days, outlets, index.idf, index.starts, index.rows, index.values, seen.alpha,
                   chosen, seen.sizes, blend, sure)  # fmt: skip


def look_ahead(choices: Sequence[Choice], first: int) -> Ahead:
    """What would have been said of each of ``choices`` from ``first`` on, in the order given, from those before it.

    The signs are weighed, and the rarity of words is counted, on the choices before ``first``.
    """
    topics, chosen = _chosen(choices)
    seen = _look_back(choices, _index(choices, first), topics, chosen, max(1, first - REPLAYED))
    cut = first - seen.first
    blend, sure = weigh.weights(seen.signs[:cut], seen.known[:cut], chosen[seen.first : first])
    return Ahead(topics, weigh.chances(seen.signs[cut:], seen.known[cut:], blend, sure))


def _chosen(choices: Sequence[Choice]) -> tuple[NDArray[np.int64], Bools]:
    """The topics, and which of them each choice has."""
    topics = sorted({topic for choice in choices for topic in choice.topics})
    place = {topic: n for n, topic in enumerate(topics)}
    chosen = np.zeros((len(choices), len(topics)), np.bool_)
    for row, choice in enumerate(choices):
        chosen[row, [place[topic] for topic in choice.topics]] = True
    return np.array(topics, np.int64), chosen


def _dates_and_outlets(choices: Sequence[Choice]) -> tuple[Ints, NDArray[np.int64]]:
    return np.array([c.day for c in choices], np.int32), np.array([c.outlet for c in choices], np.int64)


def suggest(learned: Learned, told: Told, most: int = OFFERED) -> list[Suggestion]:
    """At most ``most`` topics, the likeliest first; none for a text without a known word."""
    counted = _features(told)
    buckets, weights = _weighted(*_hashed(counted), learned.idf)
    rows, which, values = _postings(learned.starts, learned.rows, learned.values, buckets)
    fade = _fade(np.int32(told.day) - learned.days)
    near = np.bincount(rows, values * weights[which], len(learned.days)).astype(np.float32) * fade
    if not near.any():
        return []
    likely = _likely(learned, told, counted, near)
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


def _likely(learned: Learned, told: Told, counted: Mapping[str, float], near: Floats) -> Floats:
    chosen = learned.chosen.astype(np.float32)
    named = np.array([_named(name, told.language, counted) for name in learned.names.tolist()], np.float32)
    outlet = chosen[learned.outlets == _outlet(told.outlet)].sum(0)
    counts = chosen.sum(0)
    signs = _signs(near @ learned.alpha, near @ chosen, counts, outlet, learned.sizes, named)
    return weigh.chances(signs, counts > 0, learned.blend, learned.sure)


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


def _named(name: str, language: str, counted: Mapping[str, float]) -> float:
    """How much is said of a topic's name: the mean over its words."""
    stems = _name_stems(name, language)
    return sum(counted.get(each, 0.0) for each in stems) / max(1, len(stems))


@lru_cache(maxsize=5_000)
def _name_stems(name: str, language: str) -> tuple[str, ...]:
    return tuple(each for each, _ in _stems(name.replace("_", " ").casefold(), language))


@dataclass(frozen=True, slots=True, eq=False)
class _Index:
    """``starts``, ``rows`` and ``values`` as Learned has them."""

    idf: Floats
    starts: Ints
    rows: Ints
    values: Floats


def _index(choices: Sequence[Choice], first: int | None = None) -> _Index:
    """Words by bucket; a word of one example alone, of those before ``first``, says nothing yet."""
    known = choices[:first]
    seen = np.zeros(BUCKETS, np.int32)
    for choice in known:
        seen[choice.buckets] += 1
    idf = np.where(seen > 1, np.log(len(known) / np.maximum(seen, 1)), 0.0).astype(np.float32)
    every = [_telling(*_weighted(choice.buckets, choice.said, idf)) for choice in choices]
    sizes = [len(buckets) for buckets, _ in every]
    joined = np.concatenate([buckets for buckets, _ in every])
    order = np.argsort(joined, kind="stable").astype(np.int32)
    starts = np.concatenate([[0], np.cumsum(np.bincount(joined, minlength=BUCKETS))]).astype(np.int32)
    rows = np.repeat(np.arange(len(every), dtype=np.int32), sizes)[order]
    return _Index(idf, starts, rows, np.concatenate([weights for _, weights in every])[order])


def _telling(buckets: Ints, weights: Floats) -> tuple[Ints, Floats]:
    return buckets[weights > 0], weights[weights > 0]


def _hashed(counts: Mapping[str, float]) -> tuple[Ints, Floats]:
    """Buckets and how much each is said, in the order of ``counts``, in less memory."""
    return np.array([_bucket(key) for key in counts], np.int32), np.array(list(counts.values()), np.float32)


def _weighted(buckets: Ints, said: Floats, idf: Floats) -> tuple[Ints, Floats]:
    """The same with weights, of length 1 altogether."""
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


def _kernel(choices: Sequence[Choice], index: _Index, days: Ints) -> Floats:
    likeness = np.empty((len(days), len(days)), np.float32)
    for row, choice in enumerate(choices):
        buckets, weights = _weighted(choice.buckets, choice.said, index.idf)
        rows, which, values = _postings(index.starts, index.rows, index.values, buckets)
        likeness[row] = np.bincount(rows, values * weights[which], len(days)) * _fade(days - days[row])
    return likeness


def _factor(matrix: Floats) -> None:
    """Cholesky's lower factor in the place of a symmetric matrix; what is above its diagonal stays.

    In blocks of columns (Golub and Van Loan, 2013, algorithm 4.2.9), since numpy's own takes two copies more.
    """
    for start in range(0, len(matrix), BLOCK):
        end = start + BLOCK
        matrix[start:, start:end] -= matrix[start:, :start] @ matrix[start:end, :start].T
        square = matrix[start:end, start:end]
        lower = np.linalg.cholesky(square).astype(np.float32)
        matrix[end:, start:end] = np.linalg.solve(lower, matrix[end:, start:end].T).T
        square[:] = lower + np.triu(square, 1)


def _ridge(factored: Floats, target: Floats) -> tuple[Floats, Floats]:
    """The ridge's weights, and for each example what the ridge of those before it predicts.

    With K + ridge = L L' and z = L^-1 Y the latter is Y - diag(L) z: the innovations of a Gaussian process
    (Rasmussen and Williams, 2006, algorithm 2.1, one step ahead).
    """
    z = target.copy()
    for start in range(0, len(z), BLOCK):
        end = start + BLOCK
        square = np.tril(factored[start:end, start:end])
        z[start:end] = np.linalg.solve(square, z[start:end] - factored[start:end, :start] @ z[:start])
    alpha = z.copy()
    for start in reversed(range(0, len(z), BLOCK)):
        end = start + BLOCK
        square = np.tril(factored[start:end, start:end])
        alpha[start:end] = np.linalg.solve(square.T, z[start:end] - factored[end:, start:end].T @ alpha[end:])
    return alpha, target - np.diag(factored)[:, None] * z


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """The signs of the examples from ``first`` on, as they stood before each one's own choice was known."""

    first: int
    signs: Floats
    known: Bools
    alpha: Floats
    sizes: Floats


def _look_back(choices: Sequence[Choice], index: _Index, topics: NDArray[np.int64], chosen: Bools, first: int) -> _Seen:
    days, outlets = _dates_and_outlets(choices)
    likeness = _kernel(choices, index, days)
    likeness[np.diag_indices_from(likeness)] += RIDGE
    _factor(likeness)  # above its diagonal the likenesses are still read
    picked = chosen.astype(np.float32)
    alpha, ahead = _ridge(likeness, picked)
    counts, sizes = np.zeros((2, len(topics)), np.float32)
    signs, known = [], []
    for n, choice in enumerate(choices):
        like = likeness[:n, n] @ picked[:n]
        if n >= first:
            named = np.array([choice.named.get(topic, 0.0) for topic in topics.tolist()], np.float32)
            outlet = picked[:n][outlets[:n] == outlets[n]].sum(0)
            signs.append(_signs(ahead[n], like, counts, outlet, sizes, named))
            known.append(counts > 0)
        counts += picked[n]
        sizes += picked[n] * (2 * like + 1)
    return _Seen(first, np.stack(signs), np.stack(known), alpha, sizes)


def _signs(score: Floats, like: Floats, counts: Floats, outlet: Floats, sizes: Floats, named: Floats) -> Floats:
    """For each topic (rows) what speaks for it (columns), from the examples before.

    ``score``: the ridge's; ``like``: the sum of the likenesses to its examples, whose own sum has the length squared
    ``sizes``; ``counts`` and ``outlet``: how many there are, and are of the outlet; ``named``: of its name.
    """
    usual = counts / max(1.0, float(counts.sum()))
    columns = [
        np.log(np.clip(score, 0.004, 1)),
        np.clip(score, -0.05, 1),
        np.log(np.clip(like / np.sqrt(np.maximum(sizes, 1)), 0.01, 2)),
        np.log(_share(outlet + 2 * usual) + 0.003),
        np.log(usual + 0.001),
        named,
    ]
    return np.stack(columns, 1).astype(np.float32)


def _share(parts: Floats) -> Floats:
    shares: Floats = parts / max(float(parts.sum()), 1e-9)
    return shares


def _spoken(force: NDArray[Any], names: Sequence[str], most: int = 4) -> tuple[str, ...]:
    """The words that speak most; a pair stands for its two words."""
    found: list[str] = []
    for n in np.argsort(-force, kind="stable")[: 3 * most]:
        if force[n] > 0 and not any(set(names[n].split()) & set(each.split()) for each in found):
            found.append(names[n])
    return tuple(found[:most])
