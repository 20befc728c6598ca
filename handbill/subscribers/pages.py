"""What all readers' pages have in common: the layout, the headers, and what is said of a link that doesn't work."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
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
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'",
}
"""No other site can frame a page, keep hold of its window, or read it: what its form leads to tells it nothing."""
View = Callable[..., HttpResponse]
UNREADABLE = (SuspiciousOperation, BadRequest, MultiPartParserError, UnreadablePostError)


def reader_page(view: View) -> View:
    """Answer a fault with a page that says what to do. A POST needs no CSRF token (see ``views``)."""

    @csrf_exempt
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def answer(request: HttpRequest, **arguments: str) -> HttpResponse:
        try:
            _ = request.POST  # or it would be read outside of this
            return view(request, **arguments)
        except UNREADABLE:
            return page("note", "unread", 400)
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


def page(template: str, title: str, status: int = 200, script: str = "", **more: Any) -> HttpResponse:
    """A page of ``templates/subscribers/`` under the words ``{title}_title`` and ``{title}_text``.

    ``script``: the one script that may run there and ask this site; no page needs one.
    """
    paper = settings.HANDBILL
    said = words(
        paper.language,
        paper=paper.name,
        when=more.get("when", ""),
        topics=more.get("names", ""),
        next=more.get("next", ""),
    )
    shared, allowed = paper_context(), _allowed(script)
    shared["policy"] += allowed
    more |= {"script": script} if script else {}
    context = {"paper": shared, "words": said, "heading": said[f"{title}_title"], "kind": title, **more}
    text, button = said.get(f"{title}_text", ""), said.get(f"{title}_button", "")
    with translation.override(paper.language):
        html = render_to_string(f"subscribers/{template}.html", {"text": text, "button": button, **context})
    policy = {"Content-Security-Policy": HEADERS["Content-Security-Policy"] + allowed}
    return HttpResponse(html, status=status, headers=HEADERS | policy)


def _allowed(script: str) -> str:
    """What a policy says besides where this script may run."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"; script-src 'sha256-{digest}'; connect-src 'self'" if script else ""
