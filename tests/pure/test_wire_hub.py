"""WebSub by plain values: the Link header, who can be called, how long a promise lasts, which signature holds."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handbill.wire.hub import advertised, ask_again_at, is_genuine, may_be_called, promised_until, renew_at

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
BASE = "https://outlet.example/feeds/all.xml"
HUB, SELF = "https://hub.example/", "https://outlet.example/feed"


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (f'<{HUB}>; rel="hub", <{SELF}>; rel="self"', (HUB, SELF)),
        (f"<{HUB}>;rel=hub,<{SELF}>;rel=self", (HUB, SELF)),
        (f'<{SELF}>; REL="self hub"', (SELF, SELF)),
        (f'<{HUB}>; title="a, b"; rel="hub"', (HUB, "")),
        (f'<{HUB}>; rel="hub", <https://other.example/>; rel="hub"', (HUB, "")),
        ('</hub>; rel="hub", <all.xml>; rel=self', ("https://outlet.example/hub", BASE)),
        ('<javascript:alert(1)>; rel="hub", <file:///etc/passwd>; rel="self"', ("", "")),
        ('<https://outlet.example/style.css>; rel="preload"', ("", "")),
        ("", ("", "")),
        ("<<<>>>;;;rel==hub,", ("", "")),
    ],
)
def test_the_link_header_names_hub_and_topic(header: str, found: tuple[str, str]) -> None:
    assert advertised(header, BASE) == found


@settings(max_examples=60)
@given(st.text(alphabet='<>;, ="relhubself/:.\\\0é', max_size=200))
def test_no_link_header_is_too_odd(header: str) -> None:
    assert all(not text or text.startswith("http") for text in advertised(header, BASE))


@pytest.mark.parametrize(
    ("address", "callable"),
    [
        ("https://paper.example", True),
        ("http://paper.example", True),
        ("https://93.184.216.34", True),
        ("http://127.0.0.1:8100", False),
        ("http://localhost:8100", False),
        ("https://desk.localhost", False),
        ("http://192.168.1.4", False),
        ("http://[::1]:8100", False),
        ("http://server", False),
        ("http://abcdefgh.onion", False),
    ],
)
def test_who_can_be_called_by_a_hub(address: str, callable: bool) -> None:
    assert may_be_called(address, frozenset()) is callable


def test_loopback_can_be_called_where_a_test_allows_it() -> None:
    assert may_be_called("http://127.0.0.1:8123", frozenset({("127.0.0.1", 8123)}))
    assert not may_be_called("http://127.0.0.1:8124", frozenset({("127.0.0.1", 8123)}))


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("3600", 3600), ("", 864000), ("-5", 864000), ("1e9", 864000), ("٣٦٠٠", 864000), ("999999999", 2592000)],
)
def test_a_promise_lasts_as_said_but_at_most_a_month(said: str, seconds: int) -> None:
    assert promised_until(NOW, said) == NOW + timedelta(seconds=seconds)


def test_asking_again_comes_before_the_end_and_not_every_second() -> None:
    assert renew_at(NOW, NOW + timedelta(days=10)) == NOW + timedelta(days=8)
    assert renew_at(NOW, NOW + timedelta(seconds=1)) == NOW + timedelta(hours=1)


def test_a_failing_hub_is_asked_less_and_less_often_but_never_given_up() -> None:
    waits = [ask_again_at(NOW, failures, 0.0) - NOW for failures in (1, 2, 3, 6, 1000)]
    assert waits == [timedelta(hours=hours) for hours in (1, 2, 4, 24, 24)]
    assert ask_again_at(NOW, 1, 0.0, 7200) == NOW + timedelta(hours=2)
    assert ask_again_at(NOW, 1, 1.0, 10**9) == NOW + timedelta(days=1) * 1.1


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512", "SHA256"])
def test_a_right_signature_holds(method: str) -> None:
    mac = hmac.new(b"secret", b"one two", getattr(hashlib, method.lower())).hexdigest()
    assert is_genuine(f"{method}={mac}", ["other", "secret"], [b"one ", b"two"])
    assert is_genuine(f"{method}={mac.upper()}", ["secret"], [b"one two"])
    assert not is_genuine(f"{method}={mac}", ["secret"], [b"one twO"])
    assert not is_genuine(f"{method}={mac}", ["Secret"], [b"one two"])
    assert not is_genuine(f"{method}={mac[:-1]}", ["secret"], [b"one two"])


@pytest.mark.parametrize("header", ["", "sha256", "md5=" + "0" * 32, "sha256=é" + "0" * 63, "sha256=", "=" + "0" * 64])
def test_a_header_that_is_no_signature_holds_nothing_and_the_body_is_not_read(header: str) -> None:
    def body():
        raise AssertionError("read")
        yield b""

    assert not is_genuine(header, ["secret"], body())
