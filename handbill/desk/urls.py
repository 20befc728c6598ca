"""The desk's own screens; Wagtail asks for access to the desk before each of them."""

from django.urls import path

from handbill.desk import health, sources, views

urlpatterns = [
    path("stories/", views.StoriesView.as_view(), name="desk_stories"),
    path("stories/<int:story_id>/take/", views.take, name="desk_take"),
    path("stories/<int:story_id>/dismiss/", views.dismiss, name="desk_dismiss"),
    path("stories/<int:story_id>/restore/", views.restore, name="desk_restore"),
    path("stories/undo/<int:article_id>/", views.undo_take, name="desk_undo_take"),
    path("sources/look/", sources.LookView.as_view(), name="desk_look"),
    path("sources/health/", health.HealthView.as_view(), name="desk_health"),
]
