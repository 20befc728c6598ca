"""Read a report as the words that carry its meaning, and tell which are names: what grouping compares. Pure."""

# ruff: noqa: SIM905 -- long lists of words are read, and mended, as words.

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from handbill.kit.text import words
from handbill.stories.copies import code

READ_CHARACTERS = 4_000  # of a text: an event is told at its beginning
READ_WORDS = 300
HEAD_CHARACTERS = 2_400  # hold about so many words

_STOP = frozenset(
    "a about after again all also am an and any are as at be been before being but by can could did do does down each"
    " for from further had has have he her here him his how i if in into is it its just may me more most my new no nor"
    " not now of off on one only or other our out over own said say says she should so some such than that the their"
    " them then there these they this those through to too two under until up us very was we were what when where"
    " which while who whom why will with would you your mr mrs ms dr according told reported year day today week month"
    " aber alle als also am an auch auf aus bei beim bin bis da damit dann das dass dem den der des die dies diese"
    " dieser doch du durch ein eine einem einen einer eines er es für gegen hat habe haben hatte ich ihm ihn ihr ihre"
    " im in ins ist ja jahr kann kein keine konnte man mehr mit muss nach neue neuen nicht noch nun nur ob oder ohne"
    " schon sehr sei sein seine seit sich sie sind so soll sollen über um und uns unter vom von vor war waren was weil"
    " wenn werden wer wie wieder will wir wird wo wurde wurden zu zum zur zwei sagte laut"
    " au aux avec ce ces cette dans de des du elle en est et il ils la le les leur mais ne nous on ou par pas plus pour"
    " qu que qui sa se ses son sont sur un une vous a al como con cuando de del desde dos el en entre era es esta este"
    " fue ha han hasta hay la las lo los más mas muy no o para pero por porque que se ser si sin sobre su sus también"
    " un una y ya"
    " في من على الى إلى عن مع هذا هذه ذلك تلك التي الذي الذين كان كانت قد لا ما لم لن ان أن إن او أو ثم بعد قبل بين كل"
    " هو هي هم وقال قال قالت وهو وهي عند حتى اذا إذا كما منذ خلال اليوم غير"
    " и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по только ее мне было вот от меня"
    " еще нет о из ему для це що та на не як до від за про і й з у".split()
)
_NAME = re.compile(r"(?<=[^\W\d_A-ZÀ-ÖØ-ÞА-Я,;:][ ’'(])[A-ZÀ-ÖØ-ÞĀ-ŽА-ЯЁЄІЇҐ][\w’'-]*")
_ADDRESS = re.compile(r"https?://\S+|www\.\S+")
_ARABIC_MARKS = re.compile("[\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0640]")
_ARABIC_FORMS = str.maketrans("أإآٱىةؤئ", "ااااي\u0647وي")
_ENGLISH_END = re.compile(r"(?:ings?|ed|es|s|e|ly)$")
_GERMAN_END = re.compile(r"(?:ern|en|er|es|em|e|n|s)$")
_ARABIC = re.compile("[\u0620-\u06ff]")
_ARABIC_ARTICLE = re.compile("^(?:وال|بال|كال|فال|ال|لل)(?=...)")


def read(text: str) -> list[str]:
    """The first READ_WORDS words of a text; its web addresses are passed over."""
    return words(_ADDRESS.sub(" ", text[:READ_CHARACTERS]))[:READ_WORDS]


@lru_cache(maxsize=100_000)
def stem(word: str, language: str) -> str:
    """A word without its most common endings, so that "bridges" meets "bridge"; crude, and the same for both."""
    if _ARABIC.search(word):
        return _ARABIC_ARTICLE.sub("", _ARABIC_MARKS.sub("", word).translate(_ARABIC_FORMS))
    word = word.removesuffix("'s").replace("'", "")
    if len(word) < 5 or not word.isalpha():
        return word
    if language.startswith("de"):
        return _GERMAN_END.sub("", word)
    if language.startswith("en") or not language:
        return _ENGLISH_END.sub("", word)
    return word[:7]


def terms(tokens: Iterable[str], language: str) -> list[tuple[str, str]]:
    """Pairs (stem, word as read) of the words that carry meaning, in order."""
    telling = (w for w in tokens if w not in _STOP and (len(w) > 1 or not w.isascii() or w.isdigit()))
    return [(stem(w, language), w) for w in telling]


def tells_names(language: str) -> bool:
    """Whether a capital inside a sentence marks a name: not where every noun has one, or nothing has."""
    return not language.startswith(("de", "lb"))


def names(text: str, language: str) -> dict[str, str]:
    """The words that begin with a capital inside a sentence, as first written, by their stems."""
    if not tells_names(language):
        return {}
    found = reversed(_NAME.findall(text[:READ_CHARACTERS]))
    parts = (part for name in found for part in name.replace("’", "'").split("-"))
    return {stem(part.casefold(), language): part for part in parts if len(part) > 1}


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What a report says: the ``codes`` of its distinct stems, ascending, and each one's word as the report has it.

    ``telling`` marks names and numbers, ``named`` names alone, ``titled`` what the title says.
    """

    codes: NDArray[np.int64]
    words: tuple[str, ...]
    telling: NDArray[np.bool_]
    named: NDArray[np.bool_]
    titled: NDArray[np.bool_]


def said(title: str, text: str, language: str) -> Said:
    """The distinct stems of a title and the beginning of its text. Remembers the reports of the last rounds."""
    return _said(title[:HEAD_CHARACTERS], text[:HEAD_CHARACTERS], language)


@lru_cache(maxsize=12_000)
def _said(title: str, text: str, language: str) -> Said:
    named = names(f"{title}. {text}", language)
    heading = terms(read(title), language)
    stems = dict(reversed([*heading, *terms(read(text), language)]))
    titled = {stem for stem, _ in heading}
    rows = sorted(
        (code(s), sys.intern(named.get(s, w)), s.isdigit(), s in named, s in titled) for s, w in stems.items()
    )
    codes, shown, numbers, names_, titles = zip(*rows, strict=True) if rows else ((), (), (), (), ())
    flags = [np.array(column, np.bool_) for column in (numbers, names_, titles)]
    return Said(np.array(codes, np.int64), tuple(shown), flags[0] | flags[1], flags[1], flags[2])
