"""A round of fetching against outlets on loopback: what is filed, what is written down, what is never done twice."""

import dataclasses
import gzip
import logging
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connections

from handbill.kit.clock import now
from handbill.kit.http import LARGE_BYTES, Allowance
from handbill.kit.urls import read_address
from handbill.ops.steps import fetch_and_group
from handbill.sources import actions as sources
from handbill.sources.models import Feed
from handbill.sources.queries import trouble
from handbill.testing.wire import Answer, LoopbackWire
from handbill.wire import actions, fetch, file, lanes, leave, web
from handbill.wire.models import HostRules, LastReading, Report
from handbill.wire.politeness import place_of
from handbill.wire.records import Mark, Reading, Round
from handbill.wire.tasks import fetch_batch
from handbill.work import actions as work

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
XML = "application/xml; charset=utf-8"


def item(number: int, **parts: str) -> str:
    given = {
        "title": f"Report {number}",
        "link": f"/story/{number}?a=1&amp;b=2",
        "guid": f"tag:outlet.example,2026:{number}",
        "pubDate": "Sat, 21 Nov 2026 08:00:00 GMT",
        "description": f"&lt;p>Body {number}.&lt;/p>",
    } | parts
    return "<item>" + "".join(f"<{name}>{value}</{name}>" for name, value in given.items() if value) + "</item>"


def rss(*items: str, title: str = "The Outlet") -> bytes:
    head = f'<?xml version="1.0"?><rss version="2.0"><channel><title>{title}</title><language>en</language>'
    return (head + "".join(items) + "</channel></rss>").encode()


@pytest.fixture
def wire(settings: Any) -> Iterator[LoopbackWire]:
    with LoopbackWire() as server:
        settings.HANDBILL = dataclasses.replace(
            settings.HANDBILL, allow_loopback=frozenset({("127.0.0.1", server.port), ("localhost", server.port)})
        )
        yield server


def add(wire: LoopbackWire, path: str, body: bytes = b"", name: str = "The Outlet", **answer: Any) -> Feed:
    wire.routes[path] = Answer(body=body, content_type=answer.pop("content_type", XML), **answer)
    feed = sources.add_source(name, wire.address + path, NOW)
    Feed.objects.filter(pk=feed.pk).update(interval_minutes=30)
    return feed


def run(now: datetime = NOW, limit: int = 100) -> Round:
    return actions.fetch_due(now, limit, jitter=lambda: 0.0)


def test_a_feed_is_fetched_and_its_entries_are_filed(wire: LoopbackWire) -> None:
    feed = add(wire, "/feed", rss(item(1), item(2, author="ed@outlet.example (Ed)", category="Climate")))
    assert run() == Round(fetched=1, entries=2, filed=2)
    feed.refresh_from_db()
    assert (feed.failure, feed.failures, feed.title) == ("", 0, "The Outlet")
    assert feed.first_filed_at == feed.succeeded_at == feed.fetched_at == NOW
    assert feed.next_at == NOW + timedelta(minutes=30)
    assert feed.lease_until is None and feed.lease_token == ""
    report = Report.objects.get(title="Report 2")
    assert report.address == f"{wire.address}/story/2?a=1&b=2"
    assert (report.body_html, report.text) == ("<p>Body 2.</p>", "Body 2.")
    assert (report.language, report.categories) == ("en", ["Climate"])
    assert report.published_at == report.claimed_at == datetime(2026, 11, 21, 8, tzinfo=UTC)
    assert report.filed_at == NOW and report.source == feed.source and report.feed == feed
    agent = wire.requests[0].headers["user-agent"]
    assert agent.startswith("Handbill/") and agent.endswith(" (+https://paper.example/fetching/; The Test Paper)")


def test_the_first_fetch_is_backlog_and_what_comes_after_is_not(wire: LoopbackWire) -> None:
    feed = add(wire, "/feed", rss(item(1)))
    run()
    wire.routes["/feed"] = Answer(body=rss(item(2), item(1)), content_type=XML)
    run(NOW + timedelta(hours=1))
    assert dict(Report.objects.values_list("title", "backlog")) == {"Report 1": True, "Report 2": False}
    feed.refresh_from_db()
    assert feed.first_filed_at == NOW


