"""Addresses of the public listener that are not files of the static site."""

from django.urls import include, path

from handbill.site.views import search_page

urlpatterns = [
    path("search/", search_page, name="search"),
    path("api/v1/", include("handbill.subscribers.api.urls")),
    path("", include("handbill.topics.urls")),
    path("", include("handbill.wire.urls")),
    path("", include("handbill.subscribers.urls")),
    path("", include("handbill.digest.urls")),
    path("", include("handbill.delivery.urls")),
]
