from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    name = "handbill.delivery"
    default_auto_field = "django.db.models.BigAutoField"
