"""Real feeds as publishers served them, where the corpus stands beside the project: nothing lost against feedparser."""

import io
import re
from calendar import timegm
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import feedparser
import pytest

from handbill.kit.text import plain, shorten
from handbill.kit.urls import resolve_link
from handbill.wire.dates import EARLIEST_YEAR
from handbill.wire.errors import FeedError
from handbill.wire.make import MAX_ENTRIES
from handbill.wire.parse import parse_feed
from handbill.wire.sanitise import sanitise

ADDRESS = "https://outlet.example/feed.xml"
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def theirs(raw: Any) -> tuple[str, str, str, datetime | None]:
    parts = raw.get("published_parsed") or raw.get("updated_parsed")
    moment = datetime.fromtimestamp(timegm(parts), UTC) if parts else None
    title = shorten(plain(raw.get("title", "")), 500)
    sensible = moment if moment and moment.year >= EARLIEST_YEAR else None
    return title, resolve_link(ADDRESS, raw.get("link", "")), raw.get("id", ""), sensible


def test_real_feeds_give_the_titles_links_ids_and_dates_that_feedparser_gives(corpus: Path) -> None:
    files = sorted((corpus / "feeds" / "real").glob("*.xml"))
    assert files
    different = []
    for file in files:
        data = file.read_bytes()
        ours = [(e.title, e.address, e.id, e.published or e.updated) for e in parse_feed(data, address=ADDRESS).entries]
        if ours != [theirs(raw) for raw in feedparser.parse(io.BytesIO(data)).entries[:MAX_ENTRIES]]:
            different.append(file.name)
    assert different == []


def test_real_bodies_keep_their_words_and_no_tricks(corpus: Path) -> None:
    for file in sorted((corpus / "feeds" / "real").glob("*.xml"))[::4]:
        for entry in parse_feed(file.read_bytes(), address=ADDRESS).entries[:5]:
            body = sanitise(entry.body, entry.address)
            assert not re.search(r"<(script|img|iframe|style|form)\b|<[^>]* (on\w+|style|class|src)=", body), file.name
            assert len(plain(body)) >= 0.9 * len(plain(entry.body)) or "<" in entry.body, file.name


def test_odd_feeds_give_the_titles_and_links_that_feedparser_gives(corpus: Path) -> None:
    """CDF is not read yet. A few others differ: a title only a person could choose, an entry given twice."""
    files = [
        file for file in sorted((corpus / "feeds" / "odd").rglob("*.xml")) if "cdf" not in file.parent.name + file.name
    ]
    wrong, right = [], 0
    for file in files:
        data = file.read_bytes()
        expected = [theirs(raw)[:2] for raw in feedparser.parse(io.BytesIO(data)).entries]
        if not expected:
            continue
        try:
            ours = [(entry.title, entry.address) for entry in parse_feed(data, address=ADDRESS).entries]
        except FeedError:
            ours = []
        right, wrong = (right + 1, wrong) if ours == expected else (right, [*wrong, file.name])
    assert right >= 0.98 * (right + len(wrong)), wrong


def test_odd_feeds_that_break_off_raise_nothing_but_a_feed_error(corpus: Path) -> None:
    for file in sorted((corpus / "feeds" / "odd").rglob("*.xml")):
        try:
            parse_feed(file.read_bytes()[: file.stat().st_size * 2 // 3], address=ADDRESS)
        except FeedError as error:
            assert str(error).startswith("This "), file.name
