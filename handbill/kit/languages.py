"""The languages that letters are written in, and what each calls itself. Pure."""

from __future__ import annotations

from babel.core import Locale

LETTERS = ("en", "de", "fr", "es", "ar", "ru")


def own_name(code: str) -> str:
    """What a language is called in itself, such as "Deutsch"."""
    name = Locale.parse(code).get_language_name(code) or code
    return name[:1].upper() + name[1:]
