"""Every word a reader is shown when signing up, choosing and leaving, in one place (``words/``) with a version.

The version and the words agreed to are kept as evidence (``Consent``). What a language lacks is said in English.
Placeholders: ``{paper}``, ``{when}``, ``{topics}``, ``{time}``, ``{zone}``, ``{day}``, ``{next}``, ``{who}``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

VERSION = "2026-11"

_LANGUAGES: dict[str, dict[str, str]] = {
    path.stem: tomllib.loads(path.read_text("utf-8"))
    for path in sorted((Path(__file__).parent / "words").glob("*.toml"))
}
_EVIDENCE = {
    "asked": ("ask_title", "ask_offer", "ask_button"),
    "confirmed": ("confirm_text", "confirm_button"),
    "left": ("leave_text", "leave_button"),
    "back": ("left_back_text", "left_back_button"),
    "moved": ("move_confirm_text", "move_confirm_button"),
}


def language_of(code: str) -> str:
    """The language the words are in for a paper in ``code``: itself, or English where it has none."""
    short = code.partition("-")[0]
    return short if short in _LANGUAGES else "en"


def words(code: str, **values: str) -> dict[str, str]:
    """All words in the language ``code``, with the placeholders that ``values`` names filled in."""
    return {key: _fill(text, values) for key, text in _table(code).items()}


def consent_words(how: str, code: str, paper: str) -> str:
    """What a person agreed to by asking ("asked"), confirming, leaving ("left"), coming back or moving ("moved")."""
    return _fill(" | ".join(_table(code)[key] for key in _EVIDENCE[how]), {"paper": paper})


def _table(code: str) -> Mapping[str, str]:
    return _LANGUAGES["en"] | _LANGUAGES[language_of(code)]


def _fill(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text
