"""The outgoing feeds: RSS 2.0 of the newest articles, valid whatever the headlines hold."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.feedgenerator import Rss201rev2Feed, rfc2822_date

from handbill.articles.models import Article
from handbill.kit.text import xml_text
from handbill.topics.templatetags.paper import article_path


class _Feed(Rss201rev2Feed):
    """Without the hour of building: the same articles always make the same bytes."""

    def add_root_elements(self, handler: Any) -> None:
        handler.addQuickElement("title", self.feed["title"])
        handler.addQuickElement("link", self.feed["link"])
        handler.addQuickElement("description", self.feed["description"])
        handler.addQuickElement(
            "atom:link", None, {"rel": "self", "href": self.feed["feed_url"], "type": "application/rss+xml"}
        )
        handler.addQuickElement("language", self.feed["language"])
        dates = [item["pubdate"] for item in self.items if item["pubdate"]]
        if dates:
            handler.addQuickElement("lastBuildDate", rfc2822_date(max(dates)))


def feed(paper: dict[str, Any], title: str, top: str, path: str, articles: Iterable[Article]) -> bytes:
    """The feed at ``path`` of the archive whose top page is ``top`` (both quoted), newest first, full addresses.

    Articles carry ``shown_topics``. One with no known date has none here.
    """
    address = paper["address"]
    made = _Feed(
        title=xml_text(title),
        link=address + top,
        description=xml_text(title),
        language=paper["language"],
        feed_url=address + path,
    )
    for article in articles:
        link = address + article_path(article)
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
