"""The shared layout's own files, for faces that are not the static site (the desk's preview)."""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from handbill.topics.paper import assets

_KINDS = {"css": "text/css; charset=utf-8", "svg": "image/svg+xml"}


@require_safe
def asset(request: HttpRequest, name: str) -> HttpResponse:
    """``/assets/NAME``: only the current ones; their addresses change with their content, so they last a year."""
    content = assets().get(f"/assets/{name}")
    if content is None:
        raise Http404
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return HttpResponse(content, content_type=_KINDS[name.rpartition(".")[2]], headers=headers)
