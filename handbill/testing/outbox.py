"""The outbox of the demo: a small web view of the mails a loopback relay has taken. For tests and the demo only.

``/outbox/`` lists them, newest first; ``/outbox/N/`` shows the N-th mail's HTML part in a frame without scripts,
``/outbox/N/text`` its text part and ``/outbox/N/source`` its bytes; ``/outbox/N/html`` is the frame's content. A mail
is hostile until shown otherwise: no page here runs a script, and nothing is loaded from elsewhere.
"""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from html import escape
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from handbill.testing.relay import LoopbackRelay, Taken, read_folder
from handbill.testing.server import HOST, Loopback

A_PAGE = 100  # mails on one page of the list
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; frame-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'"
)
MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)
VIEWS = {"": "As HTML", "text": "As text", "source": "Source"}


@dataclass(frozen=True, slots=True)
class Shown:
    """What an address answers with."""

    status: int
    content_type: str
    body: bytes
    policy: str = PAGE_POLICY
    location: str = ""


class Outbox(Loopback):
    """Serve the mails of a ``LoopbackRelay``, or of the folder it writes to, at ``.address`` + ``/outbox/``."""

    def __init__(self, mails: LoopbackRelay | Path, port: int = 0) -> None:
        self._mails = mails
        super().__init__(_Handler, port)

    def __enter__(self) -> Outbox:
        return self

    @property
    def address(self) -> str:
        """``http://127.0.0.1:PORT``, with no slash at the end."""
        return f"http://{HOST}:{self.port}"

    def taken(self) -> Sequence[Taken]:
        """The mails so far, in order of arrival: the first is number 1."""
        if isinstance(self._mails, LoopbackRelay):
            return tuple(self._mails.messages)
        return read_folder(self._mails)


def show(path: str, mails: Sequence[Taken]) -> Shown:
    """The answer to ``path`` (with its query). Pure."""
    split = urlsplit(path)
    if split.path == "/outbox/style.css":
        return Shown(200, "text/css; charset=utf-8", STYLE.encode())
    if split.path == "/outbox/":
        return _page("Outbox", _list(mails, parse_qs(split.query).get("before", [""])[0]))
    if split.path in ("/", "/outbox"):
        return _moved("/outbox/")
    found = re.fullmatch(r"/outbox/([1-9][0-9]{0,8})(?:/(text|source|html)?)?", split.path)
    if not found or int(found[1]) > len(mails):
        return _page("No such mail", '<p>There is no such mail. <a href="/outbox/">See the whole outbox</a>.</p>', 404)
    if split.path == f"/outbox/{found[1]}":
        return _moved(f"{split.path}/")
    return _mail(int(found[1]), found[2] or "", mails[int(found[1]) - 1])


def _mail(number: int, view: str, taken: Taken) -> Shown:
    message = email.message_from_bytes(taken.data, policy=email.policy.default)
    if view == "html":
        return Shown(200, "text/html; charset=utf-8", _safe_html(message).encode(), MAIL_POLICY)
    subject = _header(message, "Subject") or "No subject"
    return _page(subject, _envelope(message, taken) + _tabs(number, view) + _body(number, view, message, taken))


def _list(mails: Sequence[Taken], before: str) -> str:
    given = int(before) if re.fullmatch(r"[1-9][0-9]{0,8}", before) else len(mails) + 1
    last = min(given - 1, len(mails))
    first = max(last - A_PAGE, 0)
    if not mails:
        return "<p>No mail was sent yet. Load this page again after the digest has gone out.</p>"
    rows = "".join(_row(number, mails[number - 1]) for number in range(last, first, -1))
    older = f'<p><a href="/outbox/?before={first + 1}">Older mails</a></p>' if first else ""
    plural = "mail" if len(mails) == 1 else "mails"
    return (
        f"<p>{len(mails)} {plural}, newest first. They went no further than this machine.</p>"
        f'<ul class="mails">{rows}</ul>{older}'
    )


def _row(number: int, taken: Taken) -> str:
    head = taken.data.partition(b"\r\n\r\n")[0]
    subject = _header(email.message_from_bytes(head, policy=email.policy.default), "Subject") or "No subject"
    return (
        f'<li><a href="/outbox/{number}/" dir="auto">{escape(subject)}</a>'
        f"<span>to {escape(_printable(', '.join(taken.recipients)))}</span>"
        f'<time datetime="{taken.at.isoformat()}">{taken.at:%d %b, %H:%M:%S} UTC</time></li>'
    )


def _envelope(message: EmailMessage, taken: Taken) -> str:
    rows = {
        "From": _header(message, "From") or taken.sender,
        "To": ", ".join(taken.recipients),
        "Date": _header(message, "Date") or taken.at.isoformat(),
    }
    inside = "".join(f'<dt>{name}</dt><dd dir="auto">{escape(_printable(value))}</dd>' for name, value in rows.items())
    return f'<p><a href="/outbox/">All mails</a></p><dl>{inside}</dl>'


def _tabs(number: int, view: str) -> str:
    links = "".join(
        f'<li><a href="/outbox/{number}/{name}"{" aria-current=page" if name == view else ""}>{label}</a></li>'
        for name, label in VIEWS.items()
    )
    return f'<nav aria-label="Views of this mail"><ul>{links}</ul></nav>'


