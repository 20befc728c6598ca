"""The readers' pages: sign up, confirm, choose, leave. GET and HEAD never change anything (ADR-0007).

None carries a CSRF token, and none needs one. A forged sign-up can only lead to one mail a day to the address it names,
as anybody could by typing it. Everything else needs the reader's own token in the address: who knows it may act, who
doesn't can't forge the form. There is no cookie for a browser to add by itself, so nothing is decided by one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from handbill.delivery.address import AddressError
from handbill.kit import clock
from handbill.subscribers import actions, queries
from handbill.subscribers.errors import ExpiredLink, NotReading, SignUpBusy, TestLink, WrongLink
from handbill.subscribers.wording import words
from handbill.topics.models import Topic
from handbill.topics.paper import paper_context

MOST_TYPED = 320  # characters of a mistyped address shown again
MOST_TOPICS = 500
HEADERS = {
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'",
}
View = Callable[..., HttpResponse]


def _reader_page(view: View) -> View:
    @csrf_exempt
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def answer(request: HttpRequest, **arguments: str) -> HttpResponse:
        try:
            return view(request, **arguments)
        except ExpiredLink:
            return _page("again", "expired", 410)
        except WrongLink:
            return _page("again", "wrong", 404)
        except TestLink:
            return _page("note", "test", 200)
        except NotReading:
            return _page("again", "choose_left", 409)
        except SignUpBusy:
            return _page("note", "busy", 503)

    return answer


@_reader_page
def subscribe(request: HttpRequest) -> HttpResponse:
    """The form; a POST answers the same whether the address is new, known or must not be mailed."""
    if request.method != "POST":
        return _page("ask", "ask")
    typed = request.POST.get("address", "")
    try:
        actions.ask(typed, clock.now())
    except AddressError:
        return _page("ask", "ask", 400, typed=typed[:MOST_TYPED], wrong=True)
    return _page("asked", "asked")


@_reader_page
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """A page with one button; the button begins the subscription."""
    now = clock.now()
    if request.method != "POST":
        actions.confirmable(token, now)
        return _page("confirm", "confirm")
    welcome = actions.confirm(token, now)
    when = _when(welcome.first_issue, now)
    return _page("welcome", "welcome", token=welcome.token, when=when, topics=_topics(()))


@_reader_page
def preferences(request: HttpRequest, token: str) -> HttpResponse:
    """The reader's topics, and after a POST what was saved."""
    choice = None
    if request.method == "POST":
        choice = actions.choose(token, request.POST.getlist("topics")[:MOST_TOPICS], clock.now())
    held = queries.preferences(token)
    if not held.reading:
        raise NotReading("There is no running subscription to change. Sign up to come back.")
    names = ", ".join(choice.topics) if choice else ""
    return _page("choose", "choose", token=token, topics=_topics(held.chosen), choice=choice, names=names)


@_reader_page
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """A page with one button. Any POST acts at once: the button's, or a mail program's one-click (RFC 8058)."""
    if request.method != "POST":
        held = queries.preferences(token)
        return _page("leave" if held.reading else "left", "leave" if held.reading else "left", token=token)
    actions.leave(token, clock.now())
    return _page("left", "left", token=token)


def _page(template: str, title: str, status: int = 200, **more: Any) -> HttpResponse:
    paper = settings.HANDBILL
    said = words(paper.language, paper=paper.name, when=more.get("when", ""), topics=more.get("names", ""))
    context = {"paper": paper_context(), "words": said, "heading": said[f"{title}_title"], "kind": title, **more}
    text = said.get(f"{title}_text", "")
    with translation.override(paper.language):
        html = render_to_string(f"subscribers/{template}.html", {"text": text, **context})
    return HttpResponse(html, status=status, headers=HEADERS)


def _topics(chosen: tuple[str, ...]) -> list[dict[str, Any]]:
    rows = Topic.objects.filter(retired=False).values("slug", "name")
    return [{**row, "chosen": row["slug"] in chosen} for row in rows]


def _when(moment: datetime, now: datetime) -> str:
    day = "today" if moment.date() == now.astimezone(moment.tzinfo).date() else "tomorrow"
    zone = settings.HANDBILL.time_zone.rpartition("/")[2].replace("_", " ")
    return words(settings.HANDBILL.language, time=f"{moment:%H:%M}", zone=zone)[day]
