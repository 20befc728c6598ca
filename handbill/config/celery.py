"""The Celery application: the doorbell. The same tasks run on the embedded queue and on RabbitMQ."""

import os

from celery import Celery

from handbill.config import queue  # noqa: F401 (makes the embedded queue known to kombu)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "handbill.config.settings")
app = Celery("handbill")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
