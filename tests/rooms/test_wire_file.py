"""What a reading files: each report once, whatever its feed does with its ids; dates as claimed and as shown."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from handbill.kit.http import Response
from handbill.sources.models import Feed, Source
from handbill.wire import file
from handbill.wire.file import Brought, file_reading, file_readings, known_marks
from handbill.wire.models import LastReading, Report
from handbill.wire.read import read_document
from handbill.wire.records import CleanEntry, Media, Round

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
GOLDEN = Path(__file__).parent.parent / "pure" / "golden" / "feeds"


def item(number: int, **parts: str) -> str:
    given = {
        "title": f"Report {number} of the council",
        "link": f"https://outlet.example/story/{number}",
        "guid": f"tag:outlet.example,2026:{number}",
        "pubDate": f"Sat, 21 Nov 2026 {number % 24:02}:00:00 GMT",
        "description": f"Body {number} has a sentence. It has another.",
    } | parts
    return "<item>" + "".join(f"<{name}>{value}</{name}>" for name, value in given.items() if value) + "</item>"


def rss(*items: str) -> bytes:
    head = '<?xml version="1.0"?><rss version="2.0"><channel><title>The Outlet</title><language>en</language>'
    return (head + "".join(items) + "</channel></rss>").encode()


def make_feed(path: str = "feed", source: Source | None = None, **fields: Any) -> Feed:
    source = source or Source.objects.get_or_create(slug="outlet", defaults={"name": "The Outlet"})[0]
    return Feed.objects.create(source=source, address=f"https://outlet.example/{path}", next_at=NOW, **fields)


def visit(feed: Feed, *items: str, at: datetime = NOW) -> Round:
    """What a round does with a feed's answer."""
    return visit_for(feed, rss(*items), at)


def visit_for(feed: Feed, data: bytes, at: datetime) -> Round:
    feed.refresh_from_db()
    known = known_marks([feed]).get(feed.pk, frozenset())
    reading = read_document(data, address=feed.address, known=known, trust=feed.trust)
    return file_reading(Brought(feed, reading, Response(200, feed.address, {}, data), 0.0), at)


def titles() -> list[str]:
    return sorted(Report.objects.values_list("title", flat=True))


def test_what_came_before_is_filed_no_more_and_costs_nothing() -> None:
    feed = make_feed()
    assert visit(feed, item(1), item(2)) == Round(fetched=1, entries=2, filed=2)
    assert visit(feed, item(3), item(1), item(2), at=NOW + HOUR) == Round(fetched=1, entries=3, filed=1)
    feed.refresh_from_db()
    assert feed.newest_at == NOW + HOUR and feed.trust == Feed.Trust.ID and feed.notice == ""
    assert [report.backlog for report in Report.objects.order_by("pk")] == [True, True, False]


def test_the_golden_pair_of_changing_ids_gives_one_new_report_and_a_notice() -> None:
    feed = make_feed()
    for hour, (name, filed) in enumerate((("wild-changing-guids", 3), ("wild-changing-guids-later", 1))):
        assert visit_for(feed, (GOLDEN / f"{name}.xml").read_bytes(), NOW + hour * HOUR).filed == filed
    feed.refresh_from_db()
    assert feed.trust == Feed.Trust.ADDRESS and "new ids" in feed.notice
    assert titles() == ["The bridge opens", "The ferry rests", "The lock jams", "The mill turns"]


def test_ids_that_change_at_every_visit_are_found_out_and_nothing_is_doubled() -> None:
    feed = make_feed()
    visit(feed, *(item(n) for n in range(1, 6)))
    for hour in (1, 2, 3):
        changed = [item(n, guid=f"visit-{hour}-{n}") for n in range(1, 6)]
        assert visit(feed, item(10 + hour, guid=f"new-{hour}"), *changed, at=NOW + hour * HOUR).filed == 1
    feed.refresh_from_db()
    assert feed.trust == Feed.Trust.ADDRESS and "new ids" in feed.notice
    assert Report.objects.count() == 8 and Report.objects.filter(alterations__gt=0).count() == 0
    assert visit(feed, item(1, guid="again", title="Report 1 of the council, in full"), at=NOW + 9 * HOUR).changed == 1


