"""The readers' pages: sign up, confirm, choose, leave. GET and HEAD never change anything (ADR-0007).

None carries a CSRF token, and none needs one. A forged sign-up can only lead to one mail a day to the address it names,
as anybody could by typing it, and counts for the brakes as any other. Everything else needs the reader's own token in
the address: who knows it may act, who doesn't can't forge the form. There is no cookie for a browser to add by itself,
so nothing is decided by one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta, tzinfo
from functools import partial
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import translation
from django.utils.formats import date_format

from handbill.delivery.address import AddressError
from handbill.kit import clock
from handbill.kit.languages import own_name
from handbill.subscribers import actions, feeds, own_data, proof, queries, rush, signups
from handbill.subscribers.brakes import network_of
from handbill.subscribers.consent import UNTIL_THEY_SAY
from handbill.subscribers.pages import HEADERS, page, reader_page
from handbill.subscribers.records import Choice, Slip
from handbill.subscribers.wish_form import leading_shown, read_form, shown
from handbill.subscribers.wishes import Wishes
from handbill.subscribers.wording import language_of, words
from handbill.topics.models import Topic

MOST_TYPED = 320  # characters of a mistyped address shown again
MOST_TOPICS = 500
FEED_ACTS: dict[str, Callable[[str, datetime], None]] = {
    "begin": feeds.begin,
    "instead": partial(feeds.begin, instead=True),
    "renew": feeds.renew,
    "end": feeds.end,
}


@reader_page
def subscribe(request: HttpRequest) -> HttpResponse:
    """The form; a POST answers the same, at the same cost, whether the address is new, known or must not be mailed."""
    if request.method != "POST":
        return page("ask", "ask")
    typed = request.POST.getlist("address")[:2]
    try:
        if len(typed) != 1:
            raise AddressError("A form holds one address.")
        taken = signups.take(typed[0], clock.now(), network=_network(request), sure="sure" in request.POST)
    except AddressError:
        return page("ask", "ask", 400, typed=typed[0][:MOST_TYPED] if typed else "", wrong=True)
    if isinstance(taken, Slip):
        return page("slip", "slip", slip=taken)
    if not rush.is_on():
        return page("asked", "asked")
    task = proof.task(settings.KEYS.token, taken.id)
    return page("asked", "asked", script=proof.script(), task=task, bits=proof.BITS)


@reader_page
def prove(request: HttpRequest) -> HttpResponse:
    """Take the proof of work for a sign-up, which a script sends; without one it waits a little longer."""
    given = request.POST.get("task", ""), request.POST.get("answer", "")
    identity = proof.check(settings.KEYS.token, *given)
    if identity is None:
        return HttpResponse(status=400, headers=HEADERS)
    signups.prove(identity)
    return HttpResponse(status=204, headers=HEADERS)


@reader_page
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """A page with one button; the button begins the subscription."""
    now = clock.now()
    if request.method != "POST":
        actions.confirmable(token, now)
        return page("press", "confirm")
    welcome = actions.confirm(token, now)
    when = _when(welcome.first_issue, now)
    return page("welcome", "welcome", token=welcome.token, when=when, topics=_topics(()))


@reader_page
def preferences(request: HttpRequest, token: str) -> HttpResponse:
    """The reader's topics, and after a POST what was saved."""
    choice = None
    if request.method == "POST":
        choice = actions.choose(token, request.POST.getlist("topics")[:MOST_TOPICS], clock.now())
    return _preferences(token, choice)


@reader_page
def wishes(request: HttpRequest, token: str) -> HttpResponse:
    """How often, when and in what form; the page is that of the topics."""
    if request.method != "POST":
        return _preferences(token)
    held = queries.reading_preferences(token)
    offered = {topic["slug"]: topic["pk"] for topic in _followed(_topics(held.chosen))}
    wanted = read_form(request.POST.dict(), held.wishes, offered)
    if wanted is None:
        return _preferences(token, status=400, wrong=True)
    now = clock.now()
    return _preferences(token, next=_when(actions.wish(token, wanted, now), now))


