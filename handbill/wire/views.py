"""Where hubs speak to us (WebSub). No cookie, no session, no page: what is not ours to answer doesn't exist.

Its GET is the one that changes state (ADR-0007, ADR-0029): the specification has a hub make sure of a subscription so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from handbill.kit import clock
from handbill.wire import told
from handbill.wire.hub import MOST_TOLD

PIECE = 64 * 1024  # bytes
_CHALLENGE = re.compile(r"[\x20-\x7e]{1,500}")
_HEADERS = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


@csrf_exempt
@require_http_methods(["GET", "POST"])
def callback(request: HttpRequest, token: str) -> HttpResponse:
    """``/websub/TOKEN/``: a hub asks whether we meant it (GET), or tells us that a feed has changed (POST)."""
    if request.method == "GET":
        return _plain(_intent(request, token))
    heard = told.be_told(token, request.headers.get("X-Hub-Signature", ""), _pieces(request), clock.now())
    return _plain("", 202 if heard else 410)


def _intent(request: HttpRequest, token: str) -> str:
    """The challenge to echo; "" where the hub only wants to be heard. Raises Http404 for what we never asked for."""
    said = {name: request.GET.get(f"hub.{name}", "") for name in ("mode", "topic", "challenge", "lease_seconds")}
    now = clock.now()
    if said["mode"] == "denied" and told.deny(token, said["topic"], request.GET.get("hub.reason", ""), now):
        return ""
    if not _CHALLENGE.fullmatch(said["challenge"]):
        raise Http404
    if not told.confirm(token, said["mode"], said["topic"], said["lease_seconds"], now):
        raise Http404
    return said["challenge"]


def _pieces(request: HttpRequest) -> Iterator[bytes]:
    """The body, never whole in memory and never more of it than a hub may send."""
    for _ in range(0, MOST_TOLD, PIECE):
        yield request.read(PIECE)


def _plain(text: str, status: int = 200) -> HttpResponse:
    return HttpResponse(text, content_type="text/plain; charset=utf-8", status=status, headers=_HEADERS)
