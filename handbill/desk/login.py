"""Who may log in at the desk: people an admin added; nobody signs up by themselves."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class DeskAccountAdapter(DefaultAccountAdapter):
    """Closes allauth's sign-up: accounts come from ``handbill user add``."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


def login_name(request: HttpRequest | None, credentials: dict[str, Any] | None = None) -> str:
    """Whose login is being tried, for counting failures: allauth says ``email``, its form ``login``."""
    given = (credentials or {}).get("email") or (request.POST.get("login") if request else None)
    return str(given or "").strip().casefold()[:254]
