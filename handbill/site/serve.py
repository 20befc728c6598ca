"""Serve the built site: WSGI without Django. What is no file of the site goes on to the application behind.

Sets what a static mount leaves out: charset, ETag, 304, the security headers, an own 404 page. A path can name nothing
outside the folder, no hidden file, and follows no link out of it.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from threading import Lock
from typing import Any, TypeAlias
from urllib.parse import quote

from handbill.site.plan import file_of

Headers: TypeAlias = list[tuple[str, str]]
Start: TypeAlias = Callable[..., Any]
App: TypeAlias = Callable[[dict[str, Any], Start], Iterable[bytes]]

KINDS = {
    ".html": "text/html; charset=utf-8",
    ".xml": "application/rss+xml; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".epub": "application/epub+zip",
    ".txt": "text/plain; charset=utf-8",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".svg": "image/svg+xml",
}
_LASTING = ("/assets/", "/images/")  # their names change with their content
_TO_KEEP = (".epub", ".html")  # files for a reader to save: a page's own address ends with a slash
_SMALL = 256 * 1024
_KEPT = 2000
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class _File:
    """A file as served; ``body`` None: too large to keep, read from ``path``."""

    path: str
    stamp: tuple[int, int, int]
    etag: str
    modified: float
    body: bytes | None


class SiteFiles:
    """``SiteFiles(folder, app)``: the public face, static site first. ``form_action``: where forms may lead besides."""

    def __init__(self, folder: Path | str, app: App, form_action: str = "") -> None:
        self.folder = os.path.realpath(folder)
        self.app = app
        self.headers = security_headers(form_action)
        self._kept: OrderedDict[str, _File] = OrderedDict()
        self._lock = Lock()

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if environ.get("REQUEST_METHOD") in ("GET", "HEAD"):
            path = site_path(environ)
            if path is not None:
                answer = self._answer(environ, path, start)
                if answer is not None:
                    return answer
        return self._pass_on(environ, start)

    def _answer(self, environ: dict[str, Any], path: str, start: Start) -> Iterable[bytes] | None:
        file = None if path == "/404.html" else self._find(path)
        if file:
            return self._send(environ, file, path, start)
        if not path.endswith("/") and self._find(path + "/"):
            return self._redirect(environ, path, start)
        return None

    def _find(self, path: str) -> _File | None:
        try:
            name = os.path.join(self.folder, file_of(path))  # noqa: PTH118
            real = os.path.realpath(name)
            if real != name or os.path.splitext(name)[1].lower() not in KINDS:  # noqa: PTH122
                return None
            return self._load(name)
        except (ValueError, OSError):
            return None

    def _load(self, name: str) -> _File | None:
        facts = os.stat(name)  # noqa: PTH116
        if not stat.S_ISREG(facts.st_mode):
            return None
        stamp = (facts.st_mtime_ns, facts.st_size, facts.st_ino)
        with self._lock:
            kept = self._kept.get(name)
            if kept and kept.stamp == stamp:
                self._kept.move_to_end(name)
                return kept
        file = _read(name)
        with self._lock:
            self._kept[name] = file
            self._kept.move_to_end(name)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return file

    def _send(self, environ: dict[str, Any], file: _File, path: str, start: Start) -> Iterable[bytes]:
        lasting = path.startswith(_LASTING)
        headers: Headers = [
            ("ETag", file.etag),
            ("Last-Modified", formatdate(file.modified, usegmt=True)),
            ("Cache-Control", "public, max-age=31536000, immutable" if lasting else "public, max-age=60"),
            *self.headers,
        ]
        if _fresh(environ, file):
            start("304 Not Modified", headers)
            return []
        if path.endswith(_TO_KEEP) and not path.endswith("/index.html"):
            headers.append(("Content-Disposition", "attachment"))
        headers.append(("Content-Type", KINDS[os.path.splitext(file.path)[1].lower()]))  # noqa: PTH122
        return _body(environ, start, "200 OK", headers, file)

    def _redirect(self, environ: dict[str, Any], path: str, start: Start) -> Iterable[bytes]:
        query = environ.get("QUERY_STRING", "")
        query = f"?{quote(query, safe='=&%+;,/:@!$()*~-._')}" if query else ""
        headers = [("Location", quote(path) + "/" + query), ("Content-Length", "0"), *self.headers]
        start("308 Permanent Redirect", headers)
        return []

    def _pass_on(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        """The application's own answer with the security headers it lacks; its 404 gets the site's page."""
        seen: dict[str, Any] = {}

        def note(status: str, headers: Headers, exc_info: Any = None) -> Any:
            names = {name.lower() for name, _ in headers}
            full = headers + [(name, value) for name, value in self.headers if name.lower() not in names]
            seen["missing"] = status.startswith("404") and environ.get("REQUEST_METHOD") in ("GET", "HEAD")
            seen["page"] = self._find("/404.html") if seen["missing"] else None
            if seen["page"]:
                return lambda data: None
            return start(status, full, exc_info) if exc_info else start(status, full)

        body = self.app(environ, note)
        page = seen.get("page")
        if page is None:
            return body
        if hasattr(body, "close"):
            body.close()
        headers: Headers = [("Content-Type", KINDS[".html"]), ("Cache-Control", "no-cache"), *self.headers]
        return _body(environ, start, "404 Not Found", headers, page)


def security_headers(form_action: str = "") -> Headers:
    """What every public answer carries: own files only, no script, no frame, no referrer to others."""
    forms = f"'self' {form_action}".strip()
    policy = (
        f"default-src 'none'; img-src 'self'; style-src 'self'; form-action {forms};"
        " base-uri 'none'; frame-ancestors 'none'"
    )
    return [
        ("Content-Security-Policy", policy),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "same-origin"),
        ("Permissions-Policy", "camera=(), microphone=(), geolocation=()"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
    ]


def site_path(environ: dict[str, Any]) -> str | None:
    """The path asked for, as text; None when it can't be one of the site's.

    WSGI servers hand the decoded path over as Latin-1 text (PEP 3333). It is decoded once only: ``%252e`` stays so.
    """
    raw = environ.get("PATH_INFO", "") or "/"
    try:
        path = raw.encode("latin-1").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return None
    try:
        file_of(path)
    except ValueError:
        return None
    return path


def _read(name: str) -> _File:
    with open(name, "rb") as file:  # noqa: PTH123
        facts = os.fstat(file.fileno())
        stamp = (facts.st_mtime_ns, facts.st_size, facts.st_ino)
        if facts.st_size <= _SMALL:
            body = file.read()
            etag = hashlib.sha256(body).hexdigest()[:32]
            return _File(name, stamp, f'"{etag}"', facts.st_mtime, body)
        return _File(name, stamp, f'"{stamp[0]:x}-{stamp[1]:x}-{stamp[2]:x}"', facts.st_mtime, None)


def _fresh(environ: dict[str, Any], file: _File) -> bool:
    """RFC 9110: If-None-Match decides alone when it is there."""
    tags = environ.get("HTTP_IF_NONE_MATCH")
    if tags is not None:
        return tags.strip() == "*" or file.etag in [tag.strip().removeprefix("W/") for tag in tags.split(",")]
    try:
        since = parsedate_to_datetime(environ["HTTP_IF_MODIFIED_SINCE"]).timestamp()
    except (KeyError, ValueError, TypeError, OverflowError):
        return False
    return int(file.modified) <= since


def _body(environ: dict[str, Any], start: Start, status: str, headers: Headers, file: _File) -> Iterable[bytes]:
    if file.body is not None:
        start(status, [*headers, ("Content-Length", str(len(file.body)))])
        return [] if environ.get("REQUEST_METHOD") == "HEAD" else [file.body]
    handle = open(file.path, "rb")  # noqa: PTH123, SIM115
    start(status, [*headers, ("Content-Length", str(os.fstat(handle.fileno()).st_size))])
    if environ.get("REQUEST_METHOD") == "HEAD":
        handle.close()
        return []
    return _Chunks(handle)


class _Chunks:
    """A large file in pieces; the server closes it."""

    def __init__(self, handle: Any) -> None:
        self.handle = handle

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.handle.read(_CHUNK):
            yield piece

    def close(self) -> None:
        self.handle.close()
