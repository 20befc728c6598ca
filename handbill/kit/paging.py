"""Pages of an archive that is numbered from the oldest (ADR-0014): page N holds positions 20(N-1)+1 to 20N. Pure."""

from __future__ import annotations

PER_PAGE = 20


def page_of(position: int) -> int:
    """The number of the page that holds ``position``; both count from 1."""
    return (position - 1) // PER_PAGE + 1


def pages_in(last_position: int) -> int:
    """How many numbered pages there are. The newest is never full, and so may be empty.

    That is why a full page's link to the next newer one always leads somewhere, and never has to be changed.
    """
    return last_position // PER_PAGE + 1


def span(number: int) -> range:
    """The positions of page ``number``."""
    return range(PER_PAGE * (number - 1) + 1, PER_PAGE * number + 1)
