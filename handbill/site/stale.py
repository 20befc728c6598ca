"""Mark pages stale. Each marking carries a new mark, so that one that comes while a page is rendered isn't lost."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from itertools import islice

from django.db.models import Max

from handbill.articles.models import Article
from handbill.site.models import Entry, Page
from handbill.site.plan import PER_PAGE, Archive, pages_in, stale_pages
from handbill.topics.models import Topic

_BATCH = 500


def mark_stale(paths: Iterable[str]) -> None:
    """Have ``paths`` written again by the next build, or removed if there is nothing to show. Repeating is harmless."""
    mark = secrets.token_hex(8)
    rest = iter(sorted(set(paths)))
    while batch := [Page(path=path, stale=True, mark=mark) for path in islice(rest, _BATCH)]:
        Page.objects.bulk_create(batch, update_conflicts=True, unique_fields=["path"], update_fields=["stale", "mark"])


def mark_archive(topic: Topic | None, positions: Iterable[int]) -> None:
    """Mark what the change of the entries at ``positions`` (old and new) makes stale. Two queries and the marking."""
    rows = Entry.objects.filter(topic=topic).order_by("-position")
    below = list(rows.filter(withdrawn=False).values_list("position", flat=True)[PER_PAGE : PER_PAGE + 1])
    last = rows.values_list("position", flat=True).first() or 0
    archive = Archive(topic.slug if topic else None)
    mark_stale(stale_pages(archive, positions, below[0] if below else 0, last))


def article_path(slug: str) -> str:
    return f"/article/{slug}/"


def series_path(slug: str) -> str:
    return f"/series/{slug}/"


def archive_paths(topic: Topic | None) -> list[str]:
    """The pages of an archive that stand even when it is empty."""
    archive = Archive(topic.slug if topic else None)
    return [archive.top, archive.feed, archive.page(1)]


def standing_paths() -> list[str]:
    """The pages that stand whatever is published."""
    paths = ["/404.html", "/robots.txt", "/fetching/", *archive_paths(None)]
    return paths + [path for topic in Topic.objects.all() for path in archive_paths(topic)]


def numbered_paths() -> list[str]:
    """Every numbered page of every archive that has entries."""
    rows = Entry.objects.order_by().values_list("topic__slug").annotate(last=Max("position"))
    return [Archive(slug).page(number) for slug, last in rows for number in range(1, pages_in(last) + 1)]


def series_articles(series_id: int) -> list[str]:
    """The pages of the articles in a series."""
    return [article_path(slug) for slug in Article.objects.filter(series=series_id).values_list("slug", flat=True)]
