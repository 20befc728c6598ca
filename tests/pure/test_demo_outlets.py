"""The demo's outlets say what the documentation promises of them, and a parser that is not ours reads every feed."""

import json
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape

import feedparser
import pytest
from defusedxml import ElementTree

from handbill.ops.demo.outlets import Outlet, load_outlets, opml, render_feed, routes

NOW = datetime(2026, 3, 29, 3, 7, 33, tzinfo=UTC)
OUTLETS = load_outlets()
TOPICS = {"City", "Environment", "Economy", "Culture", "Science", "Sport"}
ENTRIES = [(outlet, entry) for outlet in OUTLETS for entry in outlet.entries]


def read(outlet: Outlet, newest_day: int = 0) -> list[tuple[str, str, str, datetime, str]]:
    """Address, id, title, date and text of each entry, as a stranger's parser sees the feed."""
    body, content_type = render_feed(outlet, base_address="http://127.0.0.1:1", now=NOW, newest_day=newest_day)
    if outlet.format == "json":
        return [
            (
                item["url"],
                item["id"],
                item["title"],
                datetime.fromisoformat(item["date_published"]),
                item.get("content_html") or item["content_text"],
            )
            for item in json.loads(body)["items"]
        ]
    feed = feedparser.parse(body, response_headers={"content-type": content_type})
    assert not feed.bozo, feed.get("bozo_exception")
    assert feed.feed.language == outlet.language
    return [
        (
            entry.link,
            entry.id,
            entry.title,
            datetime(*(entry.get("published_parsed") or entry.updated_parsed)[:6], tzinfo=UTC),
            entry.content[0].value if "content" in entry else entry.summary,
        )
        for entry in feed.entries
    ]


def test_there_are_eight_outlets_in_four_formats_and_three_languages() -> None:
    assert len(OUTLETS) == 8
    assert {outlet.format for outlet in OUTLETS} == {"rss2", "rss1", "atom", "json"}
    assert Counter(outlet.language for outlet in OUTLETS) == {"en": 5, "de": 2, "ar": 1}


def test_they_have_120_entries_over_twelve_days() -> None:
    assert len(ENTRIES) == 120
    assert {entry.day for _, entry in ENTRIES} == set(range(12))
    assert sum(entry.day == 0 for _, entry in ENTRIES) == 24
    assert all(len(outlet.entries) in range(14, 17) for outlet in OUTLETS)


@pytest.mark.parametrize("outlet", OUTLETS, ids=lambda outlet: outlet.path)
def test_every_body_is_sixty_to_180_words_in_a_known_topic(outlet: Outlet) -> None:
    for entry in outlet.entries:
        assert 60 <= len(" ".join(entry.paragraphs).split()) <= 180, entry.slug
        assert entry.categories
        assert set(entry.categories) <= TOPICS
    slugs = [entry.slug for entry in outlet.entries]
    assert len(set(slugs)) == len(slugs)
    assert all(slug.isascii() and re.fullmatch(r"[a-z0-9-]+", slug) for slug in slugs)


@pytest.mark.parametrize("outlet", OUTLETS, ids=lambda outlet: outlet.path)
def test_a_strangers_parser_reads_every_entry(outlet: Outlet) -> None:
    entries = read(outlet)
    written = outlet.until(0, NOW)
    assert [title for _, _, title, _, _ in entries] == [entry.title for entry in written]
    assert [link for link, *_ in entries] == [outlet.link(entry) for entry in written]
    assert len({identity for _, identity, *_ in entries}) == len(written)
    assert [at for *_, at, _ in entries] == [entry.at(NOW) for entry in written]
    for entry, (*_, text) in zip(written, entries, strict=True):
        assert entry.paragraphs[-1] in unescape(re.sub(r"<[^>]*>", "", text))


def test_today_lies_in_the_last_ten_hours_and_nothing_in_the_future() -> None:
    for _, entry in ENTRIES:
        age = NOW - entry.at(NOW) - timedelta(days=entry.day)
        assert timedelta(minutes=1) <= age <= timedelta(hours=10), entry.slug


@pytest.mark.parametrize("outlet", OUTLETS, ids=lambda outlet: outlet.path)
def test_the_first_fetch_can_leave_today_out(outlet: Outlet) -> None:
    older, everything = read(outlet, newest_day=1), read(outlet)
    assert everything[-len(older) :] == older
    assert len(everything) - len(older) == 3


def test_a_copy_is_the_same_text_between_other_lines() -> None:
    for key, outlets in (("night-pharmacy", 3), ("school-meals", 2)):
        copies = [entry for _, entry in ENTRIES if entry.copy_of == key]
        assert len(copies) == outlets
        assert len({entry.title for entry in copies}) == outlets
        assert len({entry.paragraphs for entry in copies}) == outlets
        assert len({entry.paragraphs[1:-1] for entry in copies}) == 1
    assert {entry.day for _, entry in ENTRIES if entry.copy_of == "night-pharmacy"} == {0}


def test_four_outlets_tell_todays_event_in_their_own_words() -> None:
    event = [(outlet, entry) for outlet, entry in ENTRIES if entry.day == 0 and "Quernford" in entry.title]
    assert len({outlet.name for outlet, _ in event}) == 4
    for _, entry in event:
        text = " ".join(entry.paragraphs)
        assert all(name in text for name in ("Quernford", "Marit Sandgren", "Ellwen River Authority", "crane", "three"))
    assert len({entry.paragraphs for _, entry in event}) == 4


def test_the_series_rises_by_one_a_day_up_to_today() -> None:
    found = {
        int(match[1]): entry.day
        for _, entry in ENTRIES
        if (match := re.match(r"Harbour Works Day ([0-9]+): ", entry.title))
    }
    assert found == {number: 12 - number for number in range(5, 13)}


def test_one_outlet_writes_markup_entities_and_relative_links() -> None:
    lantern = next(outlet for outlet in OUTLETS if "Lantern" in outlet.name)
    raw = render_feed(lantern, base_address="", now=NOW)[0].decode()
    assert "<![CDATA[" in raw
    assert "xml:base=" in raw
    assert "&rsquo;" in raw
    assert 'href="results/autumn.html"' in raw
    resolved = "".join(text for *_, text in read(lantern))
    assert 'href="https://tessbury-lantern.example/results/autumn.html"' in resolved
    assert "Ferrymen’s March" in unescape(resolved)


def test_html_entities_survive_as_xhtml() -> None:
    lantern = next(outlet for outlet in OUTLETS if "Lantern" in outlet.name)
    assert "Ferrymen’s March" in "".join(text for *_, text in read(replace(lantern, format="atom", body="xhtml")))


def test_two_more_feeds_are_bad_and_all_ten_are_listed() -> None:
    answers = routes(OUTLETS, now=NOW)
    assert len(answers) == 10
    bad = {outlet.second.path for outlet in OUTLETS if outlet.second}
    assert sorted(answers[path].status for path in bad) == [200, 500]
    assert all(b"<rss" not in answers[path].body and b"<item" not in answers[path].body for path in bad)
    outlines = ElementTree.fromstring(opml(OUTLETS, "http://127.0.0.1:1")).findall(".//outline")
    assert {outline.get("xmlUrl") for outline in outlines} == {f"http://127.0.0.1:1{path}" for path in answers}
    assert Counter(outline.get("text") for outline in outlines).most_common(3)[1][1] == 2
    assert {outline.get("text") for outline in outlines} == {outlet.name for outlet in OUTLETS}


def test_the_same_moment_gives_the_same_bytes() -> None:
    assert routes(OUTLETS, now=NOW) == routes(load_outlets(), now=NOW)
