"""config: composes the rooms into one Django project: settings, addresses, panels. No domain logic."""

from handbill.config.celery import app as celery_app

__all__ = ["celery_app"]
