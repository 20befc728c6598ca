"""Read style sheets and style attributes far enough to say what is used in them. Pure; takes any text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_PIECE = re.compile(r""""[^"]*"|'[^']*'|[^{};"']+|[{};"']""")
MOST_DEPTH = 20


@dataclass(frozen=True, slots=True)
class Rule:
    """Declarations for ``selector`` under ``at``, the at-rules around it ("@media (max-width:480px)"), outermost first.

    A rule that is an at-rule itself has no selector. ``line`` counts from 1 within the sheet.
    """

    at: tuple[str, ...]
    selector: str
    declarations: tuple[tuple[str, str], ...]
    line: int


def declarations(text: str) -> tuple[tuple[str, str], ...]:
    """Names, in lower case, and values of a style attribute or a rule's inside."""
    found = []
    for part in _split(_COMMENT.sub(" ", text)):
        name, colon, value = part.partition(":")
        if colon and name.strip():
            found.append((name.strip().lower(), " ".join(value.split())))
    return tuple(found)


def rules(sheet: str) -> Iterator[Rule]:
    """The rules of a sheet, nested ones with the at-rules around them; what makes no sense is passed over."""
    text = _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), sheet)
    at: list[str] = []
    opened: list[bool] = []
    before, line, start = "", 1, 1
    for piece in _PIECE.findall(text):
        if piece == "{":
            head = " ".join(before.split()) if "\0" not in before else ""  # else a rule within a rule: passed over
            opened.append(head.startswith("@") and len(at) < MOST_DEPTH)
            if opened[-1]:
                at.append(head)
                yield Rule(tuple(at[:-1]), "", ((head, ""),), start)
                before = ""
            else:
                before = f"{head}\0"
        elif piece == "}":
            selector, inside, body = before.partition("\0")
            if inside and selector:  # one for nothing makes no sense
                yield Rule(tuple(at), selector, declarations(body), start)
            if opened and opened.pop() and at:
                at.pop()
            before = ""
        elif piece == ";" and "\0" not in before:
            if before.strip().startswith("@"):
                yield Rule(tuple(at), "", ((" ".join(before.split()), ""),), start)
            before = ""
        else:
            if not before.strip():
                start = line + piece[: len(piece) - len(piece.lstrip())].count("\n")
            before += piece
        line += piece.count("\n")


def _split(text: str) -> Iterator[str]:
    """At semicolons outside of quotes and brackets."""
    depth, quote, start = 0, "", 0
    for place, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
        elif sign in "()":
            depth = max(0, depth + (1 if sign == "(" else -1))
        elif sign == ";" and not depth:
            yield text[start:place]
            start = place + 1
    yield text[start:]
