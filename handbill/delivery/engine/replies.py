"""Read a relay's replies from bytes that come in any pieces (RFC 5321 4.2). Pure.

The relay is a stranger: a line or a reply that is too long, or is none at all, ends the reading with one last reply of
code 0, which ``judge`` knows as garbled.
"""

from __future__ import annotations

import re
from typing import NamedTuple

LONGEST_LINE = 4096  # bytes; the RFC's 512 is passed by real servers
MOST_LINES = 128  # of one reply

_LINE = re.compile(rb"([2-5][0-9][0-9])([ -]?)([^\r\n]*)\r?")


class Reply(NamedTuple):
    """``code`` 200 to 599, or 0 for what is no reply; ``lines`` without the codes."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines joined by blanks."""
        return " ".join(self.lines)


GARBLED = Reply(0, ("The relay's answer was none.",))


class Replies:
    """Feed it what was received; it gives the replies that are complete."""

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[tuple[bytes, bytes]] = []
        self._spoilt = False

    @property
    def waiting(self) -> bool:
        """Whether part of a reply has been read."""
        return bool(self._rest or self._lines or self._spoilt)

    def feed(self, data: bytes) -> list[Reply]:
        """The replies that ``data`` completes; nothing more once one was garbled."""
        if self._spoilt:
            return []
        *lines, self._rest = (self._rest + data).split(b"\n")
        found: list[Reply] = []
        for line in lines:
            self._line(line, found)
            if self._spoilt:
                return found
        if len(self._rest) > LONGEST_LINE:
            self._spoil(found)
        return found

    def _line(self, line: bytes, found: list[Reply]) -> None:
        match = _LINE.fullmatch(line)
        mixed = match and self._lines and self._lines[0][0] != match[1]
        if match is None or mixed or len(line) > LONGEST_LINE or len(self._lines) >= MOST_LINES:
            self._spoil(found)
            return
        self._lines.append((match[1], match[3]))
        if match[2] != b"-":
            found.append(Reply(int(match[1]), tuple(part.decode("utf-8", "replace") for _, part in self._lines)))
            self._lines = []

    def _spoil(self, found: list[Reply]) -> None:
        self._spoilt = True
        found.append(GARBLED)
