"""Write a reader's feed down as RSS 2.0, Atom or JSON Feed 1.1. The same entries always make the same bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.utils.feedgenerator import Atom1Feed, Rss201rev2Feed

from handbill.digest.reader_feed import FeedEntry, ReaderFeed
from handbill.kit.text import xml_text


class _Rss(Rss201rev2Feed):
    """Without the hour of building, and with each letter whole beside its headlines."""

    content_type = "application/rss+xml; charset=utf-8"

    def latest_post_date(self) -> datetime:
        return self.feed["updated"]  # type: ignore[no-any-return]

    def rss_attributes(self) -> dict[str, str]:
        return super().rss_attributes() | {"xmlns:content": "http://purl.org/rss/1.0/modules/content/"}

    def add_item_elements(self, handler: Any, item: dict[str, Any]) -> None:
        super().add_item_elements(handler, item)
        handler.addQuickElement("content:encoded", item["content"])


class _Atom(Atom1Feed):
    """Likewise."""

    content_type = "application/atom+xml; charset=utf-8"

    def latest_post_date(self) -> datetime:
        return self.feed["updated"]  # type: ignore[no-any-return]

    def add_item_elements(self, handler: Any, item: dict[str, Any]) -> None:
        super().add_item_elements(handler, item)
        handler.addQuickElement("content", item["content"], {"type": "html", "xml:lang": item["language"]})


def _json(feed: ReaderFeed, address: str) -> tuple[bytes, str]:
    paper = settings.HANDBILL
    items = [
        {
            "id": one.id,
            "url": one.address,
            "title": one.subject,
            "summary": _summary(one),
            "content_html": one.html,
            "date_published": one.at.isoformat(),
            "language": one.language,
        }
        for one in feed.entries
    ]
    made = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": paper.name,
        "home_page_url": f"{paper.public_address}/",
        "feed_url": address,
        "language": feed.language,
        "items": items,
    }
    return json.dumps(made, ensure_ascii=False).encode(), "application/feed+json; charset=utf-8"


def _xml(kind: type[_Rss] | type[_Atom], feed: ReaderFeed, address: str) -> tuple[bytes, str]:
    name, home = xml_text(settings.HANDBILL.name), f"{settings.HANDBILL.public_address}/"
    updated = max((one.at for one in feed.entries), default=feed.began)
    made = kind(name, home, name, feed.language, feed_url=address, feed_guid=feed.id, author_name=name, updated=updated)
    for one in feed.entries:
        made.add_item(
            title=xml_text(one.subject),
            link=one.address,
            description=xml_text(_summary(one)),
            unique_id=one.id,
            unique_id_is_permalink=False,
            pubdate=one.at,
            updateddate=one.at,
            content=xml_text(one.html),
            language=one.language,
        )
    return made.writeString("utf-8").encode(), kind.content_type


def _summary(one: FeedEntry) -> str:
    return " · ".join(one.headlines)


FORMATS: Mapping[str, Callable[[ReaderFeed, str], tuple[bytes, str]]] = {
    "rss.xml": partial(_xml, _Rss),
    "atom.xml": partial(_xml, _Atom),
    "feed.json": _json,
}
"""By the last part of the address: from a feed and its own address to its bytes and their kind."""
