"""From bytes to entries: every format, the usual faults, and never an exception but FeedError."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handbill.wire.errors import FeedError
from handbill.wire.make import MAX_BYTES, MAX_CATEGORIES, MAX_ENTRIES
from handbill.wire.mend import needs_mending
from handbill.wire.parse import parse_feed
from handbill.wire.read import read_document
from handbill.wire.records import Entry, ParsedFeed

ADDRESS = "https://outlet.example/news/feed.xml"
ATOM = "http://www.w3.org/2005/Atom"


def parse(data: str | bytes, content_type: str = "") -> ParsedFeed:
    return parse_feed(data.encode() if isinstance(data, str) else data, address=ADDRESS, content_type=content_type)


def only(data: str | bytes, content_type: str = "") -> Entry:
    (entry,) = parse(data, content_type).entries
    return entry


def rss(inside: str, head: str = "", version: str = "2.0") -> str:
    spaces = 'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    return f'<rss version="{version}" {spaces}><channel><title>Outlet</title>{head}{inside}</channel></rss>'


def item(inside: str = "", title: str = "A report", link: str = "https://outlet.example/a") -> str:
    return f"<item><title>{title}</title><link>{link}</link>{inside}</item>"


def atom(inside: str, attributes: str = "") -> str:
    return f'<feed xmlns="{ATOM}" {attributes}><title>Outlet</title><id>f</id>{inside}</feed>'


RSS2 = rss(
    "<item><guid isPermaLink='false'>n-1</guid><title>River rises</title><link>https://outlet.example/r</link>"
    "<pubDate>Sun, 22 Nov 2026 10:00:00 +0200</pubDate><dc:creator>Ada Byron</dc:creator><category>Water</category>"
    "<category>City</category><description>Short.</description>"
    "<content:encoded><![CDATA[<p>The <b>long</b> text.</p>]]></content:encoded></item>",
    "<language>en-GB</language><link>https://outlet.example/</link>",
)
RSS1 = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://outlet.example/"><title>Outlet</title>
 <link>https://outlet.example/</link><dc:language>en-GB</dc:language></channel>
 <item rdf:about="n-1"><title>River rises</title>
 <link>https://outlet.example/r</link><dc:date>2026-11-22T10:00:00+02:00</dc:date><dc:creator>Ada Byron</dc:creator>
 <dc:subject>Water</dc:subject><description>&lt;p>The &lt;b>long&lt;/b> text.&lt;/p></description></item></rdf:RDF>"""
ATOM1 = atom(
    "<link href='https://outlet.example/'/><entry><id>n-1</id><title type='html'>River &lt;i>rises&lt;/i></title>"
    "<link rel='alternate' href='https://outlet.example/r'/><published>2026-11-22T10:00:00+02:00</published>"
    "<updated>2026-11-22T12:00:00Z</updated><author><name>Ada Byron</name></author><category term='Water'/>"
    "<content type='html'>&lt;p>The &lt;b>long&lt;/b> text.&lt;/p></content></entry>",
    'xml:lang="en-GB"',
)
JSON = json.dumps(
    {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Outlet",
        "language": "en-GB",
        "home_page_url": "https://outlet.example/",
        "items": [
            {
                "id": "n-1",
                "url": "/r",
                "title": "River rises",
                "content_html": "<p>The <b>long</b> text.</p>",
                "date_published": "2026-11-22T10:00:00+02:00",
                "authors": [{"name": "Ada Byron"}],
                "tags": ["Water"],
            }
        ],
    }
)


@pytest.mark.parametrize("data", [RSS2, RSS1, ATOM1, JSON], ids=["rss 2.0", "rss 1.0", "atom", "json"])
def test_each_format_gives_the_same_entry(data: str) -> None:
    feed = parse(data)
    assert (feed.title, feed.language) == ("Outlet", "en-GB")
    (entry,) = feed.entries
    assert (entry.id, entry.address, entry.title) == ("n-1", "https://outlet.example/r", "River rises")
    assert (entry.authors, entry.categories[0], entry.language) == (("Ada Byron",), "Water", "en-GB")
    assert entry.published == datetime(2026, 11, 22, 8, tzinfo=UTC)
    assert "<b>long</b>" in entry.body


