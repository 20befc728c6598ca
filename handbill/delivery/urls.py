"""The webhooks of providers, on the public listener. The token in the address is a secret."""

from django.urls import path

from handbill.delivery import views

app_name = "delivery"
urlpatterns = [path("hooks/<str:token>/", views.hook, name="hook")]
