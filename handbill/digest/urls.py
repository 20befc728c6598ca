"""The digest's addresses on the public listener."""

from django.urls import path, register_converter

from handbill.digest import views
from handbill.digest.feed_formats import FORMATS


class _Format:
    regex = "|".join(name.replace(".", r"\.") for name in FORMATS)

    def to_python(self, value: str) -> str:
        return value

    to_url = to_python


register_converter(_Format, "feed_format")
app_name = "digest"
urlpatterns = [path("private-feed/<str:token>/<feed_format:name>", views.private_feed, name="private_feed")]
