"""What every public page knows of the paper: its name, language, topics and stylesheet.

It stands low, so that the site, the desk's preview and the subscribers' pages share one layout (``templates/public``)
without knowing each other. The stylesheet's address holds a hash of its content and so may be kept for ever.
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

_STYLESHEET = Path(__file__).parent.parent / "templates" / "public" / "site.css"


def paper_context(language: str | None = None) -> dict[str, Any]:
    """The value of ``paper`` in a public template; ``language`` (a code) where a page is not in the newsroom's own.

    Keys: name, language, direction ("ltr" or "rtl"), address (no trailing slash), topics (a list of Topic that are not
    retired), css_path, postal_address, words (the layout's own, see ``topics.wording``), policy (the
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
        "postal_address": newsroom.postal_address,
        "words": words(code),
        "policy": policy(newsroom.public_address),
    }


def policy(public_address: str) -> str:
    """The Content-Security-Policy of every public page: own files only, no script, forms only to the paper itself."""
    return f"default-src 'none'; img-src 'self'; style-src 'self'; form-action 'self' {public_address}; base-uri 'none'"


def css_path() -> str:
    """Where the stylesheet is served: ``/assets/site.HASH.css``."""
    return _stylesheet()[0]


def css_bytes() -> bytes:
    """The stylesheet itself."""
    return _stylesheet()[1]


@lru_cache(maxsize=1)
def _stylesheet() -> tuple[str, bytes]:
    content = _STYLESHEET.read_bytes()
    return f"/assets/site.{hashlib.sha256(content).hexdigest()[:12]}.css", content
