"""What happens to a report when its outlet rewrites it, takes it back, or puts it back again."""

import dataclasses
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from test_wire_file import HOUR, NOW, item, make_feed, visit

from handbill.kit.urls import read_address
from handbill.sources.models import Feed
from handbill.testing.wire import Answer, LoopbackWire
from handbill.wire import rewrite, web, withdraw
from handbill.wire.models import Absence, LastReading, PageVisit, Report, ReportVersion
from handbill.wire.politeness import place_of
from handbill.work import actions as work

pytestmark = pytest.mark.django_db
FIRST = "Nine people were hurt. The bridge is shut."
SECOND = "Ten people were hurt. The bridge is shut."


@pytest.fixture
def wire(settings: Any) -> Iterator[LoopbackWire]:
    with LoopbackWire() as server:
        settings.HANDBILL = dataclasses.replace(
            settings.HANDBILL, allow_loopback=frozenset({("127.0.0.1", server.port)})
        )
        yield server


def say(feed: Feed, text: str, hour: int, **parts: str) -> int:
    return visit(feed, item(1, description=text, **parts), at=NOW + hour * HOUR).changed


def test_a_rewrite_keeps_the_old_words_and_the_newsroom_can_tell() -> None:
    feed = make_feed()
    say(feed, FIRST, 0)
    assert say(feed, SECOND, 1) == 1
    report, version = Report.objects.get(), ReportVersion.objects.get()
    assert (report.text, report.body_html, report.alterations) == (SECOND, SECOND, 1)
    assert report.changed_at == version.replaced_at == NOW + HOUR and report.filed_at == NOW
    assert (version.text, version.title, version.number) == (FIRST, report.title, 1)
    assert say(feed, SECOND, 2) == 0, "the same again is no alteration"
    assert say(feed, SECOND, 3, title="Bridge over the Alder") == 1
    assert list(ReportVersion.objects.values_list("title", flat=True))[1] == "Report 1 of the council"


def test_other_markup_and_white_space_are_no_rewrite() -> None:
    feed = make_feed()
    say(feed, FIRST, 0)
    assert say(feed, "&lt;p>Nine  people were &lt;b>hurt&lt;/b>.&lt;/p>&lt;p>The bridge is shut.&lt;/p>", 1) == 0
    assert ReportVersion.objects.count() == 0 and Report.objects.get().changed_at is None


def test_words_that_go_to_and_fro_are_kept_once_and_the_feed_says_so() -> None:
    feed = make_feed()
    for hour in range(8):
        say(feed, (FIRST, SECOND)[hour % 2], hour)
    feed.refresh_from_db()
    assert ReportVersion.objects.count() == 2 and Report.objects.get().alterations == 2
    assert "to and fro" in feed.notice
    assert say(feed, "Twelve people were hurt. The bridge is open.", 9) == 1, "a real rewrite is still seen"


def test_a_text_that_never_rests_is_kept_only_so_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rewrite, "MAX_VERSIONS", 3)
    feed = make_feed()
    for hour in range(6):
        say(feed, f"{hour} people read this.", hour)
    feed.refresh_from_db()
    assert [version.text[0] for version in ReportVersion.objects.all()] == ["0", "1", "2"], "the first is kept"
    assert Report.objects.get().text[0] == "5" and Report.objects.get().alterations == 3
    assert "at nearly every visit" in feed.notice


def test_versions_together_are_bounded_in_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rewrite, "MAX_KEPT", 50)
    feed = make_feed()
    for hour in range(4):
        say(feed, f"{hour} " + "word " * 7, hour)
    assert ReportVersion.objects.count() == 1


def test_a_page_s_full_text_outlives_the_feeds_shorter_words_and_is_asked_for_again() -> None:
    feed = make_feed()
    say(feed, FIRST, 0)
    report = Report.objects.get()
    Report.objects.update(full_text=True, text="The whole article.", body_html="<p>The whole article.</p>")
    PageVisit.objects.create(report=report, next_at=None)
    assert say(feed, SECOND, 1) == 0
    report.refresh_from_db()
    assert report.text == "The whole article." and report.alterations == 0
    assert PageVisit.objects.get().next_at > NOW + HOUR
    assert say(feed, SECOND, 2, title="Bridge shut after all") == 1, "its new title counts at once"
    report.refresh_from_db()
    assert report.title == "Bridge shut after all" and report.text == "The whole article."


