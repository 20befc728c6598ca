"""Addresses that stay: made once from a headline or a name, in any script, and never given twice."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING

from handbill.kit.text import slugify

if TYPE_CHECKING:
    from django.db import models


def next_slug(wish: str, taken: Container[str], limit: int) -> str:
    """``wish``, or ``wish-2``, ``wish-3`` … (at most ``limit`` characters), whichever is not in ``taken``."""
    slug, number = wish[:limit], 1
    while slug in taken:
        number += 1
        slug = f"{wish[: limit - len(str(number)) - 1]}-{number}"
    return slug


def free_slug(model: type[models.Model], text: str, limit: int) -> str:
    """A slug for ``text`` that no row of ``model`` has. One query."""
    wish = slugify(text, limit)
    # Numbered slugs may be cut shorter to make room, so the prefix compared is shorter too.
    prefix = wish[: max(limit - 8, 1)]
    taken = set(model._default_manager.filter(slug__startswith=prefix).values_list("slug", flat=True))
    return next_slug(wish, taken, limit)
