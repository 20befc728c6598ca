"""The desk's submenu of sources: one line here for each of its screens."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _
from wagtail.admin.menu import MenuItem

SOURCES_HOOK = "register_sources_menu_item"
"""A list of rows (a viewset) joins the submenu with ``menu_hook = SOURCES_HOOK``."""


class PermittedItem(MenuItem):
    """Shown to who has ``permission``."""

    def __init__(self, *args: Any, permission: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.permission = permission

    def is_shown(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(self.permission))


def source_items() -> list[MenuItem]:
    """The submenu's screens besides the lists of outlets (10) and feeds (50), in the order of their numbers."""
    return [
        # (label, the screen's name in urls.py, icon, order, permission)
        _item(_("Add a source"), "desk_look", "plus-inverse", 20, "sources.add_feed"),
        _item(_("Newsletters"), "desk_newsletters", "mail", 25, "sources.add_feed"),
        _item(_("Clip an article"), "desk_clip", "cut", 27, "articles.add_article"),
        _item(_("Health"), "desk_health", "warning", 30, "sources.view_feed"),
    ]


def answer_item() -> MenuItem:
    """In the submenu of reports: what became of a reader's mail."""
    return _item(_("Answer a reader"), "desk_answer", "mail", 300, "delivery.view_delivery")


def issue_item() -> MenuItem:
    """The next issue, and the word that lets it go."""
    return _item(_("Send room"), "desk_issue", "tasks", 160, "digest.view_issue")


def alerts_item() -> MenuItem:
    """Mails between issues."""
    return _item(_("Alerts"), "desk_alerts", "warning", 165, "digest.view_issue")


def delivery_item() -> MenuItem:
    """How the sending runs."""
    return _item(_("Delivery"), "desk_delivery", "mail", 170, "delivery.view_mailing")


def signups_item() -> MenuItem:
    """Who waits to be answered, and the form for other sites."""
    return _item(_("Sign-ups"), "desk_signups", "group", 175, "delivery.view_mailing")


def lists_item() -> MenuItem:
    """Lists of readers in and out."""
    return _item(_("Lists of readers"), "desk_lists", "group", 180, "subscribers.add_import")


def tokens_item() -> MenuItem:
    """In the submenu of settings: other tools."""
    return _item(_("Tokens of other tools"), "desk_api_tokens", "key", 700, "subscribers.add_apitoken")


def _item(label: Any, screen: str, icon: str, order: int, permission: str) -> MenuItem:
    return PermittedItem(label, reverse_lazy(screen), name=screen, icon_name=icon, order=order, permission=permission)
