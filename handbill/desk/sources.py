"""Add a source: the editor types a site's address, sees what is there, and chooses."""

from __future__ import annotations

from django.views.generic import TemplateView
from wagtail.admin.views.generic import WagtailAdminTemplateMixin


class LookView(WagtailAdminTemplateMixin, TemplateView):
    """Type an address; see what can be gathered from it."""

    template_name = "desk/look.html"
    page_title = "Add a source"
    header_icon = "plus-inverse"
