"""Grouping's answers stay the same: reports of our own, and beside them where each of them goes, and why.

``golden/stories/reports.jsonl`` holds the reports, each with the event it was written about; ``places.jsonl`` holds
story, original and reasons of each. To take the places anew after a change that is meant, run this module:
``python -m tests.pure.test_stories_golden``, and write the other digests as the failing tests say.
"""

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handbill.stories import dated, gist, series, terms
from handbill.stories.group import Place, Told, group
from handbill.stories.ties import Act, standing

STORIES = Path(__file__).parent / "golden" / "stories"
NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
PLACES = STORIES / "places.jsonl"


def rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines_:
        return [json.loads(line) for line in lines_]


ROWS = rows(STORIES / "reports.jsonl")


def told(row: dict[str, Any]) -> Told:
    at = NOON + timedelta(hours=row["hours"])
    return Told(row["id"], row["outlet"], row["language"], row["title"], row["text"], at, address=row["address"])


REPORTS = [told(row) for row in ROWS]


def lines(places: Iterable[Place]) -> list[dict[str, Any]]:
    """Each place as it is kept: the first report of its story, what it copies, and why."""
    return [
        {
            "id": p.report,
            "story": p.opens if p.story is None else p.story,
            "copy_of": p.copy_of,
            "why": [[kind, list(said)] for kind, said in p.why],
        }
        for p in places
    ]


def kept() -> list[dict[str, Any]]:
    return rows(PLACES)


def partition(places: Iterable[dict[str, Any]]) -> set[frozenset[int]]:
    found: dict[int, set[int]] = {}
    for place in places:
        found.setdefault(place["story"], set()).add(place["id"])
    return {frozenset(reports) for reports in found.values()}


def forget() -> None:
    """As a process that has just begun knows nothing."""
    for memory in (gist.gist, series.series_of, dated.dated_of, terms._read, terms._stems):
        memory.cache_clear()


def test_each_report_goes_where_it_stands_beside_it() -> None:
    assert json.loads(json.dumps(lines(group(REPORTS)))) == kept()


def test_the_stories_are_the_events_they_were_written_about() -> None:
    events: dict[str, set[int]] = {}
    for row in ROWS:
        events.setdefault(row["event"], set()).add(row["id"])
    assert partition(kept()) == {frozenset(reports) for reports in events.values()}


@given(st.permutations(REPORTS))
@settings(max_examples=15)
def test_order_and_restart_change_nothing(batch: Sequence[Told]) -> None:
    forget()
    assert json.loads(json.dumps(lines(group(batch)))) == kept()


@given(st.permutations(REPORTS), st.integers(1, len(REPORTS) - 1))
@settings(max_examples=15)
def test_what_is_known_already_stays_where_it_is_whatever_comes_beside_it(batch: Sequence[Told], count: int) -> None:
    place = {row["id"]: row for row in kept()}
    known = [replace(one, story=place[one.id]["story"], copy_of=place[one.id]["copy_of"]) for one in batch]
    assert group([], known) == []
    stranger = Told(len(batch) + 1, "Odd", "en", "Kites over the brickyard", "Forty kites flew.", NOON)
    assert [each.report for each in group([stranger], known[:count])] == [stranger.id]


STORIES_TOLD = sorted(partition(kept()), key=min) if PLACES.exists() else []


@given(st.lists(st.sampled_from(STORIES_TOLD), min_size=2, max_size=2, unique=True))
@settings(max_examples=15)
def test_merged_and_split_again_all_is_as_before(two: list[frozenset[int]]) -> None:
    stays, moves = two
    merged = Act(moves, with_=stays)
    parted = Act(moves, without=stays)
    ids = [one.id for one in REPORTS]

    def ruled(*acts: Act) -> set[frozenset[int]]:
        together, apart = standing(acts, ids)
        return partition(lines(group(REPORTS, together=together, apart=apart)))

    before = partition(kept())
    assert ruled(merged) == before - {stays, moves} | {stays | moves}
    assert ruled(merged, parted) == before


def made_up(count: int) -> list[Told]:
    """Events of one to nine reports, some of them copies, some in short, by dice."""
    dice = random.Random(11)

    def words(stock: int, number: int) -> list[str]:
        return [
            f"{'bdfgklmnprst'[n % 12]}{'aeiou'[n % 5]}rn{n}" for n in (dice.randrange(stock) for _ in range(number))
        ]

    found: list[Told] = []
    while len(found) < count:
        own, at = [word.title() for word in words(100_000, 9)], dice.randrange(5 * 24 * 60)
        text = ""
        for n in range(1 + int(9 * dice.random() ** 3)):
            if n % 4 != 3:  # else it is a copy of the one before
                body = [*words(700, 40), *(own[dice.randrange(9)] for _ in range(12))]
                body.sort(key=lambda _: dice.random())
                text = " ".join(body if dice.random() < 0.8 else body[:8])
            title = " ".join([own[dice.randrange(9)], *words(700, 3), own[dice.randrange(9)]])
            moment = NOON + timedelta(minutes=at + dice.randrange(600))
            found.append(Told(len(found) + 1, f"Outlet {dice.randrange(40)}", "en", title, text, moment))
    return found[:count]


def rounds(reports: Sequence[Told], each: int) -> Iterator[list[Place]]:
    """The places of so many at once, beside all that came before."""
    known: dict[int, Told] = {}
    for first in range(0, len(reports), each):
        batch = {one.id: one for one in reports[first : first + each]}
        places = group(batch.values(), known.values())
        for place in places:
            one = batch.get(place.report) or known[place.report]
            story = place.story if place.story is not None else place.opens
            known[place.report] = replace(one, story=story, copy_of=place.copy_of)
        yield places


@pytest.mark.parametrize(("each", "digest"), [(400, "10f89f94bbfa62ea"), (60, "8299223096273595")])
def test_many_made_up_reports_go_where_they_went(each: int, digest: str) -> None:
    places = [lines(found) for found in rounds(made_up(400), each)]
    assert blake2b(json.dumps(places).encode(), digest_size=8).hexdigest() == digest


if __name__ == "__main__":
    PLACES.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in lines(group(REPORTS))), "utf-8")
