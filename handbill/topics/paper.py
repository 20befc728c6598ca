"""What every public page knows of the paper: its name, language, topics and stylesheet.

It stands low, so that the site, the desk's preview and the subscribers' pages share one layout (``templates/public``)
without knowing each other. An asset's address holds a hash of its content, so that it may be kept for ever.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

from handbill.kit.text import language_direction
from handbill.topics.queries import live_topics
from handbill.topics.wording import words

_PUBLIC = Path(__file__).parent.parent / "templates" / "public"
_ASSETS = ("site.css", "icon.svg")


def paper_context(language: str | None = None) -> dict[str, Any]:
    """The value of ``paper`` in a public template; ``language`` (a code) where a page is not in the newsroom's own.

    Keys: name, language, direction ("ltr" or "rtl"), address (no trailing slash), topics (a list of Topic that are not
    retired), css_path, icon_path, postal_address, words (the layout's own, see ``topics.wording``), policy (the
    Content-Security-Policy for a ``<meta>``). Costs one query.
    """
    newsroom = settings.HANDBILL
    code = language or newsroom.language
    return {
        "name": newsroom.name,
        "language": code,
        "direction": language_direction(code),
        "address": newsroom.public_address,
        "topics": list(live_topics()),
        "css_path": css_path(),
        "icon_path": icon_path(),
        "postal_address": newsroom.postal_address,
        "words": words(code),
        "policy": policy(newsroom.public_address),
    }


def policy(public_address: str) -> str:
    """The Content-Security-Policy of every public page: own files only, no script, forms only to the paper itself."""
    return f"default-src 'none'; img-src 'self'; style-src 'self'; form-action 'self' {public_address}; base-uri 'none'"


def assets() -> dict[str, bytes]:
    """The layout's own files by the address at which they are served."""
    return dict(map(_asset, _ASSETS))


def css_path() -> str:
    """Where the stylesheet is served: ``/assets/site.HASH.css``."""
    return _asset("site.css")[0]


def css_bytes() -> bytes:
    """The stylesheet itself."""
    return _asset("site.css")[1]


def icon_path() -> str:
    """Where the icon is served: ``/assets/icon.HASH.svg``."""
    return _asset("icon.svg")[0]


@lru_cache(maxsize=len(_ASSETS))
def _asset(name: str) -> tuple[str, bytes]:
    content = (_PUBLIC / name).read_bytes()
    stem, _, ending = name.partition(".")
    return f"/assets/{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{ending}", content
