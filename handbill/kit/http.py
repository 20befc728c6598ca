"""The guarded client: ask one address from outside without being led, flooded or stalled.

Every hop is read once (``kit.urls``), resolved once, refused if any answer is not public, and connected to at the very
address that was checked, with the right Host, SNI and certificate name. Ports 80 and 443 only, at most five redirects,
no proxy and no credentials from the environment, gzip or nothing. One deadline covers names, connections, headers and
body of all hops, so a slow drip can't stretch it; headers, body, inflated body and their ratio are capped.

The connections below are ``kit.pinned``'s.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import TypeAlias
from urllib.parse import urlencode, urljoin

from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from handbill.kit import clock
from handbill.kit.errors import GiveUp, TryLater
from handbill.kit.pinned import Limits, PinnedHTTP, PinnedHTTPS, TooMuch, connect_to
from handbill.kit.urls import AddressRefused, WebAddress, read_address, why_not_public

MAX_BYTES = 15 * 1024 * 1024
LARGE_BYTES = 256 * 1024  # of a body; only some may be larger at once
MAX_HOPS = 5
MAX_HEADER_BYTES = 64 * 1024
MAX_RATIO = 200  # inflated to received; text reaches 60
RATIO_FREE_BYTES = 1024 * 1024  # below this a ratio says nothing
PORTS = frozenset({80, 443})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
PERMANENT = frozenset({301, 308})
PASSING = frozenset({408, 421, 425, 429})  # 4xx that may be gone tomorrow
CHUNK = 64 * 1024
ACCEPT = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"

Resolver: TypeAlias = Callable[[str, int], list[str]]
"""From host and port to every IP address it has; raises OSError."""


class FetchLater(TryLater):
    """A passing fault. ``retry_after`` is how many seconds the server asked for, else None.

    ``host`` is named where the whole host is the trouble (it is silent, refuses, or asks for rest), not one address.
    """

    def __init__(self, sentence: str, retry_after: int | None = None, *, host: str = "") -> None:
        super().__init__(sentence)
        self.retry_after = retry_after
        self.host = host


class FetchRefused(GiveUp):
    """We refuse the address or the answer, or the server refuses us for good. ``status`` is its answer, if any."""

    def __init__(self, sentence: str, status: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True, slots=True)
class Guard:
    """What may be reached besides the public internet: exact pairs of host and port that must lead to loopback."""

    allow_loopback: frozenset[tuple[str, int]] = field(default_factory=frozenset)

    def check(self, address: WebAddress, answers: list[str]) -> None:
        """Raises FetchRefused unless every answer may be connected to."""
        if (address.host, address.port) in self.allow_loopback:
            if not all(_is_loopback(answer) for answer in answers):
                raise FetchRefused(f"{address.host} is allowed as loopback but leads elsewhere. Mend the allow-list.")
            return
        if address.port not in PORTS:
            raise FetchRefused(f"Port {address.port} is not fetched from, only 80 and 443. Look for another address.")
        for answer in answers:
            why = why_not_public(answer)
            if why:
                where = answer if answer == address.host.strip("[]") else f"{address.host} leads to {answer}"
                raise FetchRefused(f"{where}: {why}. Only public addresses are fetched.")


class Allowance:
    """How much the bodies of many fetches at once may take: at most ``many`` of them are large, the others wait."""

    def __init__(self, many: int = 6) -> None:
        self._turns = threading.BoundedSemaphore(many)

    def loan(self) -> Loan:
        """For one fetch; whoever is done with its body ends it."""
        return Loan(self._turns)


class Loan:
    """The right to hold one large body; taken when the body turns out to be one."""

    def __init__(self, turns: threading.BoundedSemaphore) -> None:
        self._turns, self._held = turns, False

    def take(self, deadline: float) -> bool:
        """Wait for a turn until ``deadline`` (monotonic); whether there is one."""
        self._held = self._held or self._turns.acquire(timeout=max(deadline - time.monotonic(), 0))
        return self._held

    def end(self) -> None:
        """Somebody else may have the turn; harmless to repeat."""
        if self._held:
            self._held = False
            self._turns.release()


@dataclass(frozen=True, slots=True)
class _Ask:
    """What goes out with each hop, and how much and how long its answer may be."""

    method: str
    headers: dict[str, str]
    body: bytes | None
    max_bytes: int
    deadline: float
    tls: ssl.SSLContext | None
    loan: Loan | None = None
    truncate: bool = False


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, 200 to 299, or 304 with no body. ``url`` is the last hop's.

    Header names are in lower case; what a header said several times is joined with commas (RFC 9110, 5.3).
    ``moved_to`` is the last hop's address where every hop that led there was permanent (301, 308), else empty.
    """

    status: int
    url: str
    headers: dict[str, str]
    body: bytes
    moved_to: str = ""


