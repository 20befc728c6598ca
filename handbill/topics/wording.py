"""The words of the public layout, by language (``words/``). What a language lacks is said in English.

Kept apart from the frameworks' catalogues, whose short words mean other things. ``{}`` is filled in by ``fill``.
The sign-up box says what ``subscribers`` keeps as evidence; a test holds the two together.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "words"


@lru_cache(maxsize=16)
def words(language: str) -> dict[str, str]:
    """Every word of the layout for a page in ``language`` (a code)."""
    path = _FOLDER / f"{language.partition('-')[0].lower()}.toml"
    english = _read(_FOLDER / "en.toml")
    return english | _read(path) if path.is_file() else english


def fill(text: str, value: object) -> str:
    """``text`` with ``value`` for its ``{}``."""
    return text.replace("{}", str(value), 1)


def _read(path: Path) -> dict[str, str]:
    return tomllib.loads(path.read_text("utf-8"))
