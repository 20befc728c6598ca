"""Choose the excerpt of a report: its own first sentences, whole, about 100 words. Pure.

It ends only where a sentence surely ends: where a full stop may be an abbreviation's, or a quotation is still open,
the next sentence belongs to it. What is merely likely counts where that would leave too little or too much.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from handbill.kit.sentences import LIKELY, split
from handbill.kit.text import word_count
from handbill.stories.boilerplate import is_boilerplate

READ_CHARACTERS = 20_000  # an excerpt stands at the beginning
_WRAPPED = 100  # characters: lines that are all shorter may be one paragraph that was wrapped
_ENDS = re.compile(r"[.!?…‽؟۔।॥։።;။។។။。！？｡．][\"'”’»«›‹)\]}›」』）】》〉]*(?: ?»)?(?:\[\d+\])*$")
_LETTER = re.compile(r"[^\W_]")
_CLAUSE = re.compile(r"[,;:،؛、，；：]|\s[–—-]\s")
_UNSTOPPED = re.compile(r"[\u0e00-\u0eff][\"'”’»)\]]*$")  # Thai and Lao have no full stop
_UNSTOPPED_WORDS = 8  # a shorter line is a heading there
_CJK_END = "。！？」』）｡．"


def excerpt(text: str, *, target: int = 100, most: int = 140, unbroken: bool = False) -> str:
    """The first whole sentences of ``text`` up to about ``target`` words and never over ``most``; "" if it has none.

    Stops where another sentence would take it further from ``target``. Always ends with a sentence, or, when the
    first one alone is longer than ``most``, after a clause or word with an ellipsis. Datelines stay; offers, picture
    credits and links to elsewhere are left out, or, if it must be ``unbroken``, end it. Scripts without spaces count
    two characters as a word.
    """
    target = min(target, most)
    chosen: list[str] = []
    length = 0
    for sentence in _quotable(text[:READ_CHARACTERS], unbroken) if most > 0 else ():
        more = _length(sentence)
        if length + more > most and length * 2 < target:
            return _joined([*chosen, _beginning(sentence, target - length, most - length, alone=not chosen)])
        if chosen and (length + more > most or length + more - target > target - length):
            break
        chosen.append(sentence)
        length += more
        if length >= target:
            break
    return _joined(chosen)


def _length(text: str) -> int:
    """Words by whichever count finds more: an outlet's limit is not to be passed by a dash."""
    return max(word_count(text), len(text.split()))


def _quotable(text: str, unbroken: bool) -> Iterator[str]:
    """The whole sentences worth quoting, read no further than asked; without one, the first line with an ellipsis."""
    unfinished, whole = "", False
    for sentence in _told(text):
        if sentence and _is_whole(sentence):
            whole = True
            yield sentence
        elif whole and unbroken:
            return
        unfinished = unfinished or sentence
    if unfinished and not whole:
        yield f"{unfinished.rstrip(' ,;:–—-')}…"


def _told(text: str) -> Iterator[str]:
    """The sentences of each paragraph in order, "" for one that is boilerplate or has no word."""
    for paragraph in _paragraphs(text):
        for sentence in split(paragraph) if paragraph else ("",):
            yield "" if is_boilerplate(sentence) or not _LETTER.search(sentence) else sentence


def _is_whole(sentence: str) -> bool:
    if sentence[-1] in ".!?" or _ENDS.search(sentence, max(0, len(sentence) - 20)):
        return True
    return bool(_UNSTOPPED.search(sentence)) and word_count(sentence) > _UNSTOPPED_WORDS


def _paragraphs(text: str) -> Iterator[str]:
    """Each on one line: lines that were wrapped are joined again. Boilerplate is "" between them."""
    block: list[str] = []
    for raw in text.splitlines():
        line = " ".join(raw.split())
        if line and not is_boilerplate(line):
            block.append(line)
            continue
        yield from _unwrapped(block)
        block = []
        if line:
            yield ""
    yield from _unwrapped(block)


def _unwrapped(lines: list[str]) -> Iterator[str]:
    """The paragraphs that lines without an empty one between them make: short ones, and those that end, are whole."""
    width = max(map(len, lines), default=0)
    held = ""
    for line in lines:
        held = f"{held}{'' if held[-1:] in _CJK_END or not held else ' '}{line}"
        if width > _WRAPPED or len(line) * 5 < width * 3 or (_ENDS.search(line) and len(line) * 5 < width * 4):
            yield held
            held = ""
    if held:
        yield held


def _joined(chosen: list[str]) -> str:
    text = ""
    for sentence in chosen:
        text += sentence if not text or text[-1] in _CJK_END else f" {sentence}"
    return text.strip()


def _beginning(sentence: str, target: int, most: int, *, alone: bool) -> str:
    """What of a run of doubtful sentences is near ``target``; of one that is ``alone``, else its first clauses."""
    kept: list[str] = []
    length = 0
    for part in split(sentence, LIKELY):
        more = _length(part)
        if length + more > most or (kept and length + more - target > target - length):
            break
        kept.append(part)
        length += more
    if kept and _ENDS.search(kept[-1]):
        return _joined(kept)
    return _cut(sentence, most) if alone else ""


def _cut(sentence: str, most: int) -> str:
    """The sentence's longest beginning within ``most`` words: after a clause if that keeps half of it, else a word."""
    low, high = 0, len(sentence)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _length(sentence[:middle]) <= most else (low, middle - 1)
    head = sentence[:low]
    if low < len(sentence) and " " in head and not sentence[low].isspace():
        head = head.rpartition(" ")[0]
    clauses = [m.start() for m in _CLAUSE.finditer(head) if m.start() * 2 > len(head)]
    head = head[: clauses[-1]] if clauses else head
    return head.rstrip(" ,;:،؛、，；：–—-") + "…"