def _preferences(token: str, choice: Choice | None = None, status: int = 200, **said: Any) -> HttpResponse:
    held = queries.reading_preferences(token)
    names = ", ".join(choice.topics) if choice else ""
    until = held.paused_until if held.paused_until and held.paused_until > clock.now() else None
    more: dict[str, Any] = {"until": until, "when": _day(until)} if until else {}
    topics = _topics(held.chosen)
    wishes = _wishes(held.wishes) | {"leading": leading_shown(held.wishes, _followed(topics))}
    more |= {"by_feed": held.by_feed, "choice": choice, "names": names, "wishes": wishes, **said}
    return page("choose", "choose", status, token=token, topics=topics, **more)


@reader_page
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """A page with one button. Any POST acts at once: the button's, or a mail program's one-click (RFC 8058)."""
    if request.method == "POST":
        actions.leave(token, clock.now())
    elif (held := queries.preferences(token)).reading:
        weekly = held.wishes.cadence == "weekly"
        return page("leave", "leave", token=token, tomorrow=_tomorrow(), weekly=weekly)
    return page("left", "left", token=token, undo=bool(actions.last_left(queries.reader_id(token), clock.now())))


@reader_page
def back(request: HttpRequest, token: str) -> HttpResponse:
    """Undo having left, by a button, for thirty days."""
    if request.method == "POST" and actions.come_back(token, clock.now()):
        return page("note", "back")
    if queries.preferences(token).reading:
        return page("note", "back")
    undo = actions.last_left(queries.reader_id(token), clock.now())
    return page("left", "left", token=token, undo=True) if undo else page("again", "back_late")


@reader_page
def pause(request: HttpRequest, token: str) -> HttpResponse:
    """A break of a week, a month, or until a day."""
    queries.reading_preferences(token)
    if request.method != "POST":
        return page("pause", "pause", token=token, tomorrow=_tomorrow())
    until = _until(request.POST.get("for", ""), request.POST.get("until", ""))
    if until is None:
        return page("pause", "pause", 400, token=token, tomorrow=_tomorrow(), wrong=True)
    return page("paused", "paused", token=token, when=_day(actions.pause(token, until, clock.now())))


@reader_page
def resume(request: HttpRequest, token: str) -> HttpResponse:
    """End a break; GET shows the button."""
    if request.method != "POST":
        return preferences(request, token=token)
    actions.resume(token, clock.now())
    return page("note", "resumed")


@reader_page
def still(request: HttpRequest, token: str) -> HttpResponse:
    """The answer to "still reading?": one button."""
    if request.method != "POST":
        queries.reader_id(token)
        return page("press", "still")
    actions.still_reading(token, clock.now())
    return page("note", "still_done")


@reader_page
def by_feed(request: HttpRequest, token: str) -> HttpResponse:
    """The reader's private feed: make one, also instead of mail, have another address for it, end it."""
    act = request.POST.get("act", "")
    if request.method == "POST":
        if act not in FEED_ACTS:
            raise BadRequest
        FEED_ACTS[act](token, clock.now())
    held = feeds.standing(token, clock.now())
    addresses = [{"kind": kind, "address": feeds.address(held.token, name)} for name, kind in feeds.FORMATS.items()]
    shown = addresses if held.token else []
    return page("by_feed", "feed", token=token, act=act, addresses=shown, mailed=held.mailed)


@reader_page
def move(request: HttpRequest, token: str) -> HttpResponse:
    """Ask for another address; the same answer whoever has it."""
    queries.reading_preferences(token)
    if request.method != "POST":
        return page("move", "move")
    typed = request.POST.get("address", "")
    try:
        own_data.ask_move(token, typed, clock.now())
    except AddressError:
        return page("move", "move", 400, typed=typed[:MOST_TYPED], wrong=True)
    return page("note", "move_asked")