def test_a_first_fetch_that_failed_leaves_the_next_one_backlog(wire: LoopbackWire) -> None:
    add(wire, "/feed", b"", status=500)
    run()
    wire.routes["/feed"] = Answer(body=rss(item(1)), content_type=XML)
    assert run(NOW + timedelta(hours=1)).filed == 1
    assert Report.objects.get().backlog


def test_fetching_again_files_nothing_twice(wire: LoopbackWire) -> None:
    add(wire, "/feed", rss(item(1), item(2)), etag="")
    assert run().filed == 2
    wire.routes["/feed"] = Answer(body=rss(item(1, title="Changed"), item(2)), content_type=XML, etag="")
    again = run(NOW + timedelta(hours=1))
    assert (again.fetched, again.entries, again.filed) == (1, 2, 0)
    assert Report.objects.count() == 2


def test_an_unchanged_feed_is_asked_for_by_its_marks(wire: LoopbackWire) -> None:
    add(wire, "/feed", rss(item(1)), etag='"v1"', last_modified="Sat, 21 Nov 2026 08:00:00 GMT")
    run()
    assert run(NOW + timedelta(hours=1)) == Round(fetched=1, not_modified=1)
    assert wire.requests[1].headers["if-none-match"] == '"v1"'
    assert wire.requests[1].headers["if-modified-since"] == "Sat, 21 Nov 2026 08:00:00 GMT"
    assert Feed.objects.get().next_at == NOW + timedelta(hours=1, minutes=30)


def test_marks_that_do_not_fit_are_not_kept(wire: LoopbackWire) -> None:
    add(wire, "/feed", rss(item(1)), etag='"' + "x" * 600 + '"', last_modified="y" * 200)
    assert run().fetched == 1
    feed = Feed.objects.get()
    assert (feed.etag, feed.last_modified) == ("", "")


def test_two_feeds_of_one_outlet_file_a_shared_entry_once(wire: LoopbackWire) -> None:
    one = add(wire, "/a", rss(item(1), item(2)))
    two = add(wire, "/b", rss(item(2), item(3)))
    assert one.source == two.source
    assert run().filed == 3
    assert Report.objects.count() == 3


def test_a_report_is_of_the_language_it_is_written_in_whatever_its_feed_says(wire: LoopbackWire) -> None:
    german = "Der Fluss ist in der Nacht zum Dienstag über die Ufer getreten. Zweihundert Keller stehen unter Wasser."
    wire.routes["/feed"] = Answer(body=rss(item(1, title=german)), content_type=XML)
    sources.add_source("Der Bote", wire.address + "/feed", NOW, language="en")
    run()
    assert Report.objects.get().language == "de"


def test_a_report_without_a_language_has_its_sources(wire: LoopbackWire) -> None:
    wire.routes["/feed"] = Answer(body=rss(item(1)).replace(b"<language>en</language>", b""), content_type=XML)
    sources.add_source("Der Bote", wire.address + "/feed", NOW, language="de")
    run()
    assert Report.objects.get().language == "de"


def test_two_outlets_may_use_the_same_ids(wire: LoopbackWire) -> None:
    add(wire, "/a", rss(item(1)), name="One")
    add(wire, "/b", rss(item(1)), name="Two")
    assert run().filed == 2


