"""Messages at the desk that can take back what they tell: each carries a small form with one button."""

from __future__ import annotations

from django.contrib import messages
from django.core import signing
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from handbill.sources.mending import Before
from handbill.sources.models import Feed

HOUR = 3600  # seconds in which a fix can be undone


def say_with_undo(request: HttpRequest, feed: Feed, before: Before, text: str) -> None:
    """Tell that ``feed`` was changed, with the button that writes ``before`` again."""
    sealed = signing.dumps([feed.pk, before], salt=_salt(request))
    form = format_html(
        '{} <form method="post" action="{}" class="desk-undo">{}{}<button class="button button-small button-secondary">'
        "{}</button></form>",
        text,
        reverse("desk_unmend"),
        _hidden("csrfmiddlewaretoken", get_token(request)),
        _hidden("before", sealed),
        _("Undo"),
    )
    messages.success(request, form)


def _hidden(name: str, value: str) -> SafeString:
    return format_html('<input type="hidden" name="{}" value="{}">', name, value)


def read_undo(request: HttpRequest) -> tuple[int, Before] | None:
    """The feed's key and its fields as they were; None when the button is older than an hour, forged, or another's."""
    try:
        feed_id, before = signing.loads(request.POST.get("before", ""), salt=_salt(request), max_age=HOUR)
    except signing.BadSignature:
        return None
    return feed_id, before


def _salt(request: HttpRequest) -> str:
    return f"desk.undo.{request.user.pk}"
