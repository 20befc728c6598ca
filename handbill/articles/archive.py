"""Read an archive page saved as plain text: headline and excerpt in turn. Pure.

The page may begin with a "Skip to content" line and end with a sign-up box; blank lines may stand anywhere. Where
the blank lines or a strict turn of lines show what is a headline, they decide; where they don't, the lines' looks do.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from handbill.articles.signup_box import box_starts, is_form

MOST_CHARACTERS = 50_000_000
LONGEST_HEADLINE = 300  # characters; Article.headline holds no more


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """One article of an archive page. ``excerpt`` stands as in the file, line breaks kept, and may be empty."""

    headline: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class Archive:
    """The entries in the order of the page, and what could not be taken, each as a sentence."""

    entries: tuple[ArchiveEntry, ...]
    refused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    number: int  # in the file, from 1
    gap: bool  # a blank line stands before it


_BREAKS = re.compile("\r\n?|[\u2028\u2029\x85\x0b\x0c]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f\ufeff\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SKIP = re.compile(
    r"\W*(?:skip to (?:the )?(?:main )?content|jump to content|(?:zum|direkt zum) inhalt(?: springen)?|aller au contenu"
    r"|saltar al contenido|(?:ال)?(?:تخطي|انتقل|تجاوز) إلى المحتوى)\W*",
    re.IGNORECASE,
)
_HTML = re.compile(r"\s*<(?:!doctype|html|head|body|\?xml|rss|feed)\b", re.IGNORECASE)
_READ_ON = re.compile(
    r"\W*(?:read (?:more|on|the full \w+)|continue reading|keep reading|more|weiterlesen|mehr lesen|lire la suite"
    r"|leer más|اقرأ المزيد|\.\.\.|…)(?:\W*|\W+[“\"«].{1,200})",
    re.IGNORECASE,
)
_CUT_SHORT = re.compile(
    r"(?:\.\.\.|…|\[\W*\]|(?:read more|continue reading|weiterlesen|اقرأ المزيد)\W*)$", re.IGNORECASE
)
_STATEMENT = re.compile(r"[.。।۔։።][\"'”’»)\]]*$")
_FINISHED = re.compile(r"[.!?؟。！？।۔։።:][\"'”’»)\]]*$")
_LONG_HEADLINE, _VERY_LONG_HEADLINE, _SHORT_EXCERPT, _WRAPPED, _NARROWEST_WRAP, _WIDEST_WRAP = 160, 260, 90, 55, 50, 110
_LONGEST_LINK = 250  # characters of a line that is only a link; longer ones aren't looked at as such
_TAIL = 60  # characters that show how a line ends
_RAGGED = 12  # characters by which broken lines fall short of their width

_NO = 1e9
_EMPTY_EXCERPT = 5.0  # a headline right after another
_LAST_EMPTY = 2.0  # the page ends in a headline
_SECOND_PARAGRAPH = 5.0  # an excerpt that goes on after a blank line
_UNFINISHED = 1.0  # an excerpt that ends without a full stop or an ellipsis
_CROWDED = 0.7  # a headline without a blank line before it, on a page that has some
_TOLERANCE = 1.0  # per entry: how much odder a regular page may look than the best irregular reading


def parse_archive(text: str) -> Archive:
    """The entries of an archive page. Never raises; a page that can't be read has no entries and says why."""
    if len(text) > MOST_CHARACTERS:
        return Archive((), (f"The file has {len(text):,} characters; split it into parts under {MOST_CHARACTERS:,}.",))
    if _HTML.match(text):
        return Archive((), ("The file is HTML or XML. Open the page in a browser, copy its text and save that.",))
    lines, marks = _read(_without_skip_line(list(_lines(text))))
    if not lines:
        return Archive((), ("The file holds no headline. Save the archive page as plain text and try again.",))
    return _checked(_entries(lines, marks))


def _lines(text: str) -> Iterator[_Line]:
    """The lines with text in them; one that only says "Read more" stays with the line it follows."""
    held, gap = None, False
    for number, raw in enumerate(_BREAKS.sub("\n", text).split("\n"), 1):
        line = _CONTROLS.sub("", raw).strip()
        if not line:
            gap = True
        elif held is not None and _reads_on(held, line):
            held = _Line(f"{held.text}\n{line}", held.number, held.gap)
            gap = False
        else:
            if held is not None:
                yield held
            held, gap = _Line(line, number, gap), False
    if held is not None:
        yield held


