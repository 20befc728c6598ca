"""What the desk and ``doctor`` ask about sources."""

from __future__ import annotations

from collections.abc import Iterable

from handbill.sources.models import Feed
from handbill.sources.records import FeedTrouble


def trouble() -> list[FeedTrouble]:
    """Every feed whose last try failed, those that have failed longest first."""
    failing = Feed.objects.filter(failures__gt=0).select_related("source").order_by("failing_since", "pk")
    return [FeedTrouble(feed, feed.source.name, _sentence(feed), feed.failing_since) for feed in failing]  # type: ignore[arg-type]


def known_feeds(addresses: Iterable[str]) -> dict[str, int]:
    """The keys of the feeds that have one of these addresses already, by the address."""
    return dict(Feed.objects.filter(address__in=list(addresses)).values_list("address", "pk"))


def _sentence(feed: Feed) -> str:
    times = "once" if feed.failures == 1 else f"{feed.failures} times in a row"
    return f"{feed.failure} It failed {times}."