def fetch(
    url: str,
    *,
    guard: Guard,
    user_agent: str,
    etag: str = "",
    last_modified: str = "",
    max_bytes: int = MAX_BYTES,
    truncate: bool = False,
    seconds: float = 20,
    resolve: Resolver | None = None,
    tls: ssl.SSLContext | None = None,
    loan: Loan | None = None,
) -> Response:
    """GET ``url`` within ``seconds`` for everything together; the body, inflated, has at most ``max_bytes``.

    With ``truncate`` a longer one ends there and no more of it is taken; else it is refused.
    ``etag`` and ``last_modified`` are what an earlier answer carried: unchanged is then a 304. ``resolve`` stands in
    for the system's resolver, ``tls`` is for tests. Before a body grows over LARGE_BYTES it takes ``loan``, which the
    caller ends. Raises FetchLater when a later try may succeed, FetchRefused when it can't; the text is one sentence or
    two for a person and never holds the address's path, which may be private.
    """
    headers = {"Accept": ACCEPT, **_printable({"If-None-Match": etag, "If-Modified-Since": last_modified})}
    ask = replace(_ask("GET", headers, None, user_agent, max_bytes, seconds, tls), loan=loan, truncate=truncate)
    moved: bool | None = None  # whether every hop so far was permanent; None before the first
    for _ in range(MAX_HOPS + 1):
        address = _read(url)
        answer = _one_hop(address, ask, guard, resolve or system_resolver)
        if answer.status not in REDIRECTS:
            accepted = _accept(answer, address, conditional=bool(etag or last_modified))
            return replace(accepted, moved_to=address.text if moved else "")
        moved = moved is not False and answer.status in PERMANENT
        url = _next_hop(answer, address)
    raise FetchRefused(f"The address was redirected more than {MAX_HOPS} times. Look for its new address.")


def post(
    url: str,
    data: Mapping[str, str] | bytes,
    *,
    guard: Guard,
    user_agent: str,
    content_type: str = "application/octet-stream",
    max_bytes: int = 64 * 1024,
    seconds: float = 20,
    resolve: Resolver | None = None,
    tls: ssl.SSLContext | None = None,
) -> Response:
    """POST a form (a mapping) or bytes of ``content_type`` to ``url``, behind the same guard as ``fetch``.

    No redirect is followed: what was written for one address is not handed to another. Raises what ``fetch`` raises.
    """
    body = data if isinstance(data, bytes) else urlencode(data).encode()
    kind = content_type if isinstance(data, bytes) else "application/x-www-form-urlencoded"
    ask = _ask("POST", {"Content-Type": kind}, body, user_agent, max_bytes, seconds, tls)
    address = _read(url)
    answer = _one_hop(address, ask, guard, resolve or system_resolver)
    if answer.status in REDIRECTS:
        raise FetchRefused(f"{address.host} redirects what is sent to it. Look for its new address.", answer.status)
    return _accept(answer, address, conditional=False)


