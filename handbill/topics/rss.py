"""What every outgoing feed has in common: RSS 2.0, valid whatever its texts hold."""

from __future__ import annotations

from typing import Any

from django.utils.feedgenerator import Rss201rev2Feed, rfc2822_date

from handbill.kit.text import xml_text


class OutgoingFeed(Rss201rev2Feed):
    """Without the hour of building: the same items always make the same bytes."""

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


def outgoing_feed(paper: dict[str, Any], title: str, top: str, path: str) -> OutgoingFeed:
    """An empty feed at ``path`` of what stands at ``top`` (both quoted)."""
    return OutgoingFeed(
        title=xml_text(title),
        link=paper["address"] + top,
        description=xml_text(title),
        language=paper["language"],
        feed_url=paper["address"] + path,
    )
