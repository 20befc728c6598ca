"""The guarded client against servers that mislead, flood, stall and babble, on loopback."""

import gzip
import ipaddress
import itertools
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from handbill.kit import http
from handbill.kit.http import Allowance, FetchLater, FetchRefused, Guard, Response, fetch, look_up, post
from handbill.kit.urls import read_address

FEED = b"<rss><channel/></rss>"
Script = Callable[[socket.socket, bytes], None]


@contextmanager
def peer(*scripts: Script, tls: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[bytes]]]:
    """A server whose n-th connection runs the n-th script (the last one repeats); gives its port and the requests."""
    listener = socket.create_server(("127.0.0.1", 0))
    requests: list[bytes] = []
    open_sockets: list[socket.socket] = [listener]
    turns = itertools.chain(scripts, itertools.repeat(scripts[-1]))

    def handle(sock: socket.socket, script: Script) -> None:
        try:
            if tls:
                sock = tls.wrap_socket(sock, server_side=True)
                open_sockets.append(sock)
            request = b""
            while b"\r\n\r\n" not in request:
                piece = sock.recv(65536)
                if not piece:
                    return
                request += piece
            requests.append(request)
            script(sock, request)
        except OSError:
            pass
        finally:
            sock.close()

    def listen() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            open_sockets.append(sock)
            threading.Thread(target=handle, args=(sock, next(turns)), daemon=True).start()

    threading.Thread(target=listen, daemon=True).start()
    try:
        yield listener.getsockname()[1], requests
    finally:
        for sock in open_sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()


def says(body: bytes = FEED, *, status: str = "200 OK", head: str = "", length: int | None = None) -> Script:
    def script(sock: socket.socket, _: bytes) -> None:
        size = len(body) if length is None else length
        sock.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{head}\r\n".encode() + body)

    return script


def raw(data: bytes) -> Script:
    return lambda sock, _: sock.sendall(data)


def drips(start: bytes, drop: bytes) -> Script:
    """Send ``start``, then ``drop`` every few milliseconds until the client is gone."""

    def script(sock: socket.socket, _: bytes) -> None:
        sock.sendall(start)
        gone = threading.Event()
        while not gone.wait(0.01):
            sock.sendall(drop)

    return script


def get(port: int, path: str = "/feed", host: str = "127.0.0.1", scheme: str = "http", **options: object) -> Response:
    guard = Guard(frozenset({(host, port)}))
    return fetch(
        f"{scheme}://{host}:{port}{path}", guard=guard, user_agent="Test/1 (+https://paper.example)", **options
    )  # type: ignore[arg-type]


