"""Turn the path of a page into its bytes, or None when there is nothing to show there (any more).

A ``Press`` renders one batch: the paper's context, templates and each article's entry are made once and reused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from django.db.models import QuerySet
from django.template.loader import get_template
from django.utils.safestring import SafeString

from handbill.articles.models import Article, Series
from handbill.articles.queries import published
from handbill.site import guests
from handbill.site.feeds import feed
from handbill.site.models import Entry
from handbill.site.pictures import Gallery
from handbill.site.plan import PER_PAGE, Archive, link, page_of, pages_in, series_gaps, span
from handbill.topics.models import Topic
from handbill.topics.paper import assets, paper_context
from handbill.topics.wording import fill
from handbill.wire.manners import manners

_ENTRIES_KEPT = 5000
_LONGEST_SERIES = 2000
_DYNAMIC = "search back confirm data erase move moved pause preferences resume still unsubscribe websub"
_PRIVATE = tuple(f"Disallow: /{name}/" for name in _DYNAMIC.split())


class Press:
    """Renders pages of the built site below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paper = paper_context()
        self.topics = {topic.slug: topic for topic in Topic.objects.all()}
        self._names = {topic.pk: topic for topic in self.topics.values()}
        self._entries: dict[int, SafeString] = {}
        self._waiting: dict[str, Article] = {}
        self._lines: dict[int, list[Article]] = {}
        self._guests = guests.presses(self.paper)

    def gather(self, paths: Iterable[str]) -> None:
        """Load the articles whose own pages are among ``paths``, in a constant number of queries."""
        slugs = [found[1] for path in paths if (found := _ARTICLE.fullmatch(path))]
        self._waiting = {row.slug: row for row in self.load(published().filter(slug__in=slugs))}
        series = {row.series_id for row in self._waiting.values() if row.series_id} - set(self._lines)
        self._lines.update({pk: [] for pk in series})
        parts = published().filter(series__in=series, series_number__isnull=False).order_by("series_number", "pk")
        for row in parts.only("slug", "headline", "series_id", "series_number"):
            self._lines[row.series_id].append(row)

    def load(self, rows: QuerySet[Article]) -> list[Article]:
        """Articles with their topics as ``shown_topics``, in two queries."""
        articles = list(rows.select_related("series", "image"))
        of: dict[int, list[Topic]] = {row.pk: [] for row in articles}
        pairs = Article.topics.through.objects.filter(article__in=of).values_list("article_id", "topic_id")
        for article_id, topic_id in pairs:
            if topic_id in self._names:
                of[article_id].append(self._names[topic_id])
        for article in articles:
            article.shown_topics = sorted(of[article.pk], key=lambda topic: (topic.position, topic.name))
        return articles

    def render(self, path: str) -> bytes | None:
        """The file of ``path``."""
        for shape, method in _SHAPES:
            if found := shape.fullmatch(path):
                return method(self, *found.groups())
        made = (render(path) for render in self._guests)
        return next((content for content in made if content is not None), None)

    def article_of(self, path: str) -> Article | None:
        """The article whose page is at ``path``, if it was gathered and is published."""
        found = _ARTICLE.fullmatch(path)
        return self._waiting.get(found[1]) if found else None

    def entries(self, articles: Iterable[Article]) -> list[SafeString]:
        """Each article as it stands in a list."""
        return [self._entry(article) for article in articles]

    def page(self, template: str, context: dict[str, Any]) -> bytes:
        """A page in the shared layout."""
        return get_template(f"public/{template}.html").render({"paper": self.paper, **context}).encode()

    def _article(self, slug: str) -> bytes | None:
        gallery = Gallery(self.folder, slug)
        article = self._waiting.get(slug)
        page = None
        if article:
            previous, following = self._neighbours(article)
            context = {
                "article": article,
                "image": gallery.lead(article),
                "previous": previous,
                "following": following,
            }
            page = gallery.take_in(self.page("article", context).decode()).encode()
        gallery.tidy()
        return page

    def _neighbours(self, article: Article) -> tuple[Article | None, Article | None]:
        line = self._lines.get(article.series_id or 0, [])
        at = next((n for n, row in enumerate(line) if row.pk == article.pk), None)
        if at is None:
            return None, None
        return (line[at - 1] if at else None), (line[at + 1] if at + 1 < len(line) else None)

    def _top(self, slug: str | None = None) -> bytes | None:
        if slug is not None and slug not in self.topics:
            return None
        archive, topic = self._archive(slug)
        newest = self._newest(topic, PER_PAGE + 1)
        older = archive.page(page_of(newest[PER_PAGE][0])) if len(newest) > PER_PAGE else None
        return self._list(archive, topic, [pk for _, pk in newest[:PER_PAGE]], archive.top, older=older)

    def _numbered(self, *groups: str) -> bytes | None:
        slug, number = (groups[0], int(groups[1])) if len(groups) == 2 else (None, int(groups[0]))
        if slug is not None and slug not in self.topics:
            return None
        archive, topic = self._archive(slug)
        rows = Entry.objects.filter(topic=topic)
        last = rows.order_by("-position").values_list("position", flat=True).first() or 0
        if not 1 <= number <= pages_in(last):
            return None
        positions = span(number)
        shown = rows.filter(withdrawn=False, position__range=(positions[0], positions[-1])).order_by("-position")
        newer = archive.page(number + 1) if number < pages_in(last) else archive.top
        older = archive.page(number - 1) if number > 1 else None
        ids = list(shown.values_list("article_id", flat=True))
        return self._list(archive, topic, ids, archive.page(number), number=number, newer=newer, older=older)

    def _archive(self, slug: str | None) -> tuple[Archive, Topic | None]:
        return Archive(slug), self.topics[slug] if slug is not None else None

    def _newest(self, topic: Topic | None, count: int) -> list[tuple[int, int]]:
        rows = Entry.objects.filter(topic=topic, withdrawn=False).order_by("-position")
        return list(rows.values_list("position", "article_id")[:count])

    def _list(
        self,
        archive: Archive,
        topic: Topic | None,
        ids: Sequence[int],
        path: str,
        number: int | None = None,
        newer: str | None = None,
        older: str | None = None,
    ) -> bytes:
        articles = self._in_order(ids)
        dates = [row.published_at for row in articles if row.dated]
        context = {
            "topic": topic,
            "here": topic.slug if topic else None,
            "number": number,
            "path": path,
            "top": archive.top,
            "feed_path": archive.feed,
            "newer": newer,
            "older": older,
            "newest": max(dates) if dates and number is None else None,  # type: ignore[type-var]
            "entries": self.entries(articles),
        }
        return self.page("archive", context)

    def _in_order(self, ids: Sequence[int]) -> list[Article]:
        rows = published().filter(pk__in=ids).select_related("series").defer("body").in_bulk()
        return [rows[pk] for pk in ids if pk in rows]

    def _entry(self, article: Article) -> SafeString:
        if article.pk not in self._entries:
            if len(self._entries) >= _ENTRIES_KEPT:
                self._entries.clear()
            made = get_template("public/_entry.html").render({"entry": article, "paper": self.paper})
            self._entries[article.pk] = SafeString(made)
        return self._entries[article.pk]

    def _series(self, slug: str) -> bytes | None:
        series = Series.objects.filter(slug=slug).first()
        if series is None:
            return None
        rows = published().filter(series=series).select_related("series").defer("body")
        line = sorted(rows[:_LONGEST_SERIES], key=_by_number)
        return self.page("series", {"series": series, "parts": self._parts(line)}) if line else None

    def _parts(self, line: Sequence[Article]) -> list[dict[str, Any]]:
        gaps = dict(series_gaps([row.series_number for row in line if row.series_number is not None]))
        parts: list[dict[str, Any]] = []
        for row in line:
            parts.append({"number": row.series_number, "entry": self._entry(row)})
            first = (row.series_number or 0) + 1
            if row.series_number is not None and first in gaps:
                parts.append({"missing": _missing(self.paper["words"], first, gaps[first])})
        return parts

    def _feed(self, slug: str | None = None) -> bytes | None:
        if slug is not None and slug not in self.topics:
            return None
        archive, topic = self._archive(slug)
        ids = [pk for _, pk in self._newest(topic, PER_PAGE)]
        found = {row.pk: row for row in self.load(published().filter(pk__in=ids).defer("body"))}
        name = self.paper["name"]
        title = f"{name}: {topic.name}" if topic else name
        articles = [found[pk] for pk in ids if pk in found]
        return feed(self.paper, title, link(archive.top), link(archive.feed), articles)

    def _missing_page(self) -> bytes:
        return self.page("404", {})

    def _fetching(self) -> bytes:
        return self.page("fetching", {"manners": manners()})

    def _robots(self) -> bytes:
        return "".join(f"{line}\n" for line in ("User-agent: *", *_PRIVATE)).encode()

    def _asset(self, path: str) -> bytes | None:
        return assets().get(path)


