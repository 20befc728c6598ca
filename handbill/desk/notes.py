"""Notes on an article: what is new about it, or what was wrong. Who was mailed it is told in their next letter."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from wagtail.admin.panels import Panel

from handbill.articles.actions import MOST_OF_NOTE, add_note
from handbill.articles.models import Article, Note
from handbill.desk.screen import Screen, require
from handbill.digest import notes as told
from handbill.digest.notes import Fate, NoteStanding
from handbill.kit.clock import now
from handbill.kit.text import clean, language_direction

SEE, WRITE = "articles.change_article", "articles.publish_article"
KINDS = {
    Note.Kind.NEWS: (
        gettext_lazy("What is new"),
        gettext_lazy("The article is told again, with this above it. Of several, the last is told."),
    ),
    Note.Kind.CORRECTION: (
        gettext_lazy("Correction"),
        gettext_lazy("It stands after the articles: what is right, and when the mistake was mailed."),
    ),
}
FATES = {
    Fate.UNTOLD: gettext_lazy("Nobody was mailed the article yet, so nobody needs it: correct the article itself."),
    Fate.NEXT: gettext_lazy("Goes into the next letter of who was mailed the article."),
    Fate.WRITTEN: gettext_lazy("Stands in the issue of %s, which has not gone yet."),
    Fate.MAILED: gettext_lazy("Mailed, first with the issue of %s."),
    Fate.PASSED: gettext_lazy("Told to nobody: a later one takes its place."),
    Fate.WITHDRAWN: gettext_lazy("Taken back: told to nobody."),
}


class NotesPanel(Panel):
    """On an article's page: how many notes it has, and the way to them. Shown for an article that has been public."""

    class BoundPanel(Panel.BoundPanel):
        template_name = "desk/notes_panel.html"

        def is_shown(self) -> bool:
            return bool(self.instance.pk) and bool(self.instance.edition)

        def get_context_data(self, parent_context: Any = None) -> dict[str, Any]:
            kept = self.instance.notes.filter(withdrawn_at__isnull=True)
            alertable = self.instance.live and any(not topic.retired for topic in self.instance.topics.all())
            shown = {"notes": list(kept.order_by("-at", "-pk")), "alertable": alertable}
            return {**super().get_context_data(parent_context), **shown}


class NotesView(Screen):
    """An article's notes, with what becomes of each, and the form for another."""

    template_name = "desk/notes.html"
    page_title = "Notes"
    header_icon = "comment"
    permission = SEE

    def get_page_title(self) -> str:
        return _("What is new, and corrections")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        article = get_object_or_404(Article, pk=self.kwargs["article_id"])
        return {**super().get_context_data(), **_shown(self.request, article), **kwargs}

    def post(self, request: HttpRequest, article_id: int) -> HttpResponse:
        """Write a note; one that can't be taken is shown again with what is wrong."""
        require(request, WRITE)
        article = get_object_or_404(Article, pk=article_id)
        text, kind = clean(request.POST.get("text", "")), request.POST.get("kind", "")
        if fault := _fault(article, text, kind):
            return self.render_to_response(self.get_context_data(fault=fault, text=text, kind=kind))
        add_note(article, text, now(), correction=kind == Note.Kind.CORRECTION, by=_who(request))
        messages.success(request, _("Noted. Until a letter has it, you can take it back."))
        return redirect("desk_notes", article_id)


@require_POST
def withdraw(request: HttpRequest, note_id: int) -> HttpResponse:
    """Take a note back."""
    require(request, WRITE)
    note = get_object_or_404(Note, pk=note_id)
    if told.withdraw(note.pk, now(), _who(request)):
        messages.success(request, _("Taken back: no letter says it."))
    else:
        messages.warning(request, _("It is too late: a letter has it, or somebody took it back already."))
    return redirect("desk_notes", note.article_id)


def _fault(article: Article, text: str, kind: str) -> str:
    """Why the note can't be taken, or ""."""
    if not article.live:
        return _("The article is not public: publish it first.")
    if kind not in KINDS:
        return _("Say whether it is new or a correction.")
    if not text:
        return _("Write a sentence first.")
    if len(text) > MOST_OF_NOTE:
        return _("That is %(long)d characters; a letter takes up to %(most)d.") % {
            "long": len(text),
            "most": MOST_OF_NOTE,
        }
    return ""


def _shown(request: HttpRequest, article: Article) -> dict[str, Any]:
    found = told.notes_of(article.pk)
    return {
        "article": article,
        "direction": language_direction(article.language) if article.language else "auto",
        "edit": reverse(article.snippet_viewset.get_url_name("edit"), args=[article.pk]),
        "mailed": found.mailed and date_format(found.mailed, _("j F Y")),
        "alerted": found.alerted,
        "notes": [_note(one) for one in found.notes],
        "kinds": [(kind.value, label, what) for kind, (label, what) in KINDS.items()],
        "kind": Note.Kind.NEWS.value,
        "most": MOST_OF_NOTE,
        "may": request.user.has_perm(WRITE),
    }


def _note(one: NoteStanding) -> dict[str, Any]:
    fate = str(FATES[one.fate])
    return {
        "standing": one,
        "kind": KINDS[Note.Kind(one.note.kind)][0],
        "fate": fate % date_format(one.day, _("j F")) if one.day else fate,
    }


def _who(request: HttpRequest) -> str:
    return str(request.user.get_username())[:150]
