"""Channels in CDF: items with link, title, abstract and date, in any case and nesting, and never but FeedError."""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.wire.errors import FeedError
from handbill.wire.make import MAX_BYTES, MAX_ENTRIES
from handbill.wire.parse import parse_feed
from handbill.wire.read import read_document
from handbill.wire.records import Entry, ParsedFeed

ADDRESS = "https://outlet.example/news.cdf"
CHANNEL = """<?xml version="1.0" encoding="ISO-8859-1"?>
<!DOCTYPE Channel SYSTEM "http://www.w3c.org/Channel.dtd" [ <!ENTITY own "text"> ]>
<CHANNEL HREF="/" BASE="https://outlet.example/base/" xml:lang="en_GB"><TITLE>Outlet</TITLE><LOGO HREF="x.gif"/>
 <ITEM HREF="river.html" LASTMOD="2026-11-22T10:00+02:00"><TITLE>River &amp; town</TITLE>
 <ABSTRACT>It rose.</ABSTRACT></ITEM>
 <Channel BASE="/sport/"><Title>Sport</Title><item href="cup.html"><title>Cup won</title></item></Channel>
 <ITEM><A HREF="https://other.example/x">Elsewhere</A></ITEM></CHANNEL>"""


def parse(text: str | bytes) -> ParsedFeed:
    return parse_feed(text.encode("latin-1") if isinstance(text, str) else text, address=ADDRESS)


def only(text: str) -> Entry:
    (entry,) = parse(text).entries
    return entry


def test_a_channel_gives_its_own_title_language_and_site() -> None:
    feed = parse(CHANNEL)
    assert (feed.title, feed.language, feed.site_address) == ("Outlet", "en-GB", "https://outlet.example/")


def test_items_come_in_order_also_from_channels_inside() -> None:
    first, second, third = parse(CHANNEL).entries
    assert (first.address, first.title, first.body) == (
        "https://outlet.example/base/river.html",
        "River & town",
        "It rose.",
    )
    assert first.updated == datetime(2026, 11, 22, 8, tzinfo=UTC)
    assert (second.address, second.title) == ("https://outlet.example/sport/cup.html", "Cup won")
    assert second.base == "https://outlet.example/sport/"
    assert (third.address, third.title) == ("https://other.example/x", "Elsewhere")


def test_bare_ampersands_and_entities_are_mended() -> None:
    assert only('<CHANNEL><ITEM HREF="/a?b=1&c=2"><TITLE>A&nbsp;& B</TITLE></ITEM></CHANNEL>').title == "A & B"
    assert only('<CHANNEL><ITEM HREF="/a?b=1&c=2"/></CHANNEL>').address == "https://outlet.example/a?b=1&c=2"


def test_a_channel_that_breaks_off_gives_its_whole_items() -> None:
    entry = only('<CHANNEL><ITEM HREF="/a"><TITLE>A</TITLE></ITEM><ITEM HREF="/b"><TITLE>Brok')
    assert entry.title == "A"


def test_an_item_that_comes_again_and_one_that_holds_nothing_are_left_out() -> None:
    twice = '<ITEM HREF="/a"><TITLE>A</TITLE></ITEM>' * 2
    data = f"<CHANNEL>{twice}<ITEM/></CHANNEL>".encode()
    assert len(read_document(data, address=ADDRESS).entries) == 1


def test_there_are_never_too_many() -> None:
    items = "".join(f'<ITEM HREF="/{n}"/>' for n in range(MAX_ENTRIES + 5))
    assert len(parse(f"<CHANNEL>{items}</CHANNEL>").entries) == MAX_ENTRIES


def test_entities_of_its_own_are_never_expanded() -> None:
    bomb = '<!DOCTYPE c [<!ENTITY a "boom"><!ENTITY b SYSTEM "file:///etc/hostname">]>'
    entry = only(f'{bomb}<CHANNEL><ITEM HREF="/a"><TITLE>x &a; &b;</TITLE></ITEM></CHANNEL>')
    assert "boom" not in entry.title


@pytest.mark.parametrize("text", ["", "no markup", "<html><body>x</body></html>"])
def test_what_is_no_channel_is_refused(text: str) -> None:
    with pytest.raises(FeedError):
        parse(text)


def test_too_large_a_channel_is_refused() -> None:
    with pytest.raises(FeedError, match="larger than"):
        parse(b"<CHANNEL>" + b" " * MAX_BYTES)


@given(st.text(max_size=200), st.binary(max_size=100))
def test_nothing_but_feed_error_is_raised(text: str, data: bytes) -> None:
    for each in (text.encode("utf-8", "replace"), data, f'<CHANNEL><ITEM HREF="{text}">{text}</ITEM>'.encode()):
        with suppress(FeedError):
            parse(each)


def test_the_odd_cases_are_read_as_they_expect(corpus: Path) -> None:
    files = sorted((corpus / "feeds" / "odd").rglob("*cdf*/*.xml")) + sorted(
        (corpus / "feeds" / "odd").rglob("cdf_*.xml")
    )
    assert len(files) >= 6
    for file in files:
        feed = parse(file.read_bytes())
        if file.name.startswith("channel_href"):
            assert feed.site_address == "http://www.example.org/"
        elif file.name.startswith("item_href"):
            assert feed.entries[0].address == "http://www.example.org/"
        elif file.name == "cdf_item_abstract_xml_base.xml":
            (entry,) = feed.entries
            assert (entry.base, entry.address) == ("http://base.example.org/", "http://base.example.org/item/1")
            assert (entry.title, entry.body) == ("item title", "item abstract")
            assert entry.updated == datetime(2004, 4, 7, 4, 5, 43, tzinfo=UTC)
