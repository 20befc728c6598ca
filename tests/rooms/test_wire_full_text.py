"""The pages of new reports on loopback: fetched once, as robots.txt wishes, and kept where they say more."""

import dataclasses
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DataError

from handbill.kit.urls import read_address
from handbill.sources import actions as sources
from handbill.sources.models import Feed, Source
from handbill.testing.wire import Answer, LoopbackWire
from handbill.wire import actions, full_text, web
from handbill.wire.full_text import read_pages
from handbill.wire.leave import CLOSED
from handbill.wire.models import HostRules, PageVisit, Report
from handbill.wire.politeness import place_of
from handbill.wire.records import PageRound
from handbill.wire.visits import plan_visits

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SOON = NOW + timedelta(seconds=10)
HTML = "text/html; charset=utf-8"
PROSE = "".join(
    f"<p>The river rose on the {n}. day, the ferry stayed and nobody came to see it.</p>" for n in range(20)
)
PAGE = f"<html lang=en><title>The river</title><body><nav>Menu</nav><article>{PROSE}</article></body></html>".encode()


@pytest.fixture(autouse=True, scope="module")
def _end_children() -> Iterator[None]:
    yield
    full_text.sandbox.close()


@pytest.fixture
def wire(settings: Any) -> Iterator[LoopbackWire]:
    with LoopbackWire({"/robots.txt": Answer(404)}) as server:
        allowed = frozenset({("127.0.0.1", server.port)})
        settings.HANDBILL = dataclasses.replace(settings.HANDBILL, allow_loopback=allowed)
        yield server


@pytest.fixture
def feed() -> Feed:
    feed = sources.add_source("The Outlet", "https://outlet.example/feed", NOW)
    Source.objects.update(full_text=True)
    feed.source.refresh_from_db()
    return feed


def report(feed: Feed, address: str, number: int = 1, **given: Any) -> Report:
    return Report.objects.create(
        source=feed.source,
        feed=feed,
        identity=str(number),
        address=address,
        title="The river",
        text="It rose.",
        published_at=NOW - timedelta(hours=number),
        filed_at=NOW,
        **given,
    )


def planned(feed: Feed, address: str, number: int = 1) -> PageVisit:
    filed = report(feed, address, number)
    plan_visits([filed], NOW)
    return PageVisit.objects.get(report=filed)


def asked(wire: LoopbackWire) -> list[str]:
    return [request.path for request in wire.requests]


def test_a_page_is_fetched_once_and_its_longer_text_kept(wire: LoopbackWire, feed: Feed) -> None:
    wire.routes["/1"] = Answer(body=PAGE, content_type=HTML)
    visit = planned(feed, wire.address + "/1#part")
    assert read_pages(NOW) == PageRound(visited=1, kept=1)
    assert read_pages(SOON) == PageRound()
    assert asked(wire) == ["/robots.txt", "/1"]
    assert wire.requests[1].headers["user-agent"].startswith("Handbill/")
    visit.refresh_from_db()
    assert (visit.next_at, visit.failure, visit.report.full_text) == (None, "", True)
    assert visit.report.text.startswith("The river rose") and "Menu" not in visit.report.text
    assert "<p>The river rose" in visit.report.body_html and visit.report.language == "en"
    assert not visit.report.versions.exists()
    assert plan_visits([visit.report], SOON) == 0


def test_a_page_that_says_less_changes_nothing(wire: LoopbackWire, feed: Feed) -> None:
    wire.routes["/1"] = Answer(body=PAGE, content_type=HTML)
    visit = planned(feed, wire.address + "/1")
    Report.objects.update(text="Whole. " * 1000)
    assert read_pages(NOW) == PageRound(visited=1, kept=0)
    visit.report.refresh_from_db()
    assert (visit.report.text, visit.report.full_text) == ("Whole. " * 1000, False)


def test_only_what_is_new_and_wanted_is_planned(feed: Feed) -> None:
    old = [report(feed, f"https://outlet.example/{n}", n, backlog=True) for n in range(1, 15)]
    plan_visits([*old, report(feed, "", 20), report(feed, "https://outlet.example/21", 21)], NOW)
    assert set(PageVisit.objects.values_list("report__identity", flat=True)) == {*map(str, range(1, 11)), "21"}
    feed.source.full_text = False
    unwanted = report(feed, "https://outlet.example/22", 22)
    unwanted.feed = feed
    assert plan_visits([unwanted], NOW) == 0


