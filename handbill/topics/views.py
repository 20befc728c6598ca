"""The shared layout's stylesheet, for faces that are not the static site (the desk's preview)."""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from handbill.topics.paper import css_bytes, css_path


@require_safe
def asset(request: HttpRequest, name: str) -> HttpResponse:
    """``/assets/NAME``: only the current stylesheet; its address changes with its content, so it is kept for a year."""
    if f"/assets/{name}" != css_path():
        raise Http404
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return HttpResponse(css_bytes(), content_type="text/css; charset=utf-8", headers=headers)
