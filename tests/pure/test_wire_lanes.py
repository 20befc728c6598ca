"""One at a time for each host, nobody behind a slow one, and a host's rest."""

from hypothesis import given
from hypothesis import strategies as st

from handbill.kit.urls import read_address
from handbill.wire.lanes import LONGEST, Lane, Lanes
from handbill.wire.politeness import A_MINUTE, AT_ONCE, Traffic

ONE, TWO = read_address("https://one.example/a"), read_address("https://two.example/b")


def filled(*names: str) -> Lanes[str]:
    lanes: Lanes[str] = Lanes(Traffic())
    for name in names:
        assert lanes.join(read_address(f"https://{name.rstrip('0123456789')}.example/"), name)
    return lanes


def taken(lanes: Lanes[str], moment: float = 0.0) -> list[tuple[Lane[str], str]]:
    found = []
    while one := lanes.take(moment):
        found.append(one)
    return found


def names(found: list[tuple[Lane[str], str]]) -> list[str]:
    return [name for _, name in found]


def test_a_host_has_one_under_way_and_the_others_go_on() -> None:
    lanes = filled("a1", "a2", "b1", "c1", "b2")
    first = taken(lanes)
    assert names(first) == ["a1", "b1", "c1"] and len(lanes) == 2
    lanes.free(first[1][0])
    assert names(taken(lanes)) == ["b2"]
    lanes.free(first[2][0])
    assert taken(lanes) == []
    assert lanes.join(read_address("https://c.example/"), "c2") and names(taken(lanes)) == ["c2"]


def test_an_item_waits_again_as_first_once_its_addresses_are_known() -> None:
    lanes = filled("a1", "a2")
    ((lane, name),) = taken(lanes)
    lanes.found(lane, name, read_address("https://a.example/"), ["93.184.215.14"])
    assert len(lanes) == 2
    ((again, name),) = taken(lanes)
    assert name == "a1" and again.answers == ("93.184.215.14",) and "93.184.215.14" in again.place.platforms


def test_hosts_at_one_address_share_its_budget() -> None:
    lanes = filled(*[f"{letter}1" for letter in "abcdefgh"])
    for lane, name in taken(lanes):
        lanes.found(lane, name, read_address(f"https://{name[0]}.example/"), ["93.184.215.14"])
    assert len(taken(lanes)) == AT_ONCE


def test_a_host_that_rests_gives_its_items_back_and_takes_no_more() -> None:
    lanes = filled("a1", "a2", "a3", "b1")
    (lane, _), _ = taken(lanes)
    assert lanes.rest("a.example") == ["a2", "a3"] and len(lanes) == 0
    lanes.free(lane)
    assert taken(lanes) == [] and not lanes.join(read_address("https://a.example/z"), "a4")
    assert lanes.rest("never-seen.example") == []
    assert not lanes.join(read_address("http://never-seen.example/"), "n1")


def test_a_line_has_an_end() -> None:
    lanes = filled(*[f"a{n}" for n in range(LONGEST)])
    assert not lanes.join(read_address("https://a.example/"), "one more")
    assert lanes.join(read_address("https://b.example/"), "b1")


def test_what_is_left_is_told_apart_by_whether_it_could_have_begun() -> None:
    lanes = filled("a1", "a2", "b1")
    for number in range(A_MINUTE):
        ((lane, _), *others) = taken(lanes, number / 1000)
        for other, _ in others:
            lanes.free(other)
        lanes.join(read_address("https://a.example/"), f"a{number + 3}")
        lanes.free(lane)
    free, held = lanes.clear(1.0)
    assert len(lanes) == 0 and len(free) + len(held) >= 2
    assert all(name.startswith("a") for name in held)


def test_a_round_that_broke_off_leaves_no_host_busy() -> None:
    traffic = Traffic()
    lanes: Lanes[str] = Lanes(traffic)
    lanes.join(ONE, "a")
    ((lane, _),) = taken(lanes)
    assert not traffic.may_begin(lane.place, 0.0)
    lanes.clear(0.0)
    assert traffic.may_begin(lane.place, 0.0)


@given(st.lists(st.sampled_from("abc"), max_size=40), st.randoms(use_true_random=False))
def test_every_item_is_taken_once_and_never_two_of_a_host(hosts: list[str], chance: object) -> None:
    lanes = filled(*[f"{host}{n}" for n, host in enumerate(hosts)])
    under_way: list[tuple[Lane[str], str]] = []
    done: list[str] = []
    while len(lanes) or under_way:
        under_way += taken(lanes)
        assert len({name[0] for _, name in under_way}) == len(under_way)
        lane, name = under_way.pop(chance.randrange(len(under_way)))  # type: ignore[attr-defined]
        lanes.free(lane)
        done.append(name)
    assert sorted(done) == sorted(f"{host}{n}" for n, host in enumerate(hosts))
