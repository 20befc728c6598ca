"""The one-click fixes of a feed. Each gives back the fields as they were before, so that it can be undone.

A fix that changes when, where or how the feed is fetched takes away a lease that is held: a fetch under way must not
write its outcome over the editor's choice. After one that changes where or how, the next visit reads the feed anew.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeAlias

from django.db import IntegrityError, transaction

from handbill.kit.urls import host_name, read_address
from handbill.sources.errors import MendRefused
from handbill.sources.models import Feed

Before: TypeAlias = dict[str, str | int | None]
"""The changed fields and what they held, moments as ISO 8601."""

_STAYS = {"moved_to": "", "moved_since": None, "moved_visits": 0}
_READS = frozenset({"address", "kind", "selector"})
_ANEW = {"etag": "", "last_modified": ""}
_LETS_GO = {"lease_until": None, "lease_token": ""}

FIXES: dict[str, Callable[[Feed, datetime], dict[str, Any]]] = {
    "try": lambda feed, now: {"next_at": now},
    "move": lambda feed, now: _elsewhere(feed.moved_to, now),
    "stay": lambda feed, now: dict(_STAYS),
    "trust": lambda feed, now: {"trust": Feed.Trust.ID.value, "notice": ""},
    "dismiss": lambda feed, now: {"notice": ""},
    "off": lambda feed, now: {"next_at": None},
    "on": lambda feed, now: {"next_at": now},
}
"""What each fix writes. "try" and "on" have the feed fetched at once."""


def mend(feed_id: int, fix: str, now: datetime) -> tuple[Feed, Before]:
    """Do one of FIXES; gives the feed as it is now, and what to hand to ``put_back``.

    Raises MendRefused, with a sentence, where the feed is gone, comes by mail and so isn't fetched, or hasn't moved.
    """
    feed = _feed(feed_id)
    if feed.kind == Feed.Kind.NEWSLETTER and fix in ("try", "on", "off"):
        raise MendRefused("A newsletter comes by mail and isn't fetched. Unsubscribe from it at the outlet instead.")
    if fix == "move" and not feed.moved_to:
        raise MendRefused("This feed has no new address any more. Look at the list again.")
    return _write(feed, FIXES[fix](feed, now))


def use_address(
    feed_id: int, address: str, now: datetime, *, kind: str = "feed", selector: str = ""
) -> tuple[Feed, Before]:
    """Let the feed be fetched from another address from now on; its reports stay. Raises MendRefused, AddressRefused.

    What ``address`` already gives under the same ids or addresses is known again and not filed twice.
    """
    changes = {"kind": Feed.Kind(kind).value, "selector": selector}
    return _write(_feed(feed_id), changes | _elsewhere(read_address(address).text, now))


def put_back(feed_id: int, before: Before) -> Feed:
    """Undo: write the fields as they were. Raises MendRefused."""
    known = {field.name: field for field in Feed._meta.concrete_fields}
    fields = {name: known[name].to_python(value) for name, value in before.items()}
    return _write(_feed(feed_id), fields)[0]


def read_anew(feed: Feed) -> None:
    """Let the next visit read the feed whatever it says of changes, and one under way write nothing. Saves nothing."""
    for name, value in {**_ANEW, **_LETS_GO}.items():
        setattr(feed, name, value)


def _elsewhere(address: str, now: datetime) -> dict[str, Any]:
    return {"address": address, "host": host_name(address), "next_at": now} | _STAYS


def _feed(feed_id: int) -> Feed:
    feed = Feed.objects.select_related("source").filter(pk=feed_id).first()
    if feed is None:
        raise MendRefused("This feed was deleted meanwhile. Look at the list again.")
    return feed


def _write(feed: Feed, changes: dict[str, Any]) -> tuple[Feed, Before]:
    before = {name: _plain(getattr(feed, name)) for name in changes}
    anew = _ANEW if _READS & set(changes) else {}
    lets_go = _LETS_GO if anew or "next_at" in changes else {}
    try:
        with transaction.atomic():
            Feed.objects.filter(pk=feed.pk).update(**{**changes, **anew, **lets_go})
    except IntegrityError:
        raise MendRefused("Another feed has that address already. Delete one of the two.") from None
    feed.refresh_from_db(fields=list(changes))
    return feed, before


def _plain(value: Any) -> str | int | None:
    return value.isoformat() if isinstance(value, datetime) else value
