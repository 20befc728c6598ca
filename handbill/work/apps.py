from django.apps import AppConfig


class WorkConfig(AppConfig):
    name = "handbill.work"
    default_auto_field = "django.db.models.BigAutoField"