def system_resolver(host: str, port: int) -> list[str]:
    """Ask the system. Raises OSError when the name has no address."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _read(url: str) -> WebAddress:
    try:
        return read_address(url)
    except AddressRefused as error:
        raise FetchRefused(str(error)) from None


def _ask(
    method: str,
    headers: dict[str, str],
    body: bytes | None,
    user_agent: str,
    max_bytes: int,
    seconds: float,
    tls: ssl.SSLContext | None,
) -> _Ask:
    always = {"Accept-Encoding": "gzip", "Connection": "close", **_printable({"User-Agent": user_agent})}
    return _Ask(method, {**headers, **always}, body, max_bytes, time.monotonic() + seconds, tls)


def _printable(headers: dict[str, str]) -> dict[str, str]:
    """Values from outside go back out only if they are plain printable text."""
    return {name: value for name, value in headers.items() if re.fullmatch(r"[\x20-\x7e]{1,1000}", value)}


def _one_hop(address: WebAddress, ask: _Ask, guard: Guard, resolve: Resolver) -> Response:
    answers = _resolve(address, resolve, ask.deadline)
    guard.check(address, answers)
    connection = connect_to(address, answers, Limits(ask.deadline, MAX_HEADER_BYTES), ask.tls)
    try:
        return _exchange(connection, address, ask)
    except TimeoutError:
        raise _too_slow(address) from None
    except ssl.SSLCertVerificationError as error:
        raise FetchLater(f"{address.host} shows a certificate that doesn't hold: {error.verify_message}.") from None
    except (OSError, HTTPError, http.client.HTTPException, ValueError) as error:
        raise _readable(error, address) from None
    finally:
        connection.close()


def _readable(error: Exception, address: WebAddress) -> FetchLater | FetchRefused:
    """urllib3 wraps what the socket raised: look for it in the chain."""
    seen: set[int] = set()
    inner: BaseException | None = error
    while inner is not None and id(inner) not in seen:
        seen.add(id(inner))
        if isinstance(inner, TooMuch):
            return FetchRefused(f"{address.host} sends more than is taken. Look for a shorter feed.")
        if isinstance(inner, TimeoutError):
            return _too_slow(address)
        inner = inner.__cause__ or inner.__context__
    if isinstance(error, ConnectionRefusedError):
        return FetchLater(f"{address.host} refuses connections. It is tried again later.", host=address.host)
    if isinstance(error, ssl.SSLError):
        return FetchLater(f"{address.host} can't be talked to safely (TLS). It is tried again later.")
    if isinstance(error, http.client.HTTPException | ValueError):
        return FetchLater(f"{address.host} gives an answer that is not HTTP. It is tried again later.")
    return FetchLater(f"The connection to {address.host} failed or broke off. It is tried again later.")


def _too_slow(address: WebAddress) -> FetchLater:
    return FetchLater(f"{address.host} was too slow to answer in time. It is tried again later.", host=address.host)


def look_up(address: WebAddress, seconds: float, resolve: Resolver | None = None) -> list[str]:
    """Every network address of the host; nothing is checked yet. Raises FetchLater when there is none in time."""
    return _resolve(address, resolve or system_resolver, time.monotonic() + seconds)


def _resolve(address: WebAddress, resolve: Resolver, deadline: float) -> list[str]:
    """In a thread of its own, since the system's resolver has no time limit; a number needs no resolver."""
    if address.is_number:
        return [address.host]
    found: list[str] = []

    def ask() -> None:
        try:
            found.extend(resolve(address.host, address.port))
        except (OSError, UnicodeError):
            found.clear()

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(max(deadline - time.monotonic(), 0))
    answers = [] if asking.is_alive() else found
    if not answers:
        raise FetchLater(
            f"The name {address.host} has no address at present. Check its spelling if this lasts.", host=address.host
        )
    return answers


def _exchange(connection: PinnedHTTP | PinnedHTTPS, address: WebAddress, ask: _Ask) -> Response:
    limits = connection.limits
    connection.request(
        ask.method,
        address.target,
        body=ask.body,
        headers={"Host": address.authority, **ask.headers},
        preload_content=False,
        decode_content=False,
    )
    answer = connection.getresponse()
    kept = {name.lower(): value for name, value in answer.headers.itermerged()}
    if not 200 <= answer.status < 300:
        return Response(answer.status, address.text, kept, b"")
    limits.allowance = 2 * ask.max_bytes + MAX_HEADER_BYTES  # room for chunk marks
    return Response(answer.status, address.text, kept, _body(answer, kept, address, ask))


