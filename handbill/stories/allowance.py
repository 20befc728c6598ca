"""How much of a report may be quoted: what the outlet's setting allows, and what its licence says. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_WORDS = re.compile(
    r"(?<![\d.,])(\d{1,4})[\s-]*(?:words?|wörtern?|worte|mots|palabras|palavras|parole|woorden|ord|słów|слов|слів|كلمة)\b",
    re.IGNORECASE,
)
_NOTHING = re.compile(
    r"\b(?:headlines?|titles?|links?) only\b|\bno (?:excerpts?|quot\w+)\b"
    r"|\bnur (?:der |die )?(?:titel|überschrift\w*|links?)\b"
    r"|\bkeine (?:auszüge|zitate)\b|\btitres? seulement\b|\b(?:solo|só|apenas) (?:el |o |i )?t[ií]t\w+",
    re.IGNORECASE,
)
_NO_DERIVATIVES = re.compile(r"no[- ]?deriv|\bby(?:[- ]nc)?[- ]nd\b|keine bearbeitung", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Allowance:
    """At most so many ``words``, 0 for none; ``unbroken``: sentences that stand together, with nothing left out."""

    words: int
    unbroken: bool


def allowance(setting: int, licences: Iterable[str]) -> Allowance:
    """The least of the outlet's ``setting`` in words and of what any of the ``licences``, in its own words, names.

    "At most 50 words" and "headlines only" are understood in several languages; a licence without derivatives (CC
    BY-ND) wants its text unaltered, so nothing may be left out in the middle. Other words of a licence limit nothing.
    """
    said = [licence[:500] for licence in licences if licence]
    named = [int(number) for licence in said for number in _WORDS.findall(licence)]
    nothing = any(_NOTHING.search(licence) for licence in said)
    return Allowance(
        0 if nothing else max(0, min([setting, *named])), any(_NO_DERIVATIVES.search(licence) for licence in said)
    )
