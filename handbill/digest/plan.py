"""Plan one digest issue: which day's, which articles, who reads which of them, in the fewest distinct letters.

Pure: no clock, database, Django, or people. An *audience* is a set of topics that at least one reader chose together;
addresses join only in ``delivery``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

from handbill.digest.errors import PlanError
from handbill.digest.records import Audience, Candidate, Chosen, ReadingList, Window

MAX_ARTICLES = 12  # a letter; ADR-0004
FOLD_BACK = timedelta(days=2)  # how far back an issue takes what a missed or early one left over
Plan: TypeAlias = dict[ReadingList, set[Audience]]

_DAY = timedelta(days=1)


def closing(day: date, hour: int, zone: ZoneInfo) -> datetime:
    """When the issue of the local ``day`` closes: the first moment its clock shows ``hour``, in UTC.

    An hour the clocks skip counts as if they had not been changed yet: the issue comes an hour later by the new clock.
    """
    return datetime.combine(day, time(hour), zone).astimezone(UTC)


def issue_window(day: date, hour: int, zone: ZoneInfo) -> Window:
    """From the closing of the day before to that of ``day``: 24 hours, or 23 or 25 when clocks change (ADR-0003)."""
    return Window(closing(day - _DAY, hour, zone), closing(day, hour, zone))


def due_day(now: datetime, hour: int, zone: ZoneInfo) -> date:
    """The latest local day whose closing has come. Raises PlanError for a naive ``now``."""
    if now.tzinfo is None:
        raise PlanError("A moment without a zone can't be placed in a day. Pass an aware datetime.")
    today = now.astimezone(zone).date()
    days = (today + _DAY * step for step in (1, 0, -1, -2))
    return next(day for day in days if closing(day, hour, zone) <= now)


def order(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The issue's order: what most outlets report leads, then the newest. Argument order is irrelevant.

    Raises PlanError if an article is listed twice.
    """
    rows = sorted(candidates, key=lambda one: (-one.outlets, -one.published_at.timestamp(), one.id))
    if len({one.id for one in rows}) < len(rows):
        raise PlanError("An article is listed twice in the issue. List each candidate once.")
    return rows


def choose(candidates: Iterable[Candidate]) -> list[Chosen]:
    """The issue's articles in order, with their topics: what is frozen, and all that letters are made from."""
    return [Chosen(one.id, one.topics) for one in order(candidates)]


def matching(articles: Sequence[Chosen], audience: Audience) -> list[int]:
    """Ids of all articles an audience asked for, in the issue's order; everything for the whole paper."""
    return [one.id for one in articles if not audience or one.topics & audience]


def reading_list(articles: Sequence[Chosen], audience: Audience) -> ReadingList:
    """What an audience's letter shows: the first MAX_ARTICLES it asked for. Empty: it gets no letter."""
    return tuple(matching(articles, audience)[:MAX_ARTICLES])


def plan_letters(articles: Sequence[Chosen], audiences: Iterable[Audience]) -> Plan:
    """Map each reading list to the audiences that share it: one letter a key (ADR-0004).

    Composing grows with letters, not readers. Audiences with nothing to read are left out.
    """
    plan: Plan = {}
    for audience in audiences:
        if articles_for := reading_list(articles, audience):
            plan.setdefault(articles_for, set()).add(audience)
    return plan


def letter_key(articles: ReadingList) -> str:
    """A name for a reading list: 64 hexadecimal characters, the same for the same list."""
    return hashlib.sha256(",".join(map(str, articles)).encode()).hexdigest()
