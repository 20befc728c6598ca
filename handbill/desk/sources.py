"""Add a source: the editor types a site's address, sees what is there, and chooses; lists of feeds come in and go out.

Looking makes network traffic, so it is a POST, and what it found is the answer: nothing is kept but the page, for some
minutes. The same screens find a feed's new address: ``feed`` in the form names the feed that gets it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from handbill.desk.screen import Screen, require
from handbill.desk.undo import say_with_undo
from handbill.kit.clock import now
from handbill.kit.errors import HandbillError
from handbill.kit.text import language_direction, shorten
from handbill.sources import actions as sources
from handbill.sources import queries
from handbill.sources.models import Feed
from handbill.sources.queries import rhythm_words, span_words
from handbill.wire import actions as wire
from handbill.wire.records import Choice, CleanEntry, Look

EXCERPT = 220  # characters of an entry in a preview
_LATER = "It is tried again later."  # said of feeds that are fetched by themselves, which nobody's look is
MOST_LIST_BYTES = 5 * 1024 * 1024
FORMATS = {
    "rss": gettext_lazy("RSS feed"),
    "atom": gettext_lazy("Atom feed"),
    "json": gettext_lazy("JSON Feed"),
    "cdf": gettext_lazy("CDF channel"),
    "sitemap": gettext_lazy("news sitemap"),
    "page": gettext_lazy("links of a page"),
}


class ChosenForm(forms.Form):
    """What the editor adds. ``feed`` is the feed that gets this address instead of a new one being added."""

    address = forms.CharField(max_length=2000)
    kind = forms.ChoiceField(choices=[("feed", "feed"), ("page", "page")])
    selector = forms.CharField(max_length=300, required=False)
    name = forms.CharField(max_length=200, required=False)
    language = forms.RegexField(r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,4}$", max_length=35, required=False)
    site_address = forms.CharField(max_length=2000, required=False)
    full_text = forms.BooleanField(required=False)
    feed = forms.IntegerField(required=False)


@dataclass(frozen=True, slots=True)
class Shown:
    """A choice as the screen shows it."""

    choice: Choice
    format: str
    newest: str
    rhythm: str
    entries: list[dict[str, Any]]


class SourcesScreen(Screen):
    """A screen of the submenu of sources."""

    header_icon = "plus-inverse"
    permission = "sources.add_feed"


class LookView(SourcesScreen):
    """Type an address; see what can be gathered from it."""

    template_name = "desk/look.html"

    def get_page_title(self) -> str:
        return _("Add a source")

    def post(self, request: HttpRequest) -> HttpResponse:
        address, failure, look = request.POST.get("address", "").strip(), "", None
        try:
            look = wire.look_at(address)
        except HandbillError as error:
            failure = str(error).replace(_LATER, _("Look again later."))
        choices = [_shown(choice) for choice in look.choices] if look else []
        found = {"address": address, "failure": failure, "look": look, "choices": choices}
        return self.render_to_response(self.get_context_data(**found, replaced=_replaced(request)))


class PickView(SourcesScreen):
    """Pick a page's links with a selector, and see what it would give."""

    template_name = "desk/pick.html"
    header_icon = "link"

    def get_page_title(self) -> str:
        return _("Pick a page's links")

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("desk_look")

    def post(self, request: HttpRequest) -> HttpResponse:
        return self.render_to_response(self.get_context_data(replaced=_replaced(request), **picked(request)))


@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """The part of the screen that changes as one types: what the selector gives on the page that was kept."""
    require(request, "sources.add_feed")
    return render(request, "desk/pick_preview.html", picked(request))


def picked(request: HttpRequest) -> dict[str, Any]:
    """What the form's selector gives on its page; a suggestion's button comes before the field."""
    address = request.POST.get("address", "").strip()
    selector = request.POST.get("suggestion") or request.POST.get("selector", "")
    look, failure = Look(address, ()), ""
    try:
        look = wire.pick_links(address, selector)
    except HandbillError as error:
        failure = str(error)
    choice = look.choices[0] if look.choices else None
    return {
        "look": look,
        "shown": _shown(choice) if choice else None,
        "failure": failure or look.sentence,
        "selector": selector.strip(),
        "name": request.POST.get("name") or (choice.title if choice else ""),
        "language": request.POST.get("language") or (choice.language if choice else ""),
    }


