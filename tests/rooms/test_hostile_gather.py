"""An outlet that attacks: what its feed holds in every field, followed to the desk, the public site and the letter."""

import dataclasses
import json
from collections.abc import Iterator
from datetime import timedelta
from html import escape
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from lxml import html

from handbill.articles import actions as articles
from handbill.articles.models import Article
from handbill.kit import clock
from handbill.site import actions as site
from handbill.site import files
from handbill.sources import actions as sources
from handbill.sources.models import Feed
from handbill.stories import actions as stories
from handbill.testing.wire import Answer, LoopbackWire
from handbill.wire import actions as wire_actions
from handbill.wire.extract import extract_page
from handbill.wire.models import Push, Report
from handbill.wire.newsletter import read_newsletter

pytestmark = pytest.mark.django_db
ODD = "\0\x1b[31m\r\nBcc: x@evil.example\u202e\u2066\ufeff\udc00"
MARKUP = (
    "</title><script>alert(1)</script><img src=x onerror=alert(1)>\"'><svg onload=alert(1)>{{ 7|add:7 }}{% now 'Y' %}"
)
EVIL = MARKUP + ODD
LINKS = (
    "javascript:alert(1)",
    " java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "http://user:secret@inside.example/",
    "http://0x7f.1/",
    "\x01javascript:alert(1)",
    "//evil.example\\@good.example/",
    'https://good.example/"onmouseover=alert(1)//',
    "https://good.example/\ud800\0\r\nX: y",
)
BODY = f"<p onclick=x>Words enough to be read here, and some more of them.{EVIL}</p>" + "".join(
    f'<a href="{escape(link)}">go</a><iframe src="{escape(link)}"></iframe><form action="{escape(link)}"></form>'
    for link in LINKS
)


def json_feed(hub: str) -> bytes:
    items = [
        {
            "id": f"{number}{EVIL}",
            "url": link,
            "external_url": link,
            "title": f"Report {number} {EVIL}",
            "content_html": BODY,
            "summary": EVIL,
            "date_published": "2026-11-22T08:00:00Z" if number else f"2026-11-22{EVIL}",
            "language": EVIL if number else "en",
            "authors": [{"name": EVIL, "url": link}, {"name": {"a": [EVIL]}}, EVIL],
            "tags": [EVIL, {"a": 1}, None],
            "attachments": [{"url": link, "mime_type": EVIL, "title": EVIL, "size_in_bytes": -1}, EVIL],
            "image": link,
            "_license": link,
        }
        for number, link in enumerate(LINKS)
    ]
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": EVIL, "language": EVIL, "home_page_url": LINKS[0]}
    feed |= {"feed_url": LINKS[-1], "hubs": [{"type": "WebSub", "url": hub}], "items": items}
    return json.dumps(feed).encode()


def rss(hub: str) -> bytes:
    clean = escape(EVIL.replace("\0", "&#0;").replace("\x1b", "&#27;").replace("\udc00", "&#xDC00;"))
    items = "".join(
        f"<item><title>Report {n} {clean}</title><link>{escape(link)}</link><guid>{n}{clean}</guid>"
        f"<author>{clean}</author><category>{clean}</category><description>{escape(BODY)}</description><pubDate>{clean}</pubDate>"
        f'<enclosure url="{escape(link)}" type="{clean}" length="{clean}"/><creativeCommons:license>{escape(link)}'
        f'</creativeCommons:license><media:content url="{escape(link)}" type="{clean}"/></item>'
        for n, link in enumerate(LINKS)
    )
    spaces = 'xmlns:atom="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/"'
    spaces += ' xmlns:creativeCommons="http://backend.userland.com/creativeCommonsRssModule"'
    head = f'<rss version="2.0" {spaces}><channel><title>{clean}</title><language>{clean}</language>'
    head += f'<atom:link rel="hub" href="{escape(hub)}"/><atom:link rel="self" href="{escape(LINKS[-1])}"/>'
    return (head + items + "</channel></rss>").encode("utf-8", "surrogatepass")


@pytest.fixture(params=["json", "rss"])
def attacked(request: Any, settings: Any, tmp_path: Path) -> Iterator[Feed]:
    """A newsroom that fetched such a feed."""
    make, kind = {"json": (json_feed, "application/feed+json"), "rss": (rss, "application/rss+xml")}[request.param]
    with LoopbackWire() as wire:
        settings.HANDBILL = dataclasses.replace(
            settings.HANDBILL, home=tmp_path, allow_loopback=frozenset({("127.0.0.1", wire.port)})
        )
        link = f'<{LINKS[0]}>; rel="hub", <javascript:x>; rel="self"'
        wire.routes["/feed"] = Answer(
            body=make(LINKS[0]), content_type=kind, etag='"a\tb"', headers={"Link": link, "Cache-Control": "max-age=é"}
        )
        now = clock.now()
        feed = sources.add_source("The Outlet", wire.address + "/feed", now)
        done = wire_actions.fetch_due(now, jitter=lambda: 0.0)
        feed.refresh_from_db()
        assert (done.failed, feed.failure) == (0, "")
        assert done.filed >= len(LINKS) - 1
        yield feed