def _body(answer: BaseHTTPResponse, headers: dict[str, str], address: WebAddress, ask: _Ask) -> bytes:
    max_bytes = ask.max_bytes
    coding = headers.get("content-encoding", "").strip().lower()
    if coding not in ("", "identity", "gzip", "x-gzip"):
        raise FetchRefused(f"{address.host} packs its answer in a way that was not asked for ({coding[:40]!r}).")
    too_large = FetchRefused(
        f"The answer of {address.host} is larger than {_mebibytes(max_bytes)}. Look for a shorter feed."
    )
    length = headers.get("content-length", "")
    if length.isascii() and length.isdigit() and (len(length) > 15 or int(length) > max_bytes) and not ask.truncate:
        raise too_large
    pieces: list[bytes] = []
    received = inflated = 0
    unpack = _gunzip() if coding.endswith("gzip") else None
    for raw in _raw(answer):
        received += len(raw)
        for piece in unpack(raw) if unpack else (raw,):
            inflated += len(piece)
            pieces.append(piece)
            if max(inflated, received) > max_bytes:
                if ask.truncate:
                    return b"".join(pieces)[:max_bytes]
                raise too_large
            if inflated > RATIO_FREE_BYTES and inflated > MAX_RATIO * received:
                raise FetchRefused(f"The answer of {address.host} swells more than {MAX_RATIO} times when unpacked.")
        if inflated > LARGE_BYTES and ask.loan and not ask.loan.take(ask.deadline):
            raise FetchLater("Too many large answers came at once. It is tried again later.")
    if unpack is not None and received and not unpack.whole:
        raise FetchLater(f"The answer of {address.host} broke off before its end. It is tried again later.")
    return b"".join(pieces)


def _raw(answer: BaseHTTPResponse) -> Iterator[bytes]:
    while piece := answer.read(CHUNK, decode_content=False):
        yield piece


class _gunzip:
    """Unpack piece by piece, at most CHUNK bytes at a time; members that follow one another are joined."""

    def __init__(self) -> None:
        self._inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self.whole = False

    def __call__(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._inflater.eof:
                if not data.startswith(b"\x1f"):  # padding after the last member
                    return
                self._inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
            try:
                piece = self._inflater.decompress(data, CHUNK)
            except zlib.error:
                raise FetchLater(
                    "The answer is packed wrongly and can't be unpacked. It is tried again later."
                ) from None
            data = self._inflater.unused_data if self._inflater.eof else self._inflater.unconsumed_tail
            self.whole = self._inflater.eof
            if piece:
                yield piece


def _next_hop(answer: Response, address: WebAddress) -> str:
    target = answer.headers.get("location", "")
    if not target:
        raise FetchLater(f"{address.host} redirects without saying where to. It is tried again later.")
    with contextlib.suppress(UnicodeError):  # sent raw as UTF-8, read as Latin-1
        target = target.encode("latin-1").decode("utf-8")
    try:
        return urljoin(address.text, target.strip())
    except ValueError:
        raise FetchRefused(f"{address.host} redirects to something that is no address.") from None


def _accept(answer: Response, address: WebAddress, *, conditional: bool) -> Response:
    status, host = answer.status, address.host
    if 200 <= status < 300 or (status == 304 and conditional):
        return answer
    retry = _retry_after(answer.headers.get("retry-after", ""))
    if status == 429:
        raise FetchLater(f"{host} asks to be visited less often (429). It is tried again later.", retry, host=host)
    if status >= 500 or status in PASSING or status == 304:
        sentence = f"{host} has a fault of its own ({status}). It is tried again later."
        raise FetchLater(sentence, retry, host=host if status == 503 else "")
    if status in (404, 410):
        raise FetchRefused(f"{host} has nothing at this address ({status}). Look for its new address.", status)
    if status in (401, 402, 403, 407, 451):
        raise FetchRefused(f"{host} doesn't let us in ({status}). Ask the outlet, or look for another address.", status)
    raise FetchRefused(f"{host} gives an answer that can't be used ({status}). Check the address.", status)


def _retry_after(text: str) -> int | None:
    """Seconds from now; RFC 9110, 10.2.3 allows a number or a date."""
    if re.fullmatch(r"[0-9]{1,9}", text.strip()):
        return int(text)
    try:
        at = parsedate_to_datetime(text)
        return max(int((at - clock.now()).total_seconds()), 0)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def _is_loopback(answer: str) -> bool:
    return answer == "::1" or answer.startswith("127.")


def _mebibytes(count: int) -> str:
    return f"{count / 1048576:.3g} MiB"
