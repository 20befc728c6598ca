"""Pages of the site that other rooms own: ``config`` hands them down, and the build treats them like its own.

A guest has its pages marked stale by ``changed`` whenever what it knows has changed, in the same transaction; that an
article has changed, the site finds out by itself and asks which of the guest's pages show it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from handbill.site.stale import mark_stale

Render: TypeAlias = Callable[[str], bytes | None]
"""The bytes of a path; None where it isn't the guest's, or nothing is to be shown there (any more)."""


@dataclass(frozen=True, slots=True)
class Guest:
    """``standing``: the paths of all its pages; ``showing``: of those that say something of these articles (ids).

    ``press`` makes what renders one batch of pages from what all of them know of the paper (``paper_context``). It is
    called often, and so asks nothing of the database.
    """

    name: str
    standing: Callable[[], Iterable[str]]
    showing: Callable[[Collection[int]], Iterable[str]]
    press: Callable[[dict[str, Any]], Render]


_guests: dict[str, Guest] = {}


def register(guest: Guest) -> None:
    """Have the site build the pages of ``guest``. Registering its name again replaces it."""
    _guests[guest.name] = guest


def standing() -> Iterator[str]:
    """The paths of all guests' pages."""
    return (path for guest in _guests.values() for path in guest.standing())


def showing(articles: Collection[int]) -> set[str]:
    """Guests' pages that say something of any of ``articles`` (ids)."""
    return {path for guest in _guests.values() for path in guest.showing(articles)}


def presses(paper: dict[str, Any]) -> list[Render]:
    """What renders guests' pages in one batch."""
    return [guest.press(paper) for guest in _guests.values()]


def changed(paths: Iterable[str]) -> None:
    """A guest's pages came, changed or went. Call it in the transaction that has it so."""
    mark_stale(paths)
