"""The loopback wire answers as its routes say, to a client that is not ours."""

import socket
from collections.abc import Iterator

import pytest
import urllib3

from handbill.testing.wire import Answer, LoopbackWire

FEED = Answer(body=b"<rss/>", content_type="application/rss+xml", last_modified="Sat, 21 Nov 2026 08:00:00 GMT")


@pytest.fixture
def wire() -> Iterator[LoopbackWire]:
    with LoopbackWire({"/feed": FEED}) as wire:
        yield wire


def get(wire: LoopbackWire, path: str, **headers: str) -> urllib3.BaseHTTPResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return urllib3.request("GET", wire.address + path, headers=named, timeout=10, retries=False)


def test_a_route_answers_and_is_recorded(wire: LoopbackWire) -> None:
    answer = get(wire, "/feed", User_Agent="Test/1")
    assert (answer.status, answer.data) == (200, b"<rss/>")
    assert answer.headers["Content-Type"] == "application/rss+xml"
    [request] = wire.requests
    assert (request.method, request.path, request.headers["user-agent"]) == ("GET", "/feed", "Test/1")


def test_what_was_seen_before_is_not_sent_again(wire: LoopbackWire) -> None:
    tag = get(wire, "/feed").headers["ETag"]
    again = get(wire, "/feed", If_None_Match=tag)
    assert (again.status, again.data) == (304, b"")
    assert get(wire, "/feed", If_Modified_Since=FEED.last_modified).status == 304
    assert get(wire, "/feed", If_None_Match='"other"', If_Modified_Since=FEED.last_modified).status == 200


def test_a_changed_route_changes_the_tag(wire: LoopbackWire) -> None:
    tag = get(wire, "/feed").headers["ETag"]
    wire.routes["/feed"] = Answer(body=b"<rss></rss>")
    assert get(wire, "/feed", If_None_Match=tag).data == b"<rss></rss>"


def test_unknown_paths_failures_and_redirects(wire: LoopbackWire) -> None:
    wire.routes["/bad"] = Answer(500, b"Broken.")
    wire.routes["/old"] = Answer(301, headers={"Location": "/feed"})
    assert get(wire, "/none").status == 404
    assert (get(wire, "/bad").status, get(wire, "/bad").data) == (500, b"Broken.")
    assert get(wire, "/old").headers["Location"] == "/feed"


def test_head_sends_no_body_and_post_is_kept(wire: LoopbackWire) -> None:
    with socket.create_connection(("127.0.0.1", wire.port), 10) as raw:
        raw.sendall(b"HEAD /feed HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        head = b"".join(iter(lambda: raw.recv(4096), b""))
    assert b"Content-Length: 6\r\n" in head
    assert head.endswith(b"\r\n\r\n")
    urllib3.request("POST", wire.address + "/feed", body=b"hello")
    assert wire.requests[-1].body == b"hello"


def test_closing_ends_a_slow_answer() -> None:
    with LoopbackWire({"/slow": Answer(delay_seconds=3600)}) as wire, pytest.raises(urllib3.exceptions.HTTPError):
        urllib3.request("GET", wire.address + "/slow", timeout=urllib3.Timeout(read=0.2), retries=False)
    with pytest.raises(urllib3.exceptions.HTTPError):
        urllib3.request("GET", wire.address + "/slow", timeout=10, retries=False)
