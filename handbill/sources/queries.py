"""What the desk and ``doctor`` ask about sources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import Q

from handbill.sources.health import FIXES, LEVELS, TROUBLE, feed_health
from handbill.sources.models import Feed
from handbill.sources.opml import Outline, write_opml
from handbill.sources.records import FeedHealth, FeedTrouble
from handbill.sources.silence import rhythm_words, span_words

LATE = timedelta(minutes=30)
WEEK_MINUTES = 7 * 24 * 60
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

__all__ = [
    "FIXES",
    "TROUBLE",
    "health",
    "known_feeds",
    "opml",
    "reports_a_week",
    "rhythm_words",
    "span_words",
    "trouble",
    "waiting_long",
]


def trouble() -> list[FeedTrouble]:
    """Every feed whose last try failed, those that have failed longest first."""
    failing = Feed.objects.filter(failures__gt=0).select_related("source").order_by("failing_since", "pk")
    return [FeedTrouble(feed, feed.source.name, _sentence(feed), feed.failing_since) for feed in failing]  # type: ignore[arg-type]


def reports_a_week() -> dict[int, float]:
    """How many reports an outlet usually publishes a week, by its key, where the rhythm of its feeds is known."""
    rows = Feed.objects.filter(gap_minutes__isnull=False).values_list("source", "gap_minutes")
    weekly: dict[int, float] = {}
    for source, gap in rows:
        weekly[source] = weekly.get(source, 0.0) + WEEK_MINUTES / max(gap or 0, 1)
    return weekly


def health(now: datetime, *, search: str = "", remarks: Mapping[int, str] | None = None) -> list[FeedHealth]:
    """How every feed does whose outlet or address holds ``search``: those in trouble first, and the longest.

    ``remarks`` are sentences about the pages of outlets, by the source's key. One query, however many feeds.
    """
    rows = Feed.objects.select_related("source")
    if search:
        rows = rows.filter(Q(source__name__icontains=search) | Q(address__icontains=search))
    told = [feed_health(feed, now, (remarks or {}).get(feed.source_id, "")) for feed in rows]
    return sorted(told, key=lambda each: (LEVELS.index(each.level), each.since or LONG_AGO))


def waiting_long(now: datetime) -> int:
    """How many feeds have been due for half an hour and not fetched: the newsroom doesn't run, or can't keep up."""
    return Feed.objects.filter(next_at__lt=now - LATE, lease_until__isnull=True).count()


def opml() -> bytes:
    """Every feed that another reader can take over, as OPML: neither newsletters nor pages without a feed."""
    feeds = Feed.objects.filter(kind=Feed.Kind.FEED).select_related("source")
    return write_opml(settings.HANDBILL.name, (_outline(feed) for feed in feeds))


def _outline(feed: Feed) -> Outline:
    return Outline(feed.source.name, feed.address, feed.source.address, feed.source.language)


def known_feeds(addresses: Iterable[str]) -> dict[str, int]:
    """The keys of the feeds that have one of these addresses already, by the address."""
    return dict(Feed.objects.filter(address__in=list(addresses)).values_list("address", "pk"))


def _sentence(feed: Feed) -> str:
    times = "once" if feed.failures == 1 else f"{feed.failures} times in a row"
    return f"{feed.failure} It failed {times}."
