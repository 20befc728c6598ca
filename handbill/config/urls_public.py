"""Addresses of the public listener that are not files of the static site."""

from django.urls import path

urlpatterns: list = []