@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Add the chosen feed and have it fetched at once, or give its address to the feed that needs a new one."""
    require(request, "sources.add_feed")
    form = ChosenForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("It was not added. Look again, and check: %s.") % ", ".join(form.errors))
        return redirect("desk_look")
    try:
        return _replace(request, form.cleaned_data) if form.cleaned_data["feed"] else _add(request, form.cleaned_data)
    except HandbillError as error:
        messages.error(request, str(error))
        return redirect("desk_look")


def _add(request: HttpRequest, chosen: dict[str, Any]) -> HttpResponse:
    if chosen["kind"] == "page" and not (look := wire.pick_links(chosen["address"], chosen["selector"])).choices:
        messages.error(request, look.sentence)
        return redirect("desk_look")
    given = {name: chosen[name] for name in ("kind", "selector", "site_address", "language", "full_text")}
    feed, is_new = sources.add_chosen(chosen["name"], chosen["address"], now(), **given)
    if is_new:
        wire.ring_fetch()
        messages.success(request, _("“%s” is added. Its entries come within a minute.") % feed.source.name)
    else:
        messages.warning(request, _("That address is a feed of “%s” already.") % feed.source.name)
    return redirect(health_address(feed))


def _replace(request: HttpRequest, chosen: dict[str, Any]) -> HttpResponse:
    require(request, "sources.change_feed")
    given = {"kind": chosen["kind"], "selector": chosen["selector"]}
    feed, before = sources.use_address(chosen["feed"], chosen["address"], now(), **given)
    wire.ring_fetch()
    say_with_undo(request, feed, before, _("“%s” is fetched from its new address.") % feed.source.name)
    return redirect(health_address(feed))


@require_POST
def take_list(request: HttpRequest) -> HttpResponse:
    """Add every feed of an OPML list that is uploaded."""
    require(request, "sources.add_feed")
    given = request.FILES.get("file")
    if given is None or (given.size or 0) > MOST_LIST_BYTES:
        messages.error(request, _("Choose an OPML file of at most 5 MiB: any feed reader exports one."))
        return redirect("desk_look")
    try:
        done = sources.import_opml(given.read(), now())
    except HandbillError as error:
        messages.error(request, str(error))
        return redirect("desk_look")
    wire.ring_fetch()
    text = ngettext("%(added)d feed is added", "%(added)d feeds are added", done.added) + _(
        ", %(known)d known already."
    )
    messages.success(request, text % {"added": done.added, "known": done.known})
    for reason in done.refused[:10]:
        messages.warning(request, _("Not taken: %s") % reason)
    return redirect("desk_health")


def give_list(request: HttpRequest) -> HttpResponse:
    """Every feed as an OPML file; newsletters and pages without a feed are left out."""
    require(request, "sources.view_feed")
    answer = HttpResponse(queries.opml(), content_type="text/x-opml; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="sources.opml"'
    return answer


def health_address(feed: Feed) -> str:
    """The health page with the feed's row first; no anchor, which would hide the message above it and its Undo."""
    return f"{reverse('desk_health')}?feed={feed.pk}"


def _replaced(request: HttpRequest) -> Feed | None:
    given = request.POST.get("feed", "")
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        return None
    return get_object_or_404(Feed.objects.select_related("source"), pk=int(given))


def _shown(choice: Choice) -> Shown:
    return Shown(
        choice=choice,
        format=str(FORMATS.get("page" if choice.kind == "page" else choice.format, choice.format)),
        newest=_("%s ago") % span_words(now() - choice.newest) if choice.newest else "",
        rhythm=rhythm_words(choice.gap_minutes) if choice.gap_minutes else "",
        entries=[_entry(entry, choice.language) for entry in choice.entries],
    )


def _entry(entry: CleanEntry, language: str) -> dict[str, Any]:
    code = entry.language or language
    return {
        "entry": entry,
        "language": code,
        "direction": language_direction(code) if code else "auto",
        "excerpt": shorten(entry.text, EXCERPT),
        "authors": ", ".join(entry.authors),
    }
