"""Compose one letter from its model: subject, HTML part, text part. Pure: the same model gives the same bytes.

Nothing remote is in it: no image, font, style sheet or pixel. Links lead to the newsroom's own site and, per article,
to the source (ADR-0008).
"""

from __future__ import annotations

from dataclasses import replace

from handbill.delivery.records import READER_SLOT
from handbill.digest.errors import PlanError
from handbill.digest.letter_html import html_part
from handbill.digest.letter_text import text_part
from handbill.digest.records import ComposedLetter, LetterArticle, LetterModel, SeriesPart
from handbill.digest.wording import words
from handbill.kit.text import clean, shorten

SUBJECT_LIMIT = 120  # characters; phones show about 40 of them
HEADLINE_LIMIT = 300
GOOD_SIZE = 40_000  # bytes of HTML; Gmail cuts a letter off at 102 KB
EXCERPT_LIMITS = (1200, 700, 400, 200, 0)  # characters, tried in turn until the letter fits
ADDRESS_LIMIT = 700  # a longer source address is left to the article's own page
MOST_OUTLETS = 40


def compose(model: LetterModel, test: bool = False) -> ComposedLetter:
    """Subject from the lead, preheader from the next two, both parts. ``test`` marks the subject.

    Excerpts shorten where the HTML would pass 40,000 bytes. Raises PlanError for a letter without articles.
    """
    if not model.articles:
        raise PlanError("A letter needs an article. Compose none when there is nothing to say.")
    model = _tidy(model)
    for limit in EXCERPT_LIMITS:
        fitted = _cut(model, limit)
        subject = _subject(fitted, test)
        html = html_part(fitted, subject)
        if sum(len(piece.encode()) for piece in html) <= GOOD_SIZE:
            break
    return ComposedLetter(subject, html, text_part(fitted))


def _subject(model: LetterModel, test: bool) -> str:
    lead = shorten(model.articles[0].headline, SUBJECT_LIMIT) or model.paper
    return f"{words(model.language).test} {lead}" if test else lead


def _tidy(model: LetterModel) -> LetterModel:
    return replace(model, paper=clean(model.paper), articles=tuple(_tidy_article(one) for one in model.articles))


def _tidy_article(one: LetterArticle) -> LetterArticle:
    return replace(
        one,
        headline=shorten(_said(one.headline), HEADLINE_LIMIT),
        excerpt=_said(one.excerpt),
        credit=shorten(_said(one.credit), 120),
        also_reported=tuple(shorten(_said(name), 80) for name in one.also_reported[:MOST_OUTLETS]),
        source_address=_linkable(one.source_address.strip()),
        topics=tuple(_said(name) for name in one.topics[:2]),
        series=_tidy_part(one.series) if one.series else None,
    )


def _tidy_part(part: SeriesPart) -> SeriesPart:
    return replace(part, name=_said(part.name))


def _said(text: str) -> str:
    """One clean line that can't pass for delivery's slot: what stands there is filled with each reader's own token."""
    return clean(text).replace(READER_SLOT, READER_SLOT.replace("-", " "))


def _linkable(source: str) -> str:
    """The address, or nothing where it is none; nothing too where it asks for a reader's token."""
    plain = not any(c.isspace() or ord(c) < 32 for c in source) and READER_SLOT not in source
    return source if plain and source.startswith(("http://", "https://")) and len(source) <= ADDRESS_LIMIT else ""


def _cut(model: LetterModel, limit: int) -> LetterModel:
    return replace(model, articles=tuple(replace(one, excerpt=shorten(one.excerpt, limit)) for one in model.articles))
