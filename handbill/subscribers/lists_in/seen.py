"""Which addresses a file has named so far: eight bytes for each, however many there are. Pure.

The first 64 bits of the keyed hash: among five million addresses two differ that look alike with a chance below one in
a million. Sorted runs of doubling length are merged as they come.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class Seen:
    """Addresses by their hashes (64 hexadecimal characters)."""

    def __init__(self) -> None:
        self._runs: list[NDArray[np.uint64]] = []

    def add(self, hashes: Sequence[str]) -> list[bool]:
        """For each in turn, whether it was named before, here or in an earlier call; and remember them."""
        if not hashes:
            return []
        short = np.array([int(text[:16], 16) for text in hashes], dtype=np.uint64)
        known = np.zeros(len(short), dtype=bool)
        for run in self._runs:
            places = np.minimum(np.searchsorted(run, short), len(run) - 1)
            known |= run[places] == short
        fresh, first = np.unique(short, return_index=True)
        repeated = np.ones(len(short), dtype=bool)
        repeated[first] = False
        self._keep(fresh)
        return list((known | repeated).tolist())

    def _keep(self, run: NDArray[np.uint64]) -> None:
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            run = np.concatenate((self._runs.pop(), run))
            run.sort()  # in place; union1d, which drops what both have, wants four times their memory for it
        self._runs.append(run)
