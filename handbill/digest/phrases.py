"""The short lines that both parts of a letter share: who reported it, how long it reads, where it stands. Pure."""

from __future__ import annotations

import unicodedata

from handbill.digest.records import LetterArticle, LetterModel, SeriesPart
from handbill.digest.wording import Words, counted
from handbill.kit.text import clean, language_direction, shorten, word_count

WORDS_A_MINUTE = 220
SHOWN_OUTLETS = 2
_ISOLATE, _END_OF_ISOLATE = "\u2068", "\u2069"


def outlets_line(one: LetterArticle, said: Words) -> str:
    """Who reported it: "Valley Monitor, City Desk and 3 more"; empty when the link to the source says it already."""
    names = [apart(name, said) for name in dict.fromkeys((one.credit, *one.also_reported)) if name]
    if len(names) < 2:
        return "" if one.source_address and one.credit else "".join(names)
    if len(names) == SHOWN_OUTLETS:
        return said.and_one.format(first=names[0], second=names[1])
    more = counted(said.and_more, said.language, len(names) - SHOWN_OUTLETS)
    return more.replace("{names}", said.list_comma.join(names[:SHOWN_OUTLETS]))


def length_line(model: LetterModel, said: Words) -> str:
    """How much there is to read: "12 stories, 5 minutes"."""
    total = sum(word_count(one.headline) + word_count(one.excerpt) for one in model.articles)
    stories = counted(said.stories, said.language, len(model.articles))
    return stories + said.joiner + counted(said.minutes, said.language, max(1, round(total / WORDS_A_MINUTE)))


def preheader(model: LetterModel) -> str:
    """What a mail program shows after the subject: the next two headlines, or the lead's first words."""
    following = [shorten(one.headline, 80) for one in model.articles[1:3]]
    return " · ".join(following) or shorten(model.articles[0].excerpt, 120)


def part_line(part: SeriesPart, said: Words) -> str:
    """Where it stands in its series: "Day 138"."""
    number = "" if part.number is None else str(part.number)
    return apart(clean(said.part.replace("{number}", number).replace("{name}", part.name)), said)


def more_line(model: LetterModel, said: Words) -> str:
    """What the letter has no room for; empty when it shows all."""
    return counted(said.more, said.language, model.more) if model.more else ""


def read_on(one: LetterArticle, said: Words) -> str:
    """The words of the link to the source."""
    return said.read_on_at.replace("{name}", apart(one.credit, said)) if one.credit else said.read_on


def apart(name: str, said: Words) -> str:
    """``name`` between isolates when it runs against the words around it, so that neither turns the other over."""
    against = ("L",) if language_direction(said.language) == "rtl" else ("R", "AL")
    crosses = any(unicodedata.bidirectional(character) in against for character in name)
    return f"{_ISOLATE}{name}{_END_OF_ISOLATE}" if crosses else name
