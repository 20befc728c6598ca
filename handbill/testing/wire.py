"""A web server on loopback that answers as told: the outlets of tests and of the demo. Never for real use.

``routes`` maps a path (with its query, if any) to an ``Answer`` and may be changed or replaced while the server runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

from handbill.kit import clock
from handbill.testing.server import HOST, Loopback

MAX_BODY = 1 << 20  # bytes of a request; the helper is no upload server


@dataclass(frozen=True, slots=True)
class Answer:
    """What a path says. ``etag`` None is derived from the body, "" sends none; 304 is answered only for a 200."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    etag: str | None = None
    last_modified: str = ""

    @property
    def tag(self) -> str:
        """The ETag that goes out, with its quotes, or ""."""
        if self.etag is None:
            return f'"{hashlib.sha256(self.body).hexdigest()[:20]}"' if self.status == 200 else ""
        return self.etag


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: datetime


NOT_FOUND = Answer(404, b"Nothing is here.\n")


class LoopbackWire(Loopback):
    """``with LoopbackWire({"/feed": Answer(body=...)}) as wire: fetch(wire.address + "/feed")``."""

    def __init__(self, routes: Mapping[str, Answer] | None = None, port: int = 0) -> None:
        self.routes: dict[str, Answer] = dict(routes or {})
        self.requests: list[Request] = []
        super().__init__(_Handler, port)

    def __enter__(self) -> LoopbackWire:
        return self

    @property
    def address(self) -> str:
        """``http://127.0.0.1:PORT``, with no slash at the end."""
        return f"http://{HOST}:{self.port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "LoopbackWire"
    sys_version = ""
    timeout = 60
    wbufsize = -1
    disable_nagle_algorithm = True
    server: Any

    def do_GET(self) -> None:
        owner: LoopbackWire = self.server.owner
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 <= length <= MAX_BODY:
            self.close_connection = True
            return self._send(Answer(413, b"Too much.\n"), 413)
        headers = {name.lower(): value for name, value in self.headers.items()}
        owner.requests.append(Request(self.command, self.path, headers, self.rfile.read(length), clock.now()))
        answer = owner.routes.get(self.path, NOT_FOUND)
        if answer.delay_seconds and not self.server.pause(answer.delay_seconds):
            self.close_connection = True
            return None
        return self._send(answer, 304 if _unchanged(answer, headers) else answer.status)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET

    def _send(self, answer: Answer, status: int) -> None:
        self.send_response(status)
        if answer.tag:
            self.send_header("ETag", answer.tag)
        if answer.last_modified:
            self.send_header("Last-Modified", answer.last_modified)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if status != 304 and self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are kept in ``requests``, not printed."""


def _unchanged(answer: Answer, headers: Mapping[str, str]) -> bool:
    """RFC 9110, 13.1: If-None-Match decides; If-Modified-Since only where it is absent."""
    if answer.status != 200:
        return False
    asked = headers.get("if-none-match")
    if asked is not None:
        tags = {tag.strip().removeprefix("W/") for tag in asked.split(",")}
        return bool(answer.tag) and ("*" in tags or answer.tag.removeprefix("W/") in tags)
    return bool(answer.last_modified) and headers.get("if-modified-since") == answer.last_modified