def test_a_plain_fetch_says_who_asks_and_takes_only_gzip(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/")
    with peer(says(head='ETag: "one"\r\n')) as (port, requests):
        answer = get(port, "/feed?a=1&b=%20")
    assert (answer.status, answer.body, answer.headers["etag"]) == (200, FEED, '"one"')
    assert answer.url == f"http://127.0.0.1:{port}/feed?a=1&b=%20"
    head = requests[0].decode().split("\r\n")
    assert head[0] == "GET /feed?a=1&b=%20 HTTP/1.1"
    assert f"Host: 127.0.0.1:{port}" in head and "Accept-Encoding: gzip" in head
    assert "User-Agent: Test/1 (+https://paper.example)" in head
    assert not any(line.lower().startswith(("cookie", "authorization", "referer")) for line in head)


def test_what_is_unchanged_is_asked_for_by_its_marks() -> None:
    with peer(says(b"", status="304 Not Modified")) as (port, requests):
        answer = get(port, etag='W/"x"', last_modified="Mon, 02 Nov 2026 08:00:00 GMT")
        assert (answer.status, answer.body) == (304, b"")
        assert b'If-None-Match: W/"x"\r\n' in requests[0]
        assert b"If-Modified-Since: Mon, 02 Nov 2026 08:00:00 GMT\r\n" in requests[0]
        with pytest.raises(FetchLater):
            get(port)


def test_marks_that_would_break_the_request_are_not_sent() -> None:
    with peer(says()) as (port, requests):
        get(port, etag='"a"\r\nX-Evil: 1', last_modified="été")
    assert b"Evil" not in requests[0] and b"If-" not in requests[0]


def test_packed_answers_are_unpacked() -> None:
    body = b"news " * 1000
    with peer(says(gzip.compress(body), head="Content-Encoding: gzip\r\n")) as (port, _):
        assert get(port).body == body


@pytest.mark.parametrize("coding", ["br", "deflate", "zstd", "gzip, gzip", "evil"])
def test_other_packing_is_refused_unread(coding: str) -> None:
    with (
        peer(says(b"x" * 100, head=f"Content-Encoding: {coding}\r\n")) as (port, _),
        pytest.raises(FetchRefused, match="packs its answer"),
    ):
        get(port)


@pytest.mark.parametrize(
    "script",
    [
        says(b"", length=50_000_000),
        says(b"", length=10**30),
        raw(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 200_000),
        raw(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            + b"4000\r\n"
            + b"x" * 0x4000
            + b"\r\n"
            + b"8000\r\n"
            + b"x" * 0x8000
            + b"\r\n"
            + b"f000\r\n"
            + b"x" * 0xF000
        ),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1;" + b"e" * 1000 + b"\r\nx\r\n" * 1),
        says(gzip.compress(b"x" * 200_000), head="Content-Encoding: gzip\r\n"),
        says(gzip.compress(b"x" * 90_000) * 2, head="Content-Encoding: gzip\r\n"),
    ],
    ids=["declared", "absurd", "endless", "chunked", "chunk marks", "packed", "two members"],
)
def test_more_than_the_limit_is_refused_or_fails(script: Script) -> None:
    with peer(script) as (port, _), pytest.raises((FetchRefused, FetchLater)):
        get(port, max_bytes=100_000)


def test_a_bomb_is_refused_by_its_ratio_below_the_limit() -> None:
    with (
        peer(says(gzip.compress(b"\0" * 4_000_000), head="Content-Encoding: gzip\r\n")) as (port, _),
        pytest.raises(FetchRefused, match="swells more than 200 times"),
    ):
        get(port)


@pytest.mark.parametrize(
    "answer",
    [
        says(b"abc" * 100_000),
        says(gzip.compress(b"abc" * 100_000), head="Content-Encoding: gzip\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"8\r\nabcabcab\r\n8\r\ncabcabca\r\n" * 9000),
    ],
)
def test_the_first_bytes_of_a_long_answer_are_enough_where_the_caller_says_so(answer: Script) -> None:
    with peer(answer) as (port, _):
        body = get(port, max_bytes=100_001, truncate=True).body
        assert len(body) == 100_001 and body.startswith(b"abcabcab")
    with peer(says(b"abc")) as (port, _):
        assert get(port, max_bytes=3, truncate=True).body == b"abc"


def test_twenty_megabytes_are_refused_with_a_sentence() -> None:
    with (
        peer(says(b"x" * 20 * 1024 * 1024)) as (port, _),
        pytest.raises(FetchRefused, match=r"larger than 15 MiB\. Look for a shorter feed\."),
    ):
        get(port)


@pytest.mark.parametrize(
    "script",
    [
        raw(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 200_000),
        raw(b"HTTP/1.1 200 OK\r\n" + b"X: yyyyyyy\r\n" * 20_000 + b"\r\n"),
        raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000),
        raw(b"HTTP/1.1 200 OK\r\n" + (b"X: " + b"y" * 60_000 + b"\r\n") * 4 + b"\r\n"),
    ],
    ids=["one long line", "many lines", "endless interim answers", "four long lines"],
)
def test_headers_without_end_are_cut_off(script: Script) -> None:
    with peer(script) as (port, _), pytest.raises((FetchRefused, FetchLater)):
        get(port)


@pytest.mark.parametrize(
    "script",
    [
        drips(b"", b""),
        drips(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        drips(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x"),
        drips(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        drips(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"x")[:10], b"\0"),
    ],
    ids=["silence", "headers", "body", "chunks", "packed"],
)
def test_a_drip_cannot_stretch_the_deadline(script: Script) -> None:
    with peer(script) as (port, _), pytest.raises((FetchLater, FetchRefused)) as caught:
        get(port, seconds=0.3)
    assert "too slow" in str(caught.value) or "packed wrongly" in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 abc nonsense\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x16",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nnonsense",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nnonsense",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 7\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"x" * 100, mtime=0)[:-6],
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nnot packed at all",
    ],
)
def test_babble_and_broken_answers_are_tried_again_later(data: bytes) -> None:
    with peer(raw(data)) as (port, _), pytest.raises(FetchLater) as caught:
        get(port, seconds=5)
    assert str(caught.value).endswith(".")


def test_a_refused_connection_is_tried_again_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    with pytest.raises(FetchLater, match="refuses connections"):
        get(port)


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        ("404 Not Found", FetchRefused, "nothing at this address"),
        ("410 Gone", FetchRefused, "nothing at this address"),
        ("403 Forbidden", FetchRefused, "doesn't let us in"),
        ("418 Teapot", FetchRefused, "can't be used"),
        ("500 Oops", FetchLater, "fault of its own"),
        ("503 Busy", FetchLater, "fault of its own"),
        ("408 Slow", FetchLater, "fault of its own"),
        ("429 Calm down", FetchLater, "less often"),
    ],
)
def test_each_answer_says_whether_to_come_back(status: str, kind: type[Exception], words: str) -> None:
    with peer(says(status=status, head="Retry-After: 77\r\n")) as (port, _), pytest.raises(kind, match=words) as caught:
        get(port, "/secret-token")
    assert "secret-token" not in str(caught.value)
    assert getattr(caught.value, "retry_after", 77) == 77


