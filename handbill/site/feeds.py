"""The outgoing feeds: RSS 2.0 of the newest articles, valid whatever the headlines hold."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils import timezone

from handbill.articles.models import Article
from handbill.kit.text import xml_text
from handbill.topics.rss import outgoing_feed
from handbill.topics.templatetags.paper import article_path


def feed(paper: dict[str, Any], title: str, top: str, path: str, articles: Iterable[Article]) -> bytes:
    """The feed at ``path`` of the archive whose top page is ``top`` (both quoted), newest first, full addresses.

    Articles carry ``shown_topics``. One with no known date has none here.
    """
    made = outgoing_feed(paper, title, top, path)
    for article in articles:
        link = paper["address"] + article_path(article)
        made.add_item(
            title=xml_text(article.headline),
            link=link,
            description=xml_text(article.excerpt),
            unique_id=link,
            unique_id_is_permalink=True,
            pubdate=_date(article),
            author_name=xml_text(article.credit) or None,
            categories=[xml_text(topic.name) for topic in article.shown_topics],
        )
    return made.writeString("utf-8").encode()


def _date(article: Article) -> datetime | None:
    return timezone.localtime(article.published_at) if article.dated and article.published_at else None
