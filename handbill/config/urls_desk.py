"""Addresses of the desk's listener: Wagtail at the root, the newsroom's own login in front of Wagtail's."""

from django.urls import include, path
from wagtail.admin import urls as wagtailadmin_urls

urlpatterns = [
    path("", include(wagtailadmin_urls)),
]
