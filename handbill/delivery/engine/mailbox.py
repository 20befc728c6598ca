"""Split a mailbox file into its messages (RFC 4155); any other file is one message. Pure.

Bounces quote letters, and some quote the separator with them: it counts only after an empty line, before the trace that
a delivery leaves, and outside a part that is still open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

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
    start = 0
    for match in _SEPARATOR.finditer(data, 1):
        if _is_closed(data[start : match.end()]):
            yield data[start : match.end()]
            start = match.end()
    yield data[start:]


def _is_closed(message: bytes) -> bool:
    """Whether a message of several parts has come to its end."""
    head = re.split(rb"\r?\n\r?\n", message, maxsplit=1)[0]
    boundary = _BOUNDARY.search(head)
    return not boundary or b"--" + boundary[1].strip() + b"--" in message