BAD: dict[str, tuple[Answer, str]] = {
    "/html": (
        Answer(body=b"<!DOCTYPE html><html><body><p>Hello</body></html>"),
        "This address gives a web page, not a feed.",
    ),
    "/empty": (Answer(body=b""), "This address gives nothing at all"),
    "/broken-off": (Answer(body=rss(item(1))[:150]), "This feed breaks off"),
    "/large": (Answer(body=rss(item(1)) + b" " * 20_000_000), "larger than 15 MiB"),
    "/encoding": (Answer(body="<rss><channel>ä".encode("utf-16-le")[1:]), "."),
    "/json": (Answer(body=b'{"not": "a feed"}'), "This address gives JSON, but no JSON Feed."),
    "/json-broken": (Answer(body=b'{"version": "https://jsonfeed.org/version/1.1", "items": ['), "it is broken off"),
    "/500": (Answer(500, b"oops"), "fault of its own (500)"),
    "/410": (Answer(410, b"gone"), "nothing at this address (410)"),
    "/inward": (Answer(301, headers={"Location": "http://169.254.169.254/"}), "Only public addresses are fetched."),
    "/bomb": (
        Answer(body=gzip.compress(b"\0" * 50_000_000), headers={"Content-Encoding": "gzip"}),
        "than",
    ),
    "/picture": (Answer(body=b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 10), "something else than a feed"),
}


def test_every_bad_feed_is_a_readable_failure_and_the_others_go_on(wire: LoopbackWire) -> None:
    for path, (answer, _) in BAD.items():
        add(wire, path, name=f"Outlet {path}")
        wire.routes[path] = answer
    add(wire, "/good", rss(item(1)), name="Good")
    assert run() == Round(fetched=1, failed=len(BAD), entries=1, filed=1)
    found = {entry.feed.address.removeprefix(wire.address): entry for entry in trouble()}
    assert set(found) == set(BAD)
    for path, (_, words) in BAD.items():
        entry = found[path]
        assert words in entry.sentence and entry.sentence.endswith("It failed once."), (path, entry.sentence)
        assert entry.source == f"Outlet {path}" and entry.since == NOW
        assert len(entry.sentence) < 250 and "Traceback" not in entry.sentence
    assert Report.objects.count() == 1


def test_a_feed_in_another_encoding_than_it_says_is_still_read(wire: LoopbackWire) -> None:
    body = rss(item(1, title="Übung – “Grüße”")).decode().replace('"1.0"', '"1.0" encoding="utf-8"')
    add(wire, "/latin", body.encode("windows-1252"))
    assert run().filed == 1
    assert Report.objects.get().title == "Übung – “Grüße”"


def test_a_feed_that_breaks_off_gives_its_whole_entries(wire: LoopbackWire) -> None:
    whole = rss(item(1), item(2), item(3))
    add(wire, "/feed", whole[: whole.index(b"Body 3")])
    assert run().filed == 2


def test_failures_add_up_and_a_success_clears_them(wire: LoopbackWire) -> None:
    feed = add(wire, "/feed", b"", status=503, headers={"Retry-After": "7200"})
    run()
    feed.refresh_from_db()
    assert feed.next_at and NOW + timedelta(hours=2) <= feed.next_at < NOW + timedelta(hours=2, seconds=30)
    later = NOW + timedelta(hours=3)
    wire.routes["/feed"] = Answer(500)
    run(later)
    feed.refresh_from_db()
    assert (feed.failures, feed.failing_since, feed.fetched_at) == (2, NOW, later)
    assert feed.next_at == later + timedelta(hours=1)
    assert trouble()[0].sentence.endswith("It failed 2 times in a row.")
    wire.routes["/feed"] = Answer(body=rss(item(1)), content_type=XML)
    run(later + timedelta(hours=1))
    feed.refresh_from_db()
    assert (feed.failures, feed.failure, feed.failing_since) == (0, "", None)
    assert trouble() == []


