"""What grouping needs of a report, in two kilobytes: what it says, and the marks of its text. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from handbill.stories.copies import NO_MARKS, Marks, marks
from handbill.stories.terms import Said, said

__all__ = ["NO_MARKS", "Gist", "gist"]


@dataclass(frozen=True, slots=True, eq=False)
class Gist:
    """A report's words and its text's marks. Depends on title, text and language alone."""

    said: Said
    marks: Marks


@lru_cache(maxsize=2_000)
def gist(title: str, text: str, language: str) -> Gist:
    """Read a report. Remembers the last ones, for callers that keep none."""
    return Gist(said(title, text, language), marks(text))
