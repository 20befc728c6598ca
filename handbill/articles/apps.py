from django.apps import AppConfig


class ArticlesConfig(AppConfig):
    name = "handbill.articles"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from handbill.articles import receivers  # noqa: F401
