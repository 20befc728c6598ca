"""What is published, asked in a constant number of queries."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.contrib.contenttypes.models import ContentType
from django.db.models import Count, F, Max, Q, QuerySet
from wagtail.models import Revision

from handbill.articles.models import Article, Note
from handbill.articles.records import Candidate, LetterItem, NoteTold, Numbers
from handbill.stories.models import Story

_CHUNK = 500
NEEDS_A_LOOK = Q(report__alterations__gt=0) & Q(report__alterations__gt=F("report_seen"))  # the first half is indexed


def numbers(since: datetime) -> Numbers:
    """Counts for the desk; ``since`` is when today began. Four queries."""
    counted = Article.objects.aggregate(
        published=Count("pk", filter=Q(live=True, first_published_at__gte=since, in_digest=True)),
        drafts=Count("pk", filter=Q(live=False)),
        changed=Count("pk", filter=Q(live=True, has_unpublished_changes=True)),
    )
    kind = ContentType.objects.get_for_model(Article)
    scheduled = Revision.objects.filter(content_type=kind, approved_go_live_at__isnull=False).count()
    waiting = Story.objects.filter(dismissed_at__isnull=True, articles__isnull=True, outlets__gt=0).count()
    return Numbers(waiting=waiting, scheduled=scheduled, altered=needing_a_look().count(), **counted)


def needing_a_look() -> QuerySet[Article]:
    """Articles whose report was rewritten, taken back or put back since the newsroom last looked at it."""
    return Article.objects.filter(NEEDS_A_LOOK)


def published() -> QuerySet[Article]:
    """Every live article, newest first."""
    return Article.objects.filter(live=True, published_at__isnull=False)


def candidates(since: datetime, until: datetime, ids: Collection[int] = ()) -> list[Candidate]:
    """Live articles meant for the digest with ``since <= published_at < until``, and those of ``ids``; oldest first.

    Two queries.
    """
    window = Q(published_at__gte=since, published_at__lt=until)
    rows = published().filter(window | Q(pk__in=ids), in_digest=True)
    rows = rows.order_by("published_at", "pk").select_related("story").prefetch_related("topics")
    return [
        Candidate(
            id=row.pk,
            published_at=row.published_at,  # type: ignore[arg-type]
            topic_ids=frozenset(topic.pk for topic in row.topics.all()),
            outlets=row.story.outlets if row.story else 0,
            story=row.story_id,
            outlet=row.credit if row.source_address else "",
        )
        for row in rows.only("published_at", "story__outlets", "credit", "source_address")
    ]


def headlines(since: datetime, until: datetime, most: int = 100) -> list[tuple[int, str, bool]]:
    """What was published in ``since <= t < until``, newest first: id, headline, whether it is meant for the digest."""
    rows = published().filter(published_at__gte=since, published_at__lt=until).order_by("-published_at", "-pk")
    return list(rows.values_list("pk", "headline", "in_digest")[:most])


def notes(since: datetime, until: datetime) -> list[NoteTold]:
    """What came to live articles in ``since <= at < until`` and was not taken back, oldest first."""
    rows = Note.objects.filter(at__gte=since, at__lt=until, article__live=True, withdrawn_at__isnull=True)
    return [_note(row) for row in rows.order_by("at", "pk")]


def notes_of(ids: Collection[int]) -> dict[int, NoteTold]:
    """Notes by their ids; one taken back is missing."""
    return {row.pk: _note(row) for row in Note.objects.filter(pk__in=ids, withdrawn_at__isnull=True)}


def _note(row: Note) -> NoteTold:
    return NoteTold(row.pk, row.article_id, row.at, row.kind == Note.Kind.CORRECTION, row.text)


def letter_items(ids: Sequence[int]) -> list[LetterItem]:
    """What a letter says of each article, in the order of ``ids``; one withdrawn meanwhile is left out.

    Three queries for each 500 ids.
    """
    found: dict[int, LetterItem] = {}
    for start in range(0, len(ids), _CHUNK):
        rows = list(
            published().filter(pk__in=ids[start : start + _CHUNK]).select_related("series").prefetch_related("topics")
        )
        earlier = _previous_slugs(rows)
        found.update((row.pk, _letter_item(row, earlier.get(row.pk, ""))) for row in rows)
    return [found[pk] for pk in ids if pk in found]


def last_published(ids: Collection[int]) -> datetime | None:
    """When the last of these articles was published, or published anew; None where none is live."""
    last: datetime | None = published().filter(pk__in=ids).aggregate(at=Max("last_published_at"))["at"]
    return last


def _letter_item(article: Article, previous_slug: str) -> LetterItem:
    return LetterItem(
        id=article.pk,
        headline=article.headline,
        excerpt=article.excerpt,
        credit=article.credit,
        also_reported=tuple(article.also_reported),
        source_address=article.source_address,
        slug=article.slug,
        language=article.language,
        series_name=article.series.name if article.series else "",
        series_slug=article.series.slug if article.series else "",
        series_number=article.series_number if article.series else None,
        series_previous_slug=previous_slug,
        topics=tuple(topic.name for topic in article.topics.all()),
        own=bool(article.body),
    )


def _previous_slugs(articles: Iterable[Article]) -> dict[int, str]:
    numbered = [row for row in articles if row.series_id and row.series_number is not None]
    if not numbered:
        return {}
    siblings = published().filter(series__in={row.series_id for row in numbered}, series_number__isnull=False)
    line = list(siblings.order_by("series_number").values_list("series_id", "series_number", "slug"))
    return {
        row.pk: next(
            (slug for series, number, slug in reversed(line) if series == row.series_id and number < row.series_number),
            "",
        )
        for row in numbered
    }
