"""The send room: the next issue as it fills, its order and subject, the letter itself, and the word that lets it go.

Its part that changes has an address of its own, as the Delivery page's. What is ordered or approved says which version
was looked at: whoever was second is told, and sees what the other made of it.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.html import escape
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from handbill.desk import issue_words as words
from handbill.desk.delivery import WIDTH, parts
from handbill.desk.screen import Screen, require
from handbill.digest import decisions, room
from handbill.digest.actions import trouble
from handbill.digest.approval import Stand
from handbill.digest.compose import GOOD_SIZE, MOST_SIZE
from handbill.digest.errors import Superseded
from handbill.digest.lint.check import Finding, check_letter
from handbill.digest.records import ComposedLetter, Left
from handbill.digest.room import Filling
from handbill.kit.clock import now
from handbill.kit.errors import HandbillError
from handbill.kit.text import language_direction

SEE, DECIDE = "digest.view_issue", "digest.change_day"
SECONDS = 5  # between two looks
MOST_SLOTS = 12  # shown; the rest are added up
PUT_IN = (Left.ROOM, Left.OUTLET, Left.TOPIC)
WIDTHS = (375, 700)
_MOVE = re.compile(r"(up|down|first|in):(\d{1,18})")
_DARK = re.compile(r"\(\s*prefers-color-scheme\s*:\s*dark\s*\)")


class IssueView(Screen):
    """The whole screen."""

    template_name = "desk/issue.html"
    page_title = "Send room"
    header_icon = "tasks"
    permission = SEE

    def get_page_title(self) -> str:
        return _("Send room")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        shown = {**super().get_context_data(**kwargs), **_shown(self.request), **_views(self.request)}
        return {**shown, "still": "still" in self.request.GET, "most_of_subject": decisions.MOST_OF_SUBJECT}


@require_GET
def now_part(request: HttpRequest) -> HttpResponse:
    """The part that changes, alone."""
    require(request, SEE)
    return _part(request)


@require_GET
def letter(request: HttpRequest) -> HttpResponse:
    """The letter as who reads the whole paper gets it, to be looked at in a frame that runs and loads nothing."""
    require(request, SEE)
    return letter_in_frame(request, room.filling(now()).letter)


def letter_in_frame(request: HttpRequest, composed: ComposedLetter | None) -> HttpResponse:
    """A letter as the request's views have it: its text, in the dark, without images."""
    if composed is None:
        page = f"<!doctype html><title>-</title><p>{escape(_('No article waits for this issue yet.'))}</p>"
    elif "text" in request.GET:
        page = _TEXT % (_scheme(request), escape(composed.text))
    else:
        page = _DARK.sub(f"({'min' if 'dark' in request.GET else 'max'}-width: 0)", composed.html)
        page = re.sub(r"(<head\b[^>]*>)", r'\1<base target="_blank">', page, count=1)  # a frame that opens no window
    answer = HttpResponse(page)
    images = "'none'" if "bare" in request.GET else str(settings.HANDBILL.public_address)
    answer["Content-Security-Policy"] = f"sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src {images}"
    answer["Cache-Control"] = "no-store"
    return answer


_TEXT = """<!doctype html><meta name="color-scheme" content="%s"><title>-</title>
<body style="margin:0;padding:16px"><div dir="auto" style="white-space:pre-wrap;unicode-bidi:plaintext;\
font:14px/1.5 ui-monospace,monospace;overflow-wrap:anywhere">%s</div>"""


def _scheme(request: HttpRequest) -> str:
    return "dark" if "dark" in request.GET else "light"


@require_POST
def order(request: HttpRequest) -> HttpResponse:
    """Take the order that the form or the script gives, with one article moved; or that of rank again."""
    require(request, DECIDE)
    shown = room.filling(now())
    headlines = {pk: one.headline for pk, one in shown.kept}
    headlines |= {pk: headline for pk, headline, why in shown.left if why in PUT_IN}
    given = [pk for pk in _numbers(request.POST.get("order", "")) if pk in headlines]
    asked = _MOVE.fullmatch(request.POST.get("move", ""))
    wished = moved(given, asked[1], int(asked[2]), shown.room) if asked else given
    wished = [] if "rank" in request.POST else [pk for pk in wished if pk in headlines]
    subject = int(asked[2]) if asked else next(iter(_numbers(request.POST.get("moved", ""))), 0)
    why = f"{wished.index(subject) + 1}. {headlines[subject]}" if subject in wished else ""
    try:
        decisions.arrange(wished, shown.day, now(), _who(request), _seen(request), why)
    except Superseded:
        return _second(request)
    return _part(request) if _by_script(request) else _back()


def moved(given: Sequence[int], how: str, which: int, most: int) -> list[int]:
    """The order with one article moved: "up", "down", "first", or put "in" as the last that there is room for."""
    rest = [pk for pk in given if pk != which]
    at = given.index(which) if which in given else len(rest)
    place = {"up": max(at - 1, 0), "down": at + 1, "first": 0, "in": min(len(rest), most - 1)}[how]
    return [*rest[:place], which, *rest[place:]]


