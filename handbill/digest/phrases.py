"""The short lines that both parts of a letter share: who reported it, how long it reads, where it stands. Pure."""

from __future__ import annotations

import unicodedata

from handbill.digest.records import LetterArticle, LetterCorrection, LetterModel, SeriesPart
from handbill.digest.wording import Words, date_line, days_line
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
        return said.say("{first} and {second}", first=names[0], second=names[1])
    shown = said.say("{first}, {second}", first=names[0], second=names[1])
    return said.count("{names} and {count} more", "{names} and {count} more", len(names) - SHOWN_OUTLETS, names=shown)


def length_line(model: LetterModel, said: Words) -> str:
    """How much there is to read: "12 stories, 5 minutes"; "1 correction" in a letter that has nothing else; of an alert
    its topic: "Alert: River"."""
    if model.alert:
        return said.say("Alert: {topic}", topic=apart(model.alert, said))
    if not model.articles:
        return said.count("{count} correction", "{count} corrections", len(model.corrections))
    total = sum(word_count(one.headline) + word_count(one.excerpt) for one in model.articles)
    stories = said.count("{count} story", "{count} stories", len(model.articles))
    minutes = said.count("{count} minute", "{count} minutes", max(1, round(total / WORDS_A_MINUTE)))
    return said.say("{first}, {second}", first=stories, second=minutes)


def preheader(model: LetterModel) -> str:
    """What a mail program shows after the subject: the next two headlines, or the first words."""
    if not model.articles:
        return shorten(model.corrections[0].text, 120)
    following = [shorten(one.headline, 80) for one in model.articles[1:3]]
    return " · ".join(following) or shorten(model.articles[0].excerpt, 120)


def part_line(part: SeriesPart, said: Words) -> str:
    """Where it stands in its series: "Day 138"."""
    number = "" if part.number is None else str(part.number)
    return apart(clean(said.say("{name} {number}", number=number, name=part.name)), said)


def more_line(model: LetterModel, said: Words) -> str:
    """What the letter has no room for; empty when it shows all."""
    if not model.more:
        return ""
    if model.since:
        return said.count("{count} more story this week", "{count} more stories this week", model.more)
    return said.count("{count} more story today", "{count} more stories today", model.more)


def day_line(model: LetterModel, said: Words) -> str:
    """The day of the issue, or the week that it is about."""
    return days_line(said, model.since, model.day) if model.since else date_line(said, model.day)


def read_on(one: LetterArticle, said: Words) -> str:
    """The words of the link to the source."""
    if not one.credit or not one.source_address:
        return said.say("Read on")
    return said.say("Read on at {name}", name=apart(one.credit, said))


def mailed_line(one: LetterCorrection, said: Words) -> str:
    """When the mistake was mailed."""
    return said.say("We mailed this on {date}", date=date_line(said, one.mailed))


def why_line(model: LetterModel, said: Words) -> str:
    """Why it came; in an alert also how to do without such."""
    why = said.say("You get this because you asked for {paper} by mail and confirmed it.", paper=model.paper)
    if not model.alert:
        return why
    return f"{why} {said.say('You can do without alerts: see “{link}”.', link=said.say('Choose topics'))}"


def sender_lines(model: LetterModel) -> tuple[str, ...]:
    """Who sends this: the paper's name and the lines of its postal address."""
    return (model.paper, *(line.strip() for line in model.postal_address.splitlines() if line.strip()))


def apart(name: str, said: Words) -> str:
    """``name`` between isolates when it runs against the words around it, so that neither turns the other over."""
    against = ("L",) if language_direction(said.language) == "rtl" else ("R", "AL")
    crosses = any(unicodedata.bidirectional(character) in against for character in name)
    return f"{_ISOLATE}{name}{_END_OF_ISOLATE}" if crosses else name