def test_reports_filed_before_words_were_kept_are_not_taken_for_rewritten() -> None:
    feed = make_feed()
    say(feed, FIRST, 0)
    Report.objects.update(words="", full_text=True, text="The whole article.")
    assert say(feed, SECOND, 1) == 0
    Report.objects.update(words="", full_text=False, text=SECOND)
    assert say(feed, f"&lt;p>{SECOND}&lt;/p>", 2) == 0


def test_a_text_read_otherwise_since_an_upgrade_is_no_rewrite_but_another_title_is() -> None:
    feed = make_feed()
    say(feed, FIRST, 0)
    Report.objects.update(words="", text="", body_html="")
    LastReading.objects.all().delete()
    assert say(feed, FIRST, 1) == 0
    assert Report.objects.get().text == FIRST, "what an earlier reader missed is filled in"
    Report.objects.update(words="", text="Nine people were hurt.")
    LastReading.objects.all().delete()
    assert say(feed, FIRST, 2) == 0 and ReportVersion.objects.count() == 0
    Report.objects.update(words="")
    assert say(feed, FIRST, 3, title="Bridge shut after all") == 1
    assert say(feed, SECOND, 4, title="Bridge shut after all") == 1, "from then on its words are known"


def paged(wire: LoopbackWire, *numbers: int) -> list[str]:
    return [item(n, link=f"{wire.address}/{n}") for n in numbers]


def asked(wire: LoopbackWire) -> list[str]:
    return [request.path for request in wire.requests if request.path != "/robots.txt"]


def test_a_report_missing_before_its_time_whose_page_is_gone_is_withdrawn(wire: LoopbackWire) -> None:
    feed = make_feed()
    wire.routes["/3"] = Answer(410, b"Gone")
    visit(feed, *paged(wire, 4, 3, 2, 1))
    visit(feed, *paged(wire, 4, 2, 1), at=NOW + HOUR)
    assert Absence.objects.get().report.address.endswith("/3")
    assert withdraw.ask_pages(NOW + HOUR) == 1
    report = Report.objects.get(address__endswith="/3")
    assert report.withdrawn_at == NOW + HOUR and report.alterations == 1 and report.text, "its words are kept"
    assert not Absence.objects.exists() and asked(wire) == ["/3"]
    assert wire.requests[0].headers["user-agent"].startswith("Handbill/")


def test_what_scrolls_off_is_not_asked_after(wire: LoopbackWire) -> None:
    feed = make_feed()
    visit(feed, *paged(wire, 3, 2, 1))
    visit(feed, *paged(wire, 5, 4, 3), at=NOW + HOUR)
    visit(feed, *paged(wire, 9), at=NOW + 2 * HOUR)
    visit(feed, at=NOW + 3 * HOUR)
    assert not Absence.objects.exists()


def test_a_page_that_is_not_found_must_say_so_twice_and_one_that_is_there_proves_nothing(wire: LoopbackWire) -> None:
    feed = make_feed()
    visit(feed, *paged(wire, 4, 3, 2, 1))
    wire.routes["/2"] = Answer(body=b"<p>Here it is.</p>", content_type="text/html")
    visit(feed, *paged(wire, 4, 1), at=NOW + HOUR)
    now = NOW + HOUR
    for _ in range(4):  # one page of a host at a time
        assert withdraw.ask_pages(now) == 0
        now += timedelta(minutes=2)
    assert [absence.report.address[-2:] for absence in Absence.objects.all()] == ["/3"]
    assert withdraw.ask_pages(NOW + 3 * HOUR) == 1
    assert Report.objects.filter(withdrawn_at__isnull=False).count() == 1 and sorted(asked(wire)) == ["/2", "/3", "/3"]