def _reads_on(held: _Line, line: str) -> bool:
    if len(line) > _LONGEST_LINK or not _READ_ON.fullmatch(line):
        return False
    return not is_form(held.text) and "\n" not in held.text


def _without_skip_line(lines: list[_Line]) -> list[_Line]:
    return lines[1:] if lines and _SKIP.fullmatch(lines[0].text[:_LONGEST_LINK]) else lines


def _read(lines: Sequence[_Line]) -> tuple[Sequence[_Line], list[bool]]:
    """The lines above the sign-up box, and which are headlines; what would be one without an excerpt titles the box."""
    starts = box_starts(lines)
    for start in starts:
        rest = lines[:start]
        marks = _headlines(rest)
        if not marks or not marks[-1]:
            return rest, marks
    if not starts or not any(is_form(line.text) for line in lines[starts[-1] :]):
        return lines, _headlines(lines)
    rest = lines[: starts[-1] - 1]
    return rest, _headlines(rest)


def _headlines(lines: Sequence[_Line]) -> list[bool]:
    """Which lines are headlines: by a regular shape of the page if it has one that looks sane, else line by line."""
    if not lines:
        return []
    free = _by_looks(lines)
    shapes = [shape for shape in (_blocks_in_turn(lines), _block_each(lines), _lines_in_turn(lines)) if shape]
    if not shapes:
        return free
    best = min(shapes, key=lambda shape: _oddness(lines, shape))
    return best if _oddness(lines, best) <= _oddness(lines, free) + _TOLERANCE * sum(best) else free


def _lines_in_turn(lines: Sequence[_Line]) -> list[bool]:
    """Headline, excerpt, headline, excerpt, whatever blank lines there are."""
    return [place % 2 == 0 for place in range(len(lines))]


def _block_each(lines: Sequence[_Line]) -> list[bool] | None:
    """Each block between blank lines is a headline with its excerpt below."""
    marks = [place == 0 or line.gap for place, line in enumerate(lines)]
    return None if any(a and b for a, b in pairwise(marks)) else marks


def _blocks_in_turn(lines: Sequence[_Line]) -> list[bool] | None:
    """A block of one line is the headline, the next block the excerpt."""
    marks: list[bool] = []
    headline = False
    for place, line in enumerate(lines):
        if place == 0 or line.gap:
            headline = not headline
        elif headline:
            return None
        marks.append(headline)
    return marks


def _as_headline(line: _Line) -> float:
    """How odd the line would look as a headline."""
    text = line.text
    odd = 3.0 if _CUT_SHORT.search(text[-_TAIL:]) else 2.0 if _STATEMENT.search(text[-_TAIL:]) else 0.0
    odd += 4.0 if len(text) > _VERY_LONG_HEADLINE else 2.0 if len(text) > _LONG_HEADLINE else 0.0
    return odd + (2.5 if text[0].islower() else 0.0)


def _as_excerpt(line: _Line, width: int) -> float:
    """How odd the line would look as an excerpt's first."""
    if len(line.text) >= _SHORT_EXCERPT or width - 2 * _RAGGED < len(line.text) <= width:
        return 0.0
    return 0.0 if _FINISHED.search(line.text[-_TAIL:]) or _CUT_SHORT.search(line.text[-_TAIL:]) else 2.0


def _ends(line: _Line, width: int) -> float:
    """How odd it would be for an excerpt to end with this line."""
    if _FINISHED.search(line.text[-_TAIL:]) or _CUT_SHORT.search(line.text[-_TAIL:]):
        return 0.0
    return _UNFINISHED + (1.5 if width - _RAGGED < len(line.text) <= width else 0.0)


