"""Who may log in at the desk: people an admin added; nobody signs up by themselves."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class DeskAccountAdapter(DefaultAccountAdapter):
    """Closes allauth's sign-up: accounts come from ``handbill user add``."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
