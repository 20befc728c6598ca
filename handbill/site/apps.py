from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "handbill.site"
    default_auto_field = "django.db.models.BigAutoField"
