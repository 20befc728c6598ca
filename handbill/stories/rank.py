"""Say what speaks for a story at triage, each factor in hours: a story without it would have to be so much newer. Pure.

Stories stand in the order of their newest report's time plus these hours, so the order needs no clock: the same rows
give the same list at any time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import log2
from statistics import median

DOUBLING_HOURS = 24.0  # twice the outlets outweigh so many hours of age
COPY = 0.25  # what a copy weighs beside an outlet with words of its own
RARE_HOURS = 12.0  # for an outlet that publishes RAREST of what is usual among the outlets, or less
RARE, RAREST = 1 / 2, 1 / 16  # of it; from RARE on an outlet is not rare at all
NEW_HOURS = 12.0  # for a story of which no report had come when the last issue closed


@dataclass(frozen=True, slots=True)
class Teller:
    """A report as ranking sees it. ``new``: it came since the last issue closed."""

    outlet: int
    published_at: datetime
    copy: bool
    new: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """What speaks for a story, in facts and in hours.

    ``outlets`` are those with words of their own, ``rare`` is the one of them that publishes least, ``a_week`` its
    reports (0.0: none of them is rare). ``new`` of its ``reports`` came since the last issue.
    """

    newest_at: datetime
    reports: int
    outlets: int
    copies: int
    new: int
    rare: int | None
    a_week: float
    told_hours: float
    rare_hours: float
    new_hours: float

    @property
    def place(self) -> float:
        """Higher stands first; in hours."""
        return self.newest_at.timestamp() / 3600 + self.told_hours + self.rare_hours + self.new_hours


def usual_rhythm(rhythms: Mapping[int, float]) -> float:
    """How many reports a week the outlet in the middle publishes; 0.0 where no rhythm is known."""
    return median(rhythms.values()) if rhythms else 0.0


def rank(tellers: Iterable[Teller], rhythms: Mapping[int, float], usual: float) -> Standing:
    """The standing of a story of at least one report.

    ``rhythms``: the outlets' reports a week, where that is known; ``usual`` is the newsroom's ``usual_rhythm``.
    """
    told = list(tellers)
    own = {each.outlet for each in told if not each.copy} or {told[0].outlet}
    copies = sum(each.copy for each in told)
    new = sum(each.new for each in told)
    rare, a_week = _rarest(own, rhythms, usual)
    return Standing(
        newest_at=max(each.published_at for each in told),
        reports=len(told),
        outlets=len(own),
        copies=copies,
        new=new,
        rare=rare,
        a_week=a_week,
        told_hours=DOUBLING_HOURS * (log2(1 + len(own) + COPY * copies) - 1),
        rare_hours=0.0 if rare is None else _rare_hours(a_week, usual),
        new_hours=NEW_HOURS * new / len(told),
    )


def _rarest(outlets: Collection[int], rhythms: Mapping[int, float], usual: float) -> tuple[int | None, float]:
    known = sorted((rhythms[outlet], outlet) for outlet in outlets if outlet in rhythms)
    return (known[0][1], known[0][0]) if known and known[0][0] < RARE * usual else (None, 0.0)


def _rare_hours(a_week: float, usual: float) -> float:
    """RARE_HOURS at RAREST of the usual, none at RARE; each doubling takes as much."""
    return RARE_HOURS * log2(RARE * usual / max(a_week, RAREST * usual)) / log2(RARE / RAREST)
