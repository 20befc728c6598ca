"""Addresses of the desk's listener: Wagtail at the root, the newsroom's own login in front of Wagtail's.

The first match answers, so what stands above Wagtail shadows its login, logout and password pages, which know no
second factor (ADR-0020).
"""

from django.urls import include, path
from django.views.generic import RedirectView
from wagtail.admin import urls as wagtailadmin_urls

from handbill.desk import urls_login
from handbill.topics import urls as topics_urls

# There are no pages to link to (ADR-0013), so the editor's link button asks for an address at once.
_link = RedirectView.as_view(pattern_name="wagtailadmin_choose_page_external_link", query_string=True)

urlpatterns = [
    path("", include(urls_login)),
    path("choose-page/", _link, name="desk_choose_link"),
    path("", include(topics_urls)),
    path("", include(wagtailadmin_urls)),
]
