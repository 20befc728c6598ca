"""Bring in what a newsroom published before: an archive page as text, or a WordPress export.

Nothing imported is ever mailed. Rows are written in bulk and without revisions: the desk makes the first revision when
somebody edits. Importing the same file again adds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice

from django.db import transaction
from django.db.models import F, Max

from handbill.articles.archive import parse_archive
from handbill.articles.models import Article
from handbill.articles.numbering import number_themselves
from handbill.articles.records import Imported
from handbill.articles.sanitise import clean_body
from handbill.articles.slugs import next_slug
from handbill.articles.wordpress import WordPressError, WordPressPost, parse_wordpress
from handbill.kit.text import plain, slugify
from handbill.stories.excerpt import excerpt
from handbill.topics.actions import topic_named
from handbill.topics.models import Topic

_BATCH = 500
_UNDATED = datetime(1970, 1, 1, tzinfo=UTC)  # articles without a date are ordered by running seconds from here


def import_archive(text: str, now: datetime, topic_name: str | None = None) -> Imported:
    """Publish the entries of an archive page, newest first as in the file, above any archive imported before.

    No date is shown for them. ``topic_name`` files them under a topic, made when there is none of that name; entries
    that are there already are only filed under it.
    """
    archive = parse_archive(text)
    entries = list(dict.fromkeys((_line(entry.headline), _text(entry.excerpt)) for entry in archive.entries))
    with transaction.atomic():
        topics, made = _topics([topic_name] if topic_name else [])
        known = _known_undated([headline for headline, _ in entries])
        fresh = [entry for entry in entries if entry not in known]
        articles = _publish_rows(_undated(fresh, now))
        before = [known[entry] for entry in entries if entry in known]
        _file_under({pk: list(topics.values()) for pk in [*before, *(article.pk for article in articles)]})
        _tell_readers(before if topics else [])
    return Imported(len(articles), made, list(archive.refused))


def import_wordpress(data: bytes, now: datetime) -> Imported:
    """Publish the posts of a WordPress export with their dates, bodies sanitised; categories become topics.

    Raises WordPressError when the file is no export; one that breaks off later keeps what came before and says so.
    Posts are written 500 at a time, so a large export needs little memory and a broken import goes on when repeated.
    """
    done = Imported()
    posts = parse_wordpress(data)
    while True:
        batch: list[WordPressPost] = []
        broken = ""
        try:
            for post in islice(posts, _BATCH):
                batch.append(post)  # one by one: those before a fault count
        except WordPressError as error:
            broken = str(error)
            if not batch and not done.articles:
                raise
        done = _added(done, _import_posts(batch, now), broken)
        if broken or len(batch) < _BATCH:
            return done


def _added(before: Imported, batch: Imported, broken: str) -> Imported:
    refused = [*before.refused, *batch.refused, *([broken] if broken else [])]
    return Imported(before.articles + batch.articles, before.topics + batch.topics, refused)


def _import_posts(posts: list[WordPressPost], now: datetime) -> Imported:
    refused = [f"A post of {post.address or 'no address'} has no title." for post in posts if not _line(post.title)]
    with transaction.atomic():
        topics, made = _topics(name for post in posts for name in post.categories)
        wanted = {(_line(post.title), post.published_at): post for post in posts if _line(post.title)}
        known = _known_posts(wanted)
        fresh = [post for key, post in wanted.items() if key not in known]
        articles = _publish_rows([_post(post, now) for post in fresh], [post.slug for post in fresh])
        _file_under(
            {
                article.pk: [topics[name] for name in post.categories if name in topics]
                for article, post in zip(articles, fresh, strict=True)
            }
        )
    return Imported(len(articles), made, refused)


def _known_posts(wanted: Iterable[tuple[str, datetime | None]]) -> set[tuple[str, datetime | None]]:
    rows = Article.objects.filter(headline__in={headline for headline, _ in wanted}, story__isnull=True)
    found = rows.values_list("headline", "published_at", "dated")
    return {(headline, at if dated else None) for headline, at, dated in found}


def _post(post: WordPressPost, now: datetime) -> Article:
    body = clean_body(post.body_html)
    return _imported(
        now,
        headline=_line(post.title),
        excerpt=_text(post.excerpt) or excerpt(plain(body)),
        body=body,
        credit=_line(post.author),
        published_at=post.published_at or _UNDATED,
        dated=post.published_at is not None,
    )


def _undated(entries: list[tuple[str, str]], now: datetime) -> list[Article]:
    last = Article.objects.filter(dated=False).aggregate(last=Max("published_at"))["last"] or _UNDATED
    return [
        _imported(now, headline=headline, excerpt=text, published_at=last + timedelta(seconds=place), dated=False)
        for place, (headline, text) in zip(range(len(entries), 0, -1), entries, strict=True)
    ]


def _known_undated(headlines: list[str]) -> dict[tuple[str, str], int]:
    known: dict[tuple[str, str], int] = {}
    for start in range(0, len(headlines), _BATCH):
        rows = Article.objects.filter(dated=False, headline__in=headlines[start : start + _BATCH])
        known.update(((headline, text), pk) for headline, text, pk in rows.values_list("headline", "excerpt", "pk"))
    return known


def _imported(now: datetime, **fields: object) -> Article:
    return Article(live=True, edition=1, in_digest=False, first_published_at=now, last_published_at=now, **fields)


def _publish_rows(articles: list[Article], wishes: list[str] | None = None) -> list[Article]:
    taken = set(Article.objects.values_list("slug", flat=True))
    for article, wish in zip(articles, wishes or [""] * len(articles), strict=True):
        article.slug = next_slug(slugify(wish or article.headline, 100), taken, 100)
        taken.add(article.slug)
    number_themselves(articles)
    return Article.objects.bulk_create(articles, batch_size=_BATCH)


def _topics(names: Iterable[str]) -> tuple[dict[str, Topic], int]:
    """The topics of ``names``, with how many had to be made. Names differ by more than capitals and spaces."""
    wanted = {name: _line(name)[:100] for name in names if _line(name)}
    topics = {topic.name.casefold(): topic for topic in Topic.objects.all()}
    before = len(topics)
    for name in wanted.values():
        if name.casefold() not in topics:
            topics[name.casefold()] = topic_named(name)
    return {given: topics[name.casefold()] for given, name in wanted.items()}, len(topics) - before


def _file_under(topics_of: dict[int, list[Topic]]) -> None:
    through = Article.topics.through
    rows = [through(article_id=pk, topic_id=topic.pk) for pk, topics in topics_of.items() for topic in topics]
    through.objects.bulk_create(rows, batch_size=_BATCH, ignore_conflicts=True)


def _tell_readers(ids: list[int]) -> None:
    """The topics of public articles changed: raise their editions, so that the site takes them up."""
    for start in range(0, len(ids), _BATCH):
        Article.objects.filter(pk__in=ids[start : start + _BATCH]).update(edition=F("edition") + 1)


def _text(value: str) -> str:
    return value.replace("\0", "").strip()


def _line(value: str) -> str:
    return " ".join(_text(value).split())[:300].rstrip()
