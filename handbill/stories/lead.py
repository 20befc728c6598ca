"""Choose the report that speaks for a story. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Voice:
    """One report of a story, as far as choosing goes; ``length`` is its text's in characters."""

    report: int
    outlet: int
    title: str
    published_at: datetime
    length: int
    copy: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """What a story's row says of its reports. ``outlets`` are those with words of their own."""

    lead: int
    title: str
    opened_at: datetime
    latest_at: datetime
    outlets: int


def summarise(voices: Iterable[Voice]) -> Summary:
    """Sum up a story of at least one report; their order is irrelevant.

    The lead is the first report that is no copy and tells at least half as much as the longest one does.
    """
    told = sorted(voices, key=lambda v: (v.published_at, v.report))
    own = [v for v in told if not v.copy] or told[:1]
    enough = max(v.length for v in own) / 2
    lead = next(v for v in own if v.length >= enough)
    return Summary(lead.report, lead.title, told[0].published_at, told[-1].published_at, len({v.outlet for v in own}))
