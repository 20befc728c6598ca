"""Looking at an outlet's address: what is found, in which order, what is known, and what is said when nothing is."""

from collections.abc import Iterator

import pytest
from django.conf import settings as newsroom

from handbill.kit.errors import GiveUp, HandbillError, TryLater
from handbill.sources.models import Feed, Source
from handbill.testing.wire import Answer, LoopbackWire
from handbill.wire import look
from handbill.wire.leave import CLOSED, NO_LEAVE
from handbill.wire.models import HostRules

pytestmark = pytest.mark.django_db
HTML = "text/html; charset=utf-8"
ITEM = (
    "<item><title>{0}</title><link>{1}/{2}</link><guid>{2}</guid><pubDate>Sat, 21 Nov 2026 0{2}:00:00 GMT</pubDate>"
    "<description>{0} &lt;script>alert(1)&lt;/script>.</description></item>"
)
TITLES = ["Ferry runs late again", "Mill road opens at last", "The council meets in secret"]


def rss(base: str, title: str = "Valley Monitor", language: str = "en-GB") -> Answer:
    items = "".join(ITEM.format(each, base, number) for number, each in enumerate(TITLES, 1))
    head = f"<title>{title}</title><link>{base}/</link><language>{language}</language>"
    body = f"<rss version='2.0'><channel>{head}{items}</channel></rss>"
    return Answer(body=body.encode(), content_type="application/rss+xml")


def page(head: str = "", body: str = "<p>Nothing to see.</p>") -> Answer:
    markup = f"<html lang=en><head><title>Valley Monitor</title>{head}</head><body>{body}</body></html>"
    return Answer(body=markup.encode(), content_type=HTML)


def articles(count: int = 5) -> str:
    links = "".join(
        f"<article class=card><h2><a href='/2026/11/2{n}/the-{n}-bridges-of-the-valley'>The {n} bridges of the valley"
        f" are painted green</a></h2><p>Painters from all over the valley came to see how it was done.</p></article>"
        for n in range(count)
    )
    return f"<nav><a href='/about/'>About</a></nav><main>{links}</main>"


@pytest.fixture
def wire(monkeypatch) -> Iterator[LoopbackWire]:
    with LoopbackWire() as server:
        allowed = frozenset({("127.0.0.1", server.port)})
        monkeypatch.setattr(newsroom, "HANDBILL", _Allowing(newsroom.HANDBILL, allowed))
        yield server


class _Allowing:
    """The newsroom's settings, with one address of this machine let through."""

    def __init__(self, given, allowed) -> None:
        self._given, self.allow_loopback = given, allowed

    def __getattr__(self, name):
        return getattr(self._given, name)


def asked(wire: LoopbackWire) -> list[str]:
    return [request.path for request in wire.requests]


def test_a_feeds_own_address_is_said_to_be_one(wire):
    wire.routes["/feed"] = rss(wire.address)
    found = look.look_at(f"{wire.address}/feed")
    (choice,) = found.choices
    assert (choice.title, choice.language, choice.format, choice.kind) == ("Valley Monitor", "en-GB", "rss", "feed")
    assert (choice.count, choice.gap_minutes, choice.teasers) == (3, 60, True)
    assert choice.newest.isoformat() == "2026-11-21T03:00:00+00:00" and choice.why == look.THE_ADDRESS
    assert [entry.title for entry in choice.entries] == TITLES and "script" not in choice.entries[0].body_html
    assert found.sentence == "" and asked(wire) == ["/feed"]


def test_a_site_without_its_scheme_leads_to_the_feeds_it_names(wire):
    wire.routes["/"] = page("<link rel=alternate type=application/rss+xml title=All href=/all.xml>", articles())
    wire.routes["/all.xml"] = rss(wire.address, "")
    found = look.look_at(f"127.0.0.1:{wire.port}")
    (choice,) = found.choices
    assert choice.address == f"{wire.address}/all.xml" and choice.title == "All"
    assert "/feed" not in asked(wire), "nothing is guessed where the page names a feed"


def test_where_http_alone_answers_its_answer_is_told(wire):
    with pytest.raises(HandbillError, match="has nothing at this address"):
        look.look_at(f"127.0.0.1:{wire.port}/nowhere")


def test_two_formats_of_one_feed_are_one_choice(wire):
    declared = "<link rel=alternate type=application/rss+xml href=/a>"
    wire.routes["/"] = page(declared + declared.replace("/a", "/b") + declared.replace("/a", "/gone"))
    wire.routes["/a"] = wire.routes["/b"] = rss(wire.address)
    assert [choice.address for choice in look.look_at(wire.address).choices] == [f"{wire.address}/a"]


