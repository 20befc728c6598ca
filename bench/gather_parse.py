"""Gathering: how fast real feeds are read and made safe, where a collection stands beside the project.

Ours against feedparser and fastfeedparser, on the same feeds in the same run, in CPU time. Each reader is asked for
what the desk needs: title, link, id, date and both bodies of every entry.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import fastfeedparser
import feedparser
import nh3

from bench.rows import Row
from handbill.wire.parse import parse_feed
from handbill.wire.read import clean_entry
from handbill.wire.sanitise import sanitise

FEEDS = Path(__file__).parent.parent.parent / "shared" / "corpus" / "feeds" / "real"
LEAST_FEEDS = 300  # a CPU second
LEAST_RATIO = 10  # to feedparser, all bodies sanitised
ADDRESS = "https://outlet.example/feed.xml"
FIELDS = ("title", "link", "id", "published", "updated", "summary", "content")


def run(quick: bool) -> Iterator[Row]:
    """Every third feed when quick; nothing where the collection is missing."""
    feeds = [path.read_bytes() for path in sorted(FEEDS.glob("*.xml"))[:: 3 if quick else 1]]
    if not feeds:
        return
    times = 2 if quick else 10
    ours, slow, fast = speeds([parsed, feedparser_alone, fastfeedparser_alone], feeds, times)
    yield Row("feeds parsed", round(ours, 1), "feeds/CPU s", f"≥ {LEAST_FEEDS}", ours >= LEAST_FEEDS)
    yield _against("feeds parsed", ours, "feedparser", slow)
    yield _against("feeds parsed", ours, "fastfeedparser", fast)
    safe, slow, fast = speeds([sanitised, feedparser_sanitising, fastfeedparser_and_nh3], feeds, times)
    row = _against("feeds sanitised", safe, "feedparser", slow)
    enough = safe >= LEAST_RATIO * slow
    yield Row(row.name, row.value, row.unit, f"ratio ≥ {LEAST_RATIO}", enough, row.against, row.ratio)
    yield _against("feeds sanitised", safe, "fastfeedparser + nh3", fast)
    (whole,) = speeds([read_whole], feeds, times)
    yield Row("feeds read whole", round(whole, 1), "feeds/CPU s")


def speeds(readers: list[Callable[[bytes], object]], feeds: list[bytes], times: int) -> list[float]:
    """Feeds a CPU second of each reader, the fastest of so many times; they take turns, each as often as the others."""
    fastest = [float("inf")] * len(readers)
    for _ in range(times):
        for number, read in enumerate(readers):
            fastest[number] = min(fastest[number], _seconds(read, feeds))
    return [len(feeds) / seconds for seconds in fastest]


def _seconds(read: Callable[[bytes], object], feeds: list[bytes]) -> float:
    began = time.process_time()
    for data in feeds:
        read(data)
    return time.process_time() - began


def parsed(data: bytes) -> object:
    """Before anything is made safe."""
    return parse_feed(data, address=ADDRESS)


def sanitised(data: bytes) -> object:
    """Both bodies of every entry made safe."""
    entries = parse_feed(data, address=ADDRESS).entries
    return [(sanitise(entry.summary, entry.address), sanitise(entry.content, entry.address)) for entry in entries]


def read_whole(data: bytes) -> object:
    """All that filing needs: made safe, and its plain text besides."""
    return [clean_entry(entry, ADDRESS) for entry in parse_feed(data, address=ADDRESS).entries]


def feedparser_alone(data: bytes) -> object:
    """Without its sanitiser."""
    return _fields(feedparser.parse(io.BytesIO(data), sanitize_html=False, resolve_relative_uris=False).entries)


def feedparser_sanitising(data: bytes) -> object:
    """As it comes."""
    return _fields(feedparser.parse(io.BytesIO(data)).entries)


def fastfeedparser_alone(data: bytes) -> object:
    """As it comes; it sanitises nothing."""
    return _fields(fastfeedparser.parse(data).entries)


def fastfeedparser_and_nh3(data: bytes) -> object:
    """With every body through nh3 as it comes."""
    return [
        [nh3.clean(text) for part in entry.get("content") or () if (text := part.get("value"))]
        + [nh3.clean(entry.get("description") or "")]
        for entry in fastfeedparser.parse(data).entries
    ]


def _fields(entries: list[dict[str, object]]) -> object:
    return [[entry.get(name) for name in FIELDS] for entry in entries]


def _against(name: str, ours: float, peer: str, theirs: float) -> Row:
    return Row(name, round(ours, 1), "feeds/CPU s", against=peer, ratio=ours / theirs)
