"""The text part: written from the model, wrapped at 72 columns, links numbered and listed under what names them. Pure.

A column is what a terminal shows as one: a wide character takes two, a mark none, and no letter is torn from its
marks. Each article's piece stands by itself, links and all, so that letters can share it (ADR-0094).
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from wcwidth import wrap

from handbill.digest.phrases import (
    apart,
    day_line,
    length_line,
    mailed_line,
    more_line,
    outlets_line,
    part_line,
    read_on,
    sender_lines,
    why_line,
)
from handbill.digest.records import LetterArticle, LetterCorrection, LetterModel
from handbill.digest.wording import Words, short_day_line, words

WIDTH = 72
RULE = "-" * WIDTH


class _Links:
    """Numbers addresses in the order they are first named."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def mark(self, address: str) -> str:
        return f"[{self.numbers.setdefault(address, len(self.numbers) + 1)}]"

    def lines(self) -> list[str]:
        return [f"[{number}] {address}" for address, number in self.numbers.items()]


def head_text(model: LetterModel) -> str:
    """The paper, the day and how much there is; ends with a rule and an empty line."""
    said, links = words(model.language), _Links()
    lines = [_wrap(model.paper), day_line(model, said), length_line(model, said)]
    if model.web:
        lines.append(_wrap(f"{said.say('Read this issue on the web')} {links.mark(model.web)}"))
    return _paragraphs("\n".join(lines), "\n".join(links.lines()), RULE)


def item_text(one: LetterArticle, said: Words) -> str:
    """One article with its links; ends with a rule and an empty line. An address is never broken over two lines."""
    links = _Links()
    top = [_kicker(one, said, links), _wrap(f"{one.headline} {links.mark(one.address)}")]
    new = _wrap(f"{said.say('New')}: {one.new}") if one.new else ""
    target = one.source_address or one.address
    last = [_wrap(outlets_line(one, said)), _wrap(f"{read_on(one, said)} {links.mark(target)}")]
    return _paragraphs(_lines(top), new, _wrap(one.excerpt), _lines([*last, *links.lines()]), RULE)


def correction_text(one: LetterCorrection, said: Words) -> str:
    """One correction with its link; ends with a rule and an empty line."""
    links = _Links()
    top = [_wrap(f"{said.say('Correction')}: {one.headline} {links.mark(one.address)}"), mailed_line(one, said)]
    return _paragraphs(_lines(top), _wrap(one.text), _lines(links.lines()), RULE)


def foot_text(model: LetterModel) -> str:
    """What the letter has no room for, why it came, how to change that, who sends it; ends with a line break."""
    said = words(model.language)
    more = more_line(model, said)
    ways = [
        (more and f"{more}: {said.say('Everything on our site')}", more and f"{model.address}/"),
        (said.say("Choose topics"), model.preferences),
        (said.say("Pause"), model.pause),
        (said.say("Unsubscribe"), model.unsubscribe),
        (said.say("You also find us at"), "\n".join(model.other_addresses)),
    ]
    why = _wrap(why_line(model, said))
    named = [f"{_wrap(name)}:\n{address}" for name, address in ways if address]
    return _paragraphs(*named[:1] * bool(more), why, *named[bool(more) :], _lines(sender_lines(model))).rstrip() + "\n"


def _kicker(one: LetterArticle, said: Words, links: _Links) -> str:
    parts = [short_day_line(said, one.day)] if one.day else []
    parts += [apart(name, said) for name in one.topics]
    if one.series:
        parts.append(part_line(one.series, said))
        if one.series.previous:
            parts.append(f"{said.say('The part before')} {links.mark(one.series.previous)}")
    return _wrap(" · ".join(parts))


def _paragraphs(*parts: str) -> str:
    return "".join(f"{part}\n\n" for part in parts if part)


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(line for line in lines if line)


def _wrap(text: str) -> str:
    """A word longer than a line is broken between its letters; an address is never given to this."""
    if text.isascii():  # most text: a column a character, in a fifth of the time
        return textwrap.fill(text, WIDTH, break_on_hyphens=False)
    return "\n".join(wrap(text, WIDTH, control_codes="ignore", break_on_hyphens=False, propagate_sgr=False))
