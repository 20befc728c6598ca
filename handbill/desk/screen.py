"""What the desk's own screens share: one page of Wagtail's, for who may see it."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.generic import TemplateView
from wagtail.admin.views.generic import WagtailAdminTemplateMixin


def require(request: HttpRequest, permission: str) -> None:
    """Raises PermissionDenied for who may not."""
    if not request.user.has_perm(permission):
        raise PermissionDenied


class Screen(WagtailAdminTemplateMixin, TemplateView):
    """A screen that asks for ``permission``, without the way there: it stands in the menu."""

    permission = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        require(request, self.permission)
        return super().dispatch(request, *args, **kwargs)

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        return []
