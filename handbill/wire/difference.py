"""What an outlet changed: the difference of two texts, as pieces in reading order. Pure.

Paragraphs are aligned first, then the sentences of those that changed, then their words, so that an edit is shown where
it stands. Each alignment is the shortest edit (Myers, "An O(ND) Difference Algorithm", 1986) and stops after MAX_EDITS:
what differs by more is shown as one text replaced by another. So the time grows with the length of the texts, never
with its square.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from handbill.kit.sentences import sentences
from handbill.kit.text import tokens
from handbill.wire.records import Piece, Tally

SAME, REMOVED, ADDED = "same", "removed", "added"
MAX_EDITS = 200  # in one alignment
MAX_STEPS = 2_000_000  # length × edits of one alignment, where the texts are long
LEAST_SHARED = 0.3  # of the longer text: with less in common, word by word is harder to read than old, then new

Parts: TypeAlias = Sequence[str]
Block: TypeAlias = tuple[bool, Parts, Parts]  # whether both are the same, the old parts, the new parts

_PARAGRAPH = re.compile(r".*?(?:\n+|\Z)", re.DOTALL)
_SENTENCE = re.compile(r".+?(?:[.!?…؟۔।॥።]\S{0,3}\s+|[。！？｡]+|\Z)", re.DOTALL)
_TELLING = re.compile(r"\w")


def difference(old: str, new: str) -> list[Piece]:
    """The pieces that lead from ``old`` to ``new``; no two neighbours are of one kind, none is empty.

    Same and removed pieces joined give ``old``, same and added ones ``new``. A moved text is removed and added.
    """
    return _joined(_descend(old, new, (_PARAGRAPH.findall, _SENTENCE.findall)))


def tally(old: str, new: str) -> Tally:
    """The difference in sentences; white space counts for nothing. Where sentences replace others, as many changed."""
    changed = added = removed = 0
    for same, before, after in _align(sentences(old), sentences(new)):
        if not same:
            reworded = min(len(before), len(after))
            changed += reworded
            removed, added = removed + len(before) - reworded, added + len(after) - reworded
    return Tally(changed, added, removed)


def same_words(old: str, new: str) -> bool:
    """Whether two texts say the same: they may differ in white space, in nothing else."""
    return "".join(old.split()) == "".join(new.split())


def _descend(old: str, new: str, levels: tuple[Callable[[str], list[str]], ...]) -> Iterator[Piece]:
    """Align the parts that the first level splits the texts into, and what differs by the next ones."""
    if not levels:
        yield from _by_words(old, new)
        return
    for same, before, after in _align(levels[0](old), levels[0](new)):
        removed, added = "".join(before), "".join(after)
        if same:
            yield Piece(SAME, removed)
        elif removed and added:
            yield from _descend(removed, added, levels[1:])
        else:
            yield from (Piece(REMOVED, removed), Piece(ADDED, added))


def _by_words(old: str, new: str) -> list[Piece]:
    """Word by word; a single gap or comma between two changes is part of them."""
    whole = [Piece(REMOVED, old), Piece(ADDED, new)]
    blocks = [(same, "".join(before), "".join(after)) for same, before, after in _align(tokens(old), tokens(new))]
    shared = sum(len(before) for same, before, _ in blocks if same)
    if shared < LEAST_SHARED * max(len(old), len(new)):
        return whole
    pieces: list[Piece] = []
    for place, (same, before, after) in enumerate(blocks):
        if same and (_TELLING.search(before) or place in (0, len(blocks) - 1)):
            pieces.append(Piece(SAME, before))
        else:
            pieces += [Piece(REMOVED, before), Piece(ADDED, after)]
    return pieces


def _joined(pieces: Iterator[Piece]) -> list[Piece]:
    """Neighbours put together: of each change first all that went, then all that came."""
    found: list[Piece] = []
    run = {SAME: "", REMOVED: "", ADDED: ""}
    for piece in pieces:
        if piece.text and (piece.kind == SAME) != bool(run[SAME]):
            found += _flush(run)
        run[piece.kind] += piece.text
    return found + _flush(run)


def _flush(run: dict[str, str]) -> list[Piece]:
    found = [Piece(kind, text) for kind, text in run.items() if text]
    run.update(dict.fromkeys(run, ""))
    return found


def _align(old: Parts, new: Parts) -> Iterator[Block]:
    """Blocks that are the same and blocks that differ, by turns, in order; empty ones are left out."""
    most = min(len(old), len(new))
    head = next((n for n in range(most) if old[n] != new[n]), most)
    tail = next((n for n in range(most - head) if old[-1 - n] != new[-1 - n]), most - head)
    if head:
        yield True, old[:head], new[:head]
    yield from _inner(old[head : len(old) - tail], new[head : len(new) - tail])
    if tail:
        yield True, old[len(old) - tail :], new[len(new) - tail :]


def _inner(old: Parts, new: Parts) -> Iterator[Block]:
    x = y = 0
    for start, other, length in _matches(old, new):
        if (x, y) != (start, other):
            yield False, old[x:start], new[y:other]
        x, y = start + length, other + length
        yield True, old[start:x], new[other:y]
    if x < len(old) or y < len(new):
        yield False, old[x:], new[y:]


def _matches(old: Parts, new: Parts) -> list[tuple[int, int, int]]:
    """Where the shortest edit keeps something: (place in old, place in new, length); none when it is too long."""
    if not old or not new:
        return []
    most = min(MAX_EDITS, MAX_STEPS // (len(old) + len(new)))
    furthest: dict[int, int] = {1: 0}
    history: list[dict[int, int]] = []
    for edits in range(most + 1):
        history.append(dict(furthest))
        for diagonal in range(-edits, edits + 1, 2):
            x, _ = _start(furthest, diagonal, edits)
            y = x - diagonal
            while x < len(old) and y < len(new) and old[x] == new[y]:
                x, y = x + 1, y + 1
            furthest[diagonal] = x
            if x >= len(old) and y >= len(new):
                return _walked_back(history, x, y)
    return []


def _start(furthest: dict[int, int], diagonal: int, edits: int) -> tuple[int, bool]:
    """The better of two ways onto the diagonal, and whether it is by an addition (down) or a removal (right)."""
    down = diagonal == -edits or (diagonal != edits and furthest[diagonal - 1] < furthest[diagonal + 1])
    return (furthest[diagonal + 1], True) if down else (furthest[diagonal - 1] + 1, False)


def _walked_back(history: list[dict[int, int]], x: int, y: int) -> list[tuple[int, int, int]]:
    found: list[tuple[int, int, int]] = []
    for edits in range(len(history) - 1, -1, -1):
        start, down = _start(history[edits], x - y, edits)
        if x > start:
            found.append((start, start - (x - y), x - start))
        y -= x - start
        x = start
        x, y = (x, y - 1) if down else (x - 1, y)
    return found[::-1]
