"""Make Wagtail's admin a newsroom's desk: its menu, its home screen, and what may not be deleted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model, ProtectedError
from django.db.models.deletion import Collector
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import URLPattern, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail import hooks
from wagtail.admin.menu import Menu, MenuItem, SubmenuMenuItem
from wagtail.admin.search import SearchArea
from wagtail.snippets.models import register_snippet

from handbill.articles.models import Article
from handbill.desk import urls
from handbill.desk.home import home_panels
from handbill.desk.menu import (
    SOURCES_HOOK,
    alerts_item,
    answer_item,
    delivery_item,
    issue_item,
    lists_item,
    signups_item,
    source_items,
    tokens_item,
)
from handbill.desk.snippets import VIEWSETS
from handbill.desk.views import may_choose
from handbill.sources.models import Feed, Source
from handbill.topics.models import Topic

ARTICLE_LIST = "wagtailsnippets_articles_article:list"
HIDDEN_MENU = {"explorer", "documents", "snippets", "help", "search"}
HIDDEN_REPORTS = {"page-types-usage", "aging-pages", "locked-pages"}
HIDDEN_SETTINGS = {"collections", "redirects", "sites"}

for _viewset in VIEWSETS:
    register_snippet(_viewset)


@hooks.register("register_admin_urls")
def desk_urls() -> list[URLPattern]:
    return urls.urlpatterns


class StoriesMenuItem(MenuItem):
    def is_shown(self, request: HttpRequest) -> bool:
        return may_choose(request.user)


@hooks.register("register_admin_menu_item")
def stories_menu_item() -> MenuItem:
    return StoriesMenuItem(
        gettext_lazy("Stories"), reverse("desk_stories"), name="stories", icon_name="list-ul", order=100
    )


@hooks.register("register_admin_menu_item")
def sources_menu() -> MenuItem:
    menu = Menu(register_hook_name=SOURCES_HOOK, items=source_items())
    return SubmenuMenuItem(gettext_lazy("Sources"), menu, name="sources", icon_name="globe", order=150)


@hooks.register("register_admin_menu_item")
def delivery_menu_item() -> MenuItem:
    return delivery_item()


@hooks.register("register_admin_menu_item")
def issue_menu_item() -> MenuItem:
    return issue_item()


@hooks.register("register_admin_menu_item")
def alerts_menu_item() -> MenuItem:
    return alerts_item()


@hooks.register("register_admin_menu_item")
def signups_menu_item() -> MenuItem:
    return signups_item()


@hooks.register("register_admin_menu_item")
def lists_menu_item() -> MenuItem:
    return lists_item()


@hooks.register("register_settings_menu_item")
def tokens_menu_item() -> MenuItem:
    return tokens_item()


@hooks.register("register_reports_menu_item")
def answer_menu_item() -> MenuItem:
    return answer_item()


@hooks.register("construct_main_menu")
def hide_page_tree(request: HttpRequest, items: list[MenuItem]) -> None:
    items[:] = [item for item in items if item.name not in HIDDEN_MENU]


@hooks.register("construct_reports_menu")
def hide_page_reports(request: HttpRequest, items: list[MenuItem]) -> None:
    items[:] = [item for item in items if item.name not in HIDDEN_REPORTS]


@hooks.register("construct_settings_menu")
def hide_page_settings(request: HttpRequest, items: list[MenuItem]) -> None:
    items[:] = [item for item in items if item.name not in HIDDEN_SETTINGS]


@hooks.register("register_admin_search_area")
def search_articles() -> SearchArea:
    return SearchArea(_("Articles"), reverse(ARTICLE_LIST), name="articles", icon_name="doc-full", order=10)


@hooks.register("construct_search")
def hide_page_search(request: HttpRequest, areas: list[SearchArea]) -> None:
    areas[:] = [area for area in areas if area.name in ("articles", "images", "users")]


@hooks.register("construct_homepage_panels")
def newsroom_panels(request: HttpRequest, panels: list[Any]) -> None:
    panels[:] = home_panels(request, panels)


@hooks.register("construct_homepage_summary_items")
def no_page_counts(request: HttpRequest, items: list[Any]) -> None:
    items.clear()


@hooks.register("insert_global_admin_css")
def desk_css() -> SafeString:
    return format_html('<link rel="stylesheet" href="{}">', static("desk/desk.css"))


@hooks.register("register_account_menu_item")
def second_factor(request: HttpRequest) -> dict[str, str]:
    return {
        "url": reverse("mfa_index"),
        "label": _("Passkeys and second factor"),
        "help_text": _("Protect your account with a passkey or an authenticator app."),
    }


@hooks.register("before_delete_snippet")
def keep_what_was_public(request: HttpRequest, instances: Iterable[Model]) -> HttpResponse | None:
    """What readers have seen is withdrawn or retired, not deleted: its address and its history must stay known."""
    for row in instances:
        if reason := _kept_because(row):
            messages.error(request, reason % row)
            return redirect(row.snippet_viewset.get_url_name("list"))
    return None


def _kept_because(row: Model) -> str:
    if isinstance(row, Article) and row.edition:
        return _("“%s” has been public. Unpublish it instead of deleting it.")
    if isinstance(row, Topic) and row.articles.exists():
        return _("“%s” has articles. Retire the topic instead of deleting it.")
    if isinstance(row, Feed | Source) and row.reports.exists():
        return _("“%s” has reports. Switch it off instead: empty the time of the next fetch.")
    try:
        Collector(using=DEFAULT_DB_ALIAS).collect([row])
    except ProtectedError:
        return _("“%s” is in use and can't be deleted.")
    return ""
