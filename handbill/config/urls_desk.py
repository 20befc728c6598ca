"""Addresses of the desk's listener: Wagtail at the root, the newsroom's own login in front of Wagtail's.

The first match answers, so what stands above Wagtail shadows its login, logout and password pages, which know no
second factor (ADR-0020).
"""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from django.views.static import serve
from wagtail.admin import urls as wagtailadmin_urls

from handbill.desk import urls_login
from handbill.topics import urls as topics_urls

# There are no pages to link to (ADR-0013), so the editor's link button asks for an address at once.
_link = RedirectView.as_view(pattern_name="wagtailadmin_choose_page_external_link", query_string=True)


def _nothing(request: HttpRequest) -> HttpResponse:
    """Wagtail's documents: a web page uploaded there would run as the desk's own, so nobody reaches them."""
    raise Http404


urlpatterns = [
    path("", include(urls_login)),
    path("choose-page/", _link, name="desk_choose_link"),
    re_path(r"^documents/", _nothing),
    path("media/<path:path>", login_required(serve), {"document_root": settings.MEDIA_ROOT}),
    path("", include(topics_urls)),
    path("", include(wagtailadmin_urls)),
]
