"""Fields of plain text keep nothing that a browser could run, whatever the format and however it was written."""

import json
import re
from collections.abc import Iterator
from html import escape

import pytest

from handbill.wire.discover import discover_feeds
from handbill.wire.extract import extract_page
from handbill.wire.parse import parse_feed
from handbill.wire.records import ParsedFeed

ADDRESS = "https://outlet.example/feed"
SPACES = 'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/"'
PROSE = "<p>" + "The river rose again for the ninth day, and the ferry did not sail at all. " * 12 + "</p>"
TRICKS = [
    "<script>x()</script>",
    "<scr<script>ipt>x()</scr</script>ipt>",
    "&lt;script&gt;x()&lt;/script&gt;",
    "<img src=x onerror=x()>",
    "<img/src=x/onerror=x()>",
    '<a href="javascript:x()">j</a>',
    '<a href="java&#10;script:x()">j</a>',
    '<a href="jAvAsCrIpT&colon;x(), y()">j</a>',
    "<a href='data:text/html,x'>d</a>",
    '<p style="background:url(https://t.example/)">s</p>',
    "<button formaction=javascript:x()>b</button>",
    '<iframe srcdoc="<script>x()</script>">',
    "<form action=/x><input name=a></form>",
    "<xmp><script>x()</script></xmp>",
]
RUNS = re.compile(
    r"<\s*/?\s*(script|iframe|img|form|input|button|svg|object|style|link|base)\b"
    r"|<[^<>]*\b(on\w+|href|src|srcdoc|style|action|formaction)\s*=",
    re.IGNORECASE,
)


def rss(said: str) -> str:
    attribute = escape(said).replace("&quot;", "&#34;")
    return (
        f"<rss version='2.0' {SPACES}><channel><title>{said}</title><item><title>{said}</title><link>/a</link>"
        f"<author>{said}</author><dc:creator>{said}</dc:creator><category>{said}</category><media:keywords>{said}"
        f"</media:keywords><media:category label='{attribute}'/><media:license>{said}</media:license>"
        f"<media:content url='/v.mp4' type='{attribute}'><media:title>{said}</media:title></media:content>"
        "</item></channel></rss>"
    )


def atom(said: str, kind: str) -> str:
    return (
        f'<feed xmlns="http://www.w3.org/2005/Atom"><title type="{kind}">{said}</title><entry><title type="{kind}">'
        f'{said}</title><author><name>{said}</name></author><category term="a" label="{said}"/><rights>{said}</rights>'
        "</entry></feed>"
    )


def in_json(said: str) -> str:
    entry = {"id": "1", "title": said, "authors": [{"name": said}], "tags": [said]}
    entry["attachments"] = [{"url": "/v.mp4", "mime_type": said, "title": said}]
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": said, "items": [entry]})


def plain_texts(feed: ParsedFeed) -> Iterator[str]:
    yield feed.title
    for entry in feed.entries:
        yield from (entry.title, entry.licence, entry.language, *entry.authors, *entry.categories)
        for medium in entry.media:
            yield from (medium.type, medium.title)


@pytest.mark.parametrize("trick", TRICKS)
def test_feeds(trick: str) -> None:
    said = escape(trick)
    documents = [rss(said), rss(f"<![CDATA[{trick}]]>"), atom(said, "text"), atom(said, "html"), in_json(trick)]
    for document in documents:
        feed = parse_feed(document.encode(), address=ADDRESS)
        assert len(feed.entries) == 1
        assert [text for text in plain_texts(feed) if RUNS.search(text)] == []


@pytest.mark.parametrize("trick", TRICKS)
def test_pages(trick: str) -> None:
    for said in (escape(trick), escape(escape(trick))):
        head = f'<title>{said}</title><meta name="author" content="{said}"><meta property="og:title" content="{said}">'
        page = extract_page(f"<html><head>{head}</head><body><article><h1>{said}</h1>{PROSE}</article>")
        assert not RUNS.search(page.title) and not RUNS.search(page.byline)
        link = f'<link rel="alternate" type="application/rss+xml" href="/feed" title="{said}">'
        (found, *_) = discover_feeds(f"<html><head>{link}</head><body><a href='/rss'>{said}</a></body>", ADDRESS)
        assert not RUNS.search(found.title)


def test_brackets_that_nothing_runs_stay() -> None:
    feed = parse_feed(atom(escape("The <blink> tag, and 3 < 4"), "text").encode(), address=ADDRESS)
    assert feed.entries[0].title == "The <blink> tag, and 3 < 4"
