"""Learn how much each of several signs counts for a topic, and how sure to be: Newton's method on a few numbers. Pure.

The topics of an article compete: the weights are those of a conditional logit (McFadden, 1974), so that what is the
same for all topics counts for none. How sure to be is a logistic model of the outcome on the odds it gives (Platt,
1999): where several topics are chosen together, each is likelier than its share.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

STEPS = 20  # of Newton's method
LEAST_STEP = 1e-3

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]
_Loss = Callable[[Doubles], float]
_Bend = Callable[[Doubles], tuple[Doubles, Doubles]]


def weights(signs: Floats, known: Bools, chosen: Bools) -> tuple[Floats, Floats]:
    """What each sign counts, and how sure to be, from ``signs`` (articles, topics, f) and what was ``chosen``.

    ``known`` (articles, topics): the topics that compete; a choice outside of them teaches nothing.
    """
    right = chosen & known
    told = right.any(1)
    signs, known, right = signs[told], known[told], right[told]
    blend = _blend(signs, known, right / right.sum(1, keepdims=True))
    odds = _odds(_shares(signs @ blend, known))[known]
    return blend, _sure(odds, right[known])


def chances(signs: Floats, known: Bools, blend: Floats, sure: Floats) -> Floats:
    """The chance (0..1) that an editor chooses each topic, 0 for unknown ones: (..., topics, f) to (..., topics)."""
    odds = _odds(_shares(signs @ blend, known))
    found = 1 / (1 + np.exp(-np.clip(sure[0] + sure[1] * odds, -30, 30)))
    return np.where(known, found, 0).astype(np.float32)


def _shares(force: Floats, known: Bools) -> Floats:
    """A softmax over the known topics."""
    force = np.where(known, force, -np.inf)
    parts = np.exp(force - np.maximum(force.max(-1, keepdims=True), -1e9))
    shares: Floats = parts / np.maximum(parts.sum(-1, keepdims=True), 1e-9)
    return shares


def _odds(shares: Floats) -> Floats:
    held = np.clip(shares, 1e-6, 1 - 1e-6)
    odds: Floats = np.log(held) - np.log1p(-held)
    return odds


def _blend(signs: Floats, known: Bools, wanted: Doubles) -> Floats:
    said = np.einsum("nt,ntf->f", wanted, signs)

    def loss(at: Doubles) -> float:
        likely = _shares(signs @ at.astype(np.float32), known)
        return float(-(wanted * np.log(np.maximum(likely, 1e-9))).sum() + at @ at / 2)

    def bend(at: Doubles) -> tuple[Doubles, Doubles]:
        likely = _shares(signs @ at.astype(np.float32), known)
        mean = np.einsum("nt,ntf->nf", likely, signs).astype(np.float64)
        flat = signs.reshape(-1, len(at))
        around = (flat * likely.reshape(-1, 1)).T @ flat - mean.T @ mean
        return said - mean.sum(0) - at, around + np.eye(len(at))

    return _newton(loss, bend, np.zeros(signs.shape[-1])).astype(np.float32)


def _sure(odds: Floats, right: Bools) -> Floats:
    x = np.stack([np.ones_like(odds), odds], 1).astype(np.float64)

    def loss(at: Doubles) -> float:
        return float(np.logaddexp(0, np.where(right, -(x @ at), x @ at)).sum())

    def bend(at: Doubles) -> tuple[Doubles, Doubles]:
        likely = 1 / (1 + np.exp(-(x @ at)))
        return x.T @ (right - likely), (x * (likely * (1 - likely))[:, None]).T @ x + 1e-6 * np.eye(2)

    return _newton(loss, bend, np.array([0.0, 1.0])).astype(np.float32)


def _newton(loss: _Loss, bend: _Bend, at: Doubles) -> Doubles:
    """The least loss, by steps that are halved until each lessens it."""
    least = loss(at)
    for _ in range(STEPS):
        slope, curve = bend(at)
        step = np.linalg.solve(curve, slope)
        while (found := loss(at + step)) > least and np.abs(step).max() > LEAST_STEP:
            step /= 2
        if found >= least:
            break
        at, least = at + step, found
    return at
