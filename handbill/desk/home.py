"""The desk's home screen: what waits, what is public, what is wrong; and the panels of other rooms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from wagtail.admin.ui.components import Component

from handbill.articles import queries as articles
from handbill.desk.delivery import SEE, calls_in_words
from handbill.desk.panels import Panel, panels
from handbill.kit.clock import now
from handbill.sources import queries as sources
from handbill.subscribers import rush
from handbill.wire.queries import mails_waiting

MOST_TROUBLE = 5  # sources shown; the rest are on the health page


class TodayPanel(Component):
    """Today's numbers with the way to each."""

    name = "today"
    order = 10
    template_name = "desk/home_today.html"

    def get_context_data(self, parent_context: Mapping[str, Any]) -> dict[str, Any]:
        zone = settings.HANDBILL.zone
        rows = sources.health(now())
        midnight = datetime.combine(now().astimezone(zone), time(), zone)
        return {
            "numbers": articles.numbers(midnight),
            "trouble": [row for row in rows if row.level == sources.TROUBLE][:MOST_TROUBLE],
            "calls": calls_in_words() if parent_context["request"].user.has_perm(SEE) else [],
            "rush": rush.is_on() and parent_context["request"].user.has_perm(SEE),
            "mails": mails_waiting(),
            "troubles": sum(row.level == sources.TROUBLE for row in rows),
            "public_address": settings.HANDBILL.public_address,
            "request": parent_context["request"],
        }


class HandedPanel(Component):
    """A panel that another room handed in."""

    def __init__(self, panel: Panel, request: HttpRequest) -> None:
        self.name, self.order, self.template_name = panel.name, panel.order, panel.template
        self._panel, self._request = panel, request

    def get_context_data(self, parent_context: Mapping[str, Any]) -> dict[str, Any]:
        return {**self._panel.context(self._request), "request": self._request}


def home_panels(request: HttpRequest, shown: list[Component]) -> list[Component]:
    """The newsroom's panels, then Wagtail's of the workflow; those of the page tree are left out."""
    workflow = [panel for panel in shown if "workflow" in getattr(panel, "name", "")]
    return [TodayPanel(), *(HandedPanel(panel, request) for panel in panels()), *workflow]