def test_trusting_the_ids_again_doubles_nothing_and_lasts_where_they_deserve_it() -> None:
    feed = make_feed()
    visit(feed, *(item(n) for n in range(1, 6)))
    visit(feed, *(item(n, guid=f"b{n}") for n in range(1, 6)), at=NOW + HOUR)
    Feed.objects.update(trust=Feed.Trust.ID, notice="")
    again = visit(feed, item(6), *(item(n, guid=f"c{n}") for n in range(1, 6)), at=NOW + 2 * HOUR)
    visit(feed, item(7), item(6), *(item(n, guid=f"c{n}") for n in range(1, 6)), at=NOW + 3 * HOUR)
    feed.refresh_from_db()
    assert again.filed == 1 and feed.trust == Feed.Trust.ID and Report.objects.count() == 7
    visit(feed, *(item(n, guid=f"d{n}") for n in range(1, 6)), at=NOW + 4 * HOUR)
    feed.refresh_from_db()
    assert feed.trust == Feed.Trust.ADDRESS and Report.objects.count() == 7


def test_a_few_ids_that_change_are_no_reason_to_trust_none() -> None:
    feed = make_feed()
    visit(feed, item(1), item(2), item(3))
    visit(feed, item(1, guid="x"), item(2, guid="y"), item(3), at=NOW + HOUR)
    feed.refresh_from_db()
    assert feed.trust == Feed.Trust.ID and Report.objects.count() == 3


def test_an_address_that_stands_for_one_article_after_another_is_found_out() -> None:
    feed, front = make_feed(), "https://outlet.example/"
    visit(feed, item(1, guid="", link=front, title="Bridge shut for nine weeks"))
    second = item(2, guid="", link=front, title="Harbour gets its second crane", description="Cranes came by sea.")
    assert visit(feed, second, at=NOW + HOUR).filed == 1
    feed.refresh_from_db()
    assert feed.trust == Feed.Trust.TITLE and "several articles" in feed.notice
    assert titles() == ["Bridge shut for nine weeks", "Harbour gets its second crane"]
    assert (
        visit(feed, second, item(1, guid="", link=front, title="Bridge shut for nine weeks"), at=NOW + HOUR).filed == 0
    )


def test_changing_ids_at_one_address_are_known_by_title() -> None:
    feed, front = make_feed(), "https://outlet.example/"
    visit(feed, *(item(n, link=front) for n in range(1, 6)))
    visit(feed, *(item(n, link=front, guid=f"x{n}") for n in range(1, 6)), at=NOW + HOUR)
    feed.refresh_from_db()
    assert feed.trust == Feed.Trust.TITLE and Report.objects.count() == 5


def test_a_column_of_one_name_at_one_address_is_a_new_report_every_day() -> None:
    feed, page = make_feed(), "https://outlet.example/weather"
    visit(feed, item(1, link=page, title="The weather"))
    tomorrow = item(2, link=page, title="The weather", pubDate="Sun, 22 Nov 2026 08:00:00 GMT")
    assert visit(feed, tomorrow, at=NOW + HOUR).filed == 1


def test_one_article_in_two_feeds_of_an_outlet_is_one_report_whatever_its_ids() -> None:
    one, two = make_feed("a"), make_feed("b")
    other = make_feed("c", Source.objects.create(name="Another", slug="another"))
    visit(one, item(1), item(2))
    assert visit(two, item(1, guid="elsewhere", description="Shorter."), item(3)).filed == 1
    assert visit(other, item(1, guid="elsewhere")).filed == 1, "another outlet's report is its own"
    report = Report.objects.get(source=one.source, title__startswith="Report 1")
    assert report.feed == one and report.text.startswith("Body 1") and report.alterations == 0
    two.refresh_from_db()
    assert two.trust == Feed.Trust.ID and two.notice == ""


def test_dates_in_the_future_are_shown_as_now_and_an_update_alone_dates_an_entry() -> None:
    feed = make_feed()
    visit(feed, item(1, pubDate="Tue, 22 Nov 2033 08:00:00 GMT"), item(2, pubDate=""))
    future, undated = Report.objects.order_by("title")
    assert (future.published_at, future.claimed_at) == (NOW, datetime(2033, 11, 22, 8, tzinfo=UTC))
    assert (undated.published_at, undated.claimed_at) == (NOW, None)