def moves(to: str, status: str = "301 Moved") -> Script:
    return says(b"", status=status, head=f"Location: {to}\r\n")


def test_redirects_are_followed_and_the_last_address_is_told() -> None:
    with peer(moves("/two"), moves("three?x=1", "308 Moved"), says()) as (port, requests):
        answer = get(port, "/deep/one")
    assert answer.url == f"http://127.0.0.1:{port}/three?x=1"
    assert [request.split()[1] for request in requests] == [b"/deep/one", b"/two", b"/three?x=1"]


@pytest.mark.parametrize(
    ("hops", "moved"),
    [
        ([], False),
        (["301 Moved"], True),
        (["301 Moved", "308 Moved"], True),
        (["301 Moved", "302 Found"], False),
        (["307 For now", "301 Moved"], False),
    ],
)
@pytest.mark.parametrize("status", ["200 OK", "304 Not Modified"])
def test_a_move_is_told_where_every_hop_was_permanent(hops: list[str], moved: bool, status: str) -> None:
    with peer(*(moves(f"/{n}", hop) for n, hop in enumerate(hops)), says(b"", status=status)) as (port, _):
        answer = get(port, etag='"x"')
    assert answer.moved_to == (answer.url if moved else "")


def test_what_a_header_says_twice_is_joined() -> None:
    with peer(says(head="Link: <a>; rel=hub\r\nLink: <b>; rel=self\r\n")) as (port, _):
        assert get(port).headers["link"] == "<a>; rel=hub, <b>; rel=self"


def send(port: int, data: dict[str, str] | bytes, **options: object) -> Response:
    guard = Guard(frozenset({("127.0.0.1", port)}))
    return post(f"http://127.0.0.1:{port}/hub", data, guard=guard, user_agent="Test/1", **options)  # type: ignore[arg-type]


def test_a_form_and_bytes_are_posted() -> None:
    with peer(says(b"", status="202 Accepted")) as (port, requests):
        assert send(port, {"hub.mode": "subscribe", "a": "b&c"}).status == 202
        assert requests[0].startswith(b"POST /hub HTTP/1.1\r\n")
        assert b"Content-Type: application/x-www-form-urlencoded\r\n" in requests[0]
        assert b"Content-Length: 26\r\n" in requests[0]
        send(port, b"{}", content_type="application/json")
        assert b"Content-Type: application/json\r\n" in requests[1]


def test_a_post_is_never_redirected() -> None:
    with peer(moves("/other", "307 For now"), says()) as (port, requests):
        with pytest.raises(FetchRefused, match="redirects what is sent to it"):
            send(port, b"secret")
        assert len(requests) == 1


def test_a_post_is_behind_the_guard_and_its_limits() -> None:
    with pytest.raises(FetchRefused, match="Only public addresses"):
        post("http://hub.example/", b"", guard=Guard(), user_agent="T", resolve=lambda host, port: ["10.0.0.1"])
    with peer(says(b"x" * 100_000)) as (port, _), pytest.raises(FetchRefused, match="larger than"):
        send(port, b"")
    with peer(says(status="503 Full", head="Retry-After: 9\r\n")) as (port, _), pytest.raises(FetchLater) as caught:
        send(port, b"")
    assert caught.value.retry_after == 9


def test_five_hops_are_followed_and_a_sixth_is_not() -> None:
    with peer(*[moves("/next")] * 5, says()) as (port, _):
        assert get(port).status == 200
    with peer(moves("/feed")) as (port, requests):
        with pytest.raises(FetchRefused, match="more than 5 times"):
            get(port)
        assert len(requests) == 6


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://0x7f000001/",
        "http://user:pw@127.0.0.1/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "//10.0.0.1/",
        "http://[bad",
    ],
)
def test_every_hop_is_checked_again(target: str) -> None:
    with peer(moves(target), says()) as (port, requests):
        with pytest.raises(FetchRefused):
            get(port)
        assert len(requests) == 1


def test_a_redirect_to_another_port_of_loopback_is_refused() -> None:
    with (
        peer(says()) as (inner, seen),
        peer(moves(f"http://127.0.0.1:{inner}/")) as (port, _),
        pytest.raises(FetchRefused, match="Port"),
    ):
        get(port)
        assert seen == []


