"""Who may be asked now, what an answer says about asking again, and who we say we are."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.kit.urls import read_address
from handbill.wire.politeness import (
    A_MINUTE,
    AT_ONCE,
    MINUTE,
    Place,
    Traffic,
    agent_text,
    fresh_seconds,
    place_of,
    registrable,
)

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
IP = "93.184.215.14"


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("a.b.paper.co.uk", "paper.co.uk"),
        ("valley.github.io", "github.io"),  # its private suffix is one operator's
        ("news.blogspot.com", "blogspot.com"),
        ("paper.example", "paper.example"),
        ("co.uk", "co.uk"),
        ("localhost", "localhost"),
    ],
)
def test_hosts_of_one_registrable_domain_are_one_platform(host: str, domain: str) -> None:
    assert registrable(host) == domain


@pytest.mark.parametrize(
    ("address", "answers", "place"),
    [
        ("https://a.paper.example/x", [], Place("a.paper.example", ("paper.example",))),
        ("http://a.paper.example/x", [IP, "2606:2800:21f::1"], Place("a.paper.example", ("paper.example", IP))),
        (f"http://{IP}/", [], Place(IP, (IP,))),
        (f"http://{IP}/", [IP], Place(IP, (IP,))),
        ("http://127.0.0.1:8123/", [], Place("127.0.0.1:8123")),
        ("http://localhost:8123/", ["127.0.0.1"], Place("localhost:8123", ("localhost",))),
    ],
)
def test_a_place_names_its_host_and_its_platforms(address: str, answers: list[str], place: Place) -> None:
    assert place_of(read_address(address), answers) == place


def test_a_platform_has_few_connections_at_once() -> None:
    traffic = Traffic()
    places = [Place(f"{n}.paper.example", ("paper.example",)) for n in range(AT_ONCE + 1)]
    for place in places[:-1]:
        assert traffic.may_begin(place, 0.0) and traffic.begin(place, 0.0)
    assert not traffic.may_begin(places[-1], 0.0)
    assert traffic.may_begin(Place("other.example", ("other.example",)), 0.0)
    assert not traffic.may_begin(Place("other.example", ("other.example", "paper.example")), 0.0), "one address of both"
    traffic.end(places[0])
    assert traffic.may_begin(places[-1], 0.0)


def test_a_platform_has_so_many_requests_a_minute() -> None:
    traffic, place = Traffic(), Place("paper.example", ("paper.example",))
    for number in range(A_MINUTE):
        traffic.begin(place, number * 0.1)
        traffic.end(place)
    assert not traffic.begin(place, 20.0) and not traffic.may_begin(place, MINUTE - 0.01)
    assert traffic.may_begin(place, MINUTE + 0.01)
    assert traffic.begin(Place("other.example", ("other.example",)), 3 * MINUTE)
    assert list(traffic._begun) == list(traffic._open) == ["other.example"], "what no longer counts is forgotten"


def test_a_host_has_one_place_whatever_asks_for_it() -> None:
    traffic, here = Traffic(), Place("127.0.0.1:8123")
    assert traffic.begin(here, 0.0) and not traffic.begin(here, 1.0) and not traffic.may_begin(here, 1.0)
    assert traffic.begin(Place("127.0.0.1:8124"), 0.0)
    traffic.end(here)
    assert traffic.begin(here, 2.0)


def test_threads_never_get_more_than_there_is_room_for() -> None:
    traffic, ready = Traffic(), threading.Barrier(8)
    places = [Place(f"{number}.paper.example", ("paper.example",)) for number in range(8)]

    def ask(place: Place) -> bool:
        ready.wait()
        return traffic.begin(place, 0.0)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, places)) == AT_ONCE


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0, 30)), max_size=300))
def test_no_minute_has_more_than_its_share(steps: list[tuple[int, float]]) -> None:
    traffic, place, moment, begun = Traffic(), Place("x", ("x",)), 0.0, []
    for kind, wait in steps:
        moment += wait / 100
        if kind and traffic.may_begin(place, moment):
            traffic.begin(place, moment)
            traffic.end(place)
            begun.append(moment)
    assert all(sum(at <= other < at + MINUTE for other in begun) <= A_MINUTE for at in begun)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"cache-control": "max-age=600"}, 600),
        ({"cache-control": 'Public, MAX-AGE="600", s-maxage=9000'}, 600),
        ({"cache-control": "max-age=600", "age": "500"}, 100),
        ({"cache-control": "max-age=600", "age": "5000"}, 0),
        ({"cache-control": "s-maxage=9000"}, 0),
        ({"cache-control": "no-cache, max-age=600"}, 0),
        ({"cache-control": "no-store"}, 0),
        ({"cache-control": "max-age=soon"}, 0),
        ({"cache-control": "max-age=-5"}, 0),
        ({"expires": "Sun, 22 Nov 2026 10:00:00 GMT"}, 3600),
        ({"expires": "Sun, 22 Nov 2026 10:00:00 GMT", "date": "Sun, 22 Nov 2026 09:59:00 GMT"}, 60),
        ({"expires": "0"}, 0),
        ({"expires": "Sun, 22 Nov 2020 10:00:00 GMT"}, 0),
        ({"expires": "Sun, 22 Nov 2026 10:00:00 -0000"}, 0),
        ({"expires": "Sun, 22 Nov 2026 10:00:00 GMT", "cache-control": "max-age=5"}, 5),
    ],
)
def test_how_long_an_answer_is_fresh(headers: dict[str, str], seconds: int) -> None:
    assert fresh_seconds(headers, NOW) == seconds


@given(st.dictionaries(st.sampled_from(["cache-control", "expires", "age", "date"]), st.text(max_size=60)))
def test_nonsense_is_no_freshness_and_no_fault(headers: dict[str, str]) -> None:
    assert fresh_seconds(headers, NOW) >= 0


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("The Valley Paper", "; The Valley Paper"),
        ("Zürcher Bote", "; Zurcher Bote"),
        ("صحيفة الوادي", ""),
        ("Evil\r\nX: 1 (a; b) \\", "; Evil X: 1 a b"),
    ],
)
def test_the_user_agent_names_the_newsroom(name: str, named: str) -> None:
    text = agent_text("Handbill", "1.0", "https://paper.example", name)
    assert text == f"Handbill/1.0 (+https://paper.example/fetching/{named})"
