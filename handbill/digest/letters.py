"""Turn chosen articles into composed letters: from the rows of other rooms to the models that ``compose`` knows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from urllib.parse import quote
from zoneinfo import ZoneInfo

from django.conf import settings

from handbill.articles.queries import letter_items, notes_of
from handbill.articles.records import LetterItem, NoteTold
from handbill.delivery.records import READER_SLOT, LetterBody
from handbill.digest.compose import Pieces, compose
from handbill.digest.design import FileDesign, current
from handbill.digest.models import Alert, IssueArticle, Subject
from handbill.digest.records import (
    Chosen,
    ComposedLetter,
    Draft,
    LetterArticle,
    LetterCorrection,
    LetterModel,
    Review,
    SeriesPart,
)
from handbill.subscribers.queries import reader_links
from handbill.subscribers.records import Slot

MOST_PIECES = 5000  # kept of letters composed before: some 15 MB


@dataclass(frozen=True, slots=True)
class Known:
    """What letters say of an issue's articles and notes. What was withdrawn since it was planned is missing."""

    articles: Mapping[int, LetterArticle]
    notes: Mapping[int, NoteTold]
    mailed: Mapping[int, date]  # when an article that is corrected was last mailed

    def present(self, chosen: Iterable[Chosen]) -> list[Chosen]:
        """What of it can be shown."""
        return [one for one in chosen if one.id in self.articles and (one.note is None or one.note in self.notes)]


def load(chosen: Collection[Chosen], day: date = date.max) -> Known:
    """Look up all that the issue's letters say, in a constant number of queries; of what was mailed, up to ``day``."""
    ids = {one.id for one in chosen}
    corrected = {one.id for one in chosen if one.correction and not one.alert}
    of_alerts = {one.id for one in chosen if one.correction and one.alert}
    subjects = dict(Subject.objects.filter(article__live=True).values_list("article", "text"))
    return Known(
        articles={item.id: _article(item, subjects.get(item.id, "")) for item in letter_items(list(ids))},
        notes=notes_of({one.note for one in chosen if one.note is not None}),
        mailed=(_mailed(corrected, day) if corrected else {}) | (_alerted(of_alerts, day) if of_alerts else {}),
    )


def review_of(slot: Slot, opens: datetime, chosen: Iterable[Chosen], zone: ZoneInfo) -> Review | None:
    """What a weekly slot's letters say of their week by its own clock; None for other slots."""
    if slot.cadence != "weekly":
        return None
    days = {one.id: one.published_at.astimezone(zone).date() for one in chosen if one.published_at is not None}
    return Review(opens.astimezone(zone).date(), days)


def compose_letter(
    draft: Draft,
    known: Known,
    day: date,
    test: bool = False,
    *,
    alert: str = "",
    review: Review | None = None,
    on_site: bool = False,
) -> ComposedLetter:
    """The letter for a reading list, with delivery's slot in the reader's links.

    ``alert``: the topic, of an alert. ``on_site``: the day's issue has a page on the site, or gets one when it goes.
    """
    model = letter_model(draft, known, day, alert=alert, review=review, on_site=on_site)
    design = current(settings.HANDBILL.home)
    return compose(model, design, test=test, made=_pieces(design))


def letter_model(
    draft: Draft,
    known: Known,
    day: date,
    *,
    alert: str = "",
    review: Review | None = None,
    on_site: bool = False,
) -> LetterModel:
    """All that the letter for a reading list says."""
    paper, links = settings.HANDBILL, reader_links(READER_SLOT)
    news = {note.article: note.text for pk in draft.listed.updates if (note := known.notes.get(pk))}
    days = review.days if review else {}
    shown = [
        replace(known.articles[pk], new=news.get(pk, ""), day=days.get(pk))
        for pk in draft.listed.articles
        if pk in known.articles
    ]
    return LetterModel(
        paper=paper.name,
        address=paper.public_address,
        postal_address=paper.postal_address,
        language=draft.language,
        day=day,
        articles=tuple(replace(one, excerpt="") if draft.form == "headlines" else one for one in shown),
        preferences=links.preferences,
        unsubscribe=links.unsubscribe,
        pause=links.pause,
        web=f"{paper.public_address}{issue_path(day)}" if on_site else "",
        alert=alert,
        since=review.since if review else None,
        other_addresses=paper.other_addresses,
        more=draft.listed.more,
        corrections=tuple(_corrections(draft.listed.corrections, known, day)),
        plain=draft.plain,
    )


def issue_path(day: date) -> str:
    """Where the paper's issue of a day stands on the site."""
    return f"/issues/{day.isoformat()}/"


@lru_cache(maxsize=2)
def _kept(design: FileDesign) -> Pieces:
    return {}


def _pieces(design: FileDesign) -> Pieces:
    """Articles' pieces of letters composed before, so that each is made once however many letters show it."""
    kept = _kept(design)
    if len(kept) > MOST_PIECES:
        kept.clear()
    return kept


def _corrections(notes: Iterable[int], known: Known, day: date) -> Iterator[LetterCorrection]:
    for pk in notes:
        note = known.notes.get(pk)
        if note and (article := known.articles.get(note.article)):
            mailed = known.mailed.get(note.article, day)
            yield LetterCorrection(article.headline, note.text, article.address, mailed, article.language)


def body_of(key: str, language: str, composed: ComposedLetter) -> LetterBody:
    """The letter as delivery takes it."""
    return LetterBody(
        key=key,
        sender=settings.HANDBILL.from_address,
        subject=composed.subject,
        html=composed.html_pieces,
        text=composed.text_pieces,
        language=language,
        one_click=reader_links(READER_SLOT).unsubscribe,
    )


def _mailed(ids: Collection[int], until: date) -> dict[int, date]:
    rows = IssueArticle.objects.filter(article__in=ids, correction=False, alert=False, issue__date__lte=until)
    return dict(rows.order_by("issue__date").values_list("article", "issue__date"))


def _alerted(ids: Collection[int], until: date) -> dict[int, date]:
    rows = Alert.objects.filter(article__in=ids, planned_at__isnull=False).order_by("planned_at")
    zone = settings.HANDBILL.zone
    days = ((pk, at.astimezone(zone).date()) for pk, at in rows.values_list("article", "planned_at") if at)
    return {pk: day for pk, day in days if day <= until}


def _article(item: LetterItem, subject: str) -> LetterArticle:
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
        subject=subject,
    )


def _series(item: LetterItem) -> SeriesPart | None:
    if not item.series_name:
        return None
    previous = _address(item.series_previous_slug) if item.series_previous_slug else ""
    return SeriesPart(item.series_name, item.series_number, previous)


def _address(slug: str) -> str:
    return f"{settings.HANDBILL.public_address}/article/{quote(slug)}/"
