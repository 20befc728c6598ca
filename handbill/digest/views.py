"""A reader's private feed as it is fetched. GET changes nothing, and who fetches what is written down nowhere."""

from __future__ import annotations

import hashlib

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from handbill.digest import reader_feed
from handbill.digest.feed_formats import FORMATS
from handbill.subscribers import feeds
from handbill.subscribers.errors import WrongLink
from handbill.subscribers.pages import HEADERS

_HEADERS = HEADERS | {"Cache-Control": "private, max-age=900"}


@require_safe
def private_feed(request: HttpRequest, token: str, name: str) -> HttpResponse:
    """The feed in one of its formats; 304 where it is as it was. What opens nothing is the same 404 whatever it was."""
    try:
        feed = reader_feed.read(token)
    except WrongLink:
        raise Http404 from None
    body, kind = FORMATS[name](feed, feeds.address(token, name))
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    answer = HttpResponse(body, content_type=kind, headers=_HEADERS | {"ETag": etag})
    found = get_conditional_response(request, etag, response=answer) or answer
    for header, value in _HEADERS.items():
        found.headers.setdefault(header, value)
    return found
