"""Triage: choose among the stories. Each change is a POST, and the message that follows it can undo it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from django.views.generic import TemplateView
from wagtail.admin.views.generic import WagtailAdminTemplateMixin

from handbill.articles import actions as articles
from handbill.articles.errors import EditedSince
from handbill.articles.models import Article
from handbill.articles.teaching import offered_topics
from handbill.desk.parts import part_facts
from handbill.desk.reason_words import why_in_words
from handbill.desk.topics import in_words
from handbill.digest.queries import last_closed
from handbill.kit.clock import now
from handbill.kit.text import language_direction
from handbill.stories import actions as stories
from handbill.stories import queries
from handbill.stories.models import Story
from handbill.stories.records import SuggestedTopic, TriagedStory

STRICTNESS = {  # what is asked of reports to be one story, as ``Grouping.Strictness`` has it
    -2: gettext_lazy("loose"),
    -1: gettext_lazy("rather loose"),
    0: gettext_lazy("even"),
    1: gettext_lazy("rather strict"),
    2: gettext_lazy("strict"),
}
PAGE = 20
MOST_AT_ONCE = 100  # stories, reports or topics chosen in one form
LAST_PAGE = 50  # older stories are found by the list's successor: a search


def may_choose(user: User | AnonymousUser) -> bool:
    """Whether the person may choose among the stories and make drafts of them."""
    return user.has_perms(["stories.change_story", "articles.add_article"])


class StoriesView(WagtailAdminTemplateMixin, TemplateView):
    """Stories nobody has taken or dismissed, the most telling first."""

    template_name = "desk/stories.html"
    page_title = "Stories"
    header_icon = "list-ul"

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        return []

    def get_page_title(self) -> str:
        return _("Stories")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        require(self.request)
        number = _page_number(self.request)
        taken = "taken" in self.request.GET
        found = queries.triage(PAGE + 1, taken, skip=(number - 1) * PAGE, since=last_closed(now()))
        articles_of = {a.story_id: a for a in Article.objects.filter(story__in=[v.story.pk for v in found if v.taken])}
        return {
            **super().get_context_data(**kwargs),
            "stories": shown_all(found[:PAGE], articles_of),
            "taken": taken,
            "strictnesses": STRICTNESS.items(),
            "strictness": queries.strictness(),
            "number": number,
            "earlier": number + 1 if len(found) > PAGE and number < LAST_PAGE else None,
            "later": number - 1 if number > 1 else None,
            "may_publish": self.request.user.has_perm("articles.publish_article"),
        }


def shown_all(views: Sequence[TriagedStory], articles_of: Mapping[int | None, Article]) -> list[dict[str, Any]]:
    """Stories for the template, with the topics suggested for those of which no article was made."""
    offered = offered_topics([view for view in views if view.story.pk not in articles_of])
    return [_shown(view, articles_of.get(view.story.pk), offered.get(view.story.pk, ())) for view in views]


def _shown(view: TriagedStory, article: Article | None, offered: Sequence[SuggestedTopic]) -> dict[str, Any]:
    return {
        "view": view,
        "direction": language_direction(view.story.language),
        "language": view.story.language,
        "names": list(dict.fromkeys(member.outlet for member in view.members)),
        "members": [(member, why_in_words(member.why, view.story.language)) for member in view.members],
        "rare": next((m.outlet for m in view.members if m.outlet_id == view.standing.rare), ""),
        "article": article,
        "edit": _edit_address(article) if article else "",
        "part": part_facts(view.part) if view.part else None,
        "topics": [(each.topic, in_words(each.confidence), round(100 * each.confidence)) for each in offered],
    }


def _page_number(request: HttpRequest) -> int:
    text = request.GET.get("page", "1")
    return min(max(int(text), 1), LAST_PAGE) if text.isascii() and text.isdigit() and len(text) < 5 else 1


@require_POST
def take(request: HttpRequest, story_id: int) -> HttpResponse:
    """Make the story's article; with ``publish`` in the form, publish it at once. One that somebody made is shown."""
    require(request)
    publish = "publish" in request.POST
    if publish and not request.user.has_perm("articles.publish_article"):
        raise PermissionDenied
    if (taken := Article.objects.filter(story_id=story_id).first()) is not None:
        messages.warning(request, _("“%s” was taken already. This is its article as it stands.") % taken.headline)
        return redirect(_edit_address(taken))
    try:
        article = articles.take_story(
            story_id, now(), user=request.user, publish=publish, more_topics=numbers(request, "topic")
        )
    except Story.DoesNotExist:
        return gone(request)
    said = _("“%s” is published.") if publish else _("“%s” is taken as a draft. Readers see it once you publish it.")
    undo = reverse("desk_undo_take", args=[article.pk])
    messages.success(request, with_undo(request, said % article.headline, undo, edit=article if publish else None))
    return to_list(request) if publish else redirect(_edit_address(article))