def test_a_report_keeps_every_value_as_it_was_read_and_is_filed_once() -> None:
    feed = make_feed()
    entry = CleanEntry(
        id="tag:1",
        identity="1" * 64,
        fingerprint="2" * 16,
        address="https://outlet.example/100%25/%s",
        title='The "river" at 100 % – 川',
        authors=("Ada", "Bob O'Neill"),
        language="zh-Hans",
        categories=("水", 'a "b"'),
        summary_html="<p>x</p>",
        content_html="",
        body_html="<p>%s 'x' \\ 🌊</p>",
        text="%s 'x' \\ 🌊",
        published=None,
        updated=NOW - HOUR,
        media=(
            Media("https://outlet.example/a.mp3", "audio/mpeg", None, "“A”"),
            Media("https://outlet.example/b", size=7),
        ),
        licence="CC BY",
    )
    for _ in range(2):
        with transaction.atomic():
            file._insert([file._report(feed, entry, NOW)])
    kept, made = Report.objects.get(), file._report(feed, entry, NOW)
    for field in Report._meta.concrete_fields[1:]:
        assert getattr(kept, field.attname) == getattr(made, field.attname), field.name


def test_a_lost_lease_leaves_everything_as_it_was() -> None:
    feed = make_feed()
    visit(feed, item(1))
    before = LastReading.objects.get().marks
    Feed.objects.update(lease_token="somebody else")
    held, feed.lease_token = Feed.objects.get(), "mine"
    data = rss(item(1, title="Rewritten title of it"), item(2))
    reading = read_document(data, address=feed.address)
    assert file_reading(Brought(feed, reading, Response(200, feed.address, {}, data), 0.0), NOW + HOUR).filed == 0
    assert titles() == ["Report 1 of the council"] and LastReading.objects.get().marks == before
    assert Feed.objects.get().newest_at == held.newest_at


def test_of_readings_filed_together_one_that_breaks_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    feeds = [make_feed(name, Source.objects.create(name=name, slug=name)) for name in ("a", "b", "c")]
    note_hub = file.note_hub

    def broken(feed: Feed, *args: Any, **kwargs: Any) -> bool:
        if feed == feeds[1]:
            raise ValueError("broken")
        return note_hub(feed, *args, **kwargs)

    monkeypatch.setattr(file, "note_hub", broken)
    brought = []
    for number, feed in enumerate(feeds):
        data = rss(item(number))
        reading = read_document(data, address=feed.address)
        brought.append(Brought(feed, reading, Response(200, feed.address, {}, data), 0.0))
    one, two, three = file_readings(brought, NOW)
    assert one == three == Round(fetched=1, entries=1, filed=1) and isinstance(two, ValueError)
    assert titles() == ["Report 0 of the council", "Report 2 of the council"]
    assert set(LastReading.objects.values_list("feed", flat=True)) == {feeds[0].pk, feeds[2].pk}
    assert Feed.objects.get(pk=feeds[1].pk).succeeded_at is None


def test_two_feeds_of_an_outlet_filed_together_give_each_report_once() -> None:
    brought = []
    for path in ("a", "b"):
        feed, data = make_feed(path), rss(item(1), item(2))
        brought.append(
            Brought(feed, read_document(data, address=feed.address), Response(200, feed.address, {}, data), 0.0)
        )
    assert sum(done.filed for done in file_readings(brought, NOW) if isinstance(done, Round)) == 2
    assert titles() == ["Report 1 of the council", "Report 2 of the council"]


def test_the_cost_of_a_visit_does_not_grow_with_what_is_stored() -> None:
    feed = make_feed()
    visit(feed, item(1))
    with CaptureQueriesContext(
        connection,
    ) as few:
        visit(feed, item(2), item(1), at=NOW + HOUR)
    visit(feed, *(item(n) for n in range(3, 60)), at=NOW + 2 * HOUR)
    with CaptureQueriesContext(connection) as many:
        visit(feed, item(70), item(59), at=NOW + 3 * HOUR)
    assert len(many) <= len(few) + 3, "two look for what left the feed"


def test_entries_known_by_address_that_have_none_are_filed_once_whoever_stands_beside_them() -> None:
    feed = make_feed(trust=Feed.Trust.ADDRESS)
    assert visit(feed, item(1, link="", guid="a")).filed == 1
    assert visit(feed, item(2, link="", guid="b"), item(1, link="", guid="c"), at=NOW + HOUR).filed == 1
    assert visit(feed, item(1, link="", guid="d"), at=NOW + 2 * HOUR).filed == 0


def test_new_titles_at_an_address_that_many_share_do_not_take_each_others_place() -> None:
    feed = make_feed(trust=Feed.Trust.ADDRESS)
    days = [item(n, title=f"The talks in Geneva, day {n}", link="https://outlet.example/live") for n in range(1, 6)]
    visit(feed, *days[:2])
    for number in (3, 4, 5):
        done = visit(feed, *days[:number], at=NOW + number * HOUR)
        assert (done.filed, done.changed) == (1, 0)
    assert Report.objects.count() == 5
