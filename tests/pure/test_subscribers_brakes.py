"""Whose turn it is, how many are answered, which network a request is of, what a slip is, and what proves work."""

from __future__ import annotations

from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.kit.keys import Key
from handbill.subscribers import proof, slips
from handbill.subscribers.brakes import DAY, HOUR, Waiting, allowance, network_of, turns

KEY = Key(1, {1: b"k" * 32})
BOB = UUID(int=7)


def waiting(*networks: str, proved: bool = False, start: int = 0) -> list[Waiting]:
    return [Waiting(start + at, network, proved=proved) for at, network in enumerate(networks)]


class TestTurns:
    def test_they_go_round_the_networks_so_that_a_crowd_delays_only_itself(self) -> None:
        crowd = waiting(*"aaaaab")
        assert turns(crowd, 3, {}, {}) == [0, 5, 1]

    def test_a_network_and_a_domain_have_a_share_and_the_unknown_has_none(self) -> None:
        assert len(turns(waiting(*["a"] * 15), 99, {}, {})) == 10
        assert turns(waiting(*"aab"), 99, {"a": 1}, {}) == [0, 2]
        assert len(turns(waiting(*[""] * 15), 99, {}, {})) == 15
        of_one_domain = [Waiting(at, f"n{at}", "x") for at in range(15)]
        assert len(turns(of_one_domain, 99, {}, {})) == 10
        assert turns(of_one_domain, 99, {}, {"x": 2}) == [0, 1]

    def test_a_proof_of_work_goes_first_and_leaves_the_fourth_turn(self) -> None:
        both = waiting(*"abcdef") + waiting(*"ghijkl", proved=True, start=10)
        assert turns(both, 8, {}, {}) == [10, 11, 12, 0, 13, 14, 15, 1]
        assert turns(both, 99, {}, {})[-4:] == [2, 3, 4, 5]

    @given(
        st.lists(st.builds(Waiting, st.integers(), st.sampled_from(["", "a", "b"]), st.sampled_from(["", "x"]))),
        st.integers(0, 30),
    )
    def test_nobody_has_two_turns_and_no_turn_is_left_while_somebody_may_have_it(self, some, room) -> None:
        some = [Waiting(at, one.network, one.domain, at % 2 == 0) for at, one in enumerate(some)]
        found = turns(some, room, {}, {})
        assert len(found) == len(set(found)) <= room
        free = [one for one in some if not one.network and not one.domain]
        assert len(found) == room or {one.key for one in free} <= set(found)


class TestAllowance:
    def test_there_is_a_least_and_it_grows_with_who_confirms(self) -> None:
        assert (allowance(HOUR, 0, 0), allowance(DAY, 0, 0)) == (60, 300)
        assert (allowance(HOUR, 28 * 500, 0), allowance(DAY, 28 * 500, 0)) == (500, 2500)
        assert allowance(HOUR, 28, 40) == 160


class TestNetworks:
    @pytest.mark.parametrize(
        ("peer", "forwarded", "network"),
        [
            ("203.0.113.77", "", "203.0.113.0/24"),
            ("203.0.113.77", "198.51.100.1", "203.0.113.0/24"),  # a header is believed of a proxy here only
            ("127.0.0.1", "192.0.2.9, 198.51.100.1", "198.51.100.0/24"),  # and only what that proxy wrote
            ("::1", "2001:db8:1:2::3", "2001:db8:1::/48"),
            ("::ffff:203.0.113.77", "", "203.0.113.0/24"),
            ("172.17.0.1", "198.51.100.1", "198.51.100.0/24"),
            ("fe80::1%eth0", "", ""),
            ("127.0.0.1", "", ""),
            ("127.0.0.1", "127.0.0.1", ""),
            ("127.0.0.1", "nonsense\0", ""),
            ("", "", ""),
        ],
    )
    def test_it_is_a_24_or_a_48(self, peer: str, forwarded: str, network: str) -> None:
        assert network_of(peer, forwarded) == network


