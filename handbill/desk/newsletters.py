"""Newsletters as sources: the address to subscribe with, and the mails that a person has to look at."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from handbill.desk.screen import require
from handbill.desk.sources import SourcesScreen
from handbill.kit.clock import now
from handbill.sources import actions as sources
from handbill.sources.models import Feed, Source
from handbill.wire import actions as wire
from handbill.wire.models import HeldMail

MOST_SHOWN = 50
PREVIEW = 700  # characters
WHYS = {
    HeldMail.Why.UNKNOWN: gettext_lazy("of no known source"),
    HeldMail.Why.CONFIRM: gettext_lazy("asks to confirm a subscription"),
    HeldMail.Why.AUTOMATIC: gettext_lazy("a machine's answer"),
    HeldMail.Why.UNREADABLE: gettext_lazy("can't be read"),
}


class NewsletterForm(forms.Form):
    """What the editor fills in. ``matcher`` is needed where mails don't come to the newsletter's own address."""

    name = forms.CharField(max_length=200)
    matcher = forms.CharField(max_length=300, required=False)


class NewslettersView(SourcesScreen):
    """Mails that wait, then every newsletter with its address."""

    template_name = "desk/newsletters.html"
    header_icon = "mail"

    def get_page_title(self) -> str:
        return _("Newsletters")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        waiting = HeldMail.objects.filter(why__in=list(WHYS)).select_related("feed__source").defer("data")
        newsletters = Feed.objects.filter(kind=Feed.Kind.NEWSLETTER).select_related("source")
        return {
            **super().get_context_data(**kwargs),
            "mails": [_shown(held) for held in waiting[:MOST_SHOWN]],
            "more": max(waiting.count() - MOST_SHOWN, 0),
            "newsletters": [(feed, reading_address(feed)) for feed in newsletters],
            "outlets": Source.objects.values_list("name", flat=True),
            "by_matcher": bool(settings.HANDBILL.newsletter_maildir),
            "by_address": bool(settings.HANDBILL.newsletter_domain),
            "may_come": bool(settings.HANDBILL.newsletter_listen or settings.HANDBILL.newsletter_maildir),
        }


def reading_address(feed: Feed) -> str:
    """The address to subscribe with; the key alone where no domain is set."""
    key = feed.address.removeprefix(sources.NEWSLETTER)
    local, _at, domain = settings.HANDBILL.newsletter_domain.rpartition("@")
    return f"{local}{key}@{domain}" if domain else key


@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Make a newsletter with an address of its own."""
    require(request, "sources.add_feed")
    form = NewsletterForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Write the outlet's name: at most 200 characters."))
        return redirect("desk_newsletters")
    feed = sources.add_newsletter(form.cleaned_data["name"], wire.matcher_of(form.cleaned_data["matcher"]), now())
    said = _("“%(name)s” is added. Subscribe to its newsletter with %(address)s.")
    if not settings.HANDBILL.newsletter_domain:
        said = _("“%(name)s” is added. Its mails are known by what you wrote, or by the key %(address)s.")
    messages.success(request, said % {"name": feed.source.name, "address": reading_address(feed)})
    return redirect("desk_newsletters")


@require_POST
def assign(request: HttpRequest, held_id: int) -> HttpResponse:
    """Say whose mail it is: it is filed, and so are all that are known by the same List-Id or sender."""
    require(request, "sources.add_feed")
    held = HeldMail.objects.filter(pk=held_id).select_related("feed__source").first()
    form = NewsletterForm(request.POST)
    if held is None:
        return _gone(request)
    if not form.is_valid():
        messages.error(request, _("Write the outlet's name: at most 200 characters."))
        return redirect("desk_newsletters")
    feed = wire.assign_mail(held, form.cleaned_data["name"], now())
    done = wire.file_assigned_mails(now())
    if done.held:
        messages.warning(request, _("A mail can't be read, so it waits here still; it says why."))
    count = done.filed + done.known
    filed = ngettext("%(n)d mail of “%(name)s” is filed.", "%(n)d mails of “%(name)s” are filed.", count)
    later = _("Later ones are filed by themselves.")
    messages.success(request, f"{filed} {later}" % {"n": count, "name": feed.source.name})
    return redirect("desk_newsletters")


@require_POST
def discard(request: HttpRequest, held_id: int) -> HttpResponse:
    """Take the mail off the list. It is kept for some days, so that this can be undone."""
    require(request, "sources.add_feed")
    held = HeldMail.objects.filter(pk=held_id, why__in=list(WHYS)).defer("data").first()
    if held is None or not wire.discard_mail(held):
        return _gone(request)
    said = format_html(
        '{} <form method="post" action="{}" class="desk-undo"><input type="hidden" name="csrfmiddlewaretoken"'
        ' value="{}"><input type="hidden" name="why" value="{}">'
        '<button class="button button-small button-secondary">{}</button></form>',
        _("“%s” is discarded.") % held,
        reverse("desk_newsletter_restore", args=[held.pk]),
        get_token(request),
        held.why,
        _("Undo"),
    )
    messages.success(request, said)
    return redirect("desk_newsletters")


@require_POST
def restore(request: HttpRequest, held_id: int) -> HttpResponse:
    """Put a discarded mail back."""
    require(request, "sources.add_feed")
    why = request.POST.get("why", "")
    if why not in WHYS or not wire.restore_mail(held_id, HeldMail.Why(why)):
        return _gone(request)
    messages.success(request, _("The mail is back in the list."))
    return redirect("desk_newsletters")


def _gone(request: HttpRequest) -> HttpResponse:
    messages.error(request, _("That mail is gone: it was settled meanwhile. Look at the list again."))
    return redirect("desk_newsletters")


def _shown(held: HeldMail) -> dict[str, Any]:
    text = held.text[:PREVIEW]
    return {
        "held": held,
        "why": WHYS[HeldMail.Why(held.why)],
        "confirms": held.why == HeldMail.Why.CONFIRM,
        "text": text + ("…" if len(held.text) > PREVIEW else ""),
        "links": [(label, address, urlsplit(address).hostname or "") for label, address in held.links],
        "name": held.feed.source.name if held.feed else held.sender.partition(" (")[0],
    }
