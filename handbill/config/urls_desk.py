"""Addresses of the desk's listener: Wagtail at the root, the newsroom's own login in front of Wagtail's.

The first match answers, so what stands above Wagtail shadows its login, logout and password pages, which know no
second factor (ADR-0020).
"""

from django.urls import include, path
from wagtail.admin import urls as wagtailadmin_urls

from handbill.desk import urls_login
from handbill.topics import urls as topics_urls

urlpatterns = [
    path("", include(urls_login)),
    path("", include(topics_urls)),
    path("", include(wagtailadmin_urls)),
]
