"""The callback of WebSub hubs, on the public listener. The token in the address is a secret."""

from django.urls import path

from handbill.wire import views

app_name = "wire"
urlpatterns = [path("websub/<slug:token>/", views.callback, name="websub")]
