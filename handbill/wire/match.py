"""Find the reports that entries are known as, and notice when a feed's ids or addresses can't be trusted (ADR 0026).

An entry is known by its identity, or else by address and title together. Where a feed gives new ids to what it gave
before, it is trusted less from then on, and its notice says so; an editor can trust it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from handbill.sources import actions as sources
from handbill.sources.models import Feed
from handbill.wire import identity
from handbill.wire.models import Report
from handbill.wire.records import CleanEntry

MANY = 3  # entries known under other ids, and half of the unknown ones: then the ids can't be trusted
MOST_TWINS = 1_000  # reports of the same names that are looked at
BY_ADDRESS = "This feed gives new ids to what it gave before. Its entries are now known again by their addresses."
BY_TITLE = "One address stands for several articles in this feed. They are now known again by address and title."


@dataclass(slots=True)
class Matched:
    """Entries beside the reports they are known as, and those that are new, by what ``trust`` says.

    The reports hold few fields. Those of ``renamed`` are this feed's own, and have another identity until now.
    """

    trust: str
    known: list[tuple[CleanEntry, Report]] = field(default_factory=list)
    renamed: list[tuple[CleanEntry, Report]] = field(default_factory=list)
    new: list[CleanEntry] = field(default_factory=list)


def match(feed: Feed, entries: Sequence[CleanEntry]) -> Matched:
    """Match the entries; where they show that their ids or addresses can't be trusted, trust less and match again.

    Call it in the transaction that files them. At most four queries, however many reports there are.
    """
    matched = _matched(feed, entries, feed.trust)
    if feed.trust == identity.ID and _ids_change(matched):
        matched = _matched(feed, entries, identity.TITLE if identity.shared_address(entries) else identity.ADDRESS)
    if matched.trust != identity.TITLE and _address_is_shared(matched):
        matched = _matched(feed, entries, identity.TITLE)
    if matched.trust != feed.trust:
        sources.trust_less(feed, matched.trust, BY_ADDRESS if matched.trust == identity.ADDRESS else BY_TITLE)
    return matched


def _matched(feed: Feed, entries: Sequence[CleanEntry], trust: str) -> Matched:
    """By identity, or else by address and title together: what two feeds of one outlet give is one report.

    The reading has given the entries their identities by the feed's own trust.
    """
    chosen = entries if trust == feed.trust else identity.identified(entries, trust)
    found = {entry.identity: entry for entry in chosen}
    rows = Report.objects.filter(source=feed.source_id).only(*_LIGHT)
    by_identity = {row.identity: row for row in rows.filter(identity__in=list(found))}
    rest = [entry for key, entry in found.items() if key not in by_identity]
    names = {identity.name_key(entry.address, entry.title) for entry in rest} - {""}
    by_name: dict[str, list[Report]] = {}
    for row in rows.filter(name_key__in=names).order_by("-pk")[:MOST_TWINS] if names else ():
        by_name.setdefault(row.name_key, []).append(row)
    matched = Matched(trust, [(found[key], row) for key, row in by_identity.items()])
    for entry in rest:
        twins = by_name.get(identity.name_key(entry.address, entry.title), [])
        twin = next((row for row in twins if identity.same_day(row.claimed_at, entry.published)), None)
        if twin is None:
            matched.new.append(entry)
        else:
            twins.remove(twin)
            (matched.renamed if twin.feed_id == feed.pk else matched.known).append((entry, twin))
    return matched


_LIGHT = ("identity", "name_key", "address", "title", "words", "claimed_at", "feed_id", "full_text", "filed_at")


def _ids_change(matched: Matched) -> bool:
    """Whether this feed's own reports come back under other ids, and not because ids are trusted again."""
    other = [pair for pair in matched.renamed if not _known_otherwise(*pair)]
    return len(other) >= max(MANY, (len(other) + len(matched.new) + 1) // 2)


def _known_otherwise(entry: CleanEntry, report: Report) -> bool:
    """Whether the report was known by less than an id before."""
    return any(
        report.identity == found.identity
        for trust in (identity.ADDRESS, identity.TITLE)
        for found in identity.identified([entry], trust)
    )


def _address_is_shared(matched: Matched) -> bool:
    """Whether an entry known by its address alone turns out to be another article than the one that stood there."""
    for entry, light in matched.known:
        by_address = matched.trust == identity.ADDRESS or entry.id in ("", entry.address)
        if by_address and entry.address and light.title != entry.title:
            text = Report.objects.values_list("text", flat=True).get(pk=light.pk)
            if identity.another_article(light.title, text, entry.title, entry.text):
                return True
    return False
