"""The API's addresses, on the public listener."""

from django.urls import path, re_path

from handbill.subscribers.api import views
from handbill.subscribers.api.answers import unknown

urlpatterns = [
    path("openapi.json", views.description, name="api"),
    path("topics", views.topics),
    path("subscribers", views.readers),
    path("subscribers/lookup", views.look_up),
    path("subscribers/<uuid:reader>", views.reader),
    path("subscribers/<uuid:reader>/leave", views.leave),
    path("subscribers/<uuid:reader>/topics", views.choose),
    re_path(r"", unknown),  # line breaks too
]