def bad_link(address: str) -> bool:
    return not address.startswith(("http://", "https://", "/", "#", "?", "mailto:")) or bool(
        set(address) & set("\"'<>\0\r\n")
    )


def look_for_trouble(page: str) -> None:
    """Nothing on the page runs, and every address on it is one of the web."""
    tree = html.fromstring(page)
    assert "alert(1)" not in "".join(tree.xpath("//script//text()"))
    assert not [name for name in tree.xpath("//@*") if getattr(name, "attrname", "").startswith("on")]
    assert not tree.xpath("//iframe | //svg[@onload] | //img[@src='x']")
    for name in ("href", "src", "action", "formaction"):
        for address in tree.xpath(f"//@{name}"):
            assert not address or not bad_link(address), (name, address)
    assert "secret@" not in page and not set(page) & set("\0\x1b\u202e\u2066")


def test_nothing_of_it_is_filed_but_plain_words_and_web_addresses(attacked: Feed) -> None:
    assert not Push.objects.exists()
    assert not set(attacked.title + attacked.etag + attacked.notice) & set("\0\x1b\r\n\t\u202e\ufeff")
    for report in Report.objects.all():
        plain = [report.title, report.author, report.language, report.licence, *report.categories]
        plain += [str(part) for media in report.media for part in media]
        assert not set("".join(plain)) & set("\0\x1b\r\n\u202e\u2066\ufeff\udc00"), plain
        for address in [report.address, *[media[0] for media in report.media]]:
            assert not address or address.startswith(("http://", "https://")), address
            assert not address or not bad_link(address), address
            assert "0x7f" not in address and "secret" not in address
        assert not report.licence.lower().startswith(("javascript:", "data:", "vbscript:", "file:"))
        if report.body_html:
            look_for_trouble(f"<div>{report.body_html}</div>")


def test_nothing_of_it_runs_at_the_desk_or_on_the_site(attacked: Feed, client: Any, settings: Any) -> None:
    user = get_user_model().objects.create_user("ada", "ada@paper.example", "correct horse battery")
    user.groups.add(Group.objects.get(name="Editors"))
    client.force_login(user)
    now = clock.now() + timedelta(minutes=1)
    stories.group_pending(now)
    for address in ("/stories/", "/sources/health/", "/sources/", "/feeds/", "/sources/newsletters/", "/"):
        answer = client.get(address, follow=True)
        assert answer.status_code == 200, address
        look_for_trouble(answer.content.decode())
    keys = set(Report.objects.values_list("member__story_id", flat=True))
    taken = [articles.take_story(key, now, user=user, publish=True) for key in sorted(keys - {None})]
    assert taken and Article.objects.filter(live=True).count() == len(taken)
    assert site.build(now).failed == 0
    pages = [name for name in files.names(settings.HANDBILL.site_folder) if name.endswith(".html")]
    assert len(pages) > len(taken)
    for name in pages:
        look_for_trouble((settings.HANDBILL.site_folder / name).read_text("utf-8"))


def check_markup(markup: str) -> None:
    look_for_trouble(f"<div>{markup}</div>")
    assert not html.fromstring(f"<div>{markup}</div>").xpath("//form | //img | //@style")


def test_a_page_that_attacks_gives_plain_words_and_safe_markup() -> None:
    words = "<p>The gauge stood above the mark at six, and the low road was closed until noon by the city.</p>" * 9
    evil = EVIL.replace("<svg onload=alert(1)>", "<svg onload=alert(1)></svg>")  # else it swallows the article
    head = f"<title>{evil}</title><meta name=author content='{escape(evil)}'>"
    story = f"<article><h1>{evil}</h1>{words}{BODY.replace(EVIL, evil)}{words}</article>"
    page = f"<html lang='{escape(evil)}'><head>{head}</head><body>{story}</body></html>"
    found = extract_page(page.encode("utf-8", "surrogatepass"), address="https://outlet.example/a")
    assert "The gauge stood" in found.text
    check_markup(found.html)
    assert not set(found.title + found.byline + found.language) & set("\0\x1b\r\n\u202e\u2066\ufeff\udc00")


def test_a_newsletter_that_attacks_gives_plain_words_and_safe_markup() -> None:
    odd = EVIL.encode("utf-8", "surrogatepass").replace(b"\r\n", b"\r\n ")
    mail = b"From: " + odd + b" <news@outlet.example>\r\nSubject: Weir " + odd + b"\r\nMessage-ID: <javascript:x>\r\n"
    mail += b"Archived-At: <javascript:alert(1)>\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    entry = read_newsletter(mail + BODY.encode("utf-8", "surrogatepass"))
    check_markup(entry.body_html)
    assert not entry.address or not bad_link(entry.address)
    plain = entry.title + "".join(entry.authors) + entry.language
    assert plain and not set(plain) & set("\0\x1b\r\n\u202e\u2066\ufeff\udc00")
