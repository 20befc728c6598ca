"""Clip an article: for pages that only the editor's own browser can open.

A bookmark opens this screen in a window of its own and hands it the page that the editor is looking at (``clip.js``).
Any site can open that window and hand it anything, so what comes only fills a form: it is shown, made safe, and
nothing is kept before the editor presses the button.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django.views.generic import TemplateView
from wagtail.admin.views.generic import WagtailAdminTemplateMixin

from handbill.desk.views import may_choose
from handbill.kit.clock import now
from handbill.kit.errors import HandbillError
from handbill.kit.text import language_direction
from handbill.sources.models import Source
from handbill.stories import actions as stories
from handbill.wire import actions as wire
from handbill.wire.extract import ExtractedPage

BOOKMARK = """\
javascript:(()=>{{const d={desk},w=open(d+{path},"handbill-clip");addEventListener("message",e=>{{\
if(e.source===w&&e.origin===d&&e.data==="handbill:ready")w.postMessage({{address:location.href,title:document.title,\
markup:"<!doctype html>"+document.documentElement.outerHTML}},d)}})}})()"""


class ClipForm(forms.Form):
    """The page as it came: from the bookmark, or as a file that the editor saved."""

    address = forms.CharField(max_length=2000)
    title = forms.CharField(max_length=2000, required=False)
    page = forms.FileField()
    outlet = forms.CharField(max_length=200, required=False)

    def clean_page(self) -> bytes:
        page = self.cleaned_data["page"]
        if page.size > wire.MAX_CLIP:
            raise forms.ValidationError(_("This page is larger than 5 MB. Write an article of your own instead."))
        data: bytes = page.read()
        return data


class ClipView(WagtailAdminTemplateMixin, TemplateView):
    """The bookmark to drag, and the form that a clipped page fills."""

    template_name = "desk/clip.html"
    page_title = "Clip an article"
    header_icon = "cut"

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        return []

    def get_page_title(self) -> str:
        return _("Clip an article")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        _require(self.request)
        return {
            **super().get_context_data(**kwargs),
            "bookmark": bookmark(_desk(self.request)),
            "outlets": Source.objects.values_list("name", flat=True),
        }

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer = super().get(request, *args, **kwargs)
        answer["Cross-Origin-Opener-Policy"] = "unsafe-none"  # else the page that opened the window is out of reach
        return answer


def bookmark(desk: str) -> str:
    """The bookmark's address, for the desk at ``desk`` (scheme, host and port)."""
    return BOOKMARK.format(desk=_quoted(desk), path=_quoted(reverse("desk_clip")))


@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """What would be kept, made safe; stores nothing."""
    _require(request)
    form = ClipForm(request.POST, request.FILES)
    page, failure = _read(form)
    source = wire.source_of(form.cleaned_data.get("address", ""))
    shown = {
        "page": page,
        "failure": failure,
        "title": (page.title if page else "") or form.cleaned_data.get("title", ""),
        "source": source,
        "direction": language_direction(page.language) if page else "auto",
    }
    return render(request, "desk/clip_preview.html", shown)


@require_POST
def keep(request: HttpRequest) -> HttpResponse:
    """File the article, and let it find its story at once."""
    _require(request)
    form = ClipForm(request.POST, request.FILES)
    page, failure = _read(form)
    if page is None:
        messages.error(request, failure)
        return redirect("desk_clip")
    given = form.cleaned_data
    source = wire.source_of(given["address"])
    outlet = given["outlet"] or (source.name if source else "")
    if not outlet:
        messages.error(request, _("No outlet of yet is at this address. Write its name, then keep the article."))
        return redirect("desk_clip")
    if not Source.objects.filter(name__iexact=outlet).exists() and not request.user.has_perm("sources.add_source"):
        raise PermissionDenied
    report = wire.keep_clip(given["address"], given["title"], page, outlet, now())
    stories.group_pending(now())
    said = _("“%(title)s” is kept as a report of %(outlet)s.") % {"title": report.title, "outlet": report.source}
    link = format_html('<a href="{}">{}</a>', reverse("desk_stories"), _("See the stories"))
    messages.success(request, format_html("{} {}", said, link))
    return redirect(reverse("desk_clip") + "?kept")


def _read(form: ClipForm) -> tuple[ExtractedPage | None, str]:
    """The article in the form, or why there is none."""
    if not form.is_valid():
        return None, " ".join(str(message) for errors in form.errors.values() for message in errors)
    try:
        return wire.read_clip(form.cleaned_data["address"], form.cleaned_data["page"]), ""
    except HandbillError as error:
        return None, str(error)


def _desk(request: HttpRequest) -> str:
    """Where this desk is, as the editor's browser sees it."""
    seen = f"{request.scheme}://{request.get_host()}"
    return seen if request.get_host().startswith("localhost") else str(settings.HANDBILL.desk_address).rstrip("/")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "").replace('"', "") + '"'


def _require(request: HttpRequest) -> None:
    if not may_choose(request.user):
        raise PermissionDenied
