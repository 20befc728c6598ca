"""Who may be asked now, what an answer says about asking again, and who we say we are."""

import threading
from collections import Counter
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
    WHOLE,
    Place,
    Share,
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


SHARES = st.integers(2, 4)
PLACES = st.builds(
    lambda host, domain, ip: Place(f"{host}.{domain}.example", (f"{domain}.example", f"93.184.215.{ip}")),
    st.sampled_from("abcdef"),
    st.sampled_from(["paper", "post", "times", "mirror", "herald"]),
    st.integers(1, 2),
)


@given(PLACES, SHARES)
def test_a_place_is_of_one_share_with_all_of_its_domain(place: Place, shares: int) -> None:
    owners = [number for number in range(shares) if Share(number, shares).has(place)]
    (owner,) = owners
    assert Share(owner, shares).has(Place("x." + place.owner, (place.owner,)))
    assert WHOLE.has(place)


@given(st.lists(st.tuples(PLACES, st.sampled_from(["before", "during", "after"]), st.booleans())), SHARES)
def test_processes_with_shares_ask_no_more_than_one_alone(steps: list[tuple[Place, str, bool]], shares: int) -> None:
    parent = Traffic()
    others: list[Traffic] = []
    begun: list[tuple[Place, float]] = []
    held: list[tuple[Traffic, Place]] = []
    by_time = sorted(steps, key=lambda step: ["before", "during", "after"].index(step[1]))
    for number, (place, when, stays) in enumerate(by_time):
        moment = number / 1000
        if when == "during" and not others:
            books = parent.share_out(Share(0, shares))
            for part in range(1, shares):
                others.append(Traffic())
                others[-1].take_over(Share(part, shares), books)
        if when == "after" and others:
            held = [(traffic, kept) for traffic, kept in held if traffic is parent]
            parent.take_back(other.books() for other in others)
            others = []
        for traffic in [parent, *others]:
            if traffic.begin(place, moment):
                begun.append((place, moment))
                if stays:
                    held.append((traffic, place))
                else:
                    traffic.end(place)
        open_hosts = [kept.host for _, kept in held]
        open_platforms = Counter(name for _, kept in held for name in kept.platforms)
        assert len(open_hosts) == len(set(open_hosts))
        assert max(open_platforms.values(), default=0) <= AT_ONCE
    asked = Counter(name for place, _ in begun for name in place.platforms)
    assert max(asked.values(), default=0) <= A_MINUTE


def test_an_address_of_many_domains_has_one_budget_over_all_shares() -> None:
    both = [Traffic(), Traffic()]
    books = both[0].share_out(Share(0, 2))
    both[1].take_over(Share(1, 2), books)
    places = [Place(f"paper-{n}.example", (f"paper-{n}.example", IP)) for n in range(400)]
    asked = 0
    for place in places:
        for traffic in both:
            if traffic.begin(place, 1.0):
                asked += 1
                traffic.end(place)
    assert asked == A_MINUTE
    both[0].take_back([both[1].books()])
    assert not any(both[0].may_begin(place, 2.0) for place in places), "what the other asked counts"
    assert both[0].may_begin(places[0], 1.0 + MINUTE)


def test_what_was_open_when_shares_were_given_stays_shut_for_the_other() -> None:
    parent, helper = Traffic(), Traffic()
    places = [Place(f"paper-{n}.example", (f"paper-{n}.example",)) for n in range(20)]
    theirs = next(place for place in places if Share(1, 2).has(place))
    assert parent.begin(theirs, 0.0)
    helper.take_over(Share(1, 2), parent.share_out(Share(0, 2)))
    assert not helper.may_begin(theirs, 1.0)
    parent.end(theirs)
    assert not parent.may_begin(theirs, 1.0), "it is the helper's now"
    parent.take_back([helper.books()])
    assert parent.may_begin(theirs, 1.0)
