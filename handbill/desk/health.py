"""How the sources do, in plain words, with the one-click fix for what is wrong."""

from __future__ import annotations

from django.views.generic import TemplateView
from wagtail.admin.views.generic import WagtailAdminTemplateMixin


class HealthView(WagtailAdminTemplateMixin, TemplateView):
    """Every feed: those in trouble first."""

    template_name = "desk/health.html"
    page_title = "Sources' health"
    header_icon = "warning"
