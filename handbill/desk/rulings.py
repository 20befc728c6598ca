"""One story, and what an editor says of it: not this story, one story, move, not the same. Each act can be undone.

All is done by forms and buttons; a page that shows a story as it was changes nothing.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST
from django.views.generic import TemplateView
from wagtail.admin.views.generic import WagtailAdminTemplateMixin

from handbill.articles.models import Article
from handbill.desk.views import STRICTNESS, gone, numbers, require, shown_all, to_list, with_undo
from handbill.digest.queries import last_closed
from handbill.kit.clock import now
from handbill.stories import actions as stories
from handbill.stories import queries
from handbill.stories.errors import ChangedSince
from handbill.stories.models import Ruling, Story


class StoryView(WagtailAdminTemplateMixin, TemplateView):
    """A story's reports with their reasons, and what can be said of them."""

    template_name = "desk/story.html"
    page_title = "Story"
    header_icon = "list-ul"

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        return []

    def get_page_title(self) -> str:
        return _("Story")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        require(self.request)
        try:
            view = queries.story_view(kwargs["story_id"], since=last_closed(now()))
        except Story.DoesNotExist:
            raise Http404 from None
        made = {article.story_id: article for article in Article.objects.filter(story=view.story)}
        others = [(f"{story.pk} · {story.title}") for story in queries.recent() if story.pk != view.story.pk]
        return {
            **super().get_context_data(**kwargs),
            "story": shown_all([view], made)[0],
            "others": others,
            "may_publish": self.request.user.has_perm("articles.publish_article"),
        }


@require_POST
def merge(request: HttpRequest) -> HttpResponse:
    """Make one story of those chosen, or say of two that they are not the same (``apart`` in the form)."""
    require(request)
    chosen = numbers(request, "story")
    if "apart" in request.POST:
        return _apart(request, chosen)
    if len(chosen) < 2:
        messages.error(request, _("Choose two stories or more, then make them one."))
        return to_list(request)
    ruling = stories.merge(chosen, now(), request.user)
    if ruling is None:
        return gone(request)
    _say(request, ruling, _("These are one story now: “%s”.") % _target(ruling).title)
    return to_list(request)


@require_POST
def join(request: HttpRequest, story_id: int) -> HttpResponse:
    """Make one story of this and the one that the form names, or say that they are not the same."""
    require(request)
    other = _named(request, story_id)
    if other is None:
        return _to_story(story_id)
    if "apart" in request.POST:
        return _apart(request, [story_id, other.pk])
    ruling = stories.merge([story_id, other.pk], now(), request.user)
    if ruling is None:
        return gone(request)
    _say(request, ruling, _("These are one story now: “%s”.") % _target(ruling).title)
    return _to_story(_target(ruling).pk)


@require_POST
def split(request: HttpRequest, story_id: int) -> HttpResponse:
    """Take the chosen reports out, into a story of their own."""
    require(request)
    chosen = numbers(request, "report")
    if not chosen:
        messages.error(request, _("Choose the reports that are not of this story."))
        return _back(request, story_id)
    try:
        ruling = stories.split(story_id, chosen, now(), request.user)
    except ChangedSince:
        return gone(request)
    if ruling is None:
        messages.warning(request, _("These are all of its reports, so it is a story of its own already."))
        return _back(request, story_id)
    text = ngettext(
        "%(n)d report is a story of its own now: “%(title)s”.",
        "%(n)d reports are a story of their own now: “%(title)s”.",
        len(chosen),
    )
    _say(request, ruling, text % {"n": len(chosen), "title": _target(ruling).title})
    return _back(request, story_id)


@require_POST
def move(request: HttpRequest, story_id: int) -> HttpResponse:
    """Put the chosen reports into the story that the form names."""
    require(request)
    chosen = numbers(request, "report")
    other = _named(request, story_id) if chosen else None
    if not chosen:
        messages.error(request, _("Choose the reports that are to move."))
    if other is None:
        return _to_story(story_id)
    try:
        ruling = stories.move(story_id, chosen, other.pk, now(), request.user)
    except ChangedSince:
        return gone(request)
    if ruling is not None:
        text = ngettext("%(n)d report moved to “%(title)s”.", "%(n)d reports moved to “%(title)s”.", len(chosen))
        _say(request, ruling, text % {"n": len(chosen), "title": _target(ruling).title})
    return _back(request, story_id)


@require_POST
def undo(request: HttpRequest, ruling_id: int) -> HttpResponse:
    """Take an act back."""
    require(request)
    try:
        if stories.undo(ruling_id, now()):
            messages.success(request, _("Undone: the reports are where they were."))
    except ChangedSince:
        messages.error(request, _("Somebody changed these stories again since. Undo that first."))
    return to_list(request)


@require_POST
def set_strictness(request: HttpRequest) -> HttpResponse:
    """How much is asked for reports to be one story, from the next report on."""
    require(request)
    try:
        stories.set_strictness(int(request.POST.get("strictness", "")))
    except ValueError:
        messages.error(request, _("Choose one of the five."))
        return to_list(request)
    chosen = STRICTNESS[queries.strictness()]
    messages.success(request, _("Stories are grouped “%s” from the next report on. Those there are stay.") % chosen)
    return to_list(request)


def _apart(request: HttpRequest, chosen: list[int]) -> HttpResponse:
    if len(chosen) != 2:
        messages.error(request, _("Choose two stories to say that they are not the same."))
        return to_list(request)
    ruling = stories.keep_apart(chosen[0], chosen[1], now(), request.user)
    if ruling is None:
        messages.success(request, _("That is said of these two stories already."))
    else:
        _say(request, ruling, _("These are not the same, and no report of one will be put into the other."))
    return to_list(request)


def _named(request: HttpRequest, story_id: int) -> Story | None:
    """The other story: by the number that its line begins with, or by words of its title that only one has."""
    text = request.POST.get("other", "").strip()[:500]
    number = text.partition(" ")[0]
    if number.isascii() and number.isdigit() and len(number) < 19:
        found = [story for story in [Story.objects.filter(pk=int(number), outlets__gt=0).first()] if story]
    else:
        found = queries.recent(limit=3, search=text) if text else []
    found = [story for story in found if story.pk != story_id]
    if len(found) == 1:
        return found[0]
    if found:
        messages.error(request, _("More than one story has these words in its title. Choose one from the list."))
    else:
        messages.error(request, _("No other story has these words in its title. Choose one from the list."))
    return None


def _target(ruling: Ruling) -> Story:
    """The story that the act put its reports into."""
    report = ruling.reports.filter(side=stories.MOVED).values("report")
    return Story.objects.filter(members__report__in=report).distinct().get()


def _say(request: HttpRequest, ruling: Ruling, text: str) -> None:
    messages.success(request, with_undo(request, text, reverse("desk_unrule", args=[ruling.pk])))


def _back(request: HttpRequest, story_id: int) -> HttpResponse:
    """To the list that the form stood on, or to the story's own page, as long as it has reports."""
    if "page" in request.POST or not Story.objects.filter(pk=story_id, outlets__gt=0).exists():
        return to_list(request)
    return _to_story(story_id)


def _to_story(story_id: int) -> HttpResponse:
    return redirect(reverse("desk_story", args=[story_id]))