@require_POST
def subject(request: HttpRequest) -> HttpResponse:
    """The subject of the letters that the lead leads."""
    require(request, DECIDE)
    shown = room.filling(now())
    lead = shown.kept[0][0] if shown.kept else 0
    if lead == 0 or [lead] != _numbers(request.POST.get("lead", "")):
        return _second(request)
    text = request.POST.get("subject", "")
    try:
        decisions.write_subject(lead, text, shown.day, now(), _who(request), _seen(request))
    except Superseded:
        return _second(request)
    said = _("That is the subject now.") if text.strip() else _("The subject is the headline again.")
    return _answer(request, True, said)


@require_POST
def approve(request: HttpRequest) -> HttpResponse:
    """Let the day's issues go, after the time to undo."""
    require(request, DECIDE)
    shown = room.filling(now())
    if request.POST.get("day") != f"{shown.day:%Y-%m-%d}":
        return _second(request)
    try:
        taken = decisions.approve(shown.day, now(), _who(request), _seen(request))
    except Superseded:
        return _second(request)
    return _answer(request, taken, _("Approved. For ten minutes, Undo stops it whole."))


@require_POST
def undo(request: HttpRequest) -> HttpResponse:
    """Take the approval back."""
    require(request, DECIDE)
    day = _day(request)
    done = day is not None and decisions.undo(day, now(), _who(request))
    late = _("It is too late to undo, or somebody did already. Hold it here, or on the Delivery page.")
    return _answer(request, done, _("Undone: nothing of it was sent."), late)


@require_POST
def hold(request: HttpRequest) -> HttpResponse:
    """Hand nothing of the day over."""
    require(request, DECIDE)
    day = _day(request)
    done = day is not None and decisions.hold(day, request.POST.get("why", ""), now(), _who(request))
    return _answer(request, done, _("Held: no issue of that day goes until somebody releases it."))


@require_POST
def release(request: HttpRequest) -> HttpResponse:
    """End a hold."""
    require(request, DECIDE)
    day = _day(request)
    return _answer(request, day is not None and decisions.release(day, now(), _who(request)), _("Released."))


@require_POST
def go_on(request: HttpRequest) -> HttpResponse:
    """End the standstill that was seen; what came before the given moment counts as told."""
    require(request, DECIDE)
    until = _moment(request.POST.get("until", "")) if request.POST.get("told") == "until" else None
    if request.POST.get("told") not in ("nothing", "until") or (until is None) == (request.POST["told"] == "until"):
        messages.error(request, _("Say until when readers were told; write a moment that is over."))
        return _back()
    moment = now()
    done = decisions.go_on(moment, until, _who(request), room.next_day(moment), _seen(request))
    return _answer(request, done, _("It goes on: the next issue is planned at its hour."))


def _moment(text: str) -> datetime | None:
    """A moment that is over, by the paper's clock; None for any other text."""
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    if found is not None and found.tzinfo is None:
        found = found.replace(tzinfo=settings.HANDBILL.zone)
    return found if found is not None and found <= now() else None


@require_POST
def test(request: HttpRequest) -> HttpResponse:
    """Mail the letter to who asks."""
    require(request, DECIDE)
    address = getattr(request.user, "email", "")
    try:
        if not address:
            messages.error(request, _("Your account has no email address. Add one to it first."))
            return _back()
        day = room.send_test(address, now())
    except HandbillError as error:
        messages.error(request, str(error))
        return _back()
    decisions.tested(day, now(), _who(request))
    messages.success(request, _("A test is on its way to %s.") % address)
    return _back()


def _shown(request: HttpRequest) -> dict[str, Any]:
    moment = now()
    filling = room.filling(moment)
    decided = room.decided(filling.day, moment)
    sent = room.sending()
    undo_until = decided.decision.undo_until
    return {
        "filling": filling,
        "decided": decided,
        "where": _where(decided.stand),
        "title": _("Issue of %s") % date_format(filling.day, _("j F Y")),
        "goes_at": max(filling.goes_at, undo_until) if undo_until else filling.goes_at,
        "past": filling.goes_at <= moment,
        "unapproved": settings.HANDBILL.digest_unapproved,
        "standstill": decisions.standing_still(),
        "trouble": trouble(),
        "latest": localtime(moment).strftime("%Y-%m-%dT%H:%M"),
        "kept": _kept(filling),
        "left": [(pk, headline, words.LEFT[why], why in PUT_IN) for pk, headline, why in filling.left],
        "order": ",".join(str(pk) for pk, _one in filling.kept),
        "meter": _meter(filling),
        "findings": _findings(filling.letter) if filling.letter else (),
        "slots": _slots(room.waiting_readers(moment)),
        "sent": sent and {"sending": sent, "parts": parts(sent.progress, held=False), "day": date_format(sent.day)},
        "acts": [{"act": one, "what": words.ACTS[one.what], "day": date_format(one.date)} for one in decided.acts],
        "seconds": SECONDS,
        "moment": moment,
        "may": request.user.has_perm(DECIDE),
    }


