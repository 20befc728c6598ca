"""Whether markup is made to keep a parser busy. Pure.

The time of an HTML parser grows with the square of the depth, and elements of style that nobody ends are opened again
in every block after them (HTML standard, 13.2.4.3): a few kilobytes can become gigabytes.
"""

from __future__ import annotations

import re
from collections import Counter

FEW = 2000  # start tags that take a part of a second, however they nest
MAX_DEPTH = 200
MAX_WORK = 1_000_000  # elements open, added up over all start tags

_TAG = re.compile(r"<(/?[A-Za-z][^\s/>]*)")
_VOID = ("area", "base", "br", "col", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr")
_LEVEL = frozenset((*_VOID, "dd", "dt", "li", "option", "p", "td", "th", "tr"))
"""Elements that hold nothing, or that the next of their kind ends: they never nest in one another."""


def may_explode(markup: str) -> bool:
    """Whether reading ``markup`` as HTML could take much time or memory. An end tag counts for its own kind only."""
    if markup.count("<") - markup.count("</") <= FEW:
        return False
    opened: Counter[str] = Counter()
    depth = work = 0
    for tag in _TAG.findall(markup):
        name = tag.lower()
        if name[0] == "/":
            if opened[name[1:]]:
                opened[name[1:]] -= 1
                depth -= 1
        elif name not in _LEVEL:
            opened[name] += 1
            depth += 1
        work += depth
        if depth > MAX_DEPTH or work > MAX_WORK:
            return True
    return False
