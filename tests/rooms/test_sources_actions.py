"""Adding outlets and feeds, importing lists, and what is told of trouble."""

from datetime import UTC, datetime, timedelta

import pytest

from handbill.kit.errors import GiveUp
from handbill.sources import actions
from handbill.sources.errors import OpmlError
from handbill.sources.models import Feed, Source
from handbill.sources.queries import trouble

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def test_a_source_is_added_due_at_once() -> None:
    feed = actions.add_source(
        "The  Valley\n Paper", "HTTPS://Valley.example/feed#x", NOW, "https://valley.example", "en"
    )
    assert (feed.address, feed.next_at) == ("https://valley.example/feed", NOW)
    source = Source.objects.get()
    assert (source.name, source.slug) == ("The Valley Paper", "the-valley-paper")
    assert (source.address, source.language) == ("https://valley.example/", "en")


def test_adding_again_gives_the_feed_that_is_there() -> None:
    one = actions.add_source("Valley", "https://valley.example/feed", NOW)
    two = actions.add_source("Other name", "https://VALLEY.example:443/feed", NOW + timedelta(days=1))
    assert one == two and Source.objects.count() == Feed.objects.count() == 1
    assert Feed.objects.get().next_at == NOW


def test_a_second_feed_joins_its_outlet_and_a_namesake_elsewhere_does_not() -> None:
    one = actions.add_source("Valley", "https://valley.example/a", NOW, "https://www.valley.example/")
    two = actions.add_source("VALLEY", "https://valley.example/b", NOW, "https://valley.example/news")
    three = actions.add_source("Valley", "https://other.example/a", NOW, "https://other.example/")
    assert one.source == two.source != three.source
    assert sorted(Source.objects.values_list("slug", flat=True)) == ["valley", "valley-2"]


def test_a_source_without_name_is_called_by_its_host_and_any_script_makes_a_slug() -> None:
    assert actions.add_source("", "https://valley.example/feed", NOW).source.name == "valley.example"
    assert actions.add_source("صحيفة الوادي", "https://wadi.example/feed", NOW).source.slug == "صحيفة-الوادي"
    long = actions.add_source("Name " * 100, "https://long.example/feed", NOW).source
    assert len(long.name) <= 200 and len(long.slug) <= 80


@pytest.mark.parametrize(
    "address", ["", "valley", "ftp://valley.example/", "http://u:p@valley.example/", "javascript:x"]
)
def test_what_is_no_address_is_refused_and_nothing_is_added(address: str) -> None:
    with pytest.raises(GiveUp):
        actions.add_source("Valley", address, NOW)
    assert Source.objects.count() == 0


def test_a_wrong_site_address_or_language_is_left_out() -> None:
    source = actions.add_source("Valley", "https://valley.example/feed", NOW, "javascript:x", "no language!").source
    assert (source.address, source.language) == ("", "")


OPML = b"""<opml version="2.0"><body><outline text="News">
<outline text="Valley" xmlUrl="https://valley.example/feed" htmlUrl="https://valley.example/"/>
<outline text="Valley again" xmlUrl="https://valley.example/feed"/>
<outline text="Secret" xmlUrl="https://user:pw@secret.example/feed"/>
<outline text="Files" xmlUrl="file:///etc/passwd"/></outline>
<outline text="Gulf" xmlUrl="https://gulf.example/rss"/></body></opml>"""


def test_a_list_is_imported_and_what_is_refused_says_why() -> None:
    done = actions.import_opml(OPML, NOW)
    assert (done.added, done.known) == (2, 1)
    assert [line.split(":")[0] for line in done.refused] == ["Secret", "Files"]
    assert "user name or password" in done.refused[0] and "doesn't start with http" in done.refused[1]
    assert "pw" not in done.refused[0].split(":", 1)[1]
    again = actions.import_opml(OPML, NOW)
    assert (again.added, again.known, len(again.refused)) == (0, 3, 2)
    assert Feed.objects.count() == 2


def test_a_file_that_is_no_list_adds_nothing() -> None:
    with pytest.raises(OpmlError):
        actions.import_opml(OPML[:-10], NOW)
    assert Feed.objects.count() == 0


def test_all_feeds_but_those_switched_off_can_be_made_due() -> None:
    actions.import_opml(OPML, NOW)
    Feed.objects.filter(address__contains="gulf").update(next_at=None)
    later = NOW + timedelta(hours=1)
    assert actions.make_all_due(later) == 1
    assert set(Feed.objects.values_list("next_at", flat=True)) == {later, None}


def test_trouble_says_what_fails_and_since_when_longest_first() -> None:
    actions.import_opml(OPML, NOW)
    valley, gulf = Feed.objects.order_by("-address")
    for feed, at in ((gulf, NOW), (valley, NOW + timedelta(hours=1)), (gulf, NOW + timedelta(days=1))):
        Feed.objects.filter(pk=feed.pk).update(lease_token="held")
        feed.refresh_from_db()
        actions.record([actions.failed(feed, at, "It is closed.", jitter=0)], at)
    found = trouble()
    assert [(entry.source, entry.since) for entry in found] == [("Gulf", NOW), ("Valley", NOW + timedelta(hours=1))]
    assert found[0].sentence == "It is closed. It failed 2 times in a row."
    assert found[1].sentence == "It is closed. It failed once."
