"""Turn chosen articles into composed letters: from the rows of other rooms to the models that ``compose`` knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from urllib.parse import quote

from django.conf import settings

from handbill.articles.queries import letter_items
from handbill.articles.records import LetterItem
from handbill.delivery.records import READER_SLOT
from handbill.digest.compose import Pieces, compose
from handbill.digest.design import FileDesign, current
from handbill.digest.records import ComposedLetter, LetterArticle, LetterModel, ReadingList, SeriesPart
from handbill.subscribers.queries import reader_links

MOST_PIECES = 5000  # kept of letters composed before: some 15 MB


def load_articles(ids: Iterable[int]) -> dict[int, LetterArticle]:
    """What letters say of these articles; one withdrawn meanwhile is missing."""
    return {item.id: _article(item) for item in letter_items(list(ids))}


def compose_letter(
    articles: Sequence[int], known: Mapping[int, LetterArticle], day: date, more: int = 0, test: bool = False
) -> ComposedLetter:
    """The letter for a reading list, with delivery's slot in the reader's links."""
    paper, links = settings.HANDBILL, reader_links(READER_SLOT)
    model = LetterModel(
        paper=paper.name,
        address=paper.public_address,
        postal_address=paper.postal_address,
        language=paper.language,
        day=day,
        articles=tuple(known[pk] for pk in articles if pk in known),
        preferences=links.preferences,
        unsubscribe=links.unsubscribe,
        pause=links.pause,
        other_addresses=paper.other_addresses,
        more=more,
    )
    design = current(paper.home)
    return compose(model, design, test=test, made=_pieces(design))


@lru_cache(maxsize=2)
def _kept(design: FileDesign) -> Pieces:
    return {}


def _pieces(design: FileDesign) -> Pieces:
    """Articles' pieces of letters composed before, so that each is made once however many letters show it."""
    kept = _kept(design)
    if len(kept) > MOST_PIECES:
        kept.clear()
    return kept


def present(articles: ReadingList, known: Mapping[int, LetterArticle]) -> ReadingList:
    """The list without what was withdrawn since it was planned."""
    return tuple(pk for pk in articles if pk in known)


def _article(item: LetterItem) -> LetterArticle:
    return LetterArticle(
        headline=item.headline,
        excerpt=item.excerpt,
        address=_address(item.slug),
        credit=item.credit,
        also_reported=item.also_reported,
        source_address="" if item.own else item.source_address,
        language=item.language,
        topics=item.topics,
        series=_series(item),
    )


def _series(item: LetterItem) -> SeriesPart | None:
    if not item.series_name:
        return None
    previous = _address(item.series_previous_slug) if item.series_previous_slug else ""
    return SeriesPart(item.series_name, item.series_number, previous)


def _address(slug: str) -> str:
    return f"{settings.HANDBILL.public_address}/article/{quote(slug)}/"
