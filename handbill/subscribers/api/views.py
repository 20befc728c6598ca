"""The API's operations (``openapi.json`` describes them): topics, and readers without their addresses.

An address goes in and never comes out: what leaves with addresses is an export, which is told and marked (ADR-0058).
Who is added is asked by mail as by any form; nobody who left is revived.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from handbill.delivery.address import AddressError, all_hashes
from handbill.kit import clock
from handbill.subscribers import actions, queries, signups
from handbill.subscribers.api.answers import HEADERS, Problem, answer, body_of, resource
from handbill.subscribers.api.cursor import read_cursor, write_cursor
from handbill.subscribers.errors import NotReading
from handbill.subscribers.models import ApiToken, Subscriber
from handbill.subscribers.records import Shown, Slip
from handbill.subscribers.wishes import read_audience, read_leading
from handbill.topics.models import Topic

DESCRIPTION = json.loads((Path(__file__).parent / "openapi.json").read_text("utf-8"))
MOST, USUAL = 500, 100  # readers a page
VERSION = "api"


@require_safe
def description(request: HttpRequest) -> HttpResponse:
    """What can be asked, for any program."""
    return JsonResponse(DESCRIPTION, headers=HEADERS | {"Access-Control-Allow-Origin": "*"})


def _list_topics(request: HttpRequest, token: ApiToken) -> HttpResponse:
    topics = Topic.objects.filter(retired=False).order_by("position", "name")
    return answer({"topics": [{"slug": topic.slug, "name": topic.name} for topic in topics]})


def _list_readers(request: HttpRequest, token: ApiToken) -> HttpResponse:
    limit, after = _limit(request), read_cursor(request.GET.get("after", ""))
    rows = Subscriber.objects.order_by("pk")
    page = list((rows.filter(pk__gt=after) if after else rows)[: limit + 1])
    slugs = _slugs()
    more = write_cursor(page[limit - 1].pk) if len(page) > limit else None
    return answer({"subscribers": [_told(row, slugs) for row in page[:limit]], "next": more})


def _add(request: HttpRequest, token: ApiToken) -> HttpResponse:
    given = body_of(request, address=str, topics_=list, wording_=str, sure_=bool)
    now, topics = clock.now(), given.get("topics", [])
    _check_topics(topics)
    words = given.get("wording", "").strip()
    shown = Shown(now, words, VERSION) if words else None
    try:
        done = signups.take(
            given["address"], now, network=f"api {token.pk}", topics=topics, shown=shown, sure=given.get("sure", False)
        )
    except AddressError as error:
        raise Problem(422, "address", str(error)) from None
    if isinstance(done, Slip):
        raise Problem(409, "slip", "Is the domain right? Ask, then send it again with sure: true.", meant=done.meant)
    return answer({"state": "asked"}, 202)


def _look_up(request: HttpRequest, token: ApiToken) -> HttpResponse:
    try:
        hashes = all_hashes(body_of(request, address=str)["address"])
    except AddressError as error:
        raise Problem(422, "address", str(error)) from None
    return answer(_told(_found(Subscriber.objects.filter(address_hash__in=hashes).first()), _slugs()))


def _show(request: HttpRequest, token: ApiToken, reader: UUID) -> HttpResponse:
    return answer(_told(_found(Subscriber.objects.filter(pk=reader).first()), _slugs()))


def _leave(request: HttpRequest, token: ApiToken, reader: UUID) -> HttpResponse:
    _found(Subscriber.objects.filter(pk=reader).first())
    actions.leave(queries.reader_token(reader), clock.now())
    return _show(request, token, reader)


def _choose(request: HttpRequest, token: ApiToken, reader: UUID) -> HttpResponse:
    topics = body_of(request, topics=list)["topics"]
    _check_topics(topics)
    _found(Subscriber.objects.filter(pk=reader).first())
    try:
        actions.choose(queries.reader_token(reader), topics, clock.now())
    except NotReading:
        raise Problem(409, "not-reading", "They get nothing now. Only they can begin again, by a sign-up.") from None
    return _show(request, token, reader)


def _limit(request: HttpRequest) -> int:
    given = request.GET.get("limit", str(USUAL))
    if not (given.isascii() and given.isdigit() and len(given) < 4 and 1 <= int(given) <= MOST):
        raise Problem(400, "limit", f"limit is a whole number, 1 to {MOST}.")
    return int(given)


def _check_topics(slugs: list[str]) -> None:
    known = set(Topic.objects.filter(retired=False).values_list("slug", flat=True))
    if missing := sorted(set(slugs) - known):
        raise Problem(422, "topics", "Send slugs of /api/v1/topics.", members=[slug[:60] for slug in missing[:20]])


def _found(row: Subscriber | None) -> Subscriber:
    if row is None:
        raise Problem(404, "subscriber", "Nobody like that is known here.")
    return row


def _slugs() -> dict[int, str]:
    return dict(Topic.objects.values_list("pk", "slug"))


def _told(row: Subscriber, slugs: dict[int, str]) -> dict[str, Any]:
    reading = row.audience is not None
    state = "reading" if reading else "left" if row.confirmed_at else "held" if _is_held(row) else "unconfirmed"
    return {
        "id": str(row.pk),
        "state": state,
        "joined": _text(row.created_at),
        "confirmed": _text(row.confirmed_at),
        "paused_until": _text(row.paused_until),
        "topics": sorted(slugs[pk] for pk in read_audience(row.audience or "") if pk in slugs),
        "cadence": row.cadence,
        "weekday": row.weekday,
        "hour": row.hour,
        "zone": row.zone,
        "language": row.language,
        "form": row.form,
        "plain": row.plain,
        "wants_alerts": row.wants_alerts,
        "leading": [slugs[pk] for pk in read_leading(row.leading) if pk in slugs],
    }


def _is_held(row: Subscriber) -> bool:
    return row.brought_by_id is not None and row.asked_at is None


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


topics = resource(get=("listTopics", "topics:read", _list_topics))
readers = resource(
    get=("listSubscribers", "subscribers:read", _list_readers), post=("addSubscriber", "subscribers:write", _add)
)
look_up = resource(post=("lookUpSubscriber", "subscribers:read", _look_up))
reader = resource(get=("showSubscriber", "subscribers:read", _show))
leave = resource(post=("endSubscriber", "subscribers:write", _leave))
choose = resource(put=("setTopics", "subscribers:write", _choose))
