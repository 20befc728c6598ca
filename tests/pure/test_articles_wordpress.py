"""WordPress exports: published posts only, whatever the export gets wrong."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.articles import wordpress
from handbill.articles.wordpress import WordPressError, parse_wordpress

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/"'
    ' xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:wp="http://wordpress.org/export/1.2/"><channel><title>Valley</title>'
    "<wp:author><wp:author_login>ada</wp:author_login>"
    "<wp:author_display_name><![CDATA[Ada Quill]]></wp:author_display_name></wp:author>"
)
TAIL = "</channel></rss>"


def item(**changes):
    fields = {
        "title": "Ferries &amp; fog",
        "link": "https://valley.example/2024/ferries/",
        "dc:creator": "ada",
        "content:encoded": "<![CDATA[<p>The <b>ferries</b> stayed in.</p>]]>",
        "excerpt:encoded": "<![CDATA[Fog &amp; ferries.]]>",
        "wp:post_name": "ferries",
        "wp:post_type": "post",
        "wp:status": "publish",
        "wp:post_date_gmt": "2024-11-02 12:00:00",
        "wp:post_date": "2024-11-02 13:00:00",
        "pubDate": "Sat, 02 Nov 2024 12:00:00 +0000",
        **{name.replace("__", ":"): value for name, value in changes.items()},
    }
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items() if value is not None)
    cats = '<category domain="category" nicename="c"><![CDATA[City &amp; Port]]></category>'
    return f'<item>{inner}{cats}<category domain="post_tag" nicename="f"><![CDATA[Fog]]></category></item>'


def posts(*items, head=HEAD, tail=TAIL):
    return list(parse_wordpress((head + "".join(items) + tail).encode()))


def test_a_post_is_read_whole():
    (post,) = posts(item())
    assert post.title == "Ferries & fog"
    assert post.slug == "ferries"
    assert post.excerpt == "Fog & ferries."
    assert post.body_html == "<p>The <b>ferries</b> stayed in.</p>"
    assert post.published_at == datetime(2024, 11, 2, 12, tzinfo=UTC)
    assert post.author == "Ada Quill"
    assert post.categories == ("City & Port",)
    assert post.address == "https://valley.example/2024/ferries/"
    assert post.status == "publish"


@pytest.mark.parametrize(
    "changes",
    [
        {"wp__status": "draft"},
        {"wp__status": "private"},
        {"wp__post_type": "page"},
        {"wp__post_type": "attachment"},
        {"wp__post_type": None},
        {"wp__post_password": "secret"},
    ],
)
def test_what_was_not_public_stays_out(changes):
    assert posts(item(**changes)) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"wp__post_date_gmt": "0000-00-00 00:00:00"}, datetime(2024, 11, 2, 12, tzinfo=UTC)),
        (
            {"wp__post_date_gmt": None, "pubDate": "Sat, 02 Nov 2024 12:00:00 +0200"},
            datetime(2024, 11, 2, 10, tzinfo=UTC),
        ),
        ({"wp__post_date_gmt": None, "pubDate": None}, datetime(2024, 11, 2, 13, tzinfo=UTC)),
        ({"wp__post_date_gmt": None, "pubDate": "nonsense", "wp__post_date": "soon"}, None),
    ],
)
def test_the_best_date_counts(changes, expected):
    assert posts(item(**changes))[0].published_at == expected


@pytest.mark.parametrize(
    ("creator", "author"), [("ada", "Ada Quill"), ("bob", "bob"), ("cy@valley.example", ""), ("", "")]
)
def test_no_address_is_shown_as_a_name(creator, author):
    assert posts(item(dc__creator=creator))[0].author == author


def test_authors_together():
    both = '<category domain="author" nicename="a">Ada</category><category domain="author" nicename="b">Bob</category>'
    assert posts(item().replace("</item>", both + both + "</item>"))[0].author == "Ada, Bob"


@pytest.mark.parametrize(
    ("body", "html"),
    [
        ("One\ntwo\n\nThree", "<p>One<br>two</p>\n<p>Three</p>"),
        ('<!-- wp:paragraph {"a":1} -->\n<p>One</p>\n<!-- /wp:paragraph -->', "<p>One</p>"),
        ("<h2>Head</h2>\n\nText", "<h2>Head</h2>\n<p>Text</p>"),
        ('[caption id="1"]<img src="x"> Fog[/caption]\n\n[gallery ids="1,2"]', '<p><img src="x"> Fog</p>'),
        ("[sic] stays", "<p>[sic] stays</p>"),
        ("", ""),
    ],
)
def test_bodies_get_their_paragraphs(body, html):
    assert posts(item(content__encoded=f"<![CDATA[{body}]]>"))[0].body_html == html


def test_titles_lose_markup_and_tricks():
    assert posts(item(title="<![CDATA[<i>Fog</i> \u202eand&nbsp;mist]]>"))[0].title == "Fog and mist"


def test_addresses_and_slugs():
    assert posts(item(link="/here", wp__post_name="%d8%b6%d8%a8%d8%a7%d8%a8"))[0].slug == "ضباب"
    assert posts(item(link="javascript:alert(1)"))[0].address == ""


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "\ufeff" + text,
        lambda text: "\n\n" + text,
        lambda text: text.replace("Ferries &amp; fog", "Ferries & fog"),
        lambda text: text.replace("https://valley", "https://x?a=1&b=2&amp;c=3#https://valley"),
        lambda text: text.replace("stayed", "stay\x0ced\x00"),
        lambda text: text.replace("stayed", "&nbsp;&stayed;"),
        lambda text: text.replace("export/1.2", "export/1.0"),
    ],
)
def test_common_faults_are_mended(spoil):
    assert posts(spoil(HEAD + item() + TAIL), head="", tail="")[0].title == "Ferries & fog"


def test_other_encodings():
    text = (HEAD + item(title="Nebel über Köln") + TAIL).replace("UTF-8", "ISO-8859-1")
    assert next(parse_wordpress(text.encode("latin-1"))).title == "Nebel über Köln"
    text = text.replace("ISO-8859-1", "UTF-16")
    assert next(parse_wordpress(text.encode("utf-16"))).title == "Nebel über Köln"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not XML"),
        (b"Hello", "not XML"),
        (b"<html><body>x</body></html>", "no channel"),
        ((HEAD + item() + item()[:90]).encode(), "breaks off"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><rss><channel>&a;</channel></rss>', "declares entities"),
        (b'<?xml version="1.0" encoding="x-unknown"?><rss/>', "encoding"),
    ],
)
def test_what_is_no_export_is_refused_in_words(data, says):
    with pytest.raises(WordPressError, match=says):
        list(parse_wordpress(data))


def test_limits(monkeypatch):
    monkeypatch.setattr(wordpress, "MOST_POSTS", 2)
    with pytest.raises(WordPressError, match="more than 2 posts"):
        posts(*[item()] * 3)
    monkeypatch.setattr(wordpress, "MOST_BYTES", 10)
    with pytest.raises(WordPressError, match="in parts"):
        posts(item())


def test_unclosed_sections_cost_no_more_than_their_length():
    with pytest.raises(WordPressError):
        list(parse_wordpress((HEAD + "<![CDATA[" * 200_000).encode()))


def test_real_exports(corpus):
    counts = {}
    for path in sorted((corpus / "lists").glob("wordpress-*.xml")):
        found = list(parse_wordpress(path.read_bytes()))
        counts[path.stem] = len(found)
        for post in found:
            assert post.title and post.body_html and post.published_at and "@" not in post.author
    assert counts == {
        "wordpress-co-authors-plus": 4,
        "wordpress-feature-image-captions": 3,
        "wordpress-sample": 2,
    }


@given(
    st.binary(max_size=400)
    | st.text(max_size=400).map(lambda t: (HEAD + item(title=t) + TAIL).encode("utf-8", "ignore"))
)
def test_only_its_own_error(data):
    with suppress(WordPressError):
        list(parse_wordpress(data))
