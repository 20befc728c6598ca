from django.apps import AppConfig


class StoriesConfig(AppConfig):
    name = "handbill.stories"
    default_auto_field = "django.db.models.BigAutoField"