class TestSlips:
    @pytest.mark.parametrize(
        ("typed", "meant"),
        [
            ("gmial.com", "gmail.com"),
            ("gamil.com", "gmail.com"),
            ("gmail.con", "gmail.com"),
            ("gmail.co", "gmail.com"),
            ("gmaill.com", "gmail.com"),
            ("hotmial.com", "hotmail.com"),
            ("hotmai.com", "hotmail.com"),
            ("outlok.de", "outlook.de"),
            ("yaho.com", "yahoo.com"),
            ("googlemial.com", "googlemail.com"),
            ("t-onlin.de", "t-online.de"),
            ("proton.me", None),
            ("mail.com", None),
            ("gmx.nett", None),
            ("web.dee", None),
            ("paper.example", None),
            ("gmail.de", None),
        ],
    )
    def test_one_letter_is_asked_about_and_real_neighbours_are_not(self, typed: str, meant: str | None) -> None:
        assert slips.meant(f"bob@{typed}") == (meant and f"bob@{meant}")

    def test_no_large_domain_is_a_slip_of_another(self) -> None:
        assert {slips.meant(f"bob@{domain}") for domain in slips.LARGE} == {None}

    @given(st.sampled_from(sorted(slips.LARGE)), st.data())
    def test_a_letter_left_out_put_in_or_changed_is_a_slip_and_nothing_is_one_of_itself(self, known, data) -> None:
        at = data.draw(st.integers(0, len(known) - 1))
        letter = data.draw(st.sampled_from("abcxyz"))
        wrong = [known[:at] + known[at + 1 :], known[:at] + letter + known[at:], known[:at] + letter + known[at + 1 :]]
        assert all(slips.is_slip(one, known) for one in wrong if one != known)
        swapped = known[:at] + known[at + 1 : at + 2] + known[at] + known[at + 2 :]
        assert slips.is_slip(swapped, known) or swapped == known
        assert not slips.is_slip(known, known)


class TestProof:
    def solve(self, task: str) -> str:
        return next(str(number) for number in range(10**7) if proof.is_solved(task, str(number)))

    def test_an_answer_proves_work_for_its_own_sign_up_alone(self) -> None:
        task = proof.task(KEY, BOB)
        answer = self.solve(task)
        assert proof.check(KEY, task, answer) == BOB
        assert proof.check(KEY, task, str(int(answer) + 1)) is None
        assert proof.check(KEY, proof.task(KEY, UUID(int=8)), answer) is None

    @pytest.mark.parametrize("answer", ["", "-1", "1e5", "٣", "1" * 16, "0x1"])
    def test_what_is_no_number_is_no_answer(self, answer: str) -> None:
        assert proof.check(KEY, proof.task(KEY, BOB), answer) is None

    def test_a_task_of_ones_own_making_proves_nothing(self) -> None:
        task = f"{BOB}.made-up"
        assert proof.check(KEY, task, self.solve(task)) is None


def test_a_key_of_the_day_is_another_one_tomorrow_and_the_old_one_is_gone(tmp_path) -> None:
    from datetime import UTC, datetime, timedelta

    from handbill.kit.day_key import day_hash, forget_day_keys

    days = [datetime(2026, 11, 22, 23, 59, tzinfo=UTC) + timedelta(hours=12) * step for step in range(3)]
    hashes = [day_hash(tmp_path, day, "192.0.2.0/24") for day in days]
    assert hashes[1] == day_hash(tmp_path, days[1], "192.0.2.0/24")
    assert all(one != other for one, other in pairwise([hashes[0], hashes[1]]))
    assert len(list(tmp_path.iterdir())) == 1 and all(len(one) == 32 for one in hashes)
    assert next(tmp_path.iterdir()).stat().st_mode & 0o077 == 0
    assert forget_day_keys(tmp_path, days[0] + timedelta(days=9)) == 1 and not list(tmp_path.iterdir())
