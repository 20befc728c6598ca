"""Two faces of one program: the public site and the desk, on two listeners and so two origins.

The listener says which by ``handbill.face`` in the WSGI environment; no face serves the other's addresses.
What anybody may send to the public one is small: no upload fills the disk.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

MOST_BODY = 64 * 1024  # bytes; a reader's form has an address or a few hundred topics
URLCONFS = {"public": "handbill.config.urls_public", "desk": "handbill.config.urls_desk"}


class FaceMiddleware:
    """Choose the address table of the face that the request came in by."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        face = request.META.get("handbill.face", "desk")
        request.urlconf = URLCONFS[face]
        if face == "public" and _length(request) > MOST_BODY:
            return HttpResponse("This is more than a form here sends. Go back and send less.", "text/plain", 413)
        return self.get_response(request)


def _length(request: HttpRequest) -> int:
    """Bytes of the body; Django too reads nothing where no length is given."""
    given = request.META.get("CONTENT_LENGTH") or ""
    return int(given) if given.isascii() and given.isdigit() and len(given) < 20 else 0