def test_a_fault_of_our_own_is_written_down_logged_and_stops_nobody(
    wire: LoopbackWire, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    add(wire, "/bad", rss(item(1)), name="Bad")
    add(wire, "/good", rss(item(2)), name="Good")
    read = fetch._read

    def faulty(job: fetch.Job, known: frozenset[Mark]) -> Reading:
        if job.feed.address.endswith("/bad"):
            raise ZeroDivisionError("secret detail")
        return read(job, known)

    monkeypatch.setattr(fetch, "_read", faulty)
    with caplog.at_level(logging.ERROR):
        assert run() == Round(fetched=1, failed=1, entries=1, filed=1)
    (entry,) = trouble()
    assert "Something in Handbill itself failed on this feed (ZeroDivisionError)." in entry.sentence
    assert "secret" not in entry.sentence
    assert "failed unexpectedly" in caplog.text


def test_a_fault_while_filing_leaves_nothing_half_done(wire: LoopbackWire, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = add(wire, "/feed", rss(item(1)))

    def fails(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("disk full")

    monkeypatch.setattr(file, "plan_visits", fails)  # which comes after the reports
    assert run() == Round(failed=1)
    assert not Report.objects.exists()
    feed.refresh_from_db()
    assert feed.first_filed_at is None and feed.etag == "" and feed.failures == 1


def test_only_what_is_due_is_fetched_and_no_more_than_the_limit(wire: LoopbackWire) -> None:
    for number in range(5):
        add(wire, f"/{number}", rss(item(number)), name=f"Outlet {number}")
    Feed.objects.filter(address__endswith="/0").update(next_at=None)
    Feed.objects.filter(address__endswith="/1").update(next_at=NOW + timedelta(hours=1))
    assert run(limit=2).fetched == 2
    assert run().fetched == 1
    assert run().fetched == 0


def test_a_worker_that_died_leaves_nothing_undone_and_one_that_slept_writes_nothing(
    wire: LoopbackWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = add(wire, "/feed", rss(item(1)))
    (slept,) = sources.lease_due(NOW, fetch.LEASE_SECONDS, 10)  # a worker takes it and dies, or so it seems
    assert run().fetched == 0
    later = NOW + timedelta(seconds=fetch.LEASE_SECONDS)
    assert run(later) == Round(fetched=1, entries=1, filed=1)
    sources.record([sources.failed(slept, later, "Too late.", jitter=0)], later)
    assert not Feed.objects.filter(failures__gt=0).exists()
    assert not sources.record_success(slept, later, jitter=0)
    feed.refresh_from_db()
    assert feed.failure == "" and feed.first_filed_at == later


def test_a_lease_lost_while_fetching_files_nothing(wire: LoopbackWire, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = add(wire, "/feed", rss(item(1)))
    taken = sources.lease_due

    def taken_over(now: datetime, seconds: int, limit: int) -> list[Feed]:
        feeds = taken(now, seconds, limit)
        Feed.objects.update(lease_token="somebody else")
        return feeds

    monkeypatch.setattr(sources, "lease_due", taken_over)
    run()
    feed.refresh_from_db()
    assert Report.objects.count() == 0 and feed.first_filed_at is None and feed.lease_token == "somebody else"


def test_dates_in_the_future_are_shown_as_now_and_kept_as_claimed(wire: LoopbackWire) -> None:
    add(
        wire,
        "/feed",
        rss(item(1, pubDate="Tue, 22 Nov 2033 08:00:00 GMT"), item(2, pubDate=""), item(3, pubDate="soon")),
    )
    run()
    found = {report.title: (report.published_at, report.claimed_at) for report in Report.objects.all()}
    assert found["Report 1"] == (NOW, datetime(2033, 11, 22, 8, tzinfo=UTC))
    assert found["Report 2"] == found["Report 3"] == (NOW, None)


def test_what_databases_refuse_is_left_out_and_long_fields_are_cut_at_a_word(wire: LoopbackWire) -> None:
    title = "word " * 200
    add(
        wire,
        "/feed",
        rss(
            item(1, title=title, author="name " * 100, category="subject " * 40),
            item(2, title="Nul\x00 and bell\x07 &#0; &#xD800; end", description="x\x00y \x0b", link="/" + "z" * 3000),
        ),
    )
    wire.routes["/json"] = Answer(
        body=b'{"version":"https://jsonfeed.org/version/1.1","items":[{"id":"1","title":"half \\ud800 pair \\u0000",'
        b'"content_html":"<p>a\\u0000b\\udfffc</p>","tags":["a\\u0000b"],"authors":[{"name":"n\\u0000"}]}]}',
        content_type="application/feed+json",
    )
    sources.add_source("Json", wire.address + "/json", NOW)
    assert run() == Round(fetched=2, entries=3, filed=3)
    for report in Report.objects.all():
        assert "\x00" not in f"{report.title}{report.body_html}{report.text}{report.author}{report.categories}"
        assert len(report.title) <= 500 and len(report.author) <= 300 and len(report.address) <= 2000
    assert Report.objects.get(title__startswith="word").title.endswith("word…")
    assert Report.objects.get(title__startswith="half").title == "half pair"


def test_an_empty_entry_is_not_filed_and_one_without_title_gets_its_first_words(
    wire: LoopbackWire,
) -> None:
    add(
        wire,
        "/feed",
        rss(
            item(1, title="", link="", description=""), item(2, title="", description="Short news without a headline.")
        ),
    )
    assert run().filed == 1
    assert Report.objects.get().title == "Short news without a headline."


def test_the_body_is_safe_when_it_is_kept(wire: LoopbackWire) -> None:
    hostile = (
        "&lt;p onclick=x()>Hi &lt;script>alert(1)&lt;/script>&lt;img src=//t.example/p.gif>&lt;a href=/more>more&lt;/a>"
    )
    add(wire, "/feed", rss(item(1, title="&lt;b>Loud&lt;/b> &amp;amp; clear", description=hostile)))
    run()
    report = Report.objects.get()
    assert report.title == "Loud & clear"
    link = f'<a href="{wire.address}/more" rel="noopener nofollow ugc">more</a>'
    assert report.body_html == f"<p>Hi {link}</p>"


def test_no_transaction_is_open_while_the_network_is_waited_for(
    wire: LoopbackWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database belongs to the caller's thread alone."""

    add(wire, "/feed", rss(item(1)))
    seen: list[bool] = []
    step = fetch._Gathering._step

    def watched(self: Any, *args: Any) -> None:
        seen.append(threading.current_thread() is threading.main_thread())
        step(self, *args)
        seen.append(connections["default"].connection is not None)

    monkeypatch.setattr(fetch._Gathering, "_step", watched)
    run()
    assert seen == [False] * 4  # fetched, then read


def test_the_task_does_a_round(wire: LoopbackWire) -> None:
    add(wire, "/feed", rss(item(1)))
    Feed.objects.update(next_at=NOW - timedelta(days=400))
    fetch_batch(10)
    assert Report.objects.count() == 1


def at_localhost(feed: Feed) -> Feed:
    """The same feed by a name: loopback's numbers have no budget and no rest."""
    feed.address = feed.address.replace("127.0.0.1", "localhost")
    feed.save()
    return feed


@pytest.mark.parametrize(
    ("answer", "rest"),
    [
        (Answer(429, headers={"Retry-After": "7200"}), timedelta(hours=2)),
        (Answer(503, headers={"Retry-After": "Sun, 22 Nov 2199 11:00:00 GMT"}), fetch.LONGEST_REST),
        (Answer(503), fetch.REST),
        (Answer(delay_seconds=5), fetch.REST),
    ],
    ids=["429", "503 until a date", "503", "silence"],
)
def test_a_host_in_trouble_has_its_rest(
    wire: LoopbackWire, monkeypatch: pytest.MonkeyPatch, answer: Answer, rest: timedelta
) -> None:
    monkeypatch.setattr(fetch, "FETCH_SECONDS", 0.5)
    first, second, later = (at_localhost(add(wire, f"/{n}", rss(item(n)), name=f"Outlet {n}")) for n in (1, 2, 3))
    Feed.objects.filter(pk=first.pk).update(next_at=NOW - timedelta(hours=1))
    Feed.objects.filter(pk=later.pk).update(next_at=NOW + timedelta(minutes=20))
    wire.routes["/1"] = answer
    assert run() == Round(failed=1)
    assert [request.path for request in wire.requests] == ["/1"]
    second.refresh_from_db()
    assert (second.failures, second.failure, second.lease_token) == (0, "", "") and second.fetched_at is None
    assert second.next_at and NOW + rest <= second.next_at < NOW + rest + timedelta(minutes=2)
    later.refresh_from_db()
    asked = "Retry-After" in answer.headers
    assert later.next_at == (NOW + timedelta(minutes=20) if not asked else second.next_at)


def test_a_failure_of_one_address_leaves_its_host_alone(wire: LoopbackWire) -> None:
    for number, status in ((1, 500), (2, 404), (3, 403), (4, 200)):
        at_localhost(add(wire, f"/{number}", rss(item(number)), name=f"Outlet {number}", status=status))
    assert run() == Round(fetched=1, failed=3, entries=1, filed=1)


def test_a_slow_host_holds_nobody_up(wire: LoopbackWire, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"AT_ONCE": 1, "SLOW_SECONDS": 0.05, "FETCH_SECONDS": 2.0}.items():
        monkeypatch.setattr(fetch, name, value)
    slow = add(wire, "/slow", rss(item(1)), name="Slow", delay_seconds=30)
    Feed.objects.filter(pk=slow.pk).update(next_at=NOW - timedelta(hours=1))
    at_localhost(add(wire, "/quick", rss(item(2)), name="Quick"))
    ended: list[str] = []
    leave = fetch._Gathering._leave

    def watched(self: Any, job: fetch.Job) -> None:
        ended.append(job.feed.address.rpartition("/")[2])
        leave(self, job)

    monkeypatch.setattr(fetch._Gathering, "_leave", watched)
    assert run() == Round(fetched=1, failed=1, entries=1, filed=1)
    assert ended == ["quick", "quick", "slow"]  # fetched, read; and then the slow one had its time


def test_one_round_runs_at_a_time(wire: LoopbackWire) -> None:
    add(wire, "/feed", rss(item(1)))
    with work.standing_job(fetch.JOB, NOW, 60):
        assert run() == Round(busy=True)
    assert wire.requests == []
    assert run() == Round(fetched=1, entries=1, filed=1)


def test_fetching_by_hand_beside_a_round_says_so(wire: LoopbackWire) -> None:
    said: list[str] = []
    with work.standing_job(fetch.JOB, now(), 60):
        assert fetch_and_group(said.append)["fetched"] == 0
    assert said == ["A round of fetching is running already; what is due is fetched by it."]


def test_a_host_that_other_fetches_keep_busy_is_visited_a_little_later(wire: LoopbackWire) -> None:
    feed = add(wire, "/feed", rss(item(1)))
    here = place_of(read_address(feed.address))
    assert web.traffic.begin(here, time.monotonic())
    try:
        assert run() == Round() and wire.requests == []
    finally:
        web.traffic.end(here)
    feed.refresh_from_db()
    assert (feed.next_at, feed.failures, feed.lease_token) == (NOW + fetch.HOLD, 0, "")
    assert run(NOW + fetch.HOLD).fetched == 1


def test_a_round_that_breaks_off_leaves_no_host_busy_and_no_turn_taken(
    wire: LoopbackWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "allowance", Allowance(1))
    add(wire, "/large", rss(item(1, description="x" * 2 * LARGE_BYTES)))
    links = page(wire, Answer(status=404))
    links.refresh_from_db()
    at_localhost(links)

    def gone(*args: Any) -> None:
        raise OperationalError("the database is gone")

    with monkeypatch.context() as patch, pytest.raises(OperationalError):
        patch.setattr(fetch, "known_rules", gone)
        patch.setattr(fetch, "known_hashes", gone)
        run()
    moment = time.monotonic()
    assert all(web.traffic.may_begin(place_of(read_address(feed.address)), moment) for feed in Feed.objects.all())
    with monkeypatch.context() as patch, pytest.raises(OperationalError):
        patch.setattr(fetch, "known_hashes", gone)
        run(NOW + timedelta(hours=1))
    assert fetch.allowance.loan().take(moment), "the large body's turn is somebody else's"


LINKS = "".join(
    f"<article><h2><a href='/2026/11/2{n}/the-{n}-bridges-of-the-valley'>The {n} bridges of the valley are painted</a>"
    "</h2><p>Painters from all over the valley came to see how it was done.</p></article>"
    for n in range(5)
)


def page(wire: LoopbackWire, robots: Answer) -> Feed:
    """A source that is a page with links."""
    wire.routes["/robots.txt"] = robots
    feed = add(wire, "/news", f"<html><body><main>{LINKS}</main></body></html>".encode(), content_type="text/html")
    Feed.objects.filter(pk=feed.pk).update(kind=Feed.Kind.PAGE)
    return feed


def paths(wire: LoopbackWire) -> list[str]:
    return [request.path for request in wire.requests]


def test_a_page_is_a_source_as_its_robots_txt_allows(wire: LoopbackWire) -> None:
    page(wire, Answer(body=b"User-agent: *\nDisallow: /private/"))
    assert run().filed == 5
    run(NOW + timedelta(hours=1))
    assert paths(wire) == ["/robots.txt", "/news", "/news"], "the rules are kept for a day"
    wire.routes["/robots.txt"] = Answer(body=b"User-agent: handbill\nDisallow: /news")
    assert run(NOW + timedelta(days=1, hours=1)) == Round(failed=1)
    assert paths(wire)[3:] == ["/robots.txt"]
    assert Feed.objects.get().failure == leave.NO_LEAVE


def test_a_page_whose_robots_txt_cannot_be_had_waits(wire: LoopbackWire) -> None:
    page(wire, Answer(503))
    assert run() == Round(failed=1) and paths(wire) == ["/robots.txt"]
    assert Feed.objects.get().failure == leave.CLOSED


def test_a_page_that_leads_to_another_host_asks_that_host_too(wire: LoopbackWire) -> None:
    feed = page(wire, Answer(404))
    wire.routes["/other"] = wire.routes["/news"]
    wire.routes["/news"] = Answer(301, headers={"Location": f"http://localhost:{wire.port}/other"})
    assert run().filed == 5
    assert paths(wire) == ["/robots.txt", "/news", "/other", "/robots.txt"]
    assert set(HostRules.objects.values_list("host", flat=True)) == {
        f"127.0.0.1:{wire.port}",
        f"localhost:{wire.port}",
    }
    HostRules.objects.filter(host__startswith="localhost").update(text="User-agent: *\nDisallow: /")
    assert run(NOW + timedelta(hours=1)) == Round(failed=1)
    feed.refresh_from_db()
    assert feed.failure == leave.NO_LEAVE


def test_a_feed_needs_no_leave(wire: LoopbackWire) -> None:
    add(wire, "/feed", rss(item(1)))
    wire.routes["/robots.txt"] = Answer(body=b"User-agent: *\nDisallow: /")
    assert run().filed == 1 and paths(wire) == ["/feed"]


def test_a_round_that_is_over_gives_back_what_it_had_not_begun(
    wire: LoopbackWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2, 3):
        add(wire, f"/{number}", rss(item(number)), name=f"Outlet {number}")
    left = iter([True])
    monkeypatch.setattr(fetch._Gathering, "_in_time", lambda self: next(left, False))
    assert run().fetched == 1, "one at a time of a host"
    assert list(Feed.objects.filter(fetched_at=None).values_list("next_at", "lease_token")) == [(NOW, "")] * 2
    monkeypatch.undo()


def test_a_long_line_is_shortened_for_the_next_round(wire: LoopbackWire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "LONGEST", 2)
    for number in range(4):
        add(wire, f"/{number}", rss(item(number)), name=f"Outlet {number}")
    assert run().fetched == 2
    assert run().fetched == 0
    assert run(NOW + fetch.HOLD).fetched == 2


def test_more_feeds_than_a_batch_are_streamed(wire: LoopbackWire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "BATCH", 3)
    monkeypatch.setattr(fetch, "WAITING", 4)
    for number in range(11):
        add(wire, f"/{number}", rss(item(number)), name=f"Outlet {number}")
    assert run() == Round(fetched=11, entries=11, filed=11)
    assert not Feed.objects.exclude(lease_token="").exists()


def test_the_same_bytes_again_are_not_read(wire: LoopbackWire, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = add(wire, "/feed", rss(item(1)), etag='"one"')
    run()
    add(wire, "/feed", rss(item(1)), etag='"two"')

    def never(*args: Any) -> Reading:
        raise AssertionError("read again")

    monkeypatch.setattr(fetch, "_read", never)
    assert run(NOW + timedelta(hours=1)) == Round(fetched=1)
    feed.refresh_from_db()
    assert feed.etag == '"two"' and feed.failure == ""


def test_a_page_is_read_anew_once_an_editor_picks_other_links(wire: LoopbackWire) -> None:
    feed = page(wire, Answer(404))
    sources.use_address(feed.pk, feed.address, NOW, kind="page", selector="h2.none a")
    assert run().failed == 1
    sources.use_address(feed.pk, feed.address, NOW, kind="page", selector="h2 a")
    assert run(NOW + timedelta(hours=1)).filed == 5
    Report.objects.all().delete()
    LastReading.objects.update(marks=[])
    wire.routes["/news"] = dataclasses.replace(wire.routes["/news"], etag="")
    assert run(NOW + timedelta(hours=2)) == Round(fetched=1), "the same bytes, read in the same way"
    sources.use_address(feed.pk, feed.address, NOW, kind="page", selector="article h2 a")
    assert run(NOW + timedelta(hours=3)).filed == 5


def test_a_move_that_lasts_is_believed_and_told(wire: LoopbackWire) -> None:
    feed = add(wire, "/old", status=301, headers={"Location": "/new"})
    wire.routes["/new"] = Answer(body=rss(item(1)), content_type=XML)
    for day in (0, 2, 4, 6):
        assert run(NOW + timedelta(days=day)).fetched == 1
    feed.refresh_from_db()
    assert feed.address.endswith("/old") and feed.moved_to == f"{wire.address}/new" and feed.moved_since == NOW
    run(NOW + timedelta(days=8))
    feed.refresh_from_db()
    assert feed.address == f"{wire.address}/new" and feed.host == "127.0.0.1" and feed.moved_to == ""
    assert feed.notice.startswith("The outlet has moved this feed for good")


def test_a_move_to_another_feeds_address_is_only_told(wire: LoopbackWire) -> None:
    feed = add(wire, "/old", status=308, headers={"Location": "/new"})
    add(wire, "/new", rss(item(1)))
    for day in (0, 2, 4, 6, 8):
        run(NOW + timedelta(days=day))
    feed.refresh_from_db()
    assert feed.address.endswith("/old") and "is a feed of its own here" in feed.notice


def test_a_feed_is_left_alone_while_its_answer_is_fresh(wire: LoopbackWire) -> None:
    feed = add(wire, "/feed", rss(item(1)), headers={"Cache-Control": "max-age=20000"})
    Feed.objects.update(interval_minutes=None)
    run()
    feed.refresh_from_db()
    assert feed.next_at == NOW + timedelta(seconds=20000)
    assert feed.gap_minutes is None and feed.newest_at == datetime(2026, 11, 21, 8, tzinfo=UTC)


def test_a_feeds_rhythm_is_learned(wire: LoopbackWire) -> None:
    items = [item(n, pubDate=f"Sun, 22 Nov 2026 0{n}:00:00 GMT") for n in range(9)]
    feed = add(wire, "/feed", rss(*items))
    Feed.objects.update(interval_minutes=None)
    run()
    feed.refresh_from_db()
    assert feed.gap_minutes == 60 and feed.next_at == NOW + timedelta(minutes=30)
