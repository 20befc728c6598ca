"""The parts of a design, each checked as it is read: templates that can do little, colours, which logo.

What is wrong raises DesignTrouble with the file, the line and what to do. No I/O.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.template import Engine, Template, TemplateSyntaxError
from django.template.base import Node, VariableNode
from django.template.defaulttags import ForNode, IfNode

NAMES = ("paper", "ink", "quiet", "accent", "line")  # of the colours
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_LOGO = re.compile(r"(/[A-Za-z0-9._~-]+)+\.(png|jpe?g|gif)")
LOGO_FILE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}\.(png|jpe?g|gif)", re.IGNORECASE)
COLUMN = 556  # pixels: as wide as a logo with an address may be
WIDEST, HIGHEST = 280, 200  # of one that is a file: fits on a phone of 320, also where no style sheet is read
_A_FILE = (
    'The logo\'s file is a picture in this folder. Write its name alone, such as "logo.png": letters, digits, ".", "-"'
    ' and "_", and at the end .png, .jpg or .gif.'
)
_AN_ADDRESS = 'The logo needs an address on your own site. Write one such as "/images/logo.png": a PNG, JPEG or GIF.'
_MOST_LOOPS = 1  # a loop in a loop could make a letter without end


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a design: the file, the line (0: the whole file), and what to do, in a sentence."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}{f', line {self.line}' if self.line else ''}: {self.what}"


class DesignTrouble(Exception):
    """One file of a design is of no use."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(str(trouble))
        self.trouble = trouble


class _Engine(Engine):
    default_builtins = ["handbill.digest.letter_tags"]


_ENGINE = _Engine()


def compile_template(name: str, text: str, known: set[str]) -> Template:
    """The template ``text`` of file ``name``, which may show the names in ``known``."""
    try:
        template = _ENGINE.from_string(text)
    except TemplateSyntaxError as error:
        line = getattr(getattr(error, "token", None), "lineno", 0) or 0
        what = f"{_plain(error)} Mend that tag; the tags are if, for and comment."
        raise DesignTrouble(Trouble(name, line, what)) from None
    for node, names, depth in _walk(template.nodelist, known, 0):
        line = getattr(node.token, "lineno", 0) or 0
        if depth > _MOST_LOOPS:
            raise DesignTrouble(Trouble(name, line, "A list can't be gone through inside another. Take one loop out."))
        for wanted in _wanted(node):
            if wanted.partition(".")[0] != "forloop" and wanted not in names:
                many = ", ".join(sorted(names))
                raise DesignTrouble(Trouble(name, line, f"There is no {wanted} to show. Write one of: {many}."))
    return template


def _walk(nodes: Any, names: set[str], depth: int) -> Iterator[tuple[Node, set[str], int]]:
    for node in nodes:
        yield node, names, depth + isinstance(node, ForNode)
        if isinstance(node, ForNode):
            inside = {*names, *node.loopvars}
            yield from _walk(node.nodelist_loop, inside, depth + 1)
            yield from _walk(node.nodelist_empty, names, depth)
        elif isinstance(node, IfNode):
            for _, inner in node.conditions_nodelists:
                yield from _walk(inner, names, depth)


def _wanted(node: Node) -> Iterator[str]:
    """The names that a node looks up."""
    if isinstance(node, VariableNode):
        yield from _of_expression(node.filter_expression)
    elif isinstance(node, ForNode):
        yield from _of_expression(node.sequence)
    elif isinstance(node, IfNode):
        for condition, _ in node.conditions_nodelists:
            yield from _of_condition(condition)


def _of_condition(condition: Any) -> Iterator[str]:
    if condition is None:
        return
    for part in (getattr(condition, "first", None), getattr(condition, "second", None)):
        yield from _of_condition(part)
    if hasattr(condition, "value") and hasattr(condition.value, "var"):
        yield from _of_expression(condition.value)


def _of_expression(expression: Any) -> Iterator[str]:
    for variable in (expression.var, *(argument for _, found in expression.filters for _, argument in found)):
        if getattr(variable, "lookups", None):
            yield ".".join(variable.lookups)


def _plain(error: Exception) -> str:
    text = str(error).split(". Did you forget")[0].strip()
    return text if text.endswith(".") else f"{text}."


def read_colours(file: str, text: str) -> tuple[dict[str, dict[str, str]], dict[str, Any]]:
    """The colours, light and dark, and the logo (empty: none) of ``design.toml``."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = int(found[1]) if (found := re.search(r"line (\d+)", str(error))) else 0
        raise DesignTrouble(Trouble(file, line, f"This is not TOML: {error}. Mend that line.")) from None
    for mode in ("light", "dark"):
        for name in NAMES:
            value = values.get(mode, {}).get(name) if isinstance(values.get(mode, {}), dict) else None
            if not (isinstance(value, str) and _COLOUR.fullmatch(value)):
                what = f'[{mode}] {name} = {value!r} is no colour. Write "#" and six digits, such as "#1d1d1b".'
                raise DesignTrouble(Trouble(file, _line_of(text, mode, name), what))
    return {mode: {name: values[mode][name] for name in NAMES} for mode in ("light", "dark")}, _logo(file, text, values)


def _logo(file: str, text: str, values: dict[str, Any]) -> dict[str, Any]:
    logo = values.get("logo")
    if logo is None:
        return {}
    if not isinstance(logo, dict) or ("file" in logo) == ("address" in logo):
        what = (
            'Write one of the two: file = "logo.png" in this folder, or address = "/images/logo.png" on your own site.'
        )
        raise DesignTrouble(Trouble(file, _line_of(text, "logo", "file"), what))
    name, shape, cure = ("file", LOGO_FILE, _A_FILE) if "file" in logo else ("address", _LOGO, _AN_ADDRESS)
    if not (isinstance(logo[name], str) and shape.fullmatch(logo[name])):
        raise DesignTrouble(Trouble(file, _line_of(text, "logo", name), cure))
    sides = {"width": WIDEST if name == "file" else COLUMN, "height": HIGHEST}
    for side, most in sides.items():
        if side not in logo and name == "file":
            continue
        if not (isinstance(logo.get(side), int) and 1 <= logo[side] <= most):
            what = f"The logo's {side} is missing or too large. Write a whole number of pixels from 1 to {most}."
            raise DesignTrouble(Trouble(file, _line_of(text, "logo", side), what))
    return {one: logo[one] for one in (name, *sides) if one in logo}


def _line_of(text: str, table: str, name: str) -> int:
    """The line of a value, or of its table; 0 where neither is there."""
    at, inside = 0, False
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip().startswith("["):
            inside = line.strip() == f"[{table}]"
            at = number if inside else at
        elif inside and line.partition("=")[0].strip() == name:
            return number
    return at