def _body(number: int, view: str, message: EmailMessage, taken: Taken) -> str:
    if view == "source":
        return _pre(taken.data.decode("utf-8", "replace"), "Source of the mail")
    if view == "text":
        return _pre(_part(message, "plain") or "This mail has no text part.", "Text of the mail")
    if not _part(message, "html"):
        return '<p>This mail has no HTML part. See it <a href="text">as text</a>.</p>'
    return (
        f'<iframe title="The mail as HTML" src="/outbox/{number}/html" referrerpolicy="no-referrer" '
        'sandbox="allow-popups allow-popups-to-escape-sandbox"></iframe>'
    )


def _pre(text: str, label: str) -> str:
    return f'<pre dir="auto" tabindex="0" role="region" aria-label="{label}">{escape(_printable(text))}</pre>'


def _safe_html(message: EmailMessage) -> str:
    """The HTML part with links that open in a tab of their own; the policy of the answer forbids the rest."""
    html = _part(message, "html") or "<!doctype html><p>This mail has no HTML part.</p>"
    return re.sub(r"<a(?=\s)", '<a target="_blank" rel="noopener"', html, flags=re.IGNORECASE)


def _part(message: EmailMessage, kind: str) -> str:
    """The first ``text/KIND`` part as text, or "" when there is none; a wrong charset never raises."""
    part = message.get_body((kind,))
    if part is None:
        return ""
    payload = part.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else b""
    try:
        text = raw.decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:
        text = raw.decode("utf-8", "replace")
    return text.encode("utf-8", "replace").decode()


def _header(message: EmailMessage, name: str) -> str:
    try:
        return _printable(str(message.get(name, "")))
    except (ValueError, IndexError, AttributeError):  # the header parser of Python 3.11 trips over some hostile ones
        return ""


def _printable(text: str) -> str:
    shown = text.encode("utf-8", "replace").decode()
    return "".join(c if c.isprintable() or c in "\t\n" else " " for c in shown.replace("\r\n", "\n"))


def _moved(location: str) -> Shown:
    return Shown(301, "text/plain; charset=utf-8", b"", location=location)


def _page(title: str, inside: str, status: int = 200) -> Shown:
    heading = escape(title)
    return Shown(
        status,
        "text/html; charset=utf-8",
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{heading} – Outbox</title>'
            '<link rel="stylesheet" href="/outbox/style.css"></head><body>'
            '<a class="skip" href="#content">Skip to content</a>'
            f'<main id="content" tabindex="-1"><h1 dir="auto">{heading}</h1>{inside}</main></body></html>'
        ).encode(),
    )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Outbox"
    sys_version = ""
    timeout = 60
    wbufsize = -1
    disable_nagle_algorithm = True
    server: Any

    def do_GET(self) -> None:
        if (urlsplit(f"//{self.headers.get('Host', '')}").hostname or "") not in (HOST, "localhost"):
            shown = _page("Wrong address", "<p>The outbox answers only on this machine, at 127.0.0.1.</p>", 421)
        else:
            shown = show(self.path, self.server.owner.taken())
        self._send(shown)

    do_HEAD = do_GET

    def _send(self, shown: Shown) -> None:
        self.send_response(shown.status)
        headers = {
            "Content-Type": shown.content_type,
            "Content-Length": str(len(shown.body)),
            "Content-Security-Policy": shown.policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        }
        if shown.location:
            headers["Location"] = shown.location
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(shown.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Who looks at the outbox is nobody's business."""


STYLE = """
:root { color-scheme: light dark;
  --ink: #1c1b19; --paper: #fbfaf7; --line: #d5d1c7; --quiet: #5c574d; --link: #0b4f8a; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #eceae4; --paper: #191816; --line: #45423b; --quiet: #b3aea2; --link: #8fc1f0; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1.25rem 1rem 3rem; }
main:focus { outline: none; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .75rem; overflow-wrap: anywhere; text-wrap: balance; }
a { color: var(--link); text-underline-offset: .15em; }
a:focus-visible, pre:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -100vw; background: var(--paper); padding: .5rem 1rem; }
.skip:focus { left: 0; top: 0; z-index: 1; }
.mails { list-style: none; margin: 1.25rem 0; padding: 0; border-top: 1px solid var(--line); }
.mails li { display: flex; flex-wrap: wrap; gap: 0 1rem; padding: .7rem 0; border-bottom: 1px solid var(--line); }
.mails a { flex: 1 0 100%; font-weight: 600; overflow-wrap: anywhere; }
.mails span, .mails time { color: var(--quiet); font-size: .875rem; overflow-wrap: anywhere; }
.mails time { font-variant-numeric: tabular-nums; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 0 0 1rem; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; min-width: 0; }
nav ul { display: flex; flex-wrap: wrap; gap: .5rem; list-style: none; margin: 0 0 1rem; padding: 0; }
nav a { display: inline-block; padding: .5rem .9rem; border: 1px solid var(--line); border-radius: .4rem; }
nav a[aria-current] { background: var(--ink); color: var(--paper); border-color: var(--ink); text-decoration: none; }
iframe { width: 100%; height: 80vh; min-height: 24rem; border: 1px solid var(--line); background: #fff; }
pre { margin: 0; padding: 1rem; border: 1px solid var(--line); overflow-x: auto; white-space: pre-wrap;
  overflow-wrap: anywhere; font: .875rem/1.5 ui-monospace, monospace; }
"""
