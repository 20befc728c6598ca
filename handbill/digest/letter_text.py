"""The text part: written from the model, wrapped at 72 columns, links numbered and listed at the end. Pure."""

from __future__ import annotations

import textwrap

from handbill.digest.phrases import apart, length_line, more_line, outlets_line, part_line, read_on
from handbill.digest.records import LetterArticle, LetterModel
from handbill.digest.wording import Words, date_line, words

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


def text_part(model: LetterModel) -> tuple[str, ...]:
    """The whole text document in pieces (``ComposedLetter``); ends with a line break. No address is broken."""
    said, links = words(model.language), _Links()
    head = [model.paper, date_line(said, model.day), length_line(model, said)]
    blocks = ["\n".join(head), RULE]
    for one in model.articles:
        blocks += [_story(one, said, links), RULE]
    if line := more_line(model, said):
        blocks += [_wrap(f"{line}: {said.all_on_site} {links.mark(model.address + '/')}"), RULE]
    blocks += [f"{said.links}\n" + "\n".join(links.lines()), RULE, _foot(model, said)]
    return (*(f"{block}\n\n" for block in blocks[:-1]), f"{blocks[-1]}\n")


def _story(one: LetterArticle, said: Words, links: _Links) -> str:
    lines = [_kicker(one, said, links), _wrap(f"{one.headline} {links.mark(one.address)}")]
    if one.excerpt:
        lines += ["", _wrap(one.excerpt), ""]
    lines.append(_wrap(outlets_line(one, said)))
    if one.source_address:
        lines.append(_wrap(f"{read_on(one, said)} {links.mark(one.source_address)}"))
    while lines and not lines[0]:
        lines.pop(0)
    return "\n".join(line for number, line in enumerate(lines) if line or lines[number - 1]).rstrip()


def _kicker(one: LetterArticle, said: Words, links: _Links) -> str:
    parts = [apart(name, said) for name in one.topics]
    if one.series:
        parts.append(part_line(one.series, said))
        if one.series.previous:
            parts.append(f"{said.previous} {links.mark(one.series.previous)}")
    return _wrap(" · ".join(parts))


def _foot(model: LetterModel, said: Words) -> str:
    why = _wrap(said.why.replace("{paper}", model.paper))
    ways = [f"{said.choose}:\n{model.preferences}", f"{said.leave}:\n{model.unsubscribe}"]
    postal = [line.strip() for line in model.postal_address.splitlines() if line.strip()]
    return "\n\n".join([why, *ways, "\n".join([model.paper, *postal])])


def _wrap(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)
