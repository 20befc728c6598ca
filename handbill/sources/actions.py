"""Add outlets and feeds, and write down how each fetch went. The rows say when each feed is fetched next."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from handbill.kit.text import shorten, slugify
from handbill.kit.urls import AddressRefused, host_name, read_address, site_name
from handbill.sources.mending import mend as mend
from handbill.sources.mending import put_back as put_back
from handbill.sources.mending import read_anew as read_anew
from handbill.sources.mending import use_address as use_address
from handbill.sources.models import Feed, Source
from handbill.sources.moves import Move, after_visit, believed
from handbill.sources.opml import MAX_NAME, read_opml
from handbill.sources.records import OpmlImport, Visit
from handbill.sources.schedule import learn_gap, newest, next_poll
from handbill.work import actions as work

SLUG_LENGTH = 80
MOVED = "The outlet has moved this feed for good, from {old} to {new}. It is fetched from there now."
MOVED_TO_KNOWN = "This feed leads to {new}, which is a feed of its own here. Remove one of the two."
NEWSLETTER = "newsletter:"  # begins the address of a feed that comes by mail; its key follows
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,4}")


def add_source(name: str, feed_address: str, now: datetime, site_address: str = "", language: str = "") -> Feed:
    """Add the feed, due at once, under the outlet ``name`` (made if new); a known address gives the feed that is there.

    Raises AddressRefused (a GiveUp) when ``feed_address`` is no web address; a wrong site address is left out.
    """
    return _add(name, feed_address, now, site_address, language)[0]


def add_chosen(
    name: str,
    address: str,
    now: datetime,
    *,
    kind: str = "feed",
    selector: str = "",
    site_address: str = "",
    language: str = "",
    full_text: bool = False,
) -> tuple[Feed, bool]:
    """Add what an editor chose, as ``add_source`` does; True when it is new. ``full_text`` is the outlet's from now on.

    Raises AddressRefused when ``address`` is no web address.
    """
    with transaction.atomic():
        feed, is_new = _add(name, address, now, site_address, language)
        if is_new:
            feed.kind, feed.selector = Feed.Kind(kind), selector
            feed.save(update_fields=["kind", "selector"])
            if full_text:
                Source.objects.filter(pk=feed.source_id).update(full_text=True)
    return feed, is_new


def import_opml(data: bytes, now: datetime) -> OpmlImport:
    """Add every feed of an OPML list. Raises OpmlError when the file can't be read; then nothing is added."""
    added = known = 0
    refused: list[str] = []
    for outline in read_opml(data):
        try:
            _, is_new = _add(outline.name, outline.feed_address, now, outline.site_address, outline.language)
        except AddressRefused as error:
            refused.append(f"{outline.name or shorten(outline.feed_address, 100)}: {error}")
        else:
            added, known = added + is_new, known + (not is_new)
    return OpmlImport(added, known, refused)


def make_all_due(now: datetime) -> int:
    """Let every feed that is not switched off be fetched at the next round; gives their number."""
    return Feed.objects.filter(next_at__isnull=False).update(next_at=now)


def make_due(feed_ids: Collection[int], now: datetime) -> None:
    """Let these feeds be fetched at the next round, but for those that are switched off."""
    Feed.objects.filter(pk__in=feed_ids, next_at__isnull=False).update(next_at=now)


def due_addresses(now: datetime, limit: int) -> list[tuple[int, str]]:
    """Key and address of up to ``limit`` feeds that are due, the earliest first."""
    rows = Feed.objects.filter(work.due(Feed, now)).order_by("next_at", "pk")
    return list(rows.values_list("pk", "address")[:limit])


def lease_due(now: datetime, seconds: int, limit: int, keys: Collection[int] | None = None) -> list[Feed]:
    """Take up to ``limit`` feeds that are due, with their sources, for ``seconds``; of those with ``keys``, if any."""
    feeds = Feed.objects.select_related("source")
    return work.lease(feeds if keys is None else feeds.filter(pk__in=keys), now, seconds, limit)


def give_back(feeds: Sequence[Feed], until: datetime | None = None) -> None:
    """Give back feeds that were leased and not fetched; they are not due again before ``until``, if that is given."""
    again = [max(feed.next_at, until) if until and feed.next_at else feed.next_at for feed in feeds]
    work.finish_all((feed, next_at, {}) for feed, next_at in zip(feeds, again, strict=True))


