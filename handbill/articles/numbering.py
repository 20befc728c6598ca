"""Put imported articles into their series: headlines that count themselves, when at least two count together."""

from __future__ import annotations

from collections import defaultdict

from handbill.articles.models import Article, Series
from handbill.articles.slugs import free_slug
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
