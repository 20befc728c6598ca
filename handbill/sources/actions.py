"""Add outlets and feeds, and write down how each fetch went. The rows say when each feed is fetched next."""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction

from handbill.kit.text import shorten, slugify
from handbill.kit.urls import AddressRefused, read_address
from handbill.sources.models import Feed, Source
from handbill.sources.opml import MAX_NAME, read_opml
from handbill.sources.records import OpmlImport
from handbill.sources.schedule import learn_gap, next_poll
from handbill.work import actions as work

SLUG_LENGTH = 80
NEWSLETTER = "newsletter:"  # begins the address of a feed that comes by mail; its key follows
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,4}")


def add_source(name: str, feed_address: str, now: datetime, site_address: str = "", language: str = "") -> Feed:
    """Add the feed, due at once, under the outlet ``name`` (made if new); a known address gives the feed that is there.

    Raises AddressRefused (a GiveUp) when ``feed_address`` is no web address; a wrong site address is left out.
    """
    return _add(name, feed_address, now, site_address, language)[0]


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


def lease_due(now: datetime, seconds: int, limit: int) -> list[Feed]:
    """Take up to ``limit`` feeds that are due, with their sources, for ``seconds``."""
    return work.lease(Feed.objects.select_related("source"), now, seconds, limit)


def record_success(
    feed: Feed, now: datetime, *, jitter: float, title: str = "", etag: str = "", last_modified: str = ""
) -> bool:
    """The feed gave its entries. False when the lease was lost: then nothing is written and nothing may be filed."""
    return work.finish(
        feed,
        next_poll(now, interval_minutes=feed.interval_minutes or 30, failures=0, jitter=jitter),
        **_well(now),
        title=shorten(title, 300),
        etag=_fitting(etag, 500),
        last_modified=_fitting(last_modified, 100),
        first_filed_at=feed.first_filed_at or now,
    )


def record_unchanged(feed: Feed, now: datetime, *, jitter: float) -> bool:
    """The feed says that nothing has changed."""
    wait = next_poll(now, interval_minutes=feed.interval_minutes or 30, failures=0, jitter=jitter)
    return work.finish(feed, wait, **_well(now))


def record_failure(feed: Feed, now: datetime, sentence: str, *, jitter: float, retry_after: int | None = None) -> bool:
    """The try failed; ``sentence`` is shown to the editor until a later one succeeds."""
    failures = feed.failures + 1
    return work.finish(
        feed,
        next_poll(
            now,
            interval_minutes=feed.interval_minutes or 30,
            failures=failures,
            jitter=jitter,
            retry_after=retry_after,
        ),
        fetched_at=now,
        failures=failures,
        failure=shorten(sentence, 1000),
        failing_since=feed.failing_since or now,
    )


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
    if gap is None and feed.newest_at:
        gap = max(1, round((now - feed.newest_at).total_seconds() / 60))
    known = {**_well(now), "newest_at": now, "gap_minutes": gap, "first_filed_at": feed.first_filed_at or now}
    Feed.objects.filter(pk=feed.pk).update(**known)


def _well(now: datetime) -> dict[str, object]:
    return {"fetched_at": now, "succeeded_at": now, "failures": 0, "failure": "", "failing_since": None}


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
        if not site or not source.address or _home(source.address) == _home(site):
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


def _home(address: str) -> str:
    return (urlsplit(address).hostname or "").removeprefix("www.")
