"""Split texts into words for comparing only, several times faster than ``kit.text.words``, and number the words. Pure.

Most of what reading a report costs is finding its words, so text of one byte a letter is cut by a table of bytes; other
scripts are left to ``kit.text.words``. A word is the same number in every process.
"""

from __future__ import annotations

import unicodedata
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from handbill.kit.text import words

MOST_KNOWN = 300_000  # words of which the number is remembered
LONGEST_KNOWN = 40  # characters of such a word
READ_CHARACTERS = 40_000

_TYPOGRAPHIC = (
    *zip("’‘′‚‹›“”„–—−•€⁄", "''''''         ", strict=True),
    ("ß", "ss"),
    *((sign, "") for sign in "\u200b\u2060\ufeff\xad"),
)
_LOWER = bytes(ord(chr(n).lower()) if chr(n).isalnum() or chr(n) == "'" else 32 for n in range(256))
_PRIME = 0x9E3779B97F4A7C15


def pieces(text: str) -> list[str]:
    """The words of ``text`` in order, in small letters; apostrophes at their edges may be left on them."""
    try:
        return _bytes(text).translate(_LOWER).decode("latin-1").split()
    except UnicodeEncodeError:
        return words(text)


def word_hashes(text: str) -> NDArray[np.uint64]:
    """A number of 64 bits for each word of the first READ_CHARACTERS of ``text``, in order.

    Apostrophes don't count, and single letters are no words: initials, and what is left of wrongly decoded signs, make
    texts look alike.
    """
    try:
        signs = np.frombuffer(_bytes(text[:READ_CHARACTERS]).translate(_LOWER, b"'"), np.uint8)
    except UnicodeEncodeError:
        spaced = " ".join(words(text[:READ_CHARACTERS])).replace("'", "")
        signs = np.frombuffer(spaced.encode("utf-32-le", "replace"), np.uint32)
    signs = signs[:READ_CHARACTERS]
    inside = np.zeros(len(signs) + 2, np.bool_)
    np.not_equal(signs, 32, out=inside[1:-1])
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    sums = np.zeros(len(signs) + 1, np.uint64)
    np.cumsum(signs * _POWERS[: len(signs)], out=sums[1:])
    sums = sums[edges]
    found = (sums[1::2] - sums[::2]) * _INVERSES[edges[::2]]
    return np.asarray(found[edges[1::2] - edges[::2] > 1])


def _powers(base: int) -> NDArray[np.uint64]:
    return np.cumprod(np.r_[np.uint64(1), np.full(READ_CHARACTERS - 1, base, np.uint64)], dtype=np.uint64)


_POWERS, _INVERSES = _powers(_PRIME), _powers(pow(_PRIME, -1, 1 << 64))


def _bytes(text: str) -> bytes:
    """The text in one byte a letter. Raises UnicodeEncodeError where that can't be."""
    if text.isascii():
        return text.encode("ascii")
    plain = _plain(text)
    if not plain.isascii():  # else nothing is left that folding alters, which takes longest
        plain = _plain(unicodedata.normalize("NFKC", text))
    return plain.encode("latin-1")


def _plain(text: str) -> str:
    for sign, plain in _TYPOGRAPHIC:
        text = text.replace(sign, plain)
    return text


def folded(piece: str) -> str:
    """The word itself."""
    return piece.strip("'’").casefold().replace("’", "'")


def number(word: str) -> int:
    """A number for a word, below 2**32, the same in every process."""
    return crc32(word.encode("utf-8", "replace"))


class Numbers(dict[str, int]):
    """The number of each piece; remembers as many as fit, and forgets all of them together."""

    def __missing__(self, piece: str) -> int:
        found = self.of(piece)
        if len(piece) <= LONGEST_KNOWN:
            if len(self) >= MOST_KNOWN:
                self.clear()
            self[piece] = found
        return found

    def of(self, piece: str) -> int:
        """The number of a piece that isn't known yet."""
        return number(folded(piece))
