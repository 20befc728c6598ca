"""Two faces of one program: the public site and the desk, on two listeners and so two origins.

The listener says which by ``handbill.face`` in the WSGI environment; no face serves the other's addresses.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

URLCONFS = {"public": "handbill.config.urls_public", "desk": "handbill.config.urls_desk"}


class FaceMiddleware:
    """Choose the address table of the face that the request came in by."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.urlconf = URLCONFS[request.META.get("handbill.face", "desk")]
        return self.get_response(request)
