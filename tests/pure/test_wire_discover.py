"""The feeds a page declares, links to or may have: ranked, each once, whatever the page is made of."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.wire.discover import (
    DECLARED,
    GUESSED,
    LINKED,
    MAX_FOUND,
    FoundFeed,
    discover_feeds,
    looks_like_feed,
    same_site,
)
from handbill.wire.tree import page_text

PAGE = "https://outlet.example/city/today.html"
RSS = "application/rss+xml"


def found(markup: str, address: str = PAGE) -> list[FoundFeed]:
    """What the page itself speaks of."""
    return [feed for feed in discover_feeds(markup, address) if feed.why != GUESSED]


def addresses(markup: str, address: str = PAGE) -> list[str]:
    return [feed.address for feed in found(markup, address)]


def link(href: str, kind: str = RSS, more: str = "", rel: str = "alternate") -> str:
    return f'<link rel="{rel}" href="{href}" {f"type={chr(34)}{kind}{chr(34)}" if kind else ""} {more}>'


def test_a_declared_feed_comes_with_its_title_and_kind() -> None:
    markup = f"<head>{link('/news.xml', more='title=&quot;X&quot;').replace('&quot;', chr(34))}</head>"
    assert found(markup) == [FoundFeed("https://outlet.example/news.xml", "X", "rss", DECLARED)]


@pytest.mark.parametrize(
    ("kind", "href", "expected"),
    [
        ("application/atom+xml", "/a", "atom"),
        ("application/feed+json", "/a", "json"),
        ("application/json", "/feed.json", "json"),
        ("application/rdf+xml", "/a", "rss"),
        ("Application/RSS+XML; charset=utf-8", "/a", "rss"),
        ("text/xml", "/a", "unknown"),
        ("application/xml", "/atom.xml", "atom"),
        ("application/x-cdf", "/a", "cdf"),
        ("", "/feed/", "unknown"),
        ("", "/rss.xml", "rss"),
    ],
)
def test_every_kind_of_type_is_read_and_a_missing_one_is_guessed(kind: str, href: str, expected: str) -> None:
    assert [(feed.kind, feed.why) for feed in found(link(href, kind))] == [(expected, DECLARED)]


@pytest.mark.parametrize(
    "markup",
    [
        link("/de/", "", 'hreflang="de"'),
        link("/wp-json/wp/v2/pages/2", "application/json"),
        link("/oembed?format=xml", "text/xml+oembed"),
        link("/oembed?format=xml", "text/xml"),
        link("/dark.css", "text/css", rel="alternate stylesheet"),
        link("/user", "application/activity+json"),
        link("javascript:alert(1)"),
        link(""),
        link("/feed.xml", rel="preload"),
        '<a href="https://www.facebook.com/feed">RSS</a>',
        '<a href="/our-feed-mill-burns">Feed mill burns</a>',
        '<a href="mailto:rss@outlet.example">RSS</a>',
    ],
)
def test_other_links_are_no_feeds(markup: str) -> None:
    assert addresses(markup) == []


def test_relative_links_start_from_the_page_or_its_base() -> None:
    assert addresses(link("feed.xml")) == ["https://outlet.example/city/feed.xml"]
    assert addresses(f'<base href="//cdn.example/x/">{link("feed.xml")}') == ["https://cdn.example/x/feed.xml"]


def test_old_feed_schemes_are_read() -> None:
    assert addresses(link("feed://outlet.example/x")) == ["https://outlet.example/x"]
    assert addresses(link("feed:http://outlet.example/x")) == ["http://outlet.example/x"]


@pytest.mark.parametrize(
    "href",
    [
        "/feed",
        "/feed/",
        "/rss.xml",
        "/atom.xml",
        "/feed.json",
        "/news.rss",
        "/?feed=rss2",
        "/a?format=feed",
        "/index.rdf",
    ],
)
def test_links_that_look_like_feeds_are_found(href: str) -> None:
    (feed,) = found(f'<a href="{href}">Follow</a>')
    assert (feed.why, feed.title) == (LINKED, "Follow")


def test_a_link_that_only_says_rss_is_found_too() -> None:
    assert addresses('<a href="/follow">RSS feed</a><a href="/all.xml"><img alt=""> Our RSS list</a>') == [
        "https://outlet.example/all.xml",
        "https://outlet.example/follow",
    ]


def test_rank_is_declared_then_linked_then_others_sites_then_guesses_then_comments() -> None:
    markup = (
        '<a href="https://blog.elsewhere.example/feed/">A friend</a><a href="/rss/all">RSS</a>'
        + link("/comments/feed/", more='title="Comments"')
        + link("/feed/")
    )
    ranked = discover_feeds(markup, PAGE)
    assert [(feed.address, feed.why) for feed in ranked[:3]] == [
        ("https://outlet.example/feed/", DECLARED),
        ("https://outlet.example/rss/all", LINKED),
        ("https://blog.elsewhere.example/feed/", LINKED),
    ]
    assert ranked[3].why == GUESSED
    assert ranked[-1].address == "https://outlet.example/comments/feed/"


def test_guesses_cover_the_site_and_the_page_s_section() -> None:
    guesses = [feed.address for feed in discover_feeds("", PAGE)]
    assert guesses[:2] == ["https://outlet.example/feed", "https://outlet.example/rss.xml"]
    for usual in ("atom.xml", "feed.json", "city/feed", "city/rss.xml", "?feed=rss2"):
        assert f"https://outlet.example/{usual}" in guesses


def test_the_program_that_made_the_page_says_where_to_guess_first() -> None:
    ranked = discover_feeds('<meta name="generator" content="Hugo 0.140">', "https://outlet.example/")
    assert ranked[0].address == "https://outlet.example/index.xml"


def test_a_feed_is_named_once_however_its_address_is_written() -> None:
    markup = link("/feed/") + link("http://www.outlet.example/feed") + '<a href="/feed">RSS</a>'
    assert addresses(markup) == ["https://outlet.example/feed/"]
    assert not [feed for feed in discover_feeds(markup, PAGE)[1:] if feed.address.rstrip("/").endswith("example/feed")]


def test_the_page_itself_is_not_among_them() -> None:
    assert "https://outlet.example/feed" not in [f.address for f in discover_feeds("", "https://outlet.example/feed/")]


def test_there_are_never_too_many() -> None:
    assert len(discover_feeds("".join(link(f"/{n}/feed") for n in range(500)), PAGE)) == MAX_FOUND


def test_an_address_alone_may_speak_for_a_feed() -> None:
    assert looks_like_feed("https://feeds.outlet.example/top")
    assert not looks_like_feed("https://outlet.example/2026/feeding-the-town")


def test_parts_of_a_host_are_one_site() -> None:
    assert same_site("https://www.outlet.example/a", "https://outlet.example/")
    assert same_site("https://news.outlet.example/a", "https://outlet.example/")
    assert not same_site("https://outlet.example/", "https://myoutlet.example/")


@given(st.text(max_size=300), st.text(max_size=60))
def test_any_text_gives_an_answer(markup: str, address: str) -> None:
    discover_feeds(markup, address)
    discover_feeds(f'<base href="{address}"><link rel=alternate type="{RSS}" href="{markup}">', PAGE)


@given(st.binary(max_size=300))
def test_every_address_found_can_be_followed(data: bytes) -> None:
    markup = f'<link rel="feed" href="{data.decode("latin-1")}"><a href="{data.decode("latin-1")}">rss</a>'
    assert all(feed.address.startswith(("https://", "http://")) for feed in discover_feeds(markup, PAGE))


def test_real_pages_name_their_feeds(corpus: Path) -> None:
    """Two in three of the outlets name one; a page that names none still gives places to try."""
    truth = json.loads((corpus / "pages" / "ground-truth.json").read_text())
    named = pages = 0
    for file in sorted((corpus / "pages" / "html").glob("*.gz")):
        address = truth[file.name.partition(".")[0]]["url"]
        feeds = discover_feeds(page_text(gzip.decompress(file.read_bytes())), address)
        assert feeds
        pages += 1
        named += feeds[0].why != GUESSED
        declared = [feed for feed in feeds if feed.why == DECLARED]
        assert not any("oembed" in feed.address or "wp-json" in feed.address for feed in declared)
    assert named >= 0.6 * pages