@require_POST
def undo_take(request: HttpRequest, article_id: int) -> HttpResponse:
    """Delete a draft just taken, or withdraw it when readers have seen it."""
    require(request)
    article = Article.objects.filter(pk=article_id, story__isnull=False).first()
    if article is None:
        return gone(request)
    if article.live and not request.user.has_perm("articles.publish_article"):
        raise PermissionDenied
    try:
        articles.undo_take(article_id, user=request.user)
    except EditedSince:
        text = _("“%s” has been edited since it was taken. If it shall go, delete it here.")
        messages.error(request, text % article.headline)
        return redirect(_edit_address(article))
    if article.edition:
        messages.success(request, _("“%s” is withdrawn. It is kept as a draft.") % article.headline)
    else:
        messages.success(request, _("Undone: the story is back in the list."))
    return to_list(request)


@require_POST
def dismiss(request: HttpRequest, story_id: int) -> HttpResponse:
    """Take the story off the list."""
    require(request)
    story = _story(story_id)
    stories.dismiss(story.pk, now())
    said = _("“%s” is dismissed.") % story.title
    messages.success(request, with_undo(request, said, reverse("desk_restore", args=[story.pk])))
    return to_list(request)


@require_POST
def restore(request: HttpRequest, story_id: int) -> HttpResponse:
    """Put a dismissed story back."""
    require(request)
    story = _story(story_id)
    stories.restore(story.pk)
    messages.success(request, _("“%s” is back in the list.") % story.title)
    return to_list(request)


def _story(story_id: int) -> Story:
    story = Story.objects.filter(pk=story_id).first()
    if story is None:
        raise Http404
    return story


def numbers(request: HttpRequest, name: str) -> list[int]:
    """The whole numbers that the form gives by this name."""
    given = request.POST.getlist(name)[:MOST_AT_ONCE]
    return [int(text) for text in given if text.isascii() and text.isdigit() and len(text) < 19]


def require(request: HttpRequest) -> None:
    """Raise PermissionDenied for who may not choose among the stories."""
    if not may_choose(request.user):
        raise PermissionDenied


def gone(request: HttpRequest) -> HttpResponse:
    """Say that the story is not as it was shown."""
    messages.error(request, _("That story is gone: it was changed meanwhile. Look at the list again."))
    return to_list(request)


def to_list(request: HttpRequest) -> HttpResponse:
    """Back to the page of the list that the form stood on."""
    page = request.POST.get("page", "")
    asked = {"page": page} if page.isascii() and page.isdigit() and page != "1" else {}
    asked |= {"taken": "1"} if "taken" in request.POST else {}
    return redirect(reverse("desk_stories") + (f"?{urlencode(asked)}" if asked else ""))


def _edit_address(article: Article) -> str:
    return reverse(article.snippet_viewset.get_url_name("edit"), args=[article.pk])


def with_undo(request: HttpRequest, text: str, address: str, edit: Article | None = None) -> SafeString:
    """A message's text with the button that takes it back."""
    link = format_html(' <a href="{}">{}</a>', _edit_address(edit), _("Edit")) if edit else ""
    return format_html(
        '{}{} <form method="post" action="{}" class="desk-undo"><input type="hidden" name="csrfmiddlewaretoken"'
        ' value="{}"><button class="button button-small button-secondary">{}</button></form>',
        text,
        link,
        address,
        get_token(request),
        _("Undo"),
    )
