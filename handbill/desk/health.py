"""How the sources do, in plain words, with the one-click fix for what is wrong. Trouble comes first."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from handbill.desk.screen import require
from handbill.desk.sources import SourcesScreen, health_address
from handbill.desk.undo import read_undo, say_with_undo
from handbill.kit.clock import now
from handbill.kit.errors import HandbillError
from handbill.sources import actions as sources
from handbill.sources import queries
from handbill.sources.records import FeedHealth
from handbill.wire import actions as wire
from handbill.wire.queries import page_remarks

PAGE = 50
LEVELS = {
    "trouble": gettext_lazy("In trouble"),
    "notice": gettext_lazy("To look at"),
    "new": gettext_lazy("Not fetched yet"),
    "well": gettext_lazy("Well"),
    "off": gettext_lazy("Switched off"),
}
SAID = {
    "try": gettext_lazy("“%s” is tried again now. Its answer is here within a minute."),
    "move": gettext_lazy("“%s” is fetched from its new address."),
    "stay": gettext_lazy("“%s” keeps its old address."),
    "trust": gettext_lazy("The ids of “%s” are trusted again."),
    "dismiss": gettext_lazy("The notice about “%s” is dismissed."),
    "off": gettext_lazy("“%s” is switched off."),
    "on": gettext_lazy("“%s” is switched on and fetched now."),
}
RINGS = {"try", "move", "on"}


class HealthView(SourcesScreen):
    """Every feed: those in trouble first."""

    template_name = "desk/health.html"
    header_icon = "warning"
    permission = "sources.view_feed"

    def get_page_title(self) -> str:
        return _("Sources' health")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        asked = self.request.GET
        search, level, one = asked.get("q", "").strip()[:100], asked.get("level", ""), _number(asked.get("feed", ""))
        rows = queries.health(now(), search=search, remarks=page_remarks(now()))
        counts = Counter(row.level for row in rows)
        rows = [row for row in rows if level not in LEVELS or row.level == level]
        rows.sort(key=lambda row: row.feed.pk != one)  # the one that was just changed comes first
        number = min(max(_number(asked.get("page", "")), 1), max((len(rows) - 1) // PAGE + 1, 1))
        return {
            **super().get_context_data(**kwargs),
            "rows": [_shown(row) for row in rows[(number - 1) * PAGE : number * PAGE]],
            "levels": [(name, label, counts[name]) for name, label in LEVELS.items() if counts[name]],
            "level": level if level in LEVELS else "",
            "total": sum(counts.values()),
            "search": search,
            "number": number,
            "later": number - 1 if number > 1 else None,
            "earlier": number + 1 if number * PAGE < len(rows) else None,
            "waiting": queries.waiting_long(now()),
            "may_mend": self.request.user.has_perm("sources.change_feed"),
            "one": one,
        }


@require_POST
def mend(request: HttpRequest, feed_id: int) -> HttpResponse:
    """Do the fix that the button names."""
    require(request, "sources.change_feed")
    fix = request.POST.get("fix", "")
    if fix not in SAID:
        raise Http404
    try:
        feed, before = sources.mend(feed_id, fix, now())
    except HandbillError as error:
        messages.error(request, str(error))
        return redirect("desk_health")
    if fix in RINGS:
        wire.ring_fetch()
    said = SAID[fix] % feed.source.name
    if fix == "try":
        messages.success(request, said)
    else:
        say_with_undo(request, feed, before, said)
    return redirect(health_address(feed))


@require_POST
def unmend(request: HttpRequest) -> HttpResponse:
    """Undo a fix."""
    require(request, "sources.change_feed")
    read = read_undo(request)
    if read is None:
        messages.error(request, _("This can't be undone any more. Change the feed by hand."))
        return redirect("desk_health")
    try:
        feed = sources.put_back(*read)
    except HandbillError as error:
        messages.error(request, str(error))
        return redirect("desk_health")
    messages.success(request, _("Undone: “%s” is as it was.") % feed.source.name)
    return redirect(health_address(feed))


def _shown(row: FeedHealth) -> dict[str, Any]:
    return {
        "row": row,
        "label": LEVELS[row.level],
        "tried": queries.span_words(now() - row.feed.fetched_at) if row.feed.fetched_at else "",
        "fixes": [(fix, _label(fix, row.level), place == 0) for place, fix in enumerate(row.fixes)],
        "look_at": row.feed.source.address or row.feed.address,
    }


def _label(fix: str, level: str) -> str:
    return _("Fetch it now") if (fix, level) == ("try", "new") else str(queries.FIXES[fix])


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