def _by_number(article: Article) -> tuple[bool, int, int]:
    return article.series_number is None, article.series_number or 0, article.pk


def _missing(words: dict[str, str], first: int, last: int) -> str:
    return fill(words["gap_one"], first) if first == last else fill(words["gap_many"], f"{first}–{last}")


_ARTICLE = re.compile(r"/article/([^/]+)/")
_SHAPES: list[tuple[re.Pattern[str], Callable[..., bytes | None]]] = [
    (_ARTICLE, Press._article),
    (re.compile(r"/"), Press._top),
    (re.compile(r"/topic/([^/]+)/"), Press._top),
    (re.compile(r"/archive/([1-9][0-9]{0,8})/"), Press._numbered),
    (re.compile(r"/topic/([^/]+)/([1-9][0-9]{0,8})/"), Press._numbered),
    (re.compile(r"/series/([^/]+)/"), Press._series),
    (re.compile(r"/feed\.xml"), Press._feed),
    (re.compile(r"/topic/([^/]+)/feed\.xml"), Press._feed),
    (re.compile(r"/fetching/"), Press._fetching),
    (re.compile(r"/404\.html"), Press._missing_page),
    (re.compile(r"/robots\.txt"), Press._robots),
    (re.compile(r"(/assets/[^/]+)"), Press._asset),
]