def test_robots_are_obeyed_and_asked_once_a_day(wire: LoopbackWire, feed: Feed) -> None:
    rules = b"User-agent: handbill\nDisallow: /closed\n\nUser-agent: *\nAllow: /\n"
    wire.routes |= {"/robots.txt": Answer(body=rules), "/open": Answer(body=PAGE, content_type=HTML)}
    closed = planned(feed, wire.address + "/closed", 1)
    assert read_pages(NOW) == PageRound(visited=1)
    planned(feed, wire.address + "/open", 2)
    assert read_pages(SOON) == PageRound(visited=1, kept=1)
    assert asked(wire) == ["/robots.txt", "/open"]
    closed.refresh_from_db()
    assert closed.next_at is None and "asks robots not to fetch" in closed.failure
    planned(feed, wire.address + "/closed/too", 3)
    read_pages(NOW + timedelta(days=1))
    assert asked(wire)[2:] == ["/robots.txt"]


def test_a_host_is_asked_for_one_page_at_a_time_with_the_pause_it_wants(wire: LoopbackWire, feed: Feed) -> None:
    wire.routes["/robots.txt"] = Answer(body=b"User-agent: *\nCrawl-delay: 60\n")
    for number in (1, 2, 3):
        wire.routes[f"/{number}"] = Answer(body=PAGE, content_type=HTML)
        planned(feed, f"{wire.address}/{number}", number)
    assert [read_pages(NOW + timedelta(seconds=s)).visited for s in (0, 5, 59, 60, 70, 120)] == [1, 0, 0, 1, 0, 1]
    assert HostRules.objects.get().open_at == NOW + timedelta(seconds=180)


def test_a_host_whose_robots_can_not_be_had_is_left_alone_for_now(wire: LoopbackWire, feed: Feed) -> None:
    wire.routes |= {"/robots.txt": Answer(503), "/1": Answer(body=PAGE, content_type=HTML)}
    visit = planned(feed, wire.address + "/1")
    assert read_pages(NOW) == PageRound(visited=1)
    visit.refresh_from_db()
    assert (visit.failure, visit.next_at) == (CLOSED, NOW + timedelta(minutes=5))
    wire.routes["/robots.txt"] = Answer(404)
    read_pages(NOW + timedelta(minutes=5))
    assert asked(wire) == ["/robots.txt"]
    assert read_pages(NOW + timedelta(minutes=80)).kept == 1


def test_rules_that_are_too_long_are_read_as_far_as_they_count(wire: LoopbackWire, feed: Feed) -> None:
    rules = b"User-agent: *\nDisallow: /closed\n" + b"# more\n" * 100_000 + b"Disallow: /\n"
    wire.routes |= {"/robots.txt": Answer(body=rules), "/1": Answer(body=PAGE, content_type=HTML)}
    closed = planned(feed, wire.address + "/closed")
    read_pages(NOW)
    closed.refresh_from_db()
    assert "asks robots not to fetch" in closed.failure
    planned(feed, wire.address + "/1", 2)
    assert read_pages(SOON).kept == 1 and asked(wire) == ["/robots.txt", "/1"]


def test_a_host_that_other_fetches_keep_busy_is_asked_later_and_that_is_no_failure(
    wire: LoopbackWire, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "PATIENCE", 0.0)
    wire.routes["/1"] = Answer(body=PAGE, content_type=HTML)
    visit, here = planned(feed, wire.address + "/1"), place_of(read_address(wire.address))
    assert web.traffic.begin(here, time.monotonic())
    assert read_pages(NOW) == PageRound(visited=1) and asked(wire) == []
    web.traffic.end(here)
    visit.refresh_from_db()
    assert (visit.next_at, visit.failures, visit.failure) == (NOW + full_text.BUSY, 0, "")
    assert read_pages(NOW + full_text.BUSY).kept == 1
    assert web.traffic.begin(here, time.monotonic()), "a turn is given back"
    web.traffic.end(here)


