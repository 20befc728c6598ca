"""What passes between the rooms and whoever looks after all of them. Shapes only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kept:
    """One kind of personal data: what, for how long in words, how many rows, and how many of them are too old."""

    what: str
    how_long: str
    rows: int
    late: int
