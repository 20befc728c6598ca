"""News sitemaps, plain ones and indexes: entries or further addresses, within bounds, and never but FeedError."""

import gzip
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.wire.errors import FeedError
from handbill.wire.make import MAX_BYTES, MAX_ENTRIES
from handbill.wire.records import Entry
from handbill.wire.sitemap import MAX_MORE, Sitemap, read_sitemap, words_of

ADDRESS = "https://outlet.example/news-sitemap.xml"
DAY = datetime(2020, 1, 1, tzinfo=UTC)
SPACES = (
    'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'
    ' xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"'
)


def read(inside: str | bytes, root: str = "urlset") -> Sitemap:
    data = inside if isinstance(inside, bytes) else f"<?xml version='1.0'?><{root} {SPACES}>{inside}</{root}>".encode()
    return read_sitemap(data, address=ADDRESS)


def entries(inside: str) -> tuple[Entry, ...]:
    return read(inside).feed.entries


def place(loc: str, lastmod: str = "", more: str = "") -> str:
    return f"<url><loc>{loc}</loc>{f'<lastmod>{lastmod}</lastmod>' if lastmod else ''}{more}</url>"


def news(title: str, moment: str = "2026-11-22T10:00:00+02:00", more: str = "") -> str:
    return (
        "<news:news><news:publication><news:name>The Outlet</news:name><news:language>pt-br</news:language>"
        f"</news:publication><news:publication_date>{moment}</news:publication_date>"
        f"<news:title>{title}</news:title>{more}</news:news>"
    )


def test_a_news_sitemap_gives_its_news_with_title_date_language_and_keywords() -> None:
    image = (
        "<image:image><image:loc>https://outlet.example/a.jpg</image:loc><image:title>No</image:title></image:image>"
    )
    more = "<news:keywords>water, city ,water</news:keywords>"
    feed = read(place("https://outlet.example/a", "2026-11-23", image + news("River &amp; town", more=more))).feed
    (entry,) = feed.entries
    assert (feed.title, feed.language, feed.site_address) == ("The Outlet", "pt-br", "https://outlet.example/")
    assert (entry.title, entry.address, entry.language) == ("River & town", "https://outlet.example/a", "pt-br")
    assert entry.published == datetime(2026, 11, 22, 8, tzinfo=UTC)
    assert (entry.categories, entry.body) == (("water", "city"), "")


def test_among_news_other_addresses_are_left_out_and_the_order_is_kept() -> None:
    found = entries(
        place("https://outlet.example/b", more=news("B", "2026-11-20"))
        + place("https://outlet.example/about")
        + place("https://outlet.example/a", more=news("A", "2026-11-22"))
    )
    assert [entry.title for entry in found] == ["B", "A"]


def test_a_plain_sitemap_gives_its_newest_addresses_with_their_words_as_titles() -> None:
    found = entries(
        place("https://outlet.example/")
        + place("https://outlet.example/old-town-hall-burns.html", "2019-01-01")
        + place("/2026/river-rises-again-12345", "2026-11-22T10:00:00Z")
        + place("https://outlet.example/about")
    )
    assert [(entry.title, entry.published and entry.published.year) for entry in found] == [
        ("River rises again", 2026),
        ("Old town hall burns", 2019),
        ("", None),
    ]


@pytest.mark.parametrize("is_news", [False, True])
def test_there_are_never_too_many_and_the_newest_stay(is_news: bool) -> None:
    """Some begin with the oldest."""
    many = MAX_ENTRIES + 50
    days = [(DAY + timedelta(hours=n)).isoformat() for n in range(many)]
    found = entries(
        "".join(place(f"/a/{n}", day, news(f"News {n}", day) if is_news else "") for n, day in enumerate(days))
    )
    assert len(found) == MAX_ENTRIES
    assert found[0].address == f"https://outlet.example/a/{many - 1}"


def test_an_index_gives_news_first_then_the_newest_without_itself() -> None:
    def sitemap(loc: str, day: str = "") -> str:
        return f"<sitemap><loc>{loc}</loc>{f'<lastmod>{day}</lastmod>' if day else ''}</sitemap>"

    inside = (
        sitemap("/pages.xml", "2026-01-01")
        + sitemap("/posts-2.xml", "2026-11-01")
        + sitemap("/news.xml")
        + sitemap(ADDRESS)
    )
    read_index = read(inside, "sitemapindex")
    assert read_index.feed.entries == ()
    assert [each.rpartition("/")[2] for each in read_index.more] == ["news.xml", "posts-2.xml", "pages.xml"]
    assert len(read("".join(sitemap(f"/{n}.xml") for n in range(90)), "sitemapindex").more) == MAX_MORE


def test_a_gzipped_sitemap_is_read_and_a_bomb_is_not() -> None:
    whole = f"<urlset {SPACES}>{place('/a-b-c')}</urlset>".encode()
    assert read(gzip.compress(whole)).feed.entries[0].title == "A b c"
    with pytest.raises(FeedError, match="larger than"):
        read(gzip.compress(b"<urlset>" + b" " * MAX_BYTES))
    with pytest.raises(FeedError, match="damaged"):
        read(b"\x1f\x8bnothing of the kind")


def test_one_that_breaks_off_gives_no_half_address() -> None:
    found = read(f"<urlset {SPACES}>{place('/a')}<url><loc>https://outlet.example/bro".encode()).feed.entries
    assert [entry.address for entry in found] == ["https://outlet.example/a"]


def test_bare_ampersands_and_undeclared_namespaces_are_mended() -> None:
    report = "<news:news><news:title>A &eacute;</news:title></news:news>"
    (entry,) = read(f"<urlset>{place('/a?b=1&c=2', more=report)}</urlset>".encode()).feed.entries
    assert (entry.address, entry.title) == ("https://outlet.example/a?b=1&c=2", "A é")


def test_words_of_an_address_leave_out_ids_and_endings() -> None:
    assert words_of("https://outlet.example/a/10-dead_in-storm-a1b2c3d4.html") == "Dead in storm a1b2c3d4"
    assert words_of("https://outlet.example/%C3%9Cber-alle-Berge-77123") == "Über alle Berge"
    assert words_of("https://outlet.example/city") == ""


@pytest.mark.parametrize("data", [b"", b"text", b"<html>", b"<rss><channel/></rss>", b"{}"])
def test_what_is_no_sitemap_is_refused(data: bytes) -> None:
    with pytest.raises(FeedError):
        read(data)


@given(st.binary(max_size=200), st.text(max_size=100))
def test_nothing_but_feed_error_is_raised(data: bytes, text: str) -> None:
    wrapped = f"<urlset><url><loc>{text}</loc><lastmod>{text}</lastmod></url>".encode("utf-8", "replace")
    for each in (data, b"\x1f\x8b" + data, wrapped, gzip.compress(wrapped)):
        with suppress(FeedError):
            read(each)


@given(st.text(max_size=100))
def test_words_of_any_text_are_one_clean_line(text: str) -> None:
    assert "\n" not in words_of(f"https://outlet.example/{text}".split("[")[0])
