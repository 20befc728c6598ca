"""Put articles into their series: headlines that count themselves, when at least two count together."""

from __future__ import annotations

from collections import defaultdict

from handbill.articles.models import Article, Series
from handbill.articles.slugs import free_slug
from handbill.stories import queries as stories
from handbill.stories.series import series_of


def number_themselves(articles: list[Article]) -> None:
    """Set ``series`` and ``series_number`` of unsaved articles in place; makes the series that are missing.

    One number alone makes no series, unless the newsroom has that series already. Of two articles with one number the
    first gets it and the other stands in the series without one.
    """
    parts: dict[str, dict[int, Article]] = defaultdict(dict)
    extra: dict[str, list[Article]] = defaultdict(list)
    for article in articles:
        mark = series_of(article.headline)
        if mark is not None and mark.name:
            name = mark.name[:200]
            if parts[name].setdefault(mark.number, article) is not article:
                extra[name].append(article)
    known = Series.objects.in_bulk(list(parts), field_name="name")
    for name, by_number in parts.items():
        if name in known or len(by_number) > 1:
            series = known.get(name) or Series.objects.create(name=name, slug=free_slug(Series, name, 80))
            _file(series, by_number, extra[name])


def _file(series: Series, by_number: dict[int, Article], extra: list[Article]) -> None:
    taken = set(series.articles.values_list("series_number", flat=True))
    for count, article in by_number.items():
        article.series = series
        article.series_number = None if count in taken else count
    for article in extra:
        article.series = series


def series_named(name: str) -> Series | None:
    """The newsroom's series of this name, made once its reports are sure to be one; None before.

    A new one takes in the articles that were made of its earlier parts.
    """
    series = Series.objects.filter(name=name).first()
    if series is not None or stories.series_run(name) is None:
        return series
    series, _ = Series.objects.get_or_create(name=name)
    earlier = Article.objects.filter(series=None, report__member__in=stories.parts_named(name))
    for article in earlier.order_by("pk").select_related("report__member"):
        _take_in(article, series, article.report.member.number)
    return series


def _take_in(article: Article, series: Series, number: int) -> None:
    """Through a revision, as an editor would; one with a newer draft gets it with that draft."""
    as_published = article.live and not article.has_unpublished_changes
    draft = article.get_latest_revision_as_object()  # the article itself where there is no newer draft
    if draft.series_id is None and not Article.objects.filter(series=series, series_number=number).exists():
        draft.series, draft.series_number = series, number
        revision = draft.save_revision()
        if as_published:
            revision.publish()
