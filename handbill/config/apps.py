from django.apps import AppConfig


class CompositionConfig(AppConfig):
    """Hands down to rooms what stands beside or above them."""

    name = "handbill.config"

    def ready(self) -> None:
        from handbill.config import handing_down

        handing_down.hand_down()
