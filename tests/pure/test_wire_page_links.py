"""A page without a feed: its articles found by structure or by an editor's selector, and never but FeedError."""

import gzip
import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.kit.urls import resolve_link
from handbill.wire.errors import FeedError
from handbill.wire.page_links import (
    MAX_DEPTH,
    MAX_ELEMENTS,
    MAX_SELECTOR,
    links_by_selector,
    parse_page_links,
    suggest_selectors,
)
from handbill.wire.records import Entry
from handbill.wire.tree import page_text

PAGE = "https://outlet.example/city/"
MENU = (
    '<nav><ul><li><a href="/politics/all-reports-of-this-year">All political reports of this year</a></li></ul></nav>'
    '<div class="main-menu"><a href="/2026/11/01/what-you-should-know">What you should know about us</a></div>'
)
FOOT = '<footer><a href="/2020/01/01/terms-of-use-here">The terms of use for readers here</a></footer>'
CARDS = """<main>
<article class="card"><a href="/2026/11/22/river-rises"><img alt=""></a>
 <h2><a href="/2026/11/22/river-rises?utm_source=front#top">River rises above the old bridge</a></h2>
 <p class="byline">By Ada Byron</p><p>The water stood at the third arch when the town woke up today.</p></article>
<article class="card"><h2><a href="/2026/11/21/school">Council votes for a second school</a></h2>
 <time datetime="2026-11-21T09:30:00+01:00">yesterday</time></article>
<article class="card"><a href="/sport/cup-final-goes-to-extra-time"><h3>Cup final goes to extra time</h3>
 <p>A goal in the last minute kept the visitors in the match until midnight.</p></a></article>
<article class="card"><h2><a href="https://elsewhere.example/2026/11/20/a-report">A report that others wrote</a></h2>
</article></main>"""
FRONT = f"<html lang='en'><title>The Outlet</title><body>{MENU}{CARDS}{FOOT}</body></html>"


def entries(markup: str = FRONT, address: str = PAGE) -> tuple[Entry, ...]:
    return parse_page_links(markup, address).entries


def rows(*links: tuple[str, str]) -> str:
    return "<ul>" + "".join(f'<li><a href="{href}">{text}</a></li>' for href, text in links) + "</ul>"


def test_articles_come_in_the_page_s_order_without_menus_and_other_sites() -> None:
    feed = parse_page_links(FRONT, PAGE)
    assert [(entry.title, entry.address) for entry in feed.entries] == [
        ("River rises above the old bridge", "https://outlet.example/2026/11/22/river-rises"),
        ("Council votes for a second school", "https://outlet.example/2026/11/21/school"),
        ("Cup final goes to extra time", "https://outlet.example/sport/cup-final-goes-to-extra-time"),
    ]
    assert (feed.title, feed.language, feed.site_address) == ("The Outlet", "en", PAGE)


def test_a_card_gives_date_author_and_teaser() -> None:
    river, school, cup = entries()
    assert river.published == datetime(2026, 11, 22, tzinfo=UTC)
    assert school.published == datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
    assert cup.published is None
    assert (river.authors, school.authors) == (("Ada Byron",), ())
    assert river.body.startswith("<p>The water stood") and school.body == "" and "last minute" in cup.body


def test_plain_rows_are_found_by_their_addresses_and_headlines() -> None:
    markup = rows(
        ("/n/48121", "Harbour opens again after the storm"),
        ("/n/48122", "Museum shows letters of a forgotten poet"),
        ("/n/48123", "Trains stand still until tomorrow"),
        ("/tag/storm", "Everything about the storm of this week"),
        ("/n/list", "More"),
    )
    assert [entry.address[-5:] for entry in entries(markup)] == ["48121", "48122", "48123"]


def test_scripts_without_spaces_are_read_too() -> None:
    markup = rows(*((f"/news/2026112{n}.html", f"市議会は新しい学校の建設を{n}年ぶりに決めた") for n in range(4)))
    assert len(entries(markup)) == 4


def test_links_in_running_text_are_no_list_of_articles() -> None:
    text = "It was said before, and at much greater length than here, that this is so. "
    markup = "".join(f'<p>{text}<a href="/2026/11/2{n}/a-b-c-d">as we wrote then</a> {text}</p>' for n in range(5))
    with pytest.raises(FeedError, match="selector"):
        entries(markup)