@reader_page
def moved(request: HttpRequest, token: str) -> HttpResponse:
    """The page that the mail to the new address links to: one button."""
    if request.method != "POST":
        own_data.movable(token, clock.now())
        return page("press", "move_confirm")
    own_data.confirm_move(token, clock.now())
    return page("note", "move_done")


@reader_page
def data(request: HttpRequest, token: str) -> HttpResponse:
    """All that is kept of the reader, as a file. By a button, so that no scanner of links fetches it."""
    if request.method != "POST":
        queries.reader_id(token)
        return page("press", "data")
    found = own_data.own_data(token, clock.now())
    answer = JsonResponse(found, json_dumps_params={"ensure_ascii": False, "indent": 2}, headers=HEADERS)
    answer["Content-Disposition"] = 'attachment; filename="what-we-keep.json"'
    return answer


@reader_page
def erase(request: HttpRequest, token: str) -> HttpResponse:
    """Forget the reader, by a button."""
    if request.method != "POST":
        queries.reader_id(token)
        return page("press", "erase")
    own_data.erase(token, clock.now())
    return page("note", "erased")


def _network(request: HttpRequest) -> str:
    return network_of(request.META.get("REMOTE_ADDR", ""), request.META.get("HTTP_X_FORWARDED_FOR", ""))


def _topics(chosen: tuple[str, ...]) -> list[dict[str, Any]]:
    rows = Topic.objects.filter(retired=False).values("pk", "slug", "name")
    return [{**row, "chosen": row["slug"] in chosen} for row in rows]


def _followed(topics: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that are chosen, or all where none is."""
    return [topic for topic in topics if topic["chosen"]] or topics


def _wishes(held: Wishes) -> dict[str, Any]:
    """The form with its words; what a reader didn't choose is the paper's, which is named."""
    paper = settings.HANDBILL
    said = words(paper.language)
    form = shown(held, language_of(paper.language))
    named = {
        name: [(each, said[f"{name}_{each}"], on) for each, on in form[f"{name}s"]] for name in ("cadence", "form")
    }
    own = {"hour": f"{paper.digest_hour:02}:00", "zone": _zone(paper.zone)}
    own["language"] = own_name(language_of(paper.language))
    return {**form, "cadences": named["cadence"], "forms": named["form"], "paper": own}


def _when(moment: datetime, now: datetime) -> str:
    ahead = (moment.date() - now.astimezone(moment.tzinfo).date()).days
    which = {0: "today", 1: "tomorrow"}.get(ahead, "on_day")
    said = {"time": f"{moment:%H:%M}", "zone": _zone(moment.tzinfo), "day": _date(moment)}
    return words(settings.HANDBILL.language, **said)[which]


def _zone(zone: tzinfo | None) -> str:
    return str(zone).rpartition("/")[2].replace("_", " ")


def _tomorrow() -> str:
    return f"{clock.now().astimezone(settings.HANDBILL.zone).date() + timedelta(days=1):%Y-%m-%d}"


def _until(how_long: str, day: str) -> datetime | None:
    """When a pause ends: at the start of a local day. None for a day that isn't ahead, or no day."""
    zone = settings.HANDBILL.zone
    today = clock.now().astimezone(zone).date()
    try:
        ends = {"week": today + timedelta(days=7), "month": today + timedelta(days=30)}.get(how_long)
        ends = ends or date.fromisoformat(day)
        return datetime(ends.year, ends.month, ends.day, tzinfo=zone) if ends > today else None
    except ValueError:
        return None


def _day(moment: datetime) -> str:
    if moment == UNTIL_THEY_SAY:
        return words(settings.HANDBILL.language)["until_you_say"]
    return _date(moment.astimezone(settings.HANDBILL.zone))


def _date(local: datetime) -> str:
    with translation.override(settings.HANDBILL.language):
        return str(date_format(local, "DATE_FORMAT"))
