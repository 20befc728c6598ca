"""Archives numbered from the oldest: full pages rest, withdrawing leaves a gap, backdating moves what lies above."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.site.plan import (
    PER_PAGE,
    Archive,
    Place,
    file_of,
    page_of,
    pages_in,
    place,
    series_gaps,
    shifts,
    span,
    stale_pages,
)

START = datetime(2026, 5, 1, tzinfo=UTC)
ALL = Archive(None)


def key(number: int) -> tuple[datetime, int]:
    return START + timedelta(minutes=number), number


class Shelf:
    """An archive in memory: what the tables hold, moved by the same plan."""

    def __init__(self) -> None:
        self.places: dict[tuple[datetime, int], int] = {}
        self.withdrawn: set[tuple[datetime, int]] = set()

    def add(self, *keys: tuple[datetime, int]) -> set[int]:
        standing = sorted((Place(k, p) for k, p in self.places.items() if k > min(keys)), key=lambda p: p.position)
        floor = max((p for k, p in self.places.items() if k < min(keys)), default=0)
        changed = place(standing, keys, floor)
        moved = {key for key, position in self._shifted(standing, changed).items() if position != self.places[key]}
        assert moved == changed.keys() - set(keys)
        touched = set(changed.values()) | {self.places[k] for k in changed if k in self.places}
        self.places |= changed
        return touched

    def _shifted(self, standing: list[Place], changed: dict[tuple[datetime, int], int]) -> dict:
        rows = dict(self.places)
        for first, last, distance in shifts(standing, changed):
            for row, position in rows.items():
                if first <= position <= last:
                    rows[row] = position + distance
        assert all(rows[row] == changed.get(row, self.places[row]) for row in rows)
        return rows

    @property
    def last(self) -> int:
        return max(self.places.values(), default=0)

    def newest(self, count: int) -> list[tuple[datetime, int]]:
        return sorted((k for k in self.places if k not in self.withdrawn), reverse=True)[:count]

    def page(self, number: int) -> list[tuple[datetime, int]]:
        return sorted(
            (k for k, p in self.places.items() if p in span(number) and k not in self.withdrawn), reverse=True
        )

    def pages(self) -> dict[str, object]:
        """What every page shows, its links included."""
        shown = self.newest(PER_PAGE + 1)
        older = ALL.page(page_of(self.places[shown[PER_PAGE]])) if len(shown) > PER_PAGE else None
        made: dict[str, object] = {ALL.top: (shown[:PER_PAGE], older), ALL.feed: shown[:PER_PAGE]}
        for number in range(1, pages_in(self.last) + 1):
            newer = ALL.page(number + 1) if number < pages_in(self.last) else ALL.top
            made[ALL.page(number)] = (self.page(number), newer)
        return made

    def stale(self, touched: set[int]) -> set[str]:
        shown = self.newest(PER_PAGE + 1)
        floor = self.places[shown[PER_PAGE]] if len(shown) > PER_PAGE else 0
        return stale_pages(ALL, touched, floor, self.last)


numbers = st.lists(st.integers(0, 400), min_size=1, max_size=90, unique=True)


@given(numbers, st.data())
def test_every_live_entry_is_on_exactly_one_numbered_page(order: list[int], data: st.DataObject) -> None:
    shelf = Shelf()
    for number in order:
        shelf.add(key(number))
    shelf.withdrawn = set(data.draw(st.sets(st.sampled_from(sorted(shelf.places)))))
    pages = [shelf.page(number) for number in range(1, pages_in(shelf.last) + 1)]
    on_pages = [entry for page in reversed(pages) for entry in page]
    assert on_pages == sorted(shelf.places.keys() - shelf.withdrawn, reverse=True)


@given(st.integers(0, 70), st.integers(1, 45))
def test_appending_never_changes_a_full_page(before: int, more: int) -> None:
    shelf = Shelf()
    if before:
        shelf.add(*map(key, range(before)))
    full = {path: shown for path, shown in shelf.pages().items() if path.startswith("/archive/")}
    del full[ALL.page(pages_in(shelf.last))]
    touched = shelf.add(*map(key, range(before, before + more)))
    assert {path: shelf.pages()[path] for path in full} == full
    assert not shelf.stale(touched) & full.keys()


@given(numbers, st.data())
def test_walking_older_visits_everything_newest_first(order: list[int], data: st.DataObject) -> None:
    shelf = Shelf()
    shelf.add(*map(key, order))
    shelf.withdrawn = set(data.draw(st.sets(st.sampled_from(sorted(shelf.places)))))
    front, older = shelf.pages()[ALL.top]
    walked = list(front)
    number = int(older.split("/")[2]) if older else 0
    while number:
        walked += [entry for entry in shelf.page(number) if entry not in walked]
        number -= 1
    assert walked == sorted(shelf.places.keys() - shelf.withdrawn, reverse=True)


steps = st.lists(
    st.tuples(st.sampled_from(["add", "add", "withdraw", "return", "delete"]), st.integers(0, 120)), max_size=70
)


@given(numbers, steps)
def test_what_is_not_marked_stale_has_not_changed(order: list[int], changes: list[tuple[str, int]]) -> None:
    shelf = Shelf()
    shelf.add(*map(key, order))
    for what, number in changes:
        before = shelf.pages()
        entry = key(number)
        if what == "add" and entry not in shelf.places:
            touched = shelf.add(entry)
        elif what == "add" or entry not in shelf.places:
            continue
        else:
            touched = {shelf.places[entry]}
            if what == "delete":
                del shelf.places[entry]
                shelf.withdrawn.discard(entry)
            else:
                (shelf.withdrawn.add if what == "withdraw" else shelf.withdrawn.discard)(entry)
        assert _differing(before, shelf.pages()) <= shelf.stale(touched)


def test_growing_and_shrinking_one_by_one_over_the_edges_of_pages() -> None:
    shelf = Shelf()
    for number in range(62):
        before = shelf.pages()
        touched = shelf.add(key(number))
        assert _differing(before, shelf.pages()) <= shelf.stale(touched)
    for number in reversed(range(62)):
        before = shelf.pages()
        touched = {shelf.places.pop(key(number))}
        assert _differing(before, shelf.pages()) <= shelf.stale(touched)


def _differing(before: dict[str, object], after: dict[str, object]) -> set[str]:
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


def test_withdrawing_changes_its_own_page_alone() -> None:
    shelf = Shelf()
    shelf.add(*map(key, range(70)))
    shelf.withdrawn.add(key(5))
    assert shelf.stale({shelf.places[key(5)]}) == {"/archive/1/"}
    assert len(shelf.page(1)) == 19
    assert len(shelf.page(2)) == 20


def test_backdating_rebuilds_from_its_place_on() -> None:
    shelf = Shelf()
    shelf.add(*map(key, range(0, 140, 2)))
    touched = shelf.add(key(51))
    assert shelf.stale(touched) == {"/archive/2/", "/archive/3/", "/archive/4/", "/", "/feed.xml"}


def test_a_gap_left_by_a_deleted_entry_is_used_first() -> None:
    assert place([Place(key(9), 3)], [key(5)], floor=1) == {key(5): 2}


def test_the_newest_page_is_never_full() -> None:
    assert [pages_in(last) for last in (0, 1, 19, 20, 39, 40)] == [1, 1, 1, 2, 2, 3]


def test_addresses() -> None:
    assert [ALL.top, ALL.page(3), ALL.feed] == ["/", "/archive/3/", "/feed.xml"]
    city = Archive("city")
    assert [city.top, city.page(3), city.feed] == ["/topic/city/", "/topic/city/3/", "/topic/city/feed.xml"]


def test_nothing_changed_makes_nothing_stale() -> None:
    assert stale_pages(ALL, [], 0, 40) == set()


def test_gaps_in_a_series() -> None:
    assert series_gaps([1, 2, 5, 6, 9]) == [(3, 4), (7, 8)]
    assert series_gaps([]) == []


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", "index.html"),
        ("/topic/stadt-straße/2/", "topic/stadt-straße/2/index.html"),
        ("/feed.xml", "feed.xml"),
    ],
)
def test_files_of_paths(path: str, name: str) -> None:
    assert file_of(path) == name


@pytest.mark.parametrize("path", ["", "x", "/../x", "/a/../b", "/.git/", "//x", "/a\0b", "/a\\b", "/a//"])
def test_paths_that_could_leave_the_folder_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match="not a path"):
        file_of(path)


def test_a_long_name_is_cut_but_stays_its_own() -> None:
    one, two = file_of(f"/article/{'ط' * 200}a/"), file_of(f"/article/{'ط' * 200}b/")
    assert one != two
    assert all(len(part.encode()) <= 255 for part in one.split("/"))
