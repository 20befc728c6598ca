"""What the guarded client decides without a socket: which places may be reached, how packing and waiting are read."""

import gzip
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.kit.http import Allowance, FetchLater, FetchRefused, Guard, _gunzip, _retry_after
from handbill.kit.urls import read_address

PUBLIC = ["93.184.215.14", "2606:2800:21f::1"]


def test_a_public_place_may_be_reached() -> None:
    Guard().check(read_address("https://paper.example/feed"), PUBLIC)


def test_an_address_in_digits_is_named_once() -> None:
    with pytest.raises(FetchRefused, match=r"^10\.0\.0\.1: it lies in"):
        Guard().check(read_address("https://10.0.0.1/feed"), ["10.0.0.1"])


@pytest.mark.parametrize("bad", ["127.0.0.1", "10.0.0.1", "::1", "169.254.169.254", "64:ff9b::7f00:1", "fe80::1"])
def test_one_answer_that_is_not_public_is_enough_to_refuse(bad: str) -> None:
    with pytest.raises(FetchRefused, match=r"leads to .* Only public addresses are fetched\."):
        Guard().check(read_address("https://paper.example/feed"), [*PUBLIC, bad])


@pytest.mark.parametrize("port", [22, 25, 8080, 5432])
def test_other_ports_are_refused(port: int) -> None:
    with pytest.raises(FetchRefused, match=f"Port {port}"):
        Guard().check(read_address(f"http://paper.example:{port}/"), PUBLIC)


def test_the_allow_list_means_exactly_that_host_and_port_and_only_loopback() -> None:
    guard = Guard(frozenset({("127.0.0.1", 8123), ("outlet.example", 8124)}))
    guard.check(read_address("http://127.0.0.1:8123/"), ["127.0.0.1"])
    guard.check(read_address("http://outlet.example:8124/"), ["127.0.0.1", "::1"])
    for address, answer in [
        ("http://127.0.0.1:8125/", "127.0.0.1"),
        ("http://127.0.0.2:8123/", "127.0.0.2"),
        ("http://localhost:8123/", "127.0.0.1"),
        ("http://127.0.0.1/", "127.0.0.1"),
        ("http://outlet.example:8124/", "10.0.0.1"),
        ("http://outlet.example:8124/", PUBLIC[0]),
    ]:
        with pytest.raises(FetchRefused):
            guard.check(read_address(address), [answer])


@given(st.binary(max_size=3000), st.integers(1, 400), st.booleans())
def test_packed_bytes_come_out_whole_however_they_arrive(data: bytes, step: int, twice: bool) -> None:
    packed = gzip.compress(data) * (2 if twice else 1)
    unpack = _gunzip()
    pieces = [piece for at in range(0, len(packed), step) for piece in unpack(packed[at : at + step])]
    assert b"".join(pieces) == data * (2 if twice else 1)
    assert unpack.whole


def test_packed_bytes_that_break_off_are_not_whole_and_rubbish_is_refused() -> None:
    packed = gzip.compress(bytes(range(256)) * 40)
    unpack = _gunzip()
    list(unpack(packed[:-9]))
    assert not unpack.whole
    with pytest.raises(FetchLater):
        list(_gunzip()(b"this was never packed"))


def test_padding_after_the_last_member_is_left_alone() -> None:
    unpack = _gunzip()
    assert b"".join(unpack(gzip.compress(b"news") + b"\0\0\0")) == b"news"
    assert unpack.whole


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("1" * 40, None),
    ],
)
def test_retry_after(text: str, seconds: int | None) -> None:
    assert _retry_after(text) == seconds


def test_only_so_many_large_bodies_are_held_at_once() -> None:
    allowance = Allowance(many=1)
    first, second = allowance.loan(), allowance.loan()
    assert first.take(time.monotonic()) and first.take(time.monotonic())
    assert not second.take(time.monotonic())
    first.end()
    first.end()
    assert second.take(time.monotonic()) and not first.take(time.monotonic())
