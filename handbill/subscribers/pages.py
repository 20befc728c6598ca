"""What all readers' pages have in common: the layout, the headers, and what is said of a link that doesn't work."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from handbill.subscribers.errors import AddressTaken, ExpiredLink, NotReading, SignUpBusy, TestLink, WrongLink
from handbill.subscribers.wording import words
from handbill.topics.paper import paper_context

HEADERS = {
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'",
}
View = Callable[..., HttpResponse]


def reader_page(view: View) -> View:
    """Answer a fault with a page that says what to do. A POST needs no CSRF token (see ``views``)."""

    @csrf_exempt
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def answer(request: HttpRequest, **arguments: str) -> HttpResponse:
        try:
            return view(request, **arguments)
        except ExpiredLink:
            return page("again", "expired", 410)
        except WrongLink:
            return page("again", "wrong", 404)
        except TestLink:
            return page("note", "test", 200)
        except NotReading:
            return page("again", "choose_left", 409)
        except AddressTaken:
            return page("note", "move_taken", 409)
        except SignUpBusy:
            return page("note", "busy", 503)

    return answer


def page(template: str, title: str, status: int = 200, **more: Any) -> HttpResponse:
    """A page of ``templates/subscribers/`` under the words ``{title}_title`` and ``{title}_text``."""
    paper = settings.HANDBILL
    said = words(paper.language, paper=paper.name, when=more.get("when", ""), topics=more.get("names", ""))
    context = {"paper": paper_context(), "words": said, "heading": said[f"{title}_title"], "kind": title, **more}
    text, button = said.get(f"{title}_text", ""), said.get(f"{title}_button", "")
    with translation.override(paper.language):
        html = render_to_string(f"subscribers/{template}.html", {"text": text, "button": button, **context})
    return HttpResponse(html, status=status, headers=HEADERS)
