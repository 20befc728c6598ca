"""What one room must show and may not import, handed down: the site gets the issues' pages, which ``digest`` owns."""

from __future__ import annotations

from typing import Any

from handbill.digest import pages
from handbill.digest.signals import issue_pages_changed
from handbill.site import guests


def hand_down() -> None:
    """Called once, when all rooms are loaded. Repeating is harmless."""
    guests.register(guests.Guest("issues", pages.standing, pages.showing, pages.IssuePress))
    issue_pages_changed.connect(_mark, dispatch_uid="issue_pages")


def _mark(paths: set[str], **_: Any) -> None:
    guests.changed(paths)
