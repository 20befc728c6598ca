"""What one room must show and may not import, handed down: the site gets what ``digest`` owns, the issues' pages and
the letters' logos."""

from __future__ import annotations

from typing import Any

from handbill.digest import logos, pages
from handbill.digest.signals import issue_pages_changed, logo_published
from handbill.site import guests


def hand_down() -> None:
    """Called once, when all rooms are loaded. Repeating is harmless."""
    guests.register(guests.Guest("issues", pages.standing, pages.showing, pages.IssuePress))
    guests.register(guests.Guest("logos", logos.standing, lambda _: (), logos.press))
    issue_pages_changed.connect(_mark, dispatch_uid="issue_pages")
    logo_published.connect(_mark, dispatch_uid="logo_published")


def _mark(paths: set[str], **_: Any) -> None:
    guests.changed(paths)