def _goes_on(before: _Line, line: _Line, width: int) -> float:
    """How odd it would be for an excerpt to go on from one line to the next."""
    if line.gap:
        return _SECOND_PARAGRAPH
    if _CUT_SHORT.search(before.text[-_TAIL:]):
        return 3.0
    if width:
        full = len(before.text) <= width < len(before.text) + 1 + len(line.text.split(maxsplit=1)[0])
        return 0.0 if full else 3.5
    if not _FINISHED.search(before.text[-_TAIL:]):
        return 0.5 if len(before.text) <= _WIDEST_WRAP else 2.0
    return 3.5 if _as_excerpt(line, width) else 0.5 if len(before.text) >= _WRAPPED else 1.5


def _width(lines: Sequence[_Line]) -> int:
    """The width at which the page's lines were broken, in characters; 0 if they were not."""
    lengths = Counter(min(len(line.text), _WIDEST_WRAP + 1) for line in lines)
    near = {
        end: sum(lengths[end - back] for back in range(_RAGGED)) for end in range(_NARROWEST_WRAP, _WIDEST_WRAP + 1)
    }
    width = max(near, key=lambda end: (near[end], -end))
    wider = sum(count for length, count in lengths.items() if length > width)
    return width if near[width] >= 0.4 * len(lines) and wider <= 0.25 * len(lines) else 0


def _oddness(lines: Sequence[_Line], marks: Sequence[bool]) -> float:
    spaced, width = any(line.gap for line in lines[1:]), _width(lines)
    total = _as_headline(lines[0])
    for place in range(1, len(lines)):
        before, line = lines[place - 1], lines[place]
        if marks[place]:
            total += _as_headline(line) + (_EMPTY_EXCERPT if marks[place - 1] else _ends(before, width))
            total += _CROWDED if spaced and not line.gap else 0.0
        else:
            # The second and later lines of an excerpt may well be short: only its going on is judged.
            total += _as_excerpt(line, width) if marks[place - 1] else _goes_on(before, line, width)
    return total + (_LAST_EMPTY if marks[-1] else _ends(lines[-1], width))


def _by_looks(lines: Sequence[_Line]) -> list[bool]:
    """The least odd reading of all, found line by line (Viterbi over headline and excerpt)."""
    spaced, width = any(line.gap for line in lines[1:]), _width(lines)
    best_headline, best_excerpt = _as_headline(lines[0]), _NO
    steps: list[tuple[bool, bool]] = []  # was the line before a headline, if this is a headline; and if an excerpt
    for before, line in pairwise(lines):
        crowded = _as_headline(line) + (_CROWDED if spaced and not line.gap else 0.0)
        after_headline, after_excerpt = best_headline + _EMPTY_EXCERPT, best_excerpt + _ends(before, width)
        first, further = best_headline + _as_excerpt(line, width), best_excerpt + _goes_on(before, line, width)
        steps.append((after_headline < after_excerpt, first <= further))
        best_headline, best_excerpt = min(after_headline, after_excerpt) + crowded, min(first, further)
    marks = [best_headline + _LAST_EMPTY < best_excerpt + _ends(lines[-1], width)]
    for to_headline, to_excerpt in reversed(steps):
        marks.append(to_headline if marks[-1] else to_excerpt)
    return marks[::-1]


def _entries(lines: Sequence[_Line], marks: Sequence[bool]) -> list[tuple[_Line, ArchiveEntry]]:
    starts = [place for place, headline in enumerate(marks) if headline]
    ends = [*starts[1:], len(lines)]
    return [
        (lines[start], ArchiveEntry(lines[start].text, _joined(lines[start + 1 : end])))
        for start, end in zip(starts, ends, strict=True)
    ]


def _joined(lines: Sequence[_Line]) -> str:
    return "".join(f"{'' if not place else chr(10) * (1 + line.gap)}{line.text}" for place, line in enumerate(lines))


def _checked(entries: Sequence[tuple[_Line, ArchiveEntry]]) -> Archive:
    fits = [entry for _, entry in entries if len(entry.headline) <= LONGEST_HEADLINE]
    refused = [
        f"Line {line.number}: a headline of {len(entry.headline)} characters is too long; the most is"
        f" {LONGEST_HEADLINE}. Shorten it, or set it apart from its excerpt."
        for line, entry in entries
        if len(entry.headline) > LONGEST_HEADLINE
    ]
    return Archive(tuple(fits), tuple(refused))
