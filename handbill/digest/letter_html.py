"""What the letter's design is given to show: plain words in the paper's language, and addresses. Pure.

The design (``design``) turns them into HTML. Every value is text that the design escapes; no value is HTML.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from handbill.digest.phrases import (
    apart,
    day_line,
    length_line,
    mailed_line,
    more_line,
    outlets_line,
    part_line,
    preheader,
    read_on,
    sender_lines,
    why_line,
)
from handbill.digest.records import LetterArticle, LetterCorrection, LetterModel
from handbill.digest.wording import Words, short_day_line
from handbill.kit.text import language_direction


@dataclass(frozen=True, slots=True)
class PageShown:
    """What ``page.html`` may name: the letter but for its articles. Empty where there is nothing to say."""

    language: str
    direction: str  # "ltr" or "rtl"
    subject: str
    preheader: str
    paper: str
    address: str  # of the newsroom's site
    date: str
    length: str
    web: str
    web_words: str
    more: str
    all_on_site: str
    why: str
    preferences: str
    preferences_words: str
    pause: str
    pause_words: str
    unsubscribe: str
    unsubscribe_words: str
    other_addresses: tuple[str, ...]
    other_addresses_words: str
    sender: tuple[str, ...]  # the paper's name and the lines of its postal address


@dataclass(frozen=True, slots=True)
class ItemShown:
    """What ``item.html`` may name: one article. ``paper_language`` is that of the words around it."""

    lead: bool
    language: str
    direction: str
    paper_language: str
    paper_direction: str
    day: str
    topics: tuple[str, ...]
    part: str
    previous: str
    previous_words: str
    headline: str
    address: str
    new: str
    new_words: str
    excerpt: str
    outlets: str
    read_on: str
    read_on_address: str


@dataclass(frozen=True, slots=True)
class CorrectionShown:
    """What ``correction.html`` may name: a mistake in what was mailed before."""

    language: str
    direction: str
    paper_language: str
    paper_direction: str
    correction: str  # the word
    mailed: str
    headline: str
    address: str
    text: str


class Design(Protocol):
    """Turns what is shown into HTML with its styles inlined."""

    def page(self, shown: PageShown) -> tuple[list[str], list[str]]:
        """What stands before and after the articles, in pieces: what is this letter's own is a piece by itself."""

    def items(self, shown: Sequence[ItemShown]) -> list[str]:
        """A piece an article: whole elements, that stand by themselves."""

    def corrections(self, shown: Sequence[CorrectionShown]) -> list[str]:
        """A piece a correction."""


def page_shown(model: LetterModel, subject: str, said: Words) -> PageShown:
    """What the page around the articles says."""
    return PageShown(
        language=model.language,
        direction=language_direction(model.language),
        subject=subject,
        preheader=preheader(model),
        paper=model.paper,
        address=f"{model.address}/",
        date=day_line(model, said),
        length=length_line(model, said),
        web=model.web,
        web_words=said.say("Read this issue on the web"),
        more=more_line(model, said),
        all_on_site=said.say("Everything on our site"),
        why=why_line(model, said),
        preferences=model.preferences,
        preferences_words=said.say("Choose topics"),
        pause=model.pause,
        pause_words=said.say("Pause"),
        unsubscribe=model.unsubscribe,
        unsubscribe_words=said.say("Unsubscribe"),
        other_addresses=model.other_addresses,
        other_addresses_words=said.say("You also find us at"),
        sender=sender_lines(model),
    )


def item_shown(one: LetterArticle, paper_language: str, said: Words, lead: bool) -> ItemShown:
    """What an article's piece of the letter says."""
    language = one.language or paper_language
    return ItemShown(
        lead=lead,
        language=language,
        direction=language_direction(language),
        paper_language=paper_language,
        paper_direction=language_direction(paper_language),
        day=short_day_line(said, one.day) if one.day else "",
        topics=tuple(apart(name, said) for name in one.topics),
        part=part_line(one.series, said) if one.series else "",
        previous=one.series.previous if one.series else "",
        previous_words=said.say("The part before"),
        headline=one.headline,
        address=one.address,
        new=one.new,
        new_words=said.say("New"),
        excerpt=one.excerpt,
        outlets=outlets_line(one, said),
        read_on=read_on(one, said),
        read_on_address=one.source_address or one.address,
    )


def correction_shown(one: LetterCorrection, paper_language: str, said: Words) -> CorrectionShown:
    """What a correction's piece of the letter says."""
    language = one.language or paper_language
    return CorrectionShown(
        language=language,
        direction=language_direction(language),
        paper_language=paper_language,
        paper_direction=language_direction(paper_language),
        correction=said.say("Correction"),
        mailed=mailed_line(one, said),
        headline=one.headline,
        address=one.address,
        text=one.text,
    )
