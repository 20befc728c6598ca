"""Bring the site's rows up to date with the articles: who stands where in each archive, and which pages that changes.

An article whose edition differs from the one taken up has changed in public. Work is done in chunks, each one
transaction, the oldest publication first, so that an import of thousands mostly appends.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet

from handbill.articles.models import Article, Series
from handbill.site import guests
from handbill.site.models import Entry, TakenUp
from handbill.site.plan import Key, Place, place, shifts
from handbill.site.stale import article_path, mark_archive, mark_stale, series_path
from handbill.topics.models import Topic

_CHUNK = 2000
_BATCH = 500


@dataclass(slots=True)
class _Moves:
    """What happens in one archive."""

    incoming: list[Key] = field(default_factory=list)
    leaving: list[Entry] = field(default_factory=list)  # withdrawn here: the row stays, and with it the gap
    returning: list[Entry] = field(default_factory=list)
    moving: list[Entry] = field(default_factory=list)  # to another date: the row goes, a new one comes
    touched: set[int] = field(default_factory=set)  # positions


def take_up_changes() -> int:
    """Take up every article whose edition the site doesn't know yet; returns how many. Repeating is harmless."""
    total = 0
    while changed := _take_up_chunk():
        total += changed
    return total


def _unknown() -> QuerySet[Article]:
    known = TakenUp.objects.filter(article=OuterRef("pk"), edition=OuterRef("edition"))
    return Article.objects.filter(edition__gt=0).exclude(Exists(known)).order_by(F("published_at").asc(), "pk")


def _take_up_chunk() -> int:
    with transaction.atomic():
        fields = ("pk", "slug", "live", "published_at", "edition", "series_id", "series_number")
        articles = list(_unknown().only(*fields)[:_CHUNK])
        if not articles:
            return 0
        known = _known(articles)
        mark_stale(_own_pages(articles, known) | _series_pages(articles, known))
        for ids in _batches(articles):
            mark_stale(guests.showing(ids))
        for topic, moves in _moves(articles).items():
            mark_archive(topic, _settle(topic, moves))
        _remember(articles)
    return len(articles)


def _known(articles: list[Article]) -> dict[int, TakenUp]:
    return {row.article_id: row for ids in _batches(articles) for row in TakenUp.objects.filter(article__in=ids)}


def _batches(articles: list[Article]) -> Iterable[list[int]]:
    return ([row.pk for row in articles[start : start + _BATCH]] for start in range(0, len(articles), _BATCH))


def _own_pages(articles: list[Article], known: dict[int, TakenUp]) -> set[str]:
    slugs = {row.slug for row in articles} | {row.slug for row in known.values() if row.slug}
    return {article_path(slug) for slug in slugs}


def _series_pages(articles: list[Article], known: dict[int, TakenUp]) -> set[str]:
    """The series' own pages, and the neighbours whose links to previous and next may change."""
    rows: list[Article | TakenUp] = [*articles, *known.values()]
    spots = {(row.series_id, row.series_number) for row in rows if row.series_id}
    ids = {series for series, _ in spots}
    if not ids:
        return set()
    line: dict[int, list[tuple[int, str]]] = defaultdict(list)
    numbered = Article.objects.filter(live=True, series__in=ids, series_number__isnull=False)
    for series, number, slug in numbered.values_list("series_id", "series_number", "slug").order_by("series_number"):
        line[series].append((number, slug))
    paths = {series_path(slug) for slug in Series.objects.filter(pk__in=ids).values_list("slug", flat=True)}
    for series, number in spots:
        if number is not None:
            at = bisect_left(line[series], (number, ""))
            paths |= {article_path(slug) for _, slug in line[series][max(at - 1, 0) : at + 2]}
    return paths


def _moves(articles: list[Article]) -> dict[Topic | None, _Moves]:
    topics, of_article = _topics(articles)
    entries: dict[int, dict[int | None, Entry]] = defaultdict(dict)
    for ids in _batches(articles):
        for entry in Entry.objects.filter(article__in=ids):
            entries[entry.article_id][entry.topic_id] = entry
    moves: dict[Topic | None, _Moves] = defaultdict(_Moves)
    for article in articles:
        wanted = {None, *of_article[article.pk]} if article.live and article.published_at else set()
        for topic_id in wanted | set(entries[article.pk]):
            _move(moves[topics[topic_id]], article, entries[article.pk].get(topic_id), topic_id in wanted)
    return moves


def _topics(articles: list[Article]) -> tuple[dict[int | None, Topic | None], dict[int, set[int]]]:
    of_article: dict[int, set[int]] = defaultdict(set)
    through = Article.topics.through.objects
    for ids in _batches(articles):
        for article_id, topic_id in through.filter(article__in=ids).values_list("article_id", "topic_id"):
            of_article[article_id].add(topic_id)
    return {None: None, **Topic.objects.in_bulk()}, of_article


def _move(moves: _Moves, article: Article, entry: Entry | None, wanted: bool) -> None:
    """Sort one article into what happens in one archive."""
    if entry:
        moves.touched.add(entry.position)
    if entry and wanted and entry.published_at != article.published_at:
        moves.moving.append(entry)
        entry = None
    if wanted and entry is None and article.published_at:
        moves.incoming.append((article.published_at, article.pk))
    elif entry and wanted and entry.withdrawn:
        moves.returning.append(entry)
    elif entry and not wanted and not entry.withdrawn:
        moves.leaving.append(entry)


def _settle(topic: Topic | None, moves: _Moves) -> set[int]:
    """Write the moves of one archive; returns the positions they touch, old and new."""
    rows = Entry.objects.filter(topic=topic)
    for chosen, withdrawn in ((moves.leaving, True), (moves.returning, False)):
        for start in range(0, len(chosen), _BATCH):
            pks = [entry.pk for entry in chosen[start : start + _BATCH]]
            rows.filter(pk__in=pks).update(withdrawn=withdrawn)
    for start in range(0, len(moves.moving), _BATCH):
        rows.filter(pk__in=[entry.pk for entry in moves.moving[start : start + _BATCH]]).delete()
    return moves.touched | (_insert(topic, rows, moves.incoming) if moves.incoming else set())


def _insert(topic: Topic | None, rows: QuerySet[Entry], incoming: list[Key]) -> set[int]:
    when, article_id = min(incoming)
    above = Q(published_at__gt=when) | Q(published_at=when, article_id__gt=article_id)
    fields = ("published_at", "article_id", "position")
    standing = [Place((w, a), p) for w, a, p in rows.filter(above).order_by("position").values_list(*fields)]
    floor = rows.exclude(above).aggregate(last=Max("position"))["last"] or 0
    changed = place(standing, incoming, floor)
    touched = set(changed.values()) | {entry.position for entry in standing if entry.key in changed}
    for first, last, distance in shifts(standing, changed):
        rows.filter(position__range=(first, last)).update(position=F("position") + distance)
    new = [Entry(topic=topic, article_id=key[1], published_at=key[0], position=changed[key]) for key in incoming]
    Entry.objects.bulk_create(new, batch_size=_BATCH)
    return touched


def _remember(articles: list[Article]) -> None:
    rows = [
        TakenUp(
            article_id=row.pk,
            edition=row.edition,
            slug=row.slug,
            series_id=row.series_id,
            series_number=row.series_number,
        )
        for row in articles
    ]
    TakenUp.objects.bulk_create(
        rows,
        batch_size=_BATCH,
        update_conflicts=True,
        unique_fields=["article"],
        update_fields=["edition", "slug", "series", "series_number"],
    )
