"""Keep a page that an editor clipped in their own browser: for walls and scripts that keep us from fetching it.

Nothing is fetched here. ``read_clip`` only looks; ``keep_clip`` files the article, or gives a report that is there its
whole text.
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import Q

from handbill.kit.text import shorten
from handbill.kit.urls import read_address, site_name
from handbill.sources import actions as sources
from handbill.sources.models import Feed, Source
from handbill.wire.extract import ExtractedPage, extract_page
from handbill.wire.fetch import sandbox
from handbill.wire.full_text import put_text, site_rules
from handbill.wire.identity import name_key, words_key
from handbill.wire.language import language_of
from handbill.wire.make import identity_of
from handbill.wire.models import Report
from handbill.wire.read import MAX_TEXT

MAX_CLIP = 5 * 1024 * 1024  # bytes


def read_clip(address: str, markup: bytes) -> ExtractedPage:
    """The article on the page, sanitised; nothing is stored. Raises AddressRefused, PageError or SandboxError."""
    return sandbox.run(extract_page, markup, address=read_address(_whole(address)).text, rules=site_rules())


def source_of(address: str) -> Source | None:
    """The outlet whose site or feed is at the address's host."""
    host = site_name(address)
    if not host:
        return None
    hosts = (host, f"www.{host}")
    by_site = Q()
    for each in hosts:
        for start in (f"http://{each}", f"https://{each}"):
            by_site |= Q(address=start) | Q(address__startswith=f"{start}/")
    return Source.objects.filter(by_site).first() or Source.objects.filter(feeds__host__in=hosts).first()


def keep_clip(address: str, title: str, page: ExtractedPage, outlet: str, now: datetime) -> Report:
    """File the article as a report of ``outlet`` (made if there is none of that name), or find it and replace its text.

    ``title`` stands in where the page names none. Keeping a page again changes nothing but its words.
    """
    whole = read_address(_whole(address)).text
    with transaction.atomic():
        feed = _feed(whole, outlet, now)
        identity = identity_of("", whole, "")
        known = Report.objects.select_for_update(of=("self",)).filter(source=feed.source)
        report = known.filter(Q(identity=identity) | Q(address=whole) | Q(address=address[:2000])).first()
        if report is None:
            report = Report.objects.create(**_fields(whole, title, page, now), feed=feed, source=feed.source)
        else:
            put_text(report, page, now)
    return report


def _fields(address: str, title: str, page: ExtractedPage, now: datetime) -> dict[str, object]:
    name = page.title or shorten(title, 500) or shorten(page.text, 120)
    text = page.text[:MAX_TEXT]
    return {
        "identity": identity_of("", address, ""),
        "address": address,
        "name_key": name_key(address, name),
        "title": name,
        "author": page.byline,
        "language": language_of(name, text, page.language)[:35],
        "body_html": page.html,
        "text": text,
        "words": words_key(name, text),
        "published_at": min(page.published or now, now),
        "claimed_at": page.published,
        "filed_at": now,
        "full_text": True,
    }


def _feed(address: str, outlet: str, now: datetime) -> Feed:
    """A report belongs to a feed: one of the outlet's, or its home page, which is never fetched for this."""
    source = Source.objects.filter(name__iexact=outlet.strip()).first()
    feed = source.feeds.order_by("pk").first() if source else None
    if feed is not None:
        return feed
    parts = urlsplit(address)
    home = f"{parts.scheme}://{parts.netloc}/"
    known = Feed.objects.filter(address=home).first()
    if known is not None:
        return known
    feed = sources.add_source(outlet, home, now, home)
    feed.kind, feed.next_at = Feed.Kind.PAGE, None
    feed.save(update_fields=["kind", "next_at"])
    return feed


def _whole(address: str) -> str:
    return address.strip().partition("#")[0]
