"""Two faces of one program: the public site and the desk, on two listeners and so two origins.

The listener says which by ``handbill.face`` in the WSGI environment; no face serves the other's addresses.
What anybody may send to the public one is small: no upload fills the disk. Only a hub that tells of a feed (ADR-0029)
may send more, which the callback reads piece by piece and doesn't keep, and a provider that tells of bounces.
"""

import re
import sys
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from handbill.subscribers.api.answers import Problem, problem
from handbill.wire.hub import MOST_TOLD

MOST_BODY = 64 * 1024  # bytes; a reader's form has an address or a few hundred topics
MOST_EVENTS = 1024 * 1024  # bytes that a provider tells at once by a webhook
_HOOK = re.compile(r"/hooks/[A-Za-z0-9_.-]{1,100}/")
_CALLBACK = re.compile(r"/websub/[A-Za-z0-9_-]{1,64}/")
URLCONFS = {"public": "handbill.config.urls_public", "desk": "handbill.config.urls_desk"}


class FaceMiddleware:
    """Choose the address table of the face that the request came in by."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        face = request.META.get("handbill.face", "desk")
        request.urlconf = URLCONFS[face]
        if face == "public" and _length(request) > _most(request.path_info):
            return _too_much(request.path_info)
        return self.get_response(request)


def _too_much(path: str) -> HttpResponse:
    """In the words of who asked: a tool's are problem JSON."""
    if path.startswith("/api/"):
        return problem(Problem(413, "size", f"Send at most {MOST_BODY} bytes."))
    return HttpResponse("This is more than a form here sends. Go back and send less.", "text/plain", 413)


def _most(path: str) -> int:
    if _HOOK.fullmatch(path):
        return MOST_EVENTS
    return MOST_TOLD if _CALLBACK.fullmatch(path) else MOST_BODY


def _length(request: HttpRequest) -> int:
    """Bytes of the body; Django too reads nothing where no length is given."""
    given = request.META.get("CONTENT_LENGTH") or ""
    if not (given.isascii() and given.isdigit()):
        return 0
    return int(given) if len(given) < 20 else sys.maxsize
