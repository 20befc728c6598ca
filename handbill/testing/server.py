"""A threaded TCP server on loopback with a free port, shared by the helpers of tests and the demo.

For tests and the demo only: it never listens on anything but 127.0.0.1.
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import sys
import threading
from types import TracebackType
from typing import Any

HOST = "127.0.0.1"


class LoopbackServer(socketserver.ThreadingTCPServer):
    """Answers on 127.0.0.1 from construction to ``close()``; one thread for each connection.

    ``port`` is the port asked for, or a free one for 0. Handlers find their owner in ``server.owner`` and wait with
    ``server.pause`` so that closing never waits for them.
    """

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, handler: type[socketserver.BaseRequestHandler], owner: Any, port: int = 0) -> None:
        super().__init__((HOST, port), handler)
        self.owner = owner
        self.port: int = self.server_address[1]
        self._closing = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def pause(self, seconds: float) -> bool:
        """Wait; False when the server closed meanwhile."""
        return not self._closing.wait(seconds)

    def learn(self, request: Any) -> None:
        """A connection to cut at the end, also one that goes on under TLS."""
        with self._lock:
            self._open.add(request)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.learn(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news; anything else is a fault of the helper and is shown."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def close(self) -> None:
        """Stop listening and cut every connection; closing twice is harmless."""
        if self._closing.is_set():
            return
        self._closing.set()
        self.shutdown()
        self._thread.join()
        self.server_close()
        self.cut()

    def cut(self) -> None:
        """End every connection, in mid-word."""
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class Loopback:
    """Base of the helpers: a context manager around one LoopbackServer."""

    def __init__(self, handler: type[socketserver.BaseRequestHandler], port: int = 0) -> None:
        self._server = LoopbackServer(handler, self, port)

    @property
    def port(self) -> int:
        return self._server.port

    def cut(self) -> None:
        """End every connection, in mid-word."""
        self._server.cut()

    def close(self) -> None:
        """Stop listening and cut every connection; closing twice is harmless."""
        self._server.close()

    def __enter__(self):  # type: ignore[no-untyped-def]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
