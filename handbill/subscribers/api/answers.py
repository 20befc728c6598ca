"""How the API speaks: JSON, faults as RFC 9457 says, who may ask for what, and no more often than that."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from handbill.kit import clock
from handbill.kit.errors import TryLater
from handbill.subscribers.api import tokens
from handbill.subscribers.models import ApiToken

HEADERS = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer"}
MOST_BODY = 64 * 1024  # bytes
MOST_MEMBERS, LONGEST = 500, 2000  # of a list; characters of a text
Operation = Callable[..., HttpResponse]
logger = logging.getLogger(__name__)


class Problem(Exception):
    """What the asker is told instead (RFC 9457). ``kind`` is the last word of its type; ``detail`` says what to do."""

    def __init__(self, status: int, kind: str, detail: str, headers: Mapping[str, str] | None = None, **more: Any):
        super().__init__(kind)
        self.status, self.kind, self.detail, self.headers, self.more = status, kind, detail, headers or {}, more


def problem(fault: Problem) -> HttpResponse:
    """The fault as an answer."""
    said = {"type": f"urn:handbill:problem:{fault.kind}", "title": fault.kind.replace("-", " ").capitalize()}
    body = {**said, "status": fault.status, "detail": fault.detail, **fault.more}
    headers = {**HEADERS, **fault.headers}
    return JsonResponse(body, status=fault.status, headers=headers, content_type="application/problem+json")


def answer(data: object, status: int = 200) -> HttpResponse:
    """Data as an answer."""
    return JsonResponse(data, status=status, headers=HEADERS, safe=False)


def resource(**operations: tuple[str, str, Operation]) -> Callable[..., HttpResponse]:
    """A view of one address: by method (in small letters) the operation's name, the scope it needs, and what it does.

    No cookie is looked at, so none needs a CSRF token: who asks shows a token of their own.
    """
    allowed = ", ".join(sorted(method.upper() for method in operations))

    @csrf_exempt
    @transaction.non_atomic_requests
    def view(request: HttpRequest, **place: Any) -> HttpResponse:
        try:
            method = (request.method or "").lower().replace("head", "get")
            if method not in operations:
                raise Problem(405, "method", f"Here one may {allowed}.", {"Allow": allowed})
            return _used(request, *operations[method], place)
        except Problem as fault:
            return problem(fault)

    return view


def body_of(request: HttpRequest, **wanted: type) -> dict[str, Any]:
    """The members of a JSON object; those whose name ends with ``_`` may be missing. Raises Problem."""
    if request.content_type != "application/json":
        raise Problem(415, "media-type", "Send JSON: Content-Type: application/json.")
    try:
        given = json.loads(request.body[: MOST_BODY + 1].decode("utf-8"))
    except (ValueError, RecursionError):
        raise Problem(400, "json", "The body is no JSON in UTF-8.") from None
    if not isinstance(given, dict):
        raise Problem(422, "body", "Send a JSON object.")
    known = {name.rstrip("_"): (kind, name.endswith("_")) for name, kind in wanted.items()}
    wrong = sorted(set(given) - set(known))
    wrong += [name for name, (kind, may) in known.items() if not _is(given.get(name), kind, may and name not in given)]
    if wrong:
        names = [_clean(str(name))[:60] for name in wrong]
        raise Problem(422, "body", "See the description for these members: their name, type or length.", members=names)
    return given


def _is(value: Any, kind: type, missing: bool) -> bool:
    if missing:
        return True
    if kind is list:
        return isinstance(value, list) and len(value) <= MOST_MEMBERS and all(_is(one, str, False) for one in value)
    if isinstance(value, str):
        return kind is str and value == _clean(value) and len(value) <= LONGEST
    return isinstance(value, kind)


def _clean(text: str) -> str:
    """Without what no database keeps: NUL and lone surrogates, which JSON can say."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode("utf-8")


def _used(request: HttpRequest, name: str, scope: str, operation: Operation, place: Mapping[str, Any]) -> HttpResponse:
    token = _token(request)
    use = tokens.begin_use(token, name, clock.now())
    if use is None:
        raise Problem(
            429, "rate", f"{tokens.A_MINUTE} requests a minute are answered. Wait a minute.", {"Retry-After": "60"}
        )
    said = _said(request, token, scope, operation, place)
    tokens.end_use(use, said.status_code)
    return said


def _said(
    request: HttpRequest, token: ApiToken, scope: str, operation: Operation, place: Mapping[str, Any]
) -> HttpResponse:
    try:
        if scope not in token.scopes:
            raise Problem(403, "scope", f"This token lacks the scope {scope}. An admin makes one that has it.")
        return operation(request, token, **place)
    except Problem as fault:
        return problem(fault)
    except TryLater as busy:
        return problem(Problem(503, "busy", str(busy), {"Retry-After": "60"}))


def _token(request: HttpRequest) -> ApiToken:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    token = tokens.token_of(given.strip()) if scheme.lower() == "bearer" else None
    if token is None:
        raise Problem(401, "token", "Send a token: Authorization: Bearer …", {"WWW-Authenticate": "Bearer"})
    return token


def unknown(request: HttpRequest, **place: Any) -> HttpResponse:
    """Any other address under the API's."""
    return problem(Problem(404, "address", "There is nothing here. See /api/v1/openapi.json."))


unknown = csrf_exempt(wraps(unknown)(unknown))  # type: ignore[assignment]