@pytest.mark.parametrize("version", ["0.91", "0.92", "0.93"])
def test_old_rss_is_read(version: str) -> None:
    entry = only(rss(item("<description>Text</description>"), version=version))
    assert (entry.title, entry.body, entry.published, entry.id) == ("A report", "Text", None, "")


def test_atom_03_is_read() -> None:
    data = """<feed version="0.3" xmlns="http://purl.org/atom/ns#"><title>Outlet</title><entry><title>Old</title>
    <link rel="alternate" href="https://outlet.example/old"/><id>o</id><issued>2004-01-02T03:04:05Z</issued></entry></feed>"""
    entry = only(data)
    assert (entry.title, entry.published) == ("Old", datetime(2004, 1, 2, 3, 4, 5, tzinfo=UTC))


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Tom &amp; Jerry", "Tom & Jerry"),
        ("Tom & Jerry", "Tom & Jerry"),
        ("<![CDATA[Tom & Jerry <b>live</b>]]>", "Tom & Jerry live"),
        ("&lt;b>Loud&lt;/b> &amp;amp; clear", "Loud & clear"),
        ("Caf&eacute; &ndash; open", "Café – open"),
        ("AT&T &unknown; &#8217;s", "AT&T &unknown; ’s"),
        ("Two\n\t lines", "Two lines"),
        ("bad \x00\x0b &#0;&#11; marks", "bad marks"),
        ("&lt;script>alert(1)&lt;/script>News", "News"),
        ("3 &lt; 5", "3 < 5"),
    ],
)
def test_titles_become_plain_text_uncut(given: str, shown: str) -> None:
    assert only(rss(item(title=given))).title == shown


@pytest.mark.parametrize(
    ("kind", "given", "shown"),
    [
        ("text", "The &lt;title> tag", "The <title> tag"),
        ("html", "The &lt;b>bold&lt;/b> &amp;amp;", "The bold &"),
        ("xhtml", '<div xmlns="http://www.w3.org/1999/xhtml">The <b>bold</b></div>', "The bold"),
    ],
)
def test_atom_titles_are_read_as_their_type_says(kind: str, given: str, shown: str) -> None:
    assert only(atom(f"<entry><id>1</id><title type='{kind}'>{given}</title><link href='/a'/></entry>")).title == shown