def test_a_page_without_an_answer_is_asked_three_times_and_then_left_alone(wire: LoopbackWire) -> None:
    feed = make_feed()
    wire.routes["/2"] = Answer(503)
    visit(feed, *paged(wire, 3, 2, 1))
    visit(feed, *paged(wire, 3, 1), at=NOW + HOUR)
    for hour in range(1, 6):
        assert withdraw.ask_pages(NOW + 2 * hour * HOUR) == 0
    assert asked(wire) == ["/2"] * 3 and not Absence.objects.exists()
    assert not Report.objects.filter(withdrawn_at__isnull=False).exists()


def test_an_address_that_may_not_be_reached_proves_nothing() -> None:
    feed = make_feed()
    inward = [item(n, link=f"http://169.254.169.254/{n}") for n in (3, 2, 1)]
    visit(feed, *inward)
    visit(feed, inward[0], inward[2], at=NOW + HOUR)
    assert Absence.objects.count() == 1
    assert [withdraw.ask_pages(NOW + 2 * hour * HOUR) for hour in (1, 2, 3)] == [0, 0, 0]
    assert not Absence.objects.exists() and not Report.objects.filter(withdrawn_at__isnull=False).exists()


def test_a_page_that_robots_txt_closes_is_not_asked(wire: LoopbackWire) -> None:
    feed = make_feed()
    wire.routes |= {"/2": Answer(410), "/robots.txt": Answer(body=b"User-agent: *\nDisallow: /")}
    visit(feed, *paged(wire, 3, 2, 1))
    visit(feed, *paged(wire, 3, 1), at=NOW + HOUR)
    assert withdraw.ask_pages(NOW + HOUR) == 0 and asked(wire) == [] and not Absence.objects.exists()


def test_a_page_whose_host_is_busy_with_us_is_asked_later(wire: LoopbackWire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "PATIENCE", 0.0)
    feed, here = make_feed(), place_of(read_address(wire.address))
    wire.routes["/2"] = Answer(410)
    visit(feed, *paged(wire, 3, 2, 1))
    visit(feed, *paged(wire, 3, 1), at=NOW + HOUR)
    assert web.traffic.begin(here, time.monotonic())
    assert withdraw.ask_pages(NOW + HOUR) == 0 and wire.requests == []
    web.traffic.end(here)
    absence = Absence.objects.get()
    assert (absence.failures, absence.next_at) == (0, NOW + HOUR + withdraw.PAUSE)
    assert withdraw.ask_pages(NOW + 2 * HOUR) == 1


def test_one_worker_at_a_time_asks(wire: LoopbackWire) -> None:
    feed = make_feed()
    visit(feed, *paged(wire, 3, 2, 1))
    visit(feed, *paged(wire, 3, 1), at=NOW + HOUR)
    with work.standing_job(withdraw.JOB, NOW + HOUR, 60):
        withdraw.ask_pages(NOW + HOUR)
    assert asked(wire) == [] and Absence.objects.get().lease_token == ""
    withdraw.ask_pages(NOW + HOUR)
    assert asked(wire) == ["/2"]


def test_what_comes_back_is_not_withdrawn_any_more(wire: LoopbackWire) -> None:
    feed = make_feed()
    wire.routes["/2"] = Answer(410)
    visit(feed, *paged(wire, 3, 2, 1))
    visit(feed, *paged(wire, 3, 1), at=NOW + HOUR)
    withdraw.ask_pages(NOW + HOUR)
    visit(feed, *paged(wire, 3, 2, 1), at=NOW + 2 * HOUR)
    report = Report.objects.get(address__endswith="/2")
    assert report.withdrawn_at is None and report.returned_at == NOW + 2 * HOUR and report.alterations == 2
    visit(feed, *paged(wire, 3, 1), at=NOW + 3 * HOUR)
    visit(feed, *paged(wire, 3, 2, 1), at=NOW + 4 * HOUR)
    assert not Absence.objects.exists(), "back before anybody asked"


def test_the_links_of_a_page_come_and_go_without_a_reason(wire: LoopbackWire) -> None:
    feed = make_feed()
    visit(feed, *paged(wire, 3, 2, 1))
    Feed.objects.update(kind=Feed.Kind.PAGE)
    visit(feed, *paged(wire, 3, 1), at=NOW + HOUR)
    assert not Absence.objects.exists()
