"""Mounted on both faces, so that a public page has its style wherever it is shown."""

from django.urls import path

from handbill.topics.views import asset

urlpatterns = [path("assets/<str:name>", asset, name="asset")]