@pytest.mark.parametrize(
    ("given", "whole"),
    [
        ("https://outlet.example/a?x=1&amp;y=2", "https://outlet.example/a?x=1&y=2"),
        ("https://outlet.example/a?x=1&y=2&copy=3", "https://outlet.example/a?x=1&y=2&copy=3"),
        ("<![CDATA[https://outlet.example/a?x=1&y=2]]>", "https://outlet.example/a?x=1&y=2"),
        ("/a", "https://outlet.example/a"),
        ("a", "https://outlet.example/news/a"),
        (" https://outlet.example/a\n", "https://outlet.example/a"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("http://[bad/", ""),
    ],
)
def test_links_are_absolute_http_or_nothing(given: str, whole: str) -> None:
    assert only(rss(item(link=given))).address == whole


def test_links_follow_xml_base() -> None:
    data = atom("<entry><id>1</id><title>A</title><link href='a'/></entry>", 'xml:base="https://base.example/x/"')
    assert only(data).address == "https://base.example/x/a"


@pytest.mark.parametrize("link", ["https://outlet.example/a", "a"], ids=["fast", "repairing"])
@pytest.mark.parametrize(
    ("outer", "inner", "base"),
    [
        ("", "", ""),
        ('xml:base="https://base.example/x/"', "", "https://base.example/x/"),
        ('xml:base="https://base.example/x/"', "xml:base='y/'", "https://base.example/x/y/"),
        ('xml:base="javascript:x"', "", ""),
    ],
)
def test_the_body_knows_its_base(link: str, outer: str, inner: str, base: str) -> None:
    content = f"<content type='html' {inner}>&lt;a href='z'>z&lt;/a></content>"
    assert only(atom(f"<entry><id>1</id><title>A</title><link href='{link}'/>{content}</entry>", outer)).base == base


def test_only_a_link_to_the_article_itself_counts() -> None:
    inside = "<link rel='self' href='/self'/><link rel='via' href='/via'/>"
    assert only(atom(f"<entry><id>n</id><title>A</title>{inside}</entry>")).address == ""
    assert only(atom(f"<entry><id>n</id><title>A</title>{inside}<link href='/a'/></entry>")).address.endswith("/a")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Sun, 22 Nov 2026 10:00:00 GMT", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("Sun, 22 Nov 2026 10:00 EST", datetime(2026, 11, 22, 15, tzinfo=UTC)),
        ("2026-11-22T10:00:00", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22", datetime(2026, 11, 22, tzinfo=UTC)),
        ("22 Nov 2099 10:00:00 +0000", datetime(2099, 11, 22, 10, tzinfo=UTC)),
        ("Mon, 01 Jan 0001 00:00:00 +0000", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates_are_moments_in_utc_or_absent(text: str, moment: datetime | None) -> None:
    assert only(rss(item(f"<pubDate>{text}</pubDate>"))).published == moment


def test_the_identity_is_the_id_else_the_link_else_the_title() -> None:
    both = only(rss(item("<guid>n-1</guid>")))
    assert both.identity == only(rss(item("<guid>n-1</guid>", title="B", link="/b"))).identity
    link = only(rss(item()))
    assert link.identity == only(rss(item(title="B"))).identity != both.identity
    title = only(rss("<item><title>A report</title></item>"))
    assert title.identity == only(rss("<item><title>A report</title><description>x</description></item>")).identity
    assert len({both.identity, link.identity, title.identity}) == 3


def test_a_feed_that_breaks_today_gives_the_same_identities_as_yesterday() -> None:
    whole = rss(
        item("<guid>https://outlet.example/a</guid>")
        + item(link="/b?x=1&amp;y=2", title="B")
        + item("<guid isPermaLink='false'>n-1</guid>", link="/c", title="C")
    )
    broken = whole.replace("Outlet", "Out & let <b>").replace("&amp;", "&")
    assert [e.identity for e in parse(whole).entries] == [e.identity for e in parse(broken).entries]


def test_an_id_that_is_the_link_is_no_other_identity() -> None:
    with_id = only(rss(item("<guid>/a</guid>", link="/a")))
    assert (with_id.id, with_id.address) == ("/a", "https://outlet.example/a")
    assert with_id.identity == only(rss(item(link="/a"))).identity


def test_ids_that_several_reports_share_are_not_trusted() -> None:
    entries = parse(rss("".join(item("<guid>same</guid>", f"T{n}", f"/{n}") for n in range(3)))).entries
    assert [entry.id for entry in entries] == ["", "", ""]
    assert len({entry.identity for entry in entries}) == 3


def test_links_that_several_reports_share_are_not_trusted() -> None:
    entries = parse(rss("".join(item(title=f"T{n}", link="/") for n in range(3)))).entries
    assert len({entry.identity for entry in entries}) == 3


def test_a_date_that_does_not_say_of_what_counts_where_no_other_does() -> None:
    def dates(*elements: str) -> tuple[int | None, int | None]:
        (entry,) = parse(rss(item("".join(elements)))).entries
        return entry.published and entry.published.hour, entry.updated and entry.updated.hour

    dated, created = "<dc:date>2026-11-22T05:00:00Z</dc:date>", "<created>2026-11-22T01:00:00Z</created>"
    published = "<pubDate>Sun, 22 Nov 2026 03:00:00 GMT</pubDate>"
    updated = "<dcterms:modified>2026-11-22T07:00:00Z</dcterms:modified>"
    assert dates(created, dated) == (5, 5)
    assert dates(dated, published) == (3, 5)
    assert dates(updated, dated, published) == (3, 7)
    assert dates(created) == (1, None)


def test_what_comes_twice_has_one_identity_and_is_filed_once() -> None:
    data = rss(item("<guid>a</guid>") * 3)
    assert len({entry.identity for entry in parse(data).entries}) == 1
    assert len(read_document(data.encode(), address=ADDRESS).entries) == 1


def test_at_most_two_thousand_entries() -> None:
    feed = parse(rss("".join(item(title=f"T{n}", link=f"/{n}") for n in range(MAX_ENTRIES + 50))))
    assert len(feed.entries) == MAX_ENTRIES and feed.entries[0].title == "T0"


def test_fields_without_end_are_cut() -> None:
    long = "word " * 5000
    entry = only(
        rss(item(f"<author>{long}</author><guid>{long}</guid>" + f"<category>{long}</category>" * 50, title=long))
    )
    assert len(entry.title) <= 500 and entry.title.endswith("word…")
    assert len(entry.authors[0]) <= 300 and len(entry.id) <= 2000
    assert len(entry.categories) <= MAX_CATEGORIES and all(len(name) <= 100 for name in entry.categories)


@pytest.mark.parametrize(
    ("encoding", "says"),
    [
        ("utf-8", "utf-8"),
        ("utf-8", "iso-8859-1"),
        ("utf-8", "nonsense"),
        ("utf-8", None),
        ("utf-8-sig", "utf-8"),
        ("iso-8859-1", "iso-8859-1"),
        ("windows-1252", "iso-8859-1"),
        ("windows-1252", "utf-8"),
        ("windows-1252", None),
        ("utf-16", "utf-16"),
        ("utf-16", "utf-8"),
        ("utf-16-le", "utf-16"),
        ("utf-16-be", None),
        ("utf-32", "utf-32"),
    ],
)
def test_encodings_are_found_whatever_they_say(encoding: str, says: str | None) -> None:
    declaration = f'<?xml version="1.0" encoding="{says}"?>' if says else ""
    entry = only((declaration + rss(item(title="Grüße: Übung für Köln"))).encode(encoding))
    assert entry.title == "Grüße: Übung für Köln"


@pytest.mark.parametrize(
    ("encoding", "title"), [("koi8-r", "Новости дня"), ("shift_jis", "今日のニュース"), ("euc-kr", "뉴스")]
)
def test_other_encodings_are_believed_from_declaration_or_header(encoding: str, title: str) -> None:
    body = rss(item(title=title))
    assert only(f'<?xml version="1.0" encoding="{encoding}"?>{body}'.encode(encoding)).title == title
    assert only(body.encode(encoding), f"application/xml; charset={encoding}").title == title


@pytest.mark.parametrize("name", ["punycode", "unicode_escape", "idna", "rot13", "hex", "zlib", "undefined", "utf-7"])
def test_python_s_own_codecs_are_no_charsets(name: str) -> None:
    """Some of them take time that grows with the square of the length."""
    data = f'<?xml version="1.0" encoding="{name}"?>' + rss(item(title="A \\u0042 +AEM-"))
    assert only(data).title == "A \\u0042 +AEM-"
    assert len(parse(data.encode() + b"\xff" * 200_000).entries) == 1


def test_a_feed_both_large_and_broken_gives_its_first_entries() -> None:
    body = "<description><p>" + "word " * 1000 + "<br></description>"
    feed = parse(rss("".join(item(body, f"T{n}", f"/{n}") for n in range(300))))
    assert 100 < len(feed.entries) < 300
    assert [entry.title for entry in feed.entries[:2]] == ["T0", "T1"]


def test_a_fault_in_a_parser_is_a_feed_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: object, **kwargs: object) -> None:
        raise RuntimeError("inner detail")

    monkeypatch.setattr("feedparser.parse", fails)
    with pytest.raises(FeedError, match=r"broken beyond repair \(RuntimeError\)\.$"):
        parse(rss(item("<description><p>One<br></description><guid>1</guid>")))


def test_a_few_bad_bytes_do_not_spoil_the_rest() -> None:
    data = ('<?xml version="1.0" encoding="utf-8"?>' + rss(item(title="Grüße aus Köln X"))).encode()
    assert only(data.replace(b"X", b"\xff")).title.startswith("Grüße aus Köln")


@pytest.mark.parametrize(
    "before",
    [
        "\ufeff",
        "\n\n  ",
        "<br />\n<b>Warning</b>: mysql_connect() in <b>/srv/x.php</b> on line <b>3</b><br />\n",
        "<!-- made by hand -->",
        '<?xml version="1.0"?><?xml-stylesheet href="a.xsl"?>',
        "<!DOCTYPE rss PUBLIC '-//N//DTD RSS 0.91//EN' 'http://outlet.example/x.dtd'>",
        '<!DOCTYPE rss [<!ENTITY nbsp "&#160;"> <!ENTITY x "y">]>',
        "some words first ",
    ],
)
def test_what_stands_before_the_feed_is_left_out(before: str) -> None:
    assert only(before + rss(item(title="A&nbsp;B"))).title == "A B"


@pytest.mark.parametrize("whole", [RSS2, RSS1, ATOM1])
def test_a_feed_gives_the_same_mended_or_as_it_is(whole: str) -> None:
    assert needs_mending(f" junk {whole}".encode()) and not needs_mending(whole.encode())
    assert parse(f" junk {whole}") == parse(whole)


@pytest.mark.parametrize(
    ("data", "content_type", "mended"),
    [
        (b"<rss>", "text/xml", False),
        (b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?>\n<!-- a - b --><?style x?>\n<rss>', "", False),
        (b"<?xml version='1.0'?>" + b" " * 500 + b"<!-- a -->\n<rss>", "", False),
        (b"<rss>", 'text/xml; charset="utf-8"', False),
        (b"<!DOCTYPE rss><rss>", "", True),
        (b"<!-- a --><!DOCTYPE rss><rss>", "", True),
        (b"<?x ><a ?><!DOCTYPE rss><rss>", "", True),
        (b"\n<rss>", "", True),
        (b"<rss>\x7f", "", True),
        (b'<?xml version="1.0" encoding="hz"?><rss>', "", True),
        (b"<rss>", "text/xml; charset=hz", True),
        ("<rss>".encode("utf-16"), "", True),
        (b"{}", "", True),
    ],
)
def test_only_what_a_parser_would_misread_is_mended_before_it_is_asked(
    data: bytes, content_type: str, mended: bool
) -> None:
    assert needs_mending(data, content_type) is mended


def test_what_stands_after_the_feed_is_left_out() -> None:
    assert only(rss(item()) + "<!-- 0.3 s --><script>x</script> junk & <more").title == "A report"


def test_entities_of_its_own_are_never_expanded() -> None:
    bomb = '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY x SYSTEM "file:///etc/passwd">]>'
    entry = only(bomb + rss(item("<description>&b;&x;</description>", title="&b; &x;")))
    assert "aaaa" not in entry.title + entry.body and "root" not in entry.title + entry.body


def test_an_undeclared_prefix_is_forgiven() -> None:
    assert only(rss(item("<media:thumbnail url='x'/><georss:point>1 2</georss:point>"))).title == "A report"


def test_elements_of_atom_in_rss_are_read() -> None:
    entry = only(
        rss("<item><title>A</title><link href='/a'/><id>n-1</id><updated>2026-11-22T10:00:00Z</updated></item>")
    )
    assert (entry.address, entry.id) == ("https://outlet.example/a", "n-1")
    assert (entry.published, entry.updated) == (None, datetime(2026, 11, 22, 10, tzinfo=UTC))


def test_upper_case_and_unclosed_tags_are_forgiven() -> None:
    assert (
        only("<RSS><CHANNEL><TITLE>O</TITLE><ITEM><TITLE>A</TITLE><LINK>/a</LINK></ITEM></CHANNEL></RSS>").title == "A"
    )
    assert only(rss(item("<description><p>One<br>Two</description>"))).title == "A report"


@pytest.mark.parametrize("end", ["</item>", "<title>C", "https://outlet.example/c", "<description>Text"])
@pytest.mark.parametrize("kind", ["rss", "atom", "rdf"])
def test_a_feed_that_breaks_off_gives_only_its_whole_entries(kind: str, end: str) -> None:
    third = item("<description>Text</description>", "C", "https://outlet.example/c")
    data = rss(item(title="A", link="/a") + item(title="B & more", link="/b") + third)
    if kind == "rdf":
        data = data.replace('<rss version="2.0"', '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"')
        data = data.replace("<channel>", "<channel></channel>").replace("</channel></rss>", "</rdf:RDF>")
    if kind == "atom":
        entries = "".join(
            f"<entry><id>{n}</id><title>{n}</title><link href='/{n}'/></entry>" for n in ("A", "B & more", "C")
        )
        data, end = atom(entries), "</title><link href='/C'"
    whole = data[: data.rindex(end) + len(end)] if end in data else data[:-20]
    if end == "</item>":
        whole = data[: data.rindex("<item>") + 3]
    assert [entry.title for entry in parse(whole).entries] == ["A", "B & more"]


NO_FEED = [
    (b"", "gives nothing at all"),
    (b" \n\t\x00 ", "gives nothing at all"),
    (b"\xef\xbb\xbf", "gives nothing at all"),
    (b"<!DOCTYPE html><html><head><title>News</title></head><body><p>Hi</body></html>", "a web page, not a feed"),
    (b"<html><body><pre>&lt;rss&gt; <rss></pre></body></html>", "a web page, not a feed"),
    (b"<!-- x --><!doctype HTML><HTML><HEAD>", "a web page, not a feed"),
    (b"<div>login</div>", "a web page, not a feed"),
    (b'<?xml version="1.0"?><opml version="2.0"><body/></opml>', "a list of feeds (OPML)"),
    (b'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"/>', "a list of sitemaps"),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "XML of another kind (<svg>)"),
    (b"not found", "something else than a feed"),
    (b"%PDF-1.7 \x00\x01", "something else than a feed"),
    (b'{"error": "not found"}', "no JSON Feed"),
    (b'{"items": {"a": 1}}', "no JSON Feed"),
    (b'{"items": [', "broken off or broken"),
    (b"{" * 100_000, "broken off or broken"),
    (b'{"items":' + b"[" * 100_000, "broken off or broken"),
    (b"<rss><channel><title>Outlet</title><item><title>Half", "breaks off before the end of its first entry"),
    (b"<rss", "."),
    (b"<feed>", "breaks off"),
    (b"<rss>" + b" " * MAX_BYTES, "larger than 15 MiB"),
]


@pytest.mark.parametrize(("data", "words"), NO_FEED, ids=range(len(NO_FEED)))
def test_what_is_no_feed_is_refused_with_a_readable_sentence(data: bytes, words: str) -> None:
    with pytest.raises(FeedError) as caught:
        parse(data)
    sentence = str(caught.value)
    assert words in sentence and sentence.startswith("This ") and sentence.endswith(".")
    assert len(sentence) < 200


def test_a_feed_with_no_entries_is_no_error() -> None:
    assert parse(rss("")).entries == ()
    assert parse(atom("")).entries == ()
    assert parse('{"version": "https://jsonfeed.org/version/1", "items": []}').entries == ()


def test_json_values_of_a_wrong_kind_count_as_absent() -> None:
    items = [
        {"id": 7, "url": ["x"], "title": {"a": 1}, "content_text": "3 < 5 & <b>", "authors": "Ada", "tags": "x"},
        "no item",
        None,
        {
            "id": "8",
            "author": {"name": 9},
            "authors": [1, {"name": ["x"]}],
            "tags": [1, None, "ok"],
            "date_published": 5,
        },
    ]
    first, second = parse(json.dumps({"items": items, "title": 3, "language": []})).entries
    assert (first.id, first.address, first.title, first.authors) == ("7", "", "", ())
    assert first.body == "3 &lt; 5 &amp; &lt;b&gt;"
    assert (second.categories, second.published) == (("1", "ok"), None)


SCRAPS = [
    RSS2,
    RSS1,
    ATOM1,
    JSON,
    "<rss>",
    "</item>",
    "<item>",
    "<![CDATA[",
    "]]>",
    "<!--",
    "&amp;",
    "&",
    "&#0;",
    "&#x110000;",
]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.one_of(st.sampled_from(SCRAPS), st.text(max_size=30)), max_size=6),
    st.integers(0, 4000),
    st.text(max_size=20),
)
def test_any_mixture_gives_entries_or_a_feed_error(parts: list[str], cut: int, content_type: str) -> None:
    data = "".join(parts).encode("utf-8", "surrogatepass")
    check(data[: len(data) - cut] if cut < len(data) else data, content_type)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([RSS2, RSS1, ATOM1, JSON]),
    st.lists(st.tuples(st.integers(0, 3000), st.binary(max_size=4)), max_size=8),
)
def test_any_damage_gives_entries_or_a_feed_error(whole: str, damage: list[tuple[int, bytes]]) -> None:
    data = bytearray(whole.encode())
    for at, piece in damage:
        at %= len(data) or 1
        data[at : at + len(piece)] = piece
    check(bytes(data), "")


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_entries_or_a_feed_error(data: bytes) -> None:
    check(data, "text/xml")


def check(data: bytes, content_type: str) -> None:
    try:
        feed = parse(data, content_type)
    except FeedError as error:
        assert str(error).startswith("This ")
        return
    for entry in feed.entries:
        assert entry.address == "" or entry.address.startswith(("http://", "https://"))
        assert len(entry.identity) == 64
        for text in (entry.title, entry.id, entry.licence, *entry.authors, *entry.categories):
            assert text == text.strip() and not set(text) & {"\x00", "\n", "\r", "\x0b"}
            text.encode()
        assert entry.published is None or entry.published.tzinfo is UTC
