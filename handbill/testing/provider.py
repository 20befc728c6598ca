"""A provider's API on loopback that keeps what it is asked and misbehaves as told. For tests and the demo only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, TypeAlias

from handbill.testing.relay import Drop, Stall
from handbill.testing.server import Loopback

QUEUED = b'{"id": "<1@provider.example>", "message": "Queued. Thank you.", "messageId": "1", "MessageId": "1"}'


@dataclass(frozen=True, slots=True)
class Request:
    """One request: ``headers`` by name in small letters."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Says:
    """The answer. ``claims``: the length it announces, where that isn't true; ``times``: the body over and over."""

    status: int = 200
    body: bytes = QUEUED
    headers: Mapping[str, str] = field(default_factory=dict)
    claims: int = -1
    times: int = 1


Act: TypeAlias = Says | Stall | Drop


class LoopbackProvider(Loopback):
    """``script`` is given each request and its number, and says what to answer (None: queued)."""

    def __init__(self, script: Callable[[Request, int], Act | None] | None = None) -> None:
        self.script = script
        self.requests: list[Request] = []
        self.lock = threading.Lock()
        super().__init__(_Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def __enter__(self) -> LoopbackProvider:
        return self


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        owner: LoopbackProvider = self.server.owner  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = Request(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        with owner.lock:
            owner.requests.append(request)
            number = len(owner.requests)
        act = owner.script(request, number) if owner.script else None
        if isinstance(act, Stall):
            self.server.pause(act.seconds)  # type: ignore[attr-defined]
        if isinstance(act, Drop):
            self.close_connection = True
            return
        says = act if isinstance(act, Says) else Says()
        self.send_response(says.status)
        for name, value in says.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(says.claims if says.claims >= 0 else len(says.body) * says.times))
        self.end_headers()
        for _ in range(says.times):
            self.wfile.write(says.body)
        self.close_connection = says.claims >= 0

    def log_message(self, *arguments: Any) -> None:
        """Nothing is written anywhere."""
