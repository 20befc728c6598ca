"""The readers' pages on the public listener. Every one is the same without a script, a cookie or a third party."""

from django.urls import path

from handbill.subscribers import views

app_name = "subscribers"
urlpatterns = [
    path("subscribe/", views.subscribe, name="subscribe"),
    path("subscribe/proof/", views.prove, name="prove"),
    path("confirm/<str:token>/", views.confirm, name="confirm"),
    path("preferences/<str:token>/", views.preferences, name="preferences"),
    path("wishes/<str:token>/", views.wishes, name="wishes"),
    path("unsubscribe/<str:token>/", views.unsubscribe, name="unsubscribe"),
    path("back/<str:token>/", views.back, name="back"),
    path("pause/<str:token>/", views.pause, name="pause"),
    path("resume/<str:token>/", views.resume, name="resume"),
    path("still/<str:token>/", views.still, name="still"),
    path("by-feed/<str:token>/", views.by_feed, name="by_feed"),
    path("move/<str:token>/", views.move, name="move"),
    path("moved/<str:token>/", views.moved, name="moved"),
    path("data/<str:token>/", views.data, name="data"),
    path("erase/<str:token>/", views.erase, name="erase"),
]
