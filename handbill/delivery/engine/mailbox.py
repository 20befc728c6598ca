"""Split a mailbox file into its messages (RFC 4155); any other file is one message. Pure.

Bounces quote letters, and some quote the separator with them: it counts only after an empty line, before the trace that
a delivery leaves, and outside a part that is still open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_HEAD = 64 * 1024  # bytes of a message in which its boundary is looked for
_SEPARATOR = re.compile(
    rb"\r?\n\r?\n(?=From [^\n]{0,200}\d{4}[^\n]{0,12}\r?\n"
    rb"(?:return-path|received|delivered-to|x-original-to|envelope-to|status):)",
    re.IGNORECASE,
)
_BOUNDARY = re.compile(rb"boundary=\"?([^\"\r\n;]{1,100})", re.IGNORECASE)


def messages_in(data: bytes) -> Iterator[bytes]:
    """The messages, in order; at least one."""
    if not data.startswith(b"From "):
        yield data
        return
    start, closed = 0, _closed_at(data, 0)
    for match in _SEPARATOR.finditer(data, 1):
        if match.end() > closed:
            yield data[start : match.end()]
            start = match.end()
            closed = _closed_at(data, start)
    yield data[start:]


def _closed_at(data: bytes, start: int) -> int:
    """Where a message of several parts comes to its end, if ever; another is never open."""
    head = re.split(rb"\r?\n\r?\n", data[start : start + MAX_HEAD], maxsplit=1)[0]
    boundary = _BOUNDARY.search(head)
    if not boundary:
        return start
    end = data.find(b"--" + boundary[1].strip() + b"--", start + len(head))
    return end if end >= 0 else len(data)
