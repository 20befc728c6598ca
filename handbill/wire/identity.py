"""By what an entry is known again, where its feed's ids can't be trusted. Pure.

An identity rests on the entry's id, else on its address, else on address and title together: each step loses a little
(a rewritten title makes a new report) and holds where the one before it fails.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from handbill.kit.sentences import sentences
from handbill.kit.text import words
from handbill.wire.records import CleanEntry, Entry

ID, ADDRESS, TITLE = "id", "address", "title"  # as sources.Feed.Trust
ONE_DAYS_EDITION = timedelta(hours=12)  # the same title at the same address later than this is another edition
LEAST_ALIKE = 0.3  # share of words that two titles of one article have in common

E = TypeVar("E", Entry, CleanEntry)


def identified(entries: Iterable[E], trust: str) -> list[E]:
    """The entries with identities by what ``trust`` says, in order; what then comes twice is left out.

    Where several titles share an address, it stands for none of them and the title decides as well: so all entries of
    a reading are to be given, not only its new ones.
    """
    entries = list(entries)
    if trust == ID:
        first = {entry.identity: entry for entry in reversed(entries)}
        return [entry for entry in entries if first[entry.identity] is entry]
    titles = Counter(address for address, _ in {(entry.address, entry.title) for entry in entries})
    kept: dict[str, E] = {}
    for entry in entries:
        by_title = trust == TITLE or (entry.address and titles[entry.address] > 1)
        name = f"{entry.address} {entry.title}" if by_title else entry.address or entry.title
        identity = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
        kept.setdefault(identity, replace(entry, identity=identity))
    return list(kept.values())


def shared_address(entries: Iterable[E]) -> bool:
    """Whether one address stands for several titles."""
    pairs = {(entry.address, entry.title) for entry in entries}
    return len({address for address, _ in pairs}) < len(pairs)


def name_key(address: str, title: str) -> str:
    """What an address and a title are looked up by together: 16 hexadecimal digits, or "" where there is no address."""
    return hashlib.sha256(f"{address}\0{title}".encode("utf-8", "replace")).hexdigest()[:16] if address else ""


def words_key(title: str, text: str) -> str:
    """Changes when the words do, not with white space or markup: 16 hexadecimal digits."""
    said = "".join(title.split()) + "\0" + "".join(text.split())
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:16]


def same_day(one: datetime | None, other: datetime | None) -> bool:
    """Whether two entries of one title and address can be one article: a daily column keeps both, and is dated anew."""
    return one is None or other is None or abs(one - other) < ONE_DAYS_EDITION


def another_article(old_title: str, old_text: str, new_title: str, new_text: str) -> bool:
    """Whether what stands at an address now is another article, not the old one rewritten: nothing of it is left."""
    old, new = set(words(old_title)), set(words(new_title))
    if len(old & new) >= LEAST_ALIKE * max(len(old | new), 1):
        return False
    return not set(sentences(old_text)) & set(sentences(new_text))
