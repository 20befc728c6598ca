"""Read a report as the words that carry its meaning, and tell which are names: what grouping compares. Pure."""

# ruff: noqa: SIM905 -- long lists of words are read, and mended, as words.

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from handbill.stories.pieces import Numbers, folded, number, pieces

READ_CHARACTERS = 2_000  # of a text: an event is told at its beginning
READ_WORDS = 150
HEAD_CHARACTERS = 1_200  # hold about so many words
MOST_READ = 2_000  # reports whose words are remembered, until reasons are given with them: 10 KB each
NOTHING = -1  # the stem of a word that carries no meaning

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
_NAME = re.compile(r"[A-ZÀ-ÖØ-ÞĀ-ŽА-ЯЁЄІЇҐ](?<=[^\W\d_A-ZÀ-ÖØ-ÞА-Я,;:][ ’'(].)[\w’'-]*")
_ADDRESS = re.compile(r"https?://\S+|www\.\S+")
_ARABIC_MARKS = re.compile("[\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0640]")
_ARABIC_FORMS = str.maketrans("أإآٱىةؤئ", "ااااي\u0647وي")
_ENGLISH_END = re.compile(r"(?:ings?|ed|es|s|e|ly)$")
_GERMAN_END = re.compile(r"(?:ern|en|er|es|em|e|n|s)$")
_ARABIC = re.compile("[\u0620-\u06ff]")
_ARABIC_ARTICLE = re.compile("^(?:وال|بال|كال|فال|ال|لل)(?=...)")


def read(text: str) -> list[str]:
    """The first READ_WORDS words of a text, as ``pieces`` gives them; its web addresses are passed over."""
    text = text[:READ_CHARACTERS]
    if "www." in text or "://" in text:
        text = _ADDRESS.sub(" ", text)
    return pieces(text)[:READ_WORDS]


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


def tells(word: str) -> bool:
    """Whether a word carries meaning by itself."""
    return word not in _STOP and (len(word) > 1 or not word.isascii() or word.isdigit())


def tells_names(language: str) -> bool:
    """Whether a capital inside a sentence marks a name: not where every noun has one, or nothing has."""
    return not language.startswith(("de", "lb"))


def names(text: str, language: str) -> list[str]:
    """The words that begin with a capital inside a sentence, as written, in order; none in a language of capitals."""
    if not tells_names(language):
        return []
    parts = "-".join(_NAME.findall(text[:READ_CHARACTERS])).replace("’", "'").split("-")
    return [part for part in parts if len(part) > 1]


class _Stems(Numbers):
    """The number of each piece's stem in one language, twice it and one for a figure; NOTHING for what says nothing."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self._language = language

    def of(self, piece: str) -> int:
        word = folded(piece)
        if not tells(word):
            return NOTHING
        root = stem(word, self._language)
        return number(root) << 1 | root.isdigit()


_stems = lru_cache(maxsize=100)(_Stems)


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What a report says: its distinct stems, ascending, each as ``number << 2 | telling << 1 | titled``.

    ``telling`` marks names and figures, ``titled`` what the title says.
    """

    packed: NDArray[np.int64]

    @property
    def codes(self) -> NDArray[np.int64]:
        """The numbers of the stems alone."""
        return self.packed >> 2

    @property
    def titled(self) -> NDArray[np.int64]:
        """The numbers of the title's stems."""
        return np.asarray(self.packed[self.packed & 1 == 1] >> 2)


@lru_cache(maxsize=MOST_READ)
def _read(title: str, text: str, language: str) -> tuple[list[str], list[str], list[str]]:
    """The words of a title, of the beginning of its text, and the names in both. Remembers the last ones."""
    return read(title), read(text), names(f"{title}. {text}", language)


def said(title: str, text: str, language: str) -> Said:
    """The distinct stems of a title and the beginning of its text."""
    stem_of = _stems(language[:2].casefold()).__getitem__
    heading, body, named = _read(title[:HEAD_CHARACTERS], text[:HEAD_CHARACTERS], language)
    titled = set(map(stem_of, heading))
    found = titled.union(map(stem_of, body))
    found.discard(NOTHING)
    titled.discard(NOTHING)
    stems = np.fromiter(found, np.int64, len(found))
    stems.sort()
    packed = stems >> 1 << 2 | (stems & 1) << 1
    packed[stems.searchsorted(list(found.intersection(map(stem_of, named))))] |= 2
    packed[stems.searchsorted(list(titled))] |= 1
    return Said(packed)


def shown(title: str, text: str, language: str, numbers: Iterable[int]) -> Iterator[tuple[int, str, bool]]:
    """By which words a reader knows these stems: number, piece, whether it is a name; unknown ones are left out."""
    stem_of = _stems(language[:2].casefold()).__getitem__
    heading, body, named = _read(title[:HEAD_CHARACTERS], text[:HEAD_CHARACTERS], language)
    pieces_ = [*heading, *body][::-1]
    found = dict(zip(map(stem_of, pieces_), pieces_, strict=True))
    name_of = dict(zip(map(stem_of, named[::-1]), named[::-1], strict=True))
    for number_ in numbers:
        for root in (number_ << 1, number_ << 1 | 1):
            if root in found:
                yield number_, name_of.get(root) or found[root], root in name_of