@pytest.mark.parametrize("markup", ["", "text", FRONT[:200], rows(("/a", "Home"), ("/b", "About"), ("/c", "Contact"))])
def test_a_page_without_articles_is_refused(markup: str) -> None:
    with pytest.raises(FeedError):
        entries(markup)


def test_the_same_article_is_known_again_when_the_page_changes() -> None:
    moved = FRONT.replace("utm_source=front", "utm_source=elsewhere").replace("River rises", "The river rises")
    assert [entry.identity for entry in entries()] == [entry.identity for entry in entries(moved)]


@pytest.mark.parametrize("selector", ["article.card h2 a", "article.card h2", "main > article:not(:nth-child(3))"])
def test_a_selector_may_name_links_headings_or_boxes(selector: str) -> None:
    found = links_by_selector(FRONT, PAGE, selector).entries
    assert [entry.address.rpartition("/")[2] for entry in found] == ["river-rises", "school", "a-report"]
    assert found[0].title == "River rises above the old bridge"
    assert found[0].authors == ("Ada Byron",)


def test_what_a_selector_picks_is_not_judged() -> None:
    found = links_by_selector(rows(("/a", "Home"), ("javascript:x()", "No")), PAGE, "li")
    assert [(entry.title, entry.address) for entry in found.entries] == [("Home", "https://outlet.example/a")]


@pytest.mark.parametrize(
    "selector", ["", "a[", "!!", "a::before(", "x" * (MAX_SELECTOR + 1), "video", "a:has(> b", "p\0"]
)
def test_a_selector_that_is_wrong_or_picks_nothing_says_so(selector: str) -> None:
    with pytest.raises(FeedError, match=r"[Ss]elector"):
        links_by_selector(FRONT, PAGE, selector)


@pytest.mark.parametrize("markup", ["<b></b>" * (MAX_ELEMENTS + 1), "<div>" * (MAX_DEPTH + 1)])
def test_a_page_too_large_or_deep_for_a_selector_is_refused(markup: str) -> None:
    with pytest.raises(FeedError, match="too large"):
        links_by_selector(markup, PAGE, "* > * *")


def test_a_suggested_selector_picks_what_was_found() -> None:
    markup = rows(*((f"/2026/11/2{n}/a-b", f"Report number {n} of this long day") for n in range(5)))
    suggested = suggest_selectors(f'<div class="latest">{markup}</div>', PAGE)
    assert suggested == ("div.latest > ul > li > a",)
    assert links_by_selector(f'<div class="latest">{markup}</div>', PAGE, suggested[0]).entries == entries(markup)


@given(st.text(max_size=200), st.text(max_size=60), st.text(max_size=40))
def test_nothing_but_feed_error_is_raised(markup: str, address: str, selector: str) -> None:
    for each in (markup, f'<ul><li><a href="{address}">{markup}</a></ul>' * 3):
        with suppress(FeedError):
            parse_page_links(each, address)
        with suppress(FeedError):
            links_by_selector(each, PAGE, selector)
        suggest_selectors(each, address)


@given(
    st.lists(st.sampled_from(["<ul>", "</ul>", "<li>", '<a href="/2026/11/22/x-y-z">', "</a>", "A headline of words "]))
)
def test_every_entry_found_leads_somewhere(pieces: list[str]) -> None:
    with suppress(FeedError):
        assert all(
            resolve_link("", entry.address) for entry in links_by_selector("".join(pieces), PAGE, "a, li").entries
        )


def test_real_pages_give_articles_of_their_own_site(corpus: Path) -> None:
    """Article pages are the harder case: what they list are the related reports. Half of them list enough to find."""
    truth = json.loads((corpus / "pages" / "ground-truth.json").read_text())
    pages = listed = entries = headlines = 0
    for file in sorted((corpus / "pages" / "html").glob("*.gz")):
        address = truth[file.name.partition(".")[0]]["url"]
        pages += 1
        with suppress(FeedError):
            found = parse_page_links(page_text(gzip.decompress(file.read_bytes())), address).entries
            listed += 1
            entries += len(found)
            headlines += sum(len(entry.title) >= 12 for entry in found)
            assert len({entry.identity for entry in found}) == len(found)
    assert listed >= 0.5 * pages
    assert headlines >= 0.95 * entries