def rest_host(host: str, until: datetime) -> int:
    """Let every feed of ``host`` that nobody holds wait at least ``until``; gives their number."""
    due_sooner = Feed.objects.filter(host=host, next_at__lt=until)
    return due_sooner.filter(Q(lease_until__isnull=True) | Q(lease_until__lte=until)).update(next_at=until)


def record_success(
    feed: Feed,
    now: datetime,
    *,
    jitter: float,
    title: str = "",
    etag: str = "",
    last_modified: str = "",
    new: int = 0,
    dates: Sequence[datetime] = (),
    fresh_seconds: int = 0,
    moved_to: str = "",
    told: bool = False,
) -> bool:
    """The feed gave its entries. False when the lease was lost: then nothing is written and nothing may be filed.

    ``new`` entries were not known before; ``dates`` are those the entries claim. For ``fresh_seconds`` the outlet asks
    not to be asked again; ``moved_to`` is where a permanent redirect led; ``told``: a hub tells us of its changes.
    """
    newest_at = newest(dates, now, new=new, newest_at=feed.newest_at)
    gap_minutes = learn_gap(feed.gap_minutes, dates, now, new=new, newest_at=feed.newest_at)
    changes = {**_well(now), **_moved(feed, moved_to, now), **_marks(etag, last_modified)}
    changes |= {"gap_minutes": gap_minutes, "newest_at": newest_at}
    changes |= {"title": shorten(title, 300), "first_filed_at": feed.first_filed_at or now}
    return _write(_visit(feed, now, changes, jitter=jitter, fresh_seconds=fresh_seconds, told=told), now)


def record(visits: Sequence[Visit], now: datetime) -> None:
    """Write down many visits, ``unchanged`` and ``failed``, most in one transaction; a lost lease writes nothing."""
    work.finish_all((visit.feed, visit.next_at, visit.changes) for visit in visits if not _led_away(visit))
    for visit in filter(_led_away, visits):
        with transaction.atomic():
            _write(visit, now)


def unchanged(
    feed: Feed,
    now: datetime,
    *,
    jitter: float,
    etag: str = "",
    last_modified: str = "",
    fresh_seconds: int = 0,
    moved_to: str = "",
    told: bool = False,
) -> Visit:
    """The feed says that nothing has changed, or gives the same again; marks it gave anew are kept. See ``record``."""
    anew = {name: mark for name, mark in _marks(etag, last_modified).items() if mark}
    changes = {**_well(now), **_moved(feed, moved_to, now), **anew}
    return _visit(feed, now, changes, jitter=jitter, fresh_seconds=fresh_seconds, told=told)


def trust_less(feed: Feed, trust: str, sentence: str) -> None:
    """Know the feed's entries again by ``trust`` from now on; the sentence tells the editor why."""
    Feed.objects.filter(pk=feed.pk).update(trust=Feed.Trust(trust), notice=sentence)


def notice(feed: Feed, sentence: str) -> None:
    """Tell the editor what was done about this feed by itself."""
    Feed.objects.filter(pk=feed.pk).update(notice=shorten(sentence, 1000))


def failed(feed: Feed, now: datetime, sentence: str, *, jitter: float, retry_after: int | None = None) -> Visit:
    """The try failed; ``sentence`` is shown to the editor until a later one succeeds. See ``record``."""
    changes = {
        "fetched_at": now,
        "failures": feed.failures + 1,
        "failure": shorten(sentence, 1000),
        "failing_since": feed.failing_since or now,
    }
    return _visit(feed, now, changes, jitter=jitter, retry_after=retry_after)


def add_newsletter(outlet: Source | str, matcher: str, now: datetime) -> Feed:
    """A newsletter of the outlet, given by its name if it may be new, with a key of its own, drawn by lot.

    ``matcher`` is what its mails are known by where they don't come to the key's address: a List-Id, an address, or a
    domain after an @; "" for none. A newsletter of that outlet with the same matcher is given back as it is.
    """
    with transaction.atomic():
        source = outlet if isinstance(outlet, Source) else _source(shorten(outlet, MAX_NAME), "", "")
        newsletters = Feed.objects.filter(source=source, kind=Feed.Kind.NEWSLETTER)
        known = newsletters.filter(matcher=matcher).first() if matcher else None
        return known or newsletters.create(
            source=source,
            kind=Feed.Kind.NEWSLETTER,
            address=f"{NEWSLETTER}{secrets.token_hex(8)}",
            matcher=matcher,
            first_filed_at=now,
        )


