"""Logos on the public site: each stands there from before the first letter that shows it, and for good.

A letter stays in its reader's mailbox, so a logo that is no longer the design's keeps its address.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.db import transaction

from handbill.digest.design import current
from handbill.digest.models import PublishedLogo
from handbill.digest.signals import logo_published

_PATH = re.compile(r"/images/(logo-[0-9a-f]{20}\.(?:png|jpg|gif))")


def publish() -> None:
    """Have the site show the design's logo, if one lies in its folder. Repeating is harmless, and one query."""
    logo = current(settings.HANDBILL.home).own_logo
    if logo is None or PublishedLogo.objects.filter(name=logo.name).exists():
        return
    with transaction.atomic():
        PublishedLogo.objects.bulk_create([PublishedLogo(name=logo.name, content=logo.content)], ignore_conflicts=True)
        logo_published.send(PublishedLogo, paths={logo.path})


def standing() -> Iterator[str]:
    """The path of every logo, for a site that is built from nothing."""
    return (f"/images/{name}" for name in PublishedLogo.objects.values_list("name", flat=True))


def press(_: dict[str, Any]) -> Callable[[str], bytes | None]:
    """What renders logos' paths."""
    return _file


def _file(path: str) -> bytes | None:
    found = _PATH.fullmatch(path)
    row = PublishedLogo.objects.filter(name=found[1]).first() if found else None
    return bytes(row.content) if row else None
