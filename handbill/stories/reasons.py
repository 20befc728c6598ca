"""Say in sentences why a report was put into its story. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

MOST_WORDS = 5


def reasons(
    title: Sequence[str], named: Sequence[str], text: Sequence[str], apart: timedelta, outlet: str, same_text: bool
) -> tuple[str, ...]:
    """Sentences, strongest first. ``outlet`` told it before.

    Shared words, weightiest first: of the ``title``; ``named`` people, places and the like; others of the ``text``.
    """
    said = []
    if same_text:
        said.append(f"The same text as {outlet}'s.")
    if title:
        said.append(f"Same words in the title: {', '.join(title[:MOST_WORDS])}.")
    if named and not same_text:
        said.append(f"Same people and places: {', '.join(named[:MOST_WORDS])}.")
    if text and not same_text:
        said.append(f"Same words in the text: {', '.join(text[:MOST_WORDS])}.")
    said.append(f"Published {_span(apart)}.")
    return tuple(said)


def _span(apart: timedelta) -> str:
    minutes = round(apart.total_seconds() / 60)
    if minutes < 1:
        return "at the same time"
    for size, unit in ((24 * 60, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            count = round(minutes / size)
            return f"{count} {unit}{'s' if count != 1 else ''} apart"
    raise AssertionError("a minute is a minute")