def record_mail(feed: Feed, now: datetime) -> None:
    """The newsletter brought something new: no backlog, since nobody is sent the past."""
    gap = learn_gap(feed.gap_minutes, (), now, new=1, newest_at=feed.newest_at)
    known = {**_well(now), "newest_at": now, "gap_minutes": gap, "first_filed_at": feed.first_filed_at or now}
    Feed.objects.filter(pk=feed.pk).update(**known)


def _visit(
    feed: Feed,
    now: datetime,
    changes: dict[str, Any],
    *,
    jitter: float,
    retry_after: int | None = None,
    fresh_seconds: int = 0,
    told: bool = False,
) -> Visit:
    next_at = next_poll(
        now,
        interval_minutes=feed.interval_minutes,
        failures=changes["failures"],
        jitter=jitter,
        retry_after=retry_after,
        gap_minutes=changes.get("gap_minutes", feed.gap_minutes),
        newest_at=changes.get("newest_at", feed.newest_at),
        fresh_seconds=fresh_seconds,
        told=told,
    )
    return Visit(feed, next_at, changes)


def _led_away(visit: Visit) -> bool:
    return bool(visit.changes.get("moved_to"))


def _write(visit: Visit, now: datetime) -> bool:
    """False when the lease was lost."""
    changes = visit.changes
    held = work.finish(visit.feed, visit.next_at, **changes)
    if held and _led_away(visit):
        _follow(visit.feed, Move(changes["moved_to"], changes["moved_since"], changes["moved_visits"]), now)
    return held


def _well(now: datetime) -> dict[str, Any]:
    return {"fetched_at": now, "succeeded_at": now, "failures": 0, "failure": "", "failing_since": None}


def _moved(feed: Feed, moved_to: str, now: datetime) -> dict[str, Any]:
    before = Move(feed.moved_to, feed.moved_since, feed.moved_visits)
    move = after_visit(before, feed.address, moved_to, now)
    return {"moved_to": move.to, "moved_since": move.since, "moved_visits": move.visits}


def _follow(feed: Feed, move: Move, now: datetime) -> None:
    """Believe a move that lasts: the feed gets the new address, and its notice says so."""
    if not believed(move, feed.address, now):
        return
    row = Feed.objects.filter(pk=feed.pk)
    host = host_name(move.to)
    try:
        with transaction.atomic():
            stayed: dict[str, Any] = {"moved_to": "", "moved_since": None, "moved_visits": 0}
            row.update(address=move.to, host=host, notice=MOVED.format(old=feed.address, new=move.to), **stayed)
    except IntegrityError:
        row.update(notice=MOVED_TO_KNOWN.format(new=move.to))


def _marks(etag: str, last_modified: str) -> dict[str, str]:
    return {"etag": _fitting(etag, 500), "last_modified": _fitting(last_modified, 100)}


def _fitting(mark: str, limit: int) -> str:
    """A mark that was cut or changed would match nothing: keep it whole or not at all."""
    return mark if len(mark) <= limit and re.fullmatch(r"[\x20-\x7e]+", mark) else ""


def _add(name: str, feed_address: str, now: datetime, site_address: str, language: str) -> tuple[Feed, bool]:
    address = read_address(feed_address).text
    known = Feed.objects.filter(address=address).select_related("source").first()
    if known:
        return known, False
    site = _site(site_address)
    try:
        with transaction.atomic():
            source = _source(shorten(name, MAX_NAME) or read_address(address).host, site, language)
            return Feed.objects.create(source=source, address=address, next_at=now), True
    except IntegrityError:  # somebody else added it meanwhile
        return Feed.objects.select_related("source").get(address=address), False


def _source(name: str, site: str, language: str) -> Source:
    """The outlet of that name, unless it is another outlet's namesake: then their sites differ."""
    for source in Source.objects.filter(name__iexact=name):
        if not site or not source.address or site_name(source.address) == site_name(site):
            return source
    code = language.replace("_", "-") if _LANGUAGE.fullmatch(language) else ""
    return Source.objects.create(name=name, slug=_free_slug(name), address=site, language=code)


def _free_slug(name: str) -> str:
    slug, number = slugify(name, SLUG_LENGTH), 1
    while Source.objects.filter(slug=slug).exists():
        number += 1
        slug = f"{slugify(name, SLUG_LENGTH - 6)}-{number}"
    return slug


def _site(text: str) -> str:
    try:
        return read_address(text).text
    except AddressRefused:
        return ""
