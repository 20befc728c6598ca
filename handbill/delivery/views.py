"""Where providers tell what became of mail: ``/hooks/TOKEN/`` on the public listener. No page, no cookie."""

from __future__ import annotations

import logging

from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from handbill.delivery.hook_signs import BadSign
from handbill.delivery.paths import relay_of
from handbill.kit import clock

_HEADERS = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
log = logging.getLogger(__name__)


@csrf_exempt
@require_http_methods(["HEAD", "POST"])
def hook(request: HttpRequest, token: str) -> HttpResponse:
    """200: heeded. 403: not the provider's. 400: not understood. 406: tracking, which nobody wants. 503: later."""
    relay = relay_of(token)
    if relay is None:
        raise Http404
    if request.method == "HEAD":
        return _plain(200)
    from handbill.delivery import hooks  # its libraries cost every other page half a second

    try:
        counts = hooks.heed(relay, request, clock.now())
    except BadSign as error:
        log.error("A webhook of relay %s was turned away. %s", relay.name, error)
        return _plain(403)
    except DatabaseError:
        return _plain(503)
    except ValueError as error:
        log.error("A webhook of relay %s could not be read: %s", relay.name, error)
        return _plain(400)
    return _plain(406 if set(counts) == {hooks.REFUSED} else 200)


def _plain(status: int) -> HttpResponse:
    return HttpResponse("", content_type="text/plain; charset=utf-8", status=status, headers=_HEADERS)