def _where(stand: Stand) -> str:
    said = {
        Stand.OPEN: _("Open"),
        Stand.UNDOABLE: _("Approved, can be undone"),
        Stand.APPROVED: _("Approved"),
        Stand.HELD: _("Held"),
    }
    return said[stand]


def _kept(filling: Filling) -> list[dict[str, Any]]:
    cuts = {cut.place: words.CUTS[cut.what] for cut in filling.letter.cuts} if filling.letter else {}
    return [
        {
            "id": pk,
            "article": one,
            "direction": language_direction(one.language) if one.language else "auto",
            "cut": cuts.get(place, ""),
        }
        for place, (pk, one) in enumerate(filling.kept)
    ]


def _meter(filling: Filling) -> dict[str, Any]:
    html = filling.letter.html.encode() if filling.letter else b""
    size = len(html)
    return {
        "print": hashlib.sha256(html).hexdigest()[:16],  # by which a script sees that the letter changed
        "kilobytes": round(size / 1000, 1),
        "width": min(WIDTH, size * WIDTH // MOST_SIZE),
        "good": GOOD_SIZE // 1000,
        "most": MOST_SIZE // 1000,
        "mark": GOOD_SIZE * WIDTH // MOST_SIZE,
        "part": "accepted" if size <= GOOD_SIZE else "deferred" if size <= MOST_SIZE else "refused",
    }


@lru_cache(maxsize=4)
def _findings(letter: ComposedLetter) -> tuple[tuple[Finding, int], ...]:
    """What mail programs won't show of it, and what else is wrong: the first of each kind, and how many more there are.

    Kept while the letter stays as it is.
    """
    found = check_letter(letter.html, text=letter.text, subject=letter.subject)
    kinds = Counter(one.what for one in found)
    first = {one.what: one for one in reversed(found)}
    return tuple((first[kind], count - 1) for kind, count in kinds.items())


def _slots(found: list[tuple[Any, int]]) -> dict[str, Any]:
    paper = settings.HANDBILL
    most = found[0][1] if found else 1
    rest = found[MOST_SLOTS:]
    return {
        "rows": [
            (
                words.slot_words(slot, paper.digest_hour, paper.time_zone),
                count,
                max(count * WIDTH // most, WIDTH // 100),
            )
            for slot, count in found[:MOST_SLOTS]
        ],
        "total": sum(count for _slot, count in found),
        "rest": len(rest),
        "rest_readers": sum(count for _slot, count in rest),
    }


def _views(request: HttpRequest) -> dict[str, Any]:
    """How the letter is looked at: everything in the address, so that it works without JavaScript."""
    on = {name for name in ("dark", "bare", "text") if name in request.GET}
    width = next((each for each in WIDTHS if request.GET.get("width") == str(each)), WIDTHS[0])
    labels = {"text": _("Text part"), "bare": _("Images off"), "dark": _("Dark")}
    ways = [(_("%d pixels") % each, _asked(each, on), each == width) for each in WIDTHS]
    ways += [(label, _asked(width, on ^ {name}), name in on) for name, label in labels.items()]
    frame = reverse("desk_issue_letter") + "?" + "&".join(sorted(on))
    return {"ways": ways, "frame": frame, "width": width}


def _asked(width: int, on: set[str]) -> str:
    return "&".join([f"width={width}", *sorted(on)])


def _part(request: HttpRequest, told: str = "", status: int = 200) -> HttpResponse:
    answer = render(request, "desk/issue_now.html", {**_shown(request), "told": told}, status=status)
    answer["Cache-Control"] = "no-store"
    return answer


def _second(request: HttpRequest) -> HttpResponse:
    """Somebody else was first: nothing was changed."""
    said = _("Somebody changed the issue while you looked at it. Nothing of yours was done: this is how it stands now.")
    if _by_script(request):
        return _part(request, said, status=409)
    messages.warning(request, said)
    return _back()


def _by_script(request: HttpRequest) -> bool:
    return request.headers.get("X-Requested-With") == "fetch"


def _seen(request: HttpRequest) -> int:
    return next(iter(_numbers(request.POST.get("seen", ""))), -1)


def _numbers(text: str) -> list[int]:
    found = text.split(",")[: decisions.MOST_PLACED]
    return list(dict.fromkeys(int(each) for each in found if each.isascii() and each.isdigit() and len(each) < 19))


def _day(request: HttpRequest) -> date | None:
    """The next issue's date, if it is that of the form."""
    day = room.next_day(now())
    return day if request.POST.get("day") == f"{day:%Y-%m-%d}" else None


def _answer(request: HttpRequest, done: bool, said: str, otherwise: str = "") -> HttpResponse:
    if done:
        messages.success(request, said)
    else:
        messages.warning(request, otherwise or _("Somebody decided already: look at where it stands."))
    return _back()


def _who(request: HttpRequest) -> str:
    return str(request.user.get_username())[:150]


def _back() -> HttpResponse:
    return redirect("desk_issue")