def test_a_passing_fault_is_tried_again_and_given_up_at_last(wire: LoopbackWire, feed: Feed) -> None:
    wire.routes["/1"] = Answer(500)
    visit = planned(feed, wire.address + "/1")
    tries, now = 0, NOW
    while now is not None:
        tries += read_pages(now).visited
        visit.refresh_from_db()
        now = visit.next_at
    assert (tries, visit.failures) == (5, 5)
    assert "fault of its own (500)" in visit.failure


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(410), "nothing at this address"),
        (Answer(403), "doesn't let us in"),
        (Answer(302, headers={"Location": "http://10.0.0.1/"}), "Only public addresses"),
        (Answer(body=b"%PDF-1.7", content_type="application/pdf"), "a file, not a web page"),
        (Answer(body=b"<html><body><form>Log in</form></body></html>", content_type=HTML), "clip it"),
    ],
)
def test_what_will_never_work_is_said_once(wire: LoopbackWire, feed: Feed, answer: Answer, said: str) -> None:
    wire.routes["/1"] = answer
    visit = planned(feed, wire.address + "/1")
    assert read_pages(NOW) == PageRound(visited=1)
    visit.refresh_from_db()
    assert visit.next_at is None and said in visit.failure
    assert visit.report.text == "It rose."


def test_a_page_that_cannot_be_kept_is_said_once_and_stops_no_other(
    wire: LoopbackWire, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire.routes["/1"] = Answer(body=PAGE, content_type=HTML)
    visit = planned(feed, f"{wire.address}/1")

    def faulty(*args: Any) -> bool:
        raise DataError("value too long: secret")

    monkeypatch.setattr(full_text, "keep_text", faulty)
    assert read_pages(NOW) == PageRound(visited=1)
    visit.refresh_from_db()
    assert visit.next_at is None and "(DataError)" in visit.failure and "secret" not in visit.failure


def test_a_page_that_leads_to_another_host_asks_that_host_too(wire: LoopbackWire, feed: Feed, settings: Any) -> None:
    rules = Answer(body=b"User-agent: *\nDisallow: /")
    with LoopbackWire({"/robots.txt": rules, "/1": Answer(body=PAGE, content_type=HTML)}) as other:
        both = settings.HANDBILL.allow_loopback | {("127.0.0.1", other.port)}
        settings.HANDBILL = dataclasses.replace(settings.HANDBILL, allow_loopback=both)
        wire.routes["/1"] = Answer(302, headers={"Location": other.address + "/1"})
        visit = planned(feed, wire.address + "/1")
        assert read_pages(NOW) == PageRound(visited=1)
    visit.refresh_from_db()
    assert "asks robots not to fetch" in visit.failure
    assert HostRules.objects.count() == 2


def test_a_page_read_again_keeps_what_it_said_before(wire: LoopbackWire, feed: Feed) -> None:
    wire.routes["/1"] = Answer(body=PAGE, content_type=HTML)
    visit = planned(feed, wire.address + "/1")
    read_pages(NOW)
    wire.routes["/1"] = Answer(body=PAGE.replace(b"nobody came", b"a crowd came"), content_type=HTML)
    PageVisit.objects.update(next_at=SOON)
    assert read_pages(SOON) == PageRound(visited=1, kept=1)
    visit.report.refresh_from_db()
    assert "a crowd came" in visit.report.text
    assert "nobody came" in visit.report.versions.get().text


def test_a_fetched_feed_has_its_new_pages_read(wire: LoopbackWire, settings: Any) -> None:
    entry = "<item><title>The river</title><link>/1</link><description>It rose.</description></item>"
    body = f"<rss version='2.0'><channel><title>Outlet</title>{entry}</channel></rss>".encode()
    wire.routes |= {"/feed": Answer(body=body, content_type="text/xml"), "/1": Answer(body=PAGE, content_type=HTML)}
    sources.add_source("The Outlet", wire.address + "/feed", NOW)
    Source.objects.update(full_text=True)
    actions.fetch_due(NOW, 10, jitter=lambda: 0.0)
    assert actions.read_pages(NOW) == PageRound(visited=1, kept=1)
    assert Report.objects.get().full_text


def test_a_newsroom_has_rules_of_its_own_for_sites(
    wire: LoopbackWire, feed: Feed, settings: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = PAGE.replace(b"</article>", b"</article><div class=more><p>And this is what only the rule finds.</p></div>")
    wire.routes["/1"] = Answer(body=own, content_type=HTML)
    visit = planned(feed, wire.address + "/1")
    settings.HANDBILL = dataclasses.replace(settings.HANDBILL, home=tmp_path)
    rules = tmp_path / full_text.RULES_FILE
    rules.write_text("nonsense")
    assert full_text.site_rules() == dict(full_text.SITE_RULES)
    assert "is left out" in caplog.text
    rules.write_text('["127.0.0.1"]\nbody = ".more"\n')
    read_pages(NOW)
    visit.report.refresh_from_db()
    assert visit.report.text == "And this is what only the rule finds."
