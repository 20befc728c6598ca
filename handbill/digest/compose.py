"""Compose one letter from its model: subject, HTML part, text part. Pure: the same model gives the same bytes.

Nothing remote is in it but the newsroom's own logo, if the design has one: no font, style sheet or pixel. Links lead to
the newsroom's own site and, per article, to the source (ADR-0008).
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from dataclasses import replace
from typing import TypeAlias

from handbill.delivery.records import READER_SLOT
from handbill.digest.errors import PlanError
from handbill.digest.letter_html import Design, correction_shown, item_shown, page_shown
from handbill.digest.letter_text import correction_text, foot_text, head_text, item_text
from handbill.digest.records import (
    ComposedLetter,
    Cut,
    LetterArticle,
    LetterCorrection,
    LetterModel,
    SeriesPart,
)
from handbill.digest.wording import Words, words
from handbill.kit.text import clean, shorten

SUBJECT_LIMIT = 120  # characters; phones show about 40 of them
HEADLINE_LIMIT = 300
GOOD_SIZE = 40_000  # bytes of HTML that a letter aims for
MOST_SIZE = 100_000  # bytes it never passes: Gmail cuts a letter off at 102 KB
EXCERPT_LIMITS = (1200, 700, 400, 200)  # characters, tried in turn until the letter fits
ADDRESS_LIMIT = 700  # a longer source address is left to the article's own page
MOST_OUTLETS = 40
MOST_CORRECTIONS = 12
NOTE_LIMIT = 600  # characters of a correction, and of what is new

Pieces: TypeAlias = MutableMapping[tuple[LetterArticle, str, bool], tuple[str, str]]
"""Articles' pieces (HTML, text) made before with the same design, by article, language of the paper, being lead."""


def compose(model: LetterModel, design: Design, *, test: bool = False, made: Pieces | None = None) -> ComposedLetter:
    """Subject from the lead or an editor's, preheader from the next two, both parts. ``test`` marks the subject.

    Where the HTML would pass 40,000 bytes excerpts shorten, then the last articles become headlines; where it would
    still pass 100,000 the last are left out and counted with the rest of the issue. ``cuts`` says what was done.
    ``made`` keeps articles' pieces for the next letter. Raises PlanError for a letter that says nothing.
    """
    if not model.articles and not model.corrections:
        raise PlanError("A letter needs an article. Compose none when there is nothing to say.")
    made = {} if made is None else made
    for fitted, most in _tries(_tidy(model)):
        letter = _assemble(fitted, design, test, made)
        if len(letter.html.encode()) <= most:
            break
    html = () if model.plain else letter.html_pieces
    return replace(letter, html_pieces=html, cuts=tuple(_cuts(model, fitted)))


def whole(model: LetterModel) -> LetterModel:
    """What a letter with room for all of it would say: each text one clean line within its limit."""
    return next(_tries(_tidy(model)))[0]


def _tries(model: LetterModel) -> Iterator[tuple[LetterModel, int]]:
    """The letter ever shorter, each with the bytes it may have."""
    for limit in EXCERPT_LIMITS:
        model = replace(model, articles=tuple(_short(one, limit) for one in model.articles))
        yield model, GOOD_SIZE
    for bare in range(1, len(model.articles) + 1):
        kept = len(model.articles) - bare
        articles = (*model.articles[:kept], *(_headline_only(one) for one in model.articles[kept:]))
        yield replace(model, articles=articles), GOOD_SIZE if kept else MOST_SIZE
    model = replace(model, articles=tuple(_headline_only(one) for one in model.articles))
    for kept in range(len(model.articles) - 1, 0, -1):
        yield replace(model, articles=model.articles[:kept], more=model.more + len(model.articles) - kept), MOST_SIZE


def _assemble(model: LetterModel, design: Design, test: bool, made: Pieces) -> ComposedLetter:
    said = words(model.language)
    subject = _subject(model, said)
    subject = f"{said.say('[Test]')} {subject}" if test else subject
    before, after = design.page(page_shown(model, subject, said))
    pieces = _articles(model, design, made) + _corrections(model, design)
    htmls, texts = ([piece[part] for piece in pieces] for part in (0, 1))
    texts = [head_text(model), *texts, foot_text(model)]
    return ComposedLetter(subject, (*before, *htmls, *after), tuple(texts), news=tuple(htmls))


def _subject(model: LetterModel, said: Words) -> str:
    if model.articles:
        lead = model.articles[0]
        said_of = lead.subject or lead.headline
        if said_of and model.since:
            said_of = said.say("The week: {headline}", headline=said_of)
        return shorten(said_of, SUBJECT_LIMIT) or model.paper
    return shorten(f"{said.say('Correction')}: {model.corrections[0].headline}", SUBJECT_LIMIT)


def _articles(model: LetterModel, design: Design, made: Pieces) -> list[tuple[str, str]]:
    keys = [(one, model.language, place == 0) for place, one in enumerate(model.articles)]
    said, missing = words(model.language), [key for key in dict.fromkeys(keys) if key not in made]
    shown = [item_shown(one, language, said, lead) for one, language, lead in missing]
    for key, html in zip(missing, design.items(shown), strict=True):
        made[key] = html, item_text(key[0], said)
    return [made[key] for key in keys]


def _corrections(model: LetterModel, design: Design) -> list[tuple[str, str]]:
    said = words(model.language)
    htmls = design.corrections([correction_shown(one, model.language, said) for one in model.corrections])
    return list(zip(htmls, (correction_text(one, said) for one in model.corrections), strict=True))


def _cuts(whole: LetterModel, fitted: LetterModel) -> Iterator[Cut]:
    for place, one in enumerate(whole.articles):
        if place >= len(fitted.articles):
            yield Cut(place, "left out")
            continue
        shown = fitted.articles[place]
        if shown.headline != _said(one.headline):
            yield Cut(place, "headline")
        if shown.excerpt != _said(one.excerpt):
            yield Cut(place, "excerpt" if shown.excerpt else "headline only")


def _tidy(model: LetterModel) -> LetterModel:
    return replace(
        model,
        paper=clean(model.paper),
        alert=_said(model.alert),
        articles=tuple(_tidy_article(one) for one in model.articles),
        corrections=tuple(_tidy_correction(one) for one in model.corrections[:MOST_CORRECTIONS]),
    )


def _tidy_correction(one: LetterCorrection) -> LetterCorrection:
    return replace(
        one, headline=shorten(_said(one.headline), HEADLINE_LIMIT), text=shorten(_said(one.text), NOTE_LIMIT)
    )


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
        new=shorten(_said(one.new), NOTE_LIMIT),
        subject=_said(one.subject),
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


def _short(one: LetterArticle, limit: int) -> LetterArticle:
    return replace(one, excerpt=shorten(one.excerpt, limit))


def _headline_only(one: LetterArticle) -> LetterArticle:
    """What is left is the headline with its link, and what a reader was not told before."""
    return replace(one, excerpt="", topics=(), also_reported=())
