"""Where an article stands in an archive, which pages show it, and which pages a change makes stale.

Pure. An archive numbers its entries from the oldest: 1, 2, 3, … Page N holds positions 20(N-1)+1 to 20N for ever, so a
full page never changes when something new comes (ADR-0014). A withdrawn entry keeps its position and leaves a gap.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TypeAlias
from urllib.parse import quote

from handbill.kit.paging import PER_PAGE as PER_PAGE
from handbill.kit.paging import page_of as page_of
from handbill.kit.paging import pages_in as pages_in
from handbill.kit.paging import span as span

_SEGMENT = 240  # bytes: file systems take 255

Key: TypeAlias = tuple[datetime, int]  # (published_at, article id): the order of every archive


@dataclass(frozen=True, slots=True)
class Place:
    """An article and its position in one archive."""

    key: Key
    position: int


@dataclass(frozen=True, slots=True)
class Archive:
    """The addresses of one archive. ``slug`` None: the archive of everything, whose top page is the front page."""

    slug: str | None

    @property
    def top(self) -> str:
        return "/" if self.slug is None else f"/topic/{self.slug}/"

    @property
    def feed(self) -> str:
        return f"{self.top}feed.xml"

    def page(self, number: int) -> str:
        return f"/archive/{number}/" if self.slug is None else f"/topic/{self.slug}/{number}/"


def place(standing: Sequence[Place], incoming: Iterable[Key], floor: int = 0) -> dict[Key, int]:
    """Positions of ``incoming`` and the new positions of whatever they push up; what stays where it is is left out.

    ``standing`` are the entries at or above the oldest of ``incoming``, in order; ``floor`` is the highest position
    below them. Order by key always equals order by position afterwards. A gap that a deleted entry left is used before
    anything is pushed. Source: ADR-0014.
    """
    rows: list[tuple[Key, int]] = [(entry.key, entry.position) for entry in standing]
    rows += [(key, 0) for key in incoming]
    changed: dict[Key, int] = {}
    last = floor
    for key, position in sorted(rows):
        last = max(position, last + 1)
        if last != position:
            changed[key] = last
    return changed


def shifts(standing: Sequence[Place], changed: Mapping[Key, int]) -> list[tuple[int, int, int]]:
    """``changed`` as (first, last, distance) runs of old positions that move together, the highest run first.

    Moved in this order no run lands on one that has yet to move.
    """
    runs: list[tuple[int, int, int]] = []
    for entry in standing:
        distance = changed.get(entry.key, entry.position) - entry.position
        if runs and runs[-1][2] == distance:
            runs[-1] = (runs[-1][0], entry.position, distance)
        else:
            runs.append((entry.position, entry.position, distance))
    return [run for run in reversed(runs) if run[2]]


def stale_pages(archive: Archive, positions: Iterable[int], shown_floor: int, last_position: int) -> set[str]:
    """The paths to write again when the entries at ``positions`` (old and new ones) changed.

    ``shown_floor`` is the position of the 21st newest entry that is not withdrawn (0: there are fewer), after the
    change: what lies below it touches neither the top page, nor its link to older ones, nor the feed.
    """
    changed = set(positions)
    if not changed:
        return set()
    paths = {archive.page(page_of(position)) for position in changed}
    if max(changed) >= shown_floor:
        paths |= {archive.top, archive.feed}
    return paths | {archive.page(page_of(position + 1)) for position in changed if position >= last_position}


def series_gaps(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """First and last of each run of numbers missing between the parts of a series (sorted, without repeats)."""
    return [(low + 1, high - 1) for low, high in pairwise(numbers) if high - low > 1]


def file_of(path: str) -> str:
    """The file of a public path, relative to the site's folder: ``/topic/city/`` is ``topic/city/index.html``.

    A segment too long for a file system is cut and made unique by a hash. Raises ValueError for a path that could
    leave the folder or name a hidden file.
    """
    if not path.startswith("/") or any(c in path for c in "\0\\"):
        raise ValueError("not a path of the site")
    segments = path[1:].split("/")
    if path.endswith("/"):
        segments[-1] = "index.html"
    if any(not segment or segment.startswith(".") for segment in segments):
        raise ValueError("not a path of the site")
    return "/".join(map(_short, segments))


def link(path: str) -> str:
    """A public path, quoted for a link or a header."""
    return quote(path)


def _short(segment: str) -> str:
    raw = segment.encode("utf-8", "surrogatepass")
    if len(raw) <= _SEGMENT:
        return segment
    return raw[:200].decode("utf-8", "ignore") + "~" + hashlib.sha256(raw).hexdigest()[:16]
