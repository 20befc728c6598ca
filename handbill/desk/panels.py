"""Panels on the desk's home screen that rooms above the desk hand in through ``config``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Panel:
    """One box: a template, and a function that gives its context for a request. Lower ``order`` comes first."""

    name: str
    template: str
    context: Callable[[HttpRequest], dict[str, Any]]
    order: int = 500


_panels: dict[str, Panel] = {}


def register(panel: Panel) -> None:
    """Show ``panel`` on the home screen. Registering its name again replaces it."""
    _panels[panel.name] = panel


def panels() -> list[Panel]:
    """All panels, in their order."""
    return sorted(_panels.values(), key=lambda panel: (panel.order, panel.name))
