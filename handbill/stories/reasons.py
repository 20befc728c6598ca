"""Why a report was put into its story: what was found, as data; who shows it puts it into words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

MOST_WORDS = 5


class Kind(StrEnum):
    """What a reason says; its values are words as the report has them, unless told otherwise."""

    COPY = "copy"  # it has the same text as the report of this outlet
    TITLE = "title"  # these words are in both titles
    NAMED = "named"  # these people and places, and the like, are in both
    TEXT = "text"  # these words are in both texts
    APART = "apart"  # published so many minutes apart
    SAID = "said"  # a sentence as it is, kept from before reasons were data


class Reason(NamedTuple):
    """One reason. Stored as a JSON list: the kind, and the list of its values."""

    kind: Kind
    values: tuple[str | int, ...]


class Span(NamedTuple):
    """So many of the largest of days, hours and minutes that fits; (0, "minute") is no time at all."""

    number: int
    unit: str


def reasons(
    title: Sequence[str], named: Sequence[str], text: Sequence[str], apart: timedelta, outlet: str, same_text: bool
) -> tuple[Reason, ...]:
    """The reasons, strongest first, the time between last. ``outlet`` told it before.

    Shared words, weightiest first: of the ``title``; ``named`` people, places and the like; others of the ``text``.
    """
    words = ((Kind.TITLE, title), (Kind.NAMED, () if same_text else named), (Kind.TEXT, () if same_text else text))
    found = [Reason(Kind.COPY, (outlet,))] if same_text else []
    found += [Reason(kind, tuple(shared[:MOST_WORDS])) for kind, shared in words if shared]
    return (*found, Reason(Kind.APART, (round(apart.total_seconds() / 60),)))


def stored(why: Iterable[tuple[str, list[str | int]]]) -> tuple[Reason, ...]:
    """Reasons from the lists that are stored."""
    return tuple(Reason(Kind(kind), tuple(values)) for kind, values in why)


def span(minutes: int) -> Span:
    """Minutes as one says them."""
    hours = round(minutes / 60)
    if hours >= 24:
        return Span(round(minutes / (24 * 60)), "day")
    return Span(hours, "hour") if minutes >= 60 else Span(minutes, "minute")


def sentence(reason: Reason) -> str:
    """A reason in plain English, for who asks at the command line."""
    words = ", ".join(map(str, reason.values))
    if reason.kind is Kind.APART:
        count, unit = span(int(reason.values[0]))
        return f"Published {count} {unit}{'s' if count != 1 else ''} apart." if count else "Published at the same time."
    return _SENTENCES[reason.kind].format(words)


_SENTENCES = {
    Kind.COPY: "The same text as {}'s.",
    Kind.TITLE: "Same words in the title: {}.",
    Kind.NAMED: "Same people and places: {}.",
    Kind.TEXT: "Same words in the text: {}.",
    Kind.SAID: "{}",
}