def test_a_feed_that_the_page_is_silent_about_is_guessed(wire):
    wire.routes.update({"/": page(), "/rss.xml": rss(wire.address)})
    (choice,) = look.look_at(wire.address).choices
    assert choice.address == f"{wire.address}/rss.xml" and len(asked(wire)) <= 2 + look.MOST_TRIED


def test_a_news_sitemap_is_found_by_robots_txt(wire):
    news = "".join(
        f"<url><loc>{wire.address}/{n}</loc><news:news><news:publication_date>2026-11-21T0{n}:00:00Z"
        f"</news:publication_date><news:title>Bridge {n} painted</news:title></news:news></url>"
        for n in range(1, 5)
    )
    space = "xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' xmlns:news='http://www.google.com/schemas/sitemap-news/0.9'"
    index = f"<sitemapindex {space}><sitemap><loc>{wire.address}/news.xml</loc></sitemap></sitemapindex>"
    wire.routes.update(
        {
            "/": page(),
            "/robots.txt": Answer(body=b"User-agent: *\nSitemap: /index.xml\n"),
            "/index.xml": Answer(body=index.encode(), content_type="text/xml"),
            "/news.xml": Answer(body=f"<urlset {space}>{news}</urlset>".encode(), content_type="text/xml"),
        }
    )
    (choice,) = look.look_at(wire.address).choices
    assert choice.why == look.SITEMAP and choice.count == 4 and choice.entries[0].title == "Bridge 1 painted"


def test_a_page_without_a_feed_gives_its_links_and_selectors(wire):
    wire.routes["/"] = page(body=articles())
    found = look.look_at(wire.address)
    (choice,) = found.choices
    assert choice.kind == "page" and choice.count == 5 and choice.why == look.LINKS and found.selectors
    wire.requests.clear()
    picked = look.pick_links(found.address, found.selectors[0])
    assert picked.choices[0].count == 5 and picked.choices[0].selector == found.selectors[0]
    assert asked(wire) == [], "the page was kept"
    for wrong in ("h2 a[", "aside a"):
        assert look.pick_links(found.address, wrong).choices == ()
        assert "selector" in look.pick_links(found.address, wrong).sentence


def test_a_page_that_robots_txt_closes_is_no_source_and_that_is_said_before(wire):
    wire.routes |= {"/": page(body=articles()), "/robots.txt": Answer(body=b"User-agent: *\nDisallow: /")}
    found = look.look_at(wire.address)
    assert (found.choices, found.sentence) == ((), NO_LEAVE)
    picked = look.pick_links(found.address, "h2 a")
    assert (picked.choices, picked.sentence) == ((), NO_LEAVE)
    assert asked(wire).count("/robots.txt") == 2, "for its sitemap, and for leave"
    HostRules.objects.update(text="", closed=True)
    assert look.pick_links(found.address, "h2 a").sentence == CLOSED
    wire.routes["/robots.txt"] = Answer(503)
    HostRules.objects.all().delete()
    assert look.pick_links(found.address, "h2 a").sentence == CLOSED


def test_a_page_with_nothing_says_so(wire):
    wire.routes["/"] = page()
    assert look.look_at(wire.address).sentence == look.NOTHING
    assert len(asked(wire)) <= 2 + look.MOST_TRIED


def test_a_feed_that_is_there_already_is_known(wire):
    wire.routes["/feed"] = rss(wire.address)
    source = Source.objects.create(name="Valley Monitor", slug="valley-monitor")
    feed = Feed.objects.create(source=source, address=f"{wire.address}/feed")
    assert look.look_at(feed.address).choices[0].known == feed.pk


@pytest.mark.parametrize(
    ("address", "kind", "word"),
    [
        ("", GiveUp, "host"),
        ("two words", GiveUp, "address"),
        ("ftp://valley.example/", GiveUp, "http"),
        ("javascript:alert(1)", GiveUp, "."),
        ("http://10.0.0.1/", GiveUp, "public"),
        ("127.0.0.1:1", HandbillError, "."),
        ("http://valley.invalid/", TryLater, "no address"),
    ],
)
def test_what_cannot_be_looked_at_is_said_in_words(address, kind, word):
    with pytest.raises(kind, match=word) as caught:
        look.look_at(address)
    assert str(caught.value).endswith(".")


def test_an_outlet_that_fails_is_said_in_words(wire):
    with pytest.raises(GiveUp, match="404"):
        look.look_at(f"{wire.address}/gone")
    wire.routes["/slow"] = Answer(delay_seconds=30)
    with pytest.raises(TryLater, match="slow"):
        look.look_at(f"{wire.address}/slow", seconds=0.2)


def test_a_slow_outlet_is_not_waited_for_twice(wire):
    wire.routes["/"] = page("<link rel=alternate type=application/rss+xml href=/slow>")
    wire.routes["/slow"] = Answer(delay_seconds=30)
    found = look.look_at(wire.address, seconds=0.5)
    assert found.choices == () and found.sentence == look.SLOW
