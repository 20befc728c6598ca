from django.apps import AppConfig


class DigestConfig(AppConfig):
    name = "handbill.digest"
    default_auto_field = "django.db.models.BigAutoField"
