"""How the newsroom shows itself to outlets, and what it may reach: the same for feeds, pages and hubs."""

from __future__ import annotations

from django.conf import settings

from handbill import __version__
from handbill.kit.http import Guard
from handbill.wire.politeness import agent_text

PRODUCT = "Handbill"
"""The name by which a robots.txt addresses us (RFC 9309, 2.2.1)."""


def agent() -> str:
    """The user agent: the program, where the newsroom says how it fetches, and its name."""
    return agent_text(PRODUCT, __version__, settings.HANDBILL.public_address, settings.HANDBILL.name)


def guard() -> Guard:
    """The newsroom's guard for every address from outside."""
    return Guard(settings.HANDBILL.allow_loopback)
