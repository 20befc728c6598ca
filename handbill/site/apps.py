from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "handbill.site"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from handbill.site import receivers  # noqa: F401
