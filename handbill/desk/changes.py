"""What an outlet made of a report after it was filed: flagged at its articles, shown as a difference, and seen."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST
from django.views.generic import TemplateView
from wagtail.admin.panels import Panel
from wagtail.admin.ui.tables import Column
from wagtail.admin.views.generic import WagtailAdminTemplateMixin

from handbill.articles import actions as articles
from handbill.articles.models import Article
from handbill.kit.text import language_direction
from handbill.wire import queries as wire
from handbill.wire.models import Report
from handbill.wire.records import Tally


def altered(article: Article) -> bool:
    """Whether its report was rewritten, taken back or put back since the newsroom last looked."""
    return article.report is not None and article.report.alterations > article.report_seen


class AlteredColumn(Column):
    """In the list of articles: says that the source changed, and leads to what did."""

    cell_template_name = "desk/altered_cell.html"

    @staticmethod
    def rows() -> QuerySet[Article]:
        """Articles with what the column shows."""
        return Article.objects.annotate(
            report_alterations=F("report__alterations"), report_withdrawn=F("report__withdrawn_at")
        )

    def get_value(self, instance: Any) -> str:
        if (getattr(instance, "report_alterations", None) or 0) <= instance.report_seen:
            return ""
        return _("taken back") if instance.report_withdrawn else _("source changed")


class AlteredPanel(Panel):
    """On an article's page: its source changed. Shown only while the newsroom has not looked."""

    class BoundPanel(Panel.BoundPanel):
        template_name = "desk/altered_panel.html"

        def is_shown(self) -> bool:
            return bool(self.instance.pk) and altered(self.instance)


class ChangesView(WagtailAdminTemplateMixin, TemplateView):
    """The words a report had and has; with ``?version=N`` what its alteration N changed, else all that is not seen."""

    template_name = "desk/changes.html"
    page_title = "What the outlet changed"
    header_icon = "history"

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        return []

    def get_page_title(self) -> str:
        return _("What the outlet changed")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        if not self.request.user.has_perm("articles.change_article"):
            raise PermissionDenied
        report = _report(self.kwargs["report_id"])
        made = list(Article.objects.filter(report=report).order_by("pk"))
        number = self.request.GET.get("version", "")
        chosen = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else None
        if chosen is None:
            seen = min((article.report_seen for article in made), default=0)
            change = wire.change_since(report, seen) or wire.change_since(report, 0)
        else:
            change = wire.change_at(report, chosen)
        return {
            **super().get_context_data(**kwargs),
            "report": report,
            "made": [(article, _edit(article), _unpublish(article)) for article in made],
            "unseen": any(altered(article) for article in made),
            "change": change,
            "chosen": chosen,
            "summary": summary(change.tally) if change else "",
            "rewrites": wire.rewrites(report),
            "direction": language_direction(report.language),
        }


def summary(tally: Tally) -> str:
    """The tally in words: "2 sentences added, 1 sentence removed"."""
    counted = [
        (tally.changed, ngettext("%d sentence reworded", "%d sentences reworded", tally.changed)),
        (tally.added, ngettext("%d sentence added", "%d sentences added", tally.added)),
        (tally.removed, ngettext("%d sentence removed", "%d sentences removed", tally.removed)),
    ]
    return ", ".join(words % number for number, words in counted if number)


@require_POST
def seen(request: HttpRequest, report_id: int) -> HttpResponse:
    """The newsroom has looked: the report's articles need no look any more, up to the alteration that was shown."""
    if not request.user.has_perm("articles.change_article"):
        raise PermissionDenied
    report = _report(report_id)
    number = request.POST.get("number", "")
    if not (number.isascii() and number.isdigit() and int(number[:12]) <= report.alterations):
        raise Http404
    articles.mark_report_seen(report.pk, int(number))
    messages.success(request, _("Noted. Your articles stay as they are until you edit them."))
    article = Article.objects.filter(report=report).order_by("pk").first()
    return redirect(_edit(article) if article else reverse("desk_changes", args=[report.pk]))


def _report(report_id: int) -> Report:
    report = Report.objects.select_related("source").filter(pk=report_id).first()
    if report is None:
        raise Http404
    return report


def _edit(article: Article) -> str:
    return reverse(article.snippet_viewset.get_url_name("edit"), args=[article.pk])


def _unpublish(article: Article) -> str:
    return reverse(article.snippet_viewset.get_url_name("unpublish"), args=[article.pk]) if article.live else ""