def test_a_redirect_to_nowhere_is_tried_again_later() -> None:
    with peer(says(b"", status="302 Found")) as (port, _), pytest.raises(FetchLater, match="without saying where to"):
        get(port)


def test_a_name_is_resolved_once_and_the_checked_address_is_used() -> None:
    """A second answer would be the attacker's: it must never be asked for."""
    asked: list[tuple[str, int]] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["127.0.0.1"]

    with peer(says()) as (port, requests):
        assert get(port, host="feeds.outlet.example", resolve=resolve).body == FEED
    assert asked == [("feeds.outlet.example", port)]
    assert f"Host: feeds.outlet.example:{port}".encode() in requests[0]


@pytest.mark.parametrize("answers", [["93.184.215.14", "127.0.0.1"], ["10.0.0.5"], ["2606:4700::1", "::1"]])
def test_mixed_answers_are_refused_before_any_connection(answers: list[str]) -> None:
    with pytest.raises(FetchRefused, match="Only public addresses"):
        fetch("http://outlet.example/", guard=Guard(), user_agent="T", resolve=lambda host, port: answers)


def test_a_name_without_address_or_a_resolver_that_hangs_is_tried_again_later() -> None:
    def fails(host: str, port: int) -> list[str]:
        raise socket.gaierror("nothing")

    release = threading.Event()

    def hangs(host: str, port: int) -> list[str]:
        release.wait(30)
        return ["127.0.0.1"]

    for resolve in (fails, hangs, lambda host, port: []):
        with pytest.raises(FetchLater, match="has no address"):
            fetch("http://outlet.example/", guard=Guard(), user_agent="T", resolve=resolve, seconds=0.1)
    release.set()


def test_the_next_address_is_tried_where_the_first_is_dead() -> None:
    with peer(says()) as (port, _):
        assert get(port, host="two.example", resolve=lambda h, p: ["::1", "127.0.0.1"]).body == FEED


def test_a_large_answer_takes_its_turn_and_a_small_one_needs_none() -> None:
    allowance = Allowance(many=1)
    loan, other = allowance.loan(), allowance.loan()
    large = says(b"x" * (http.LARGE_BYTES + 1))
    with peer(large, large, says()) as (port, _):
        assert get(port, loan=loan).status == 200
        with pytest.raises(FetchLater, match="Too many large answers"):
            get(port, loan=other, seconds=0.5)
        assert get(port, loan=other).body == FEED
        loan.end()
        assert other.take(0)


def test_a_fault_of_the_whole_host_names_it() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(FetchLater) as refused:
            get(closed.getsockname()[1])
    assert refused.value.host == "127.0.0.1"
    for status, host in (("429 Slow", "127.0.0.1"), ("503 Full", "127.0.0.1"), ("500 Oops", ""), ("408 Late", "")):
        with peer(says(status=status)) as (port, _), pytest.raises(FetchLater) as caught:
            get(port)
        assert caught.value.host == host
    with pytest.raises(FetchLater) as nowhere:
        look_up(read_address("http://outlet.example/"), 1, lambda host, port: [])
    assert nowhere.value.host == "outlet.example"


def certificate(folder: Path, name: str) -> ssl.SSLContext:
    """A server context for ``name``; its self-signed certificate is ``folder/cert.pem``."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.9.9.9"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def test_tls_asks_for_the_name_and_believes_only_its_certificate(tmp_path: Path) -> None:
    server = certificate(tmp_path, "feeds.outlet.example")
    names: list[str | None] = []
    server.sni_callback = lambda sock, name, context: names.append(name)
    trusting = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    options = {"scheme": "https", "resolve": lambda host, port: ["127.0.0.1"]}
    with peer(says(), tls=server) as (port, _):
        assert get(port, host="feeds.outlet.example", tls=trusting, **options).body == FEED
        assert names == ["feeds.outlet.example"]
        with pytest.raises(FetchLater, match="certificate"):
            get(port, host="other.example", tls=trusting, **options)
        with pytest.raises(FetchLater, match="certificate"):
            get(port, host="feeds.outlet.example", **options)
    with (
        peer(drips(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x"), tls=server) as (port, _),
        pytest.raises(FetchLater, match="too slow"),
    ):
        get(port, host="feeds.outlet.example", tls=trusting, seconds=0.3, **options)
    with peer(says()) as (port, _), pytest.raises(FetchLater):
        get(port, host="feeds.outlet.example", tls=trusting, seconds=1, **options)


def test_a_handshake_that_never_ends_meets_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(FetchLater, match="too slow"):
        get(silent.getsockname()[1], scheme="https", seconds=0.2)
