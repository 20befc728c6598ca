"""Ten thousand outlets on loopback, in one process: each host is an address of 127.0.0.0/8.

``python -m bench.gather_outlets`` prints two ports, an open one and one that refuses, and serves until its input ends.
``/quiet`` answers 304 to whoever knows its mark, ``/news`` gives 20 new entries at each visit, ``/slow`` never answers,
``/count`` says how many answers were given.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import sys

ENTRIES = 20
WORDS = (
    "The council of the valley met on Tuesday to speak about the river, its bridges and who is to pay for them. " * 5
)
NOTHING_NEW = b'HTTP/1.1 304 Not Modified\r\nETag: "quiet"\r\nConnection: close\r\n\r\n'


class Outlet(asyncio.Protocol):
    """One connection."""

    answered = 0
    visits = itertools.count(1)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Nothing is held but the request."""
        self.transport, self.request = transport, b""

    def data_received(self, data: bytes) -> None:
        """Answer a whole request."""
        self.request += data
        if b"\r\n\r\n" not in self.request:
            return
        path = self.request.split(b" ", 2)[1]
        if path == b"/slow":
            return
        if path == b"/count":
            answer = _ok(json.dumps(Outlet.answered).encode(), "application/json")
        else:
            Outlet.answered += 1
            answer = NOTHING_NEW if path == b"/quiet" else _ok(_feed(next(Outlet.visits)), "application/rss+xml")
        self.transport.write(answer)  # type: ignore[attr-defined]
        self.transport.close()


def _ok(body: bytes, kind: str) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


def _feed(visit: int) -> bytes:
    items = "".join(
        f"<item><title>News {visit}.{n} of the valley</title><link>/story/{visit}/{n}</link><guid>{visit}-{n}</guid>"
        f"<pubDate>Sat, 21 Nov 2026 08:{n:02}:00 GMT</pubDate><description>&lt;p>{WORDS}&lt;/p></description></item>"
        for n in range(ENTRIES)
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>Outlet</title>{items}</channel></rss>'.encode()


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Outlet, "0.0.0.0", 0, backlog=4096)
    with socket.socket() as closed:
        closed.bind(("0.0.0.0", 0))
        print(server.sockets[0].getsockname()[1], closed.getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve())
