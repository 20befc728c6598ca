"""What every page has in common, as one fingerprint: when it changes, every page is stale."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from django.conf import settings

import handbill
from handbill.site.models import Page
from handbill.topics.models import Topic
from handbill.topics.paper import assets
from handbill.topics.wording import words
from handbill.wire.manners import manners

LAYOUT = "layout"  # a Page row that is no file: its digest is the fingerprint of the pages as written
_TEMPLATES = Path(handbill.__file__).parent / "templates" / "public"


def fingerprint() -> str:
    """Hash of the newsroom's settings that pages show, its topics, the templates, their words and assets."""
    newsroom = settings.HANDBILL
    shown = [
        newsroom.name,
        newsroom.language,
        newsroom.time_zone,
        newsroom.public_address,
        newsroom.postal_address,
        list(Topic.objects.values_list("name", "slug", "position", "retired")),
        sorted(assets()),
        words(newsroom.language),
        manners(),
        _templates(),
    ]
    return hashlib.sha256(repr(shown).encode()).hexdigest()


def written_layout() -> str:
    """The fingerprint of the pages that stand."""
    return Page.objects.filter(path=LAYOUT).values_list("digest", flat=True).first() or ""


def remember_layout(value: str) -> None:
    Page.objects.update_or_create(path=LAYOUT, defaults={"digest": value, "stale": False})


@lru_cache(maxsize=1)
def _templates() -> str:
    content = b"\0".join(path.read_bytes() for path in sorted(_TEMPLATES.rglob("*")) if path.is_file())
    return hashlib.sha256(content).hexdigest()
