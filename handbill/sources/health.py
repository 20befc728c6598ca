"""How one feed does, in plain words, and what would mend it. No query and no clock: row and moment are given."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from handbill.sources.models import Feed
from handbill.sources.records import FeedHealth
from handbill.sources.silence import last_words, silence, span_words

TROUBLE, NOTICE, NEW, WELL, OFF = "trouble", "notice", "new", "well", "off"
LEVELS = (TROUBLE, NOTICE, NEW, WELL, OFF)
"""In the order of the page."""
STUBBORN = timedelta(days=2)
"""A feed that has failed for longer may have another address."""

FIXES = {
    "try": _("Try again now"),
    "move": _("Use the new address"),
    "stay": _("Keep the old address"),
    "search": _("Look for the feed anew"),
    "trust": _("Trust its ids again"),
    "dismiss": _("Dismiss the notice"),
    "on": _("Switch on"),
    "off": _("Switch off"),
}
"""What the buttons say, by the name of the fix."""


def feed_health(feed: Feed, now: datetime, remark: str = "") -> FeedHealth:
    """The feed's level, sentences and fixes, the likeliest fix first. ``remark`` is a sentence about its pages.

    Ids that are no longer trusted are always told of; only the notice about it, until it is dismissed, asks for a look.
    """
    if _is_off(feed):
        return FeedHealth(feed, OFF, ("It is switched off, so nothing is fetched.", *_last(feed, now)), ("on",))
    failing, (unusual, quiet) = _failing(feed, now), _quiet(feed, now)
    to_see = [*_moved(feed, now), feed.notice, remark]
    sentences = [*failing, *to_see, *_distrusted(feed), quiet]
    ailing = bool(failing) or unusual
    level = TROUBLE if ailing else NOTICE if any(to_see) else NEW if _is_new(feed) else WELL
    since = (feed.failing_since or feed.newest_at) if ailing else None
    return FeedHealth(feed, level, tuple(filter(None, sentences)), _fixes(feed, now, ailing), since)


def _is_off(feed: Feed) -> bool:
    return feed.next_at is None and feed.kind != Feed.Kind.NEWSLETTER


def _is_new(feed: Feed) -> bool:
    return feed.fetched_at is None and feed.kind != Feed.Kind.NEWSLETTER


def _failing(feed: Feed, now: datetime) -> list[str]:
    if not feed.failures:
        return []
    times = "once" if feed.failures == 1 else f"{feed.failures} times in a row"
    span = now - feed.failing_since if feed.failing_since else timedelta()
    since = f", {span_words(span)} ago" if feed.failures == 1 else f", for {span_words(span)}"
    return [f"{feed.failure} It failed {times}{since if span >= timedelta(minutes=1) else ''}."]


def _moved(feed: Feed, now: datetime) -> list[str]:
    if not feed.moved_to:
        return []
    span = span_words(now - feed.moved_since) if feed.moved_since else "some time"
    where = urlsplit(feed.moved_to).hostname or "another address"
    return [f"It says that it has moved to {where}, at every visit for {span}."]


def _distrusted(feed: Feed) -> list[str]:
    if feed.trust == Feed.Trust.ID:
        return []
    return [f"Its ids can't be trusted: each entry is known again by {feed.get_trust_display()}."]


def _quiet(feed: Feed, now: datetime) -> tuple[bool, str]:
    """Whether it is silent for longer than is usual for it, and the sentence about when it last gave something."""
    if feed.newest_at is not None:
        found = silence(now, feed.newest_at, feed.gap_minutes)
        return found.unusual, found.sentence
    if feed.kind == Feed.Kind.NEWSLETTER:
        return False, "No mail of it has come yet."
    if feed.failures:
        return False, "It has given nothing so far."
    if _is_new(feed):
        return False, "It hasn't been fetched yet. That comes within a minute while the newsroom runs."
    return False, "It answers, but nothing has been in it so far."


def _last(feed: Feed, now: datetime) -> list[str]:
    return [last_words(span_words(now - feed.newest_at))] if feed.newest_at else []


def _fixes(feed: Feed, now: datetime, ailing: bool) -> tuple[str, ...]:
    fetched = feed.kind != Feed.Kind.NEWSLETTER
    # The sentence of a failure says what to do, and the first button does it.
    elsewhere = "look for" in feed.failure.lower() or _is_stubborn(feed, now)
    wanted = {
        "move": bool(feed.moved_to),
        "stay": bool(feed.moved_to),
        "dismiss": bool(feed.notice),
        "trust": feed.trust != Feed.Trust.ID,
        "try": fetched,
        "search": fetched and ailing,
        "off": fetched,
    }
    found = [fix for fix, is_wanted in wanted.items() if is_wanted]
    return tuple(sorted(found, key=lambda fix: fix != "search")) if elsewhere else tuple(found)


def _is_stubborn(feed: Feed, now: datetime) -> bool:
    return feed.failing_since is not None and now - feed.failing_since > STUBBORN
