"""The short lines that both parts of a letter share: who reported it, how long it reads, where it stands. Pure."""

from __future__ import annotations

from handbill.digest.records import LetterArticle, LetterModel, SeriesPart
from handbill.digest.wording import Words, counted
from handbill.kit.text import clean, shorten, word_count

WORDS_A_MINUTE = 220
SHOWN_OUTLETS = 2


def outlets_line(one: LetterArticle, said: Words) -> str:
    """Who reported it: "Valley Monitor, City Desk and 3 more"; empty when the link to the source says it already."""
    names = list(dict.fromkeys(name for name in (one.credit, *one.also_reported) if name))
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
    return clean(said.part.replace("{number}", number).replace("{name}", part.name))


def more_line(model: LetterModel, said: Words) -> str:
    """What the letter has no room for; empty when it shows all."""
    return counted(said.more, said.language, model.more) if model.more else ""


def read_on(one: LetterArticle, said: Words) -> str:
    """The words of the link to the source."""
    return said.read_on_at.replace("{name}", one.credit) if one.credit else said.read_on
