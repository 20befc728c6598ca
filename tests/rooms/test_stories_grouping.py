"""Reports become stories in the database: once, stably, with their reasons; and the desk's list of them."""

from datetime import UTC, datetime, timedelta

import pytest

from handbill.sources.models import Feed, Source
from handbill.stories import actions
from handbill.stories.actions import dismiss, group_pending, restore
from handbill.stories.models import Grouping, Member, Story
from handbill.stories.queries import story_view, suggested_topics, triage
from handbill.stories.records import Grouped
from handbill.stories.tasks import group_stories
from handbill.topics.models import Topic
from handbill.wire.models import Report
from handbill.work.actions import standing_job

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)

FLOOD = (
    "The river Alm burst its banks above Kirnstadt on Monday night and flooded two hundred cellars. Firefighters took"
    " residents from Mill Lane in boats. The mayor, Ilse Brandner, asked people to keep away from the old weir, which"
    " engineers fear may give way before morning."
)
FLOOD_TOO = (
    "Two hundred cellars stand under water in Kirnstadt after the Alm rose faster than anyone had forecast. Mayor Ilse"
    " Brandner said the weir was being watched around the clock, while boats fetched families out of Mill Lane."
)
BAKER = (
    "A baker in Obertal has won the regional bread prize for the third time with a rye loaf that takes four days to"
    " make. The jury praised its crust. She learned the trade from her grandmother and sells out by nine."
)


def report(outlet, title, text, hours=0, language="en", **fields):
    source, _ = Source.objects.get_or_create(name=outlet, defaults={"slug": outlet.lower()})
    feed, _ = Feed.objects.get_or_create(source=source, address=f"https://{outlet.lower()}.example/feed")
    at = NOW - timedelta(hours=48 - hours)
    number = Report.objects.count()
    fields = {"identity": f"{number:064}", "address": f"https://{outlet.lower()}.example/{number}", **fields}
    return Report.objects.create(
        source=source, feed=feed, title=title, text=text, language=language, published_at=at, filed_at=NOW, **fields
    )


@pytest.fixture
def newsroom():
    return [
        report("Courier", "Alm floods Kirnstadt, residents leave Mill Lane by boat", FLOOD, 0),
        report("Herald", "Boats in Mill Lane as Kirnstadt floods", FLOOD_TOO, 2),
        report("Echo", "Flood in Kirnstadt: boats carry residents", FLOOD + " More to follow.", 3),
        report("Courier", "Obertal baker takes bread prize again", BAKER, 4),
    ]


def grouping():
    rows = Member.objects.values_list("story", "report")
    return {frozenset(report for story, report in rows if story == wanted) for wanted, _ in rows}


def test_reports_of_one_event_become_one_story(newsroom):
    assert group_pending(NOW) == Grouped(reports=4, stories=2)
    flood = Story.objects.get(title__contains="Alm")
    assert flood.outlets == 2
    assert flood.opened_at == newsroom[0].published_at and flood.latest_at == newsroom[2].published_at
    assert flood.members.get(report=newsroom[2]).copy_of == newsroom[0]
    assert ["copy", ["Courier"]] in flood.members.get(report=newsroom[2]).why
    why = flood.members.get(report=newsroom[1]).why
    assert any("Kirnstadt" in values for _, values in why) and ["apart", [120]] in why


def test_repeating_changes_nothing(newsroom):
    group_pending(NOW)
    before = list(Member.objects.order_by("report").values_list("report", "story", "copy_of", "why"))
    assert group_pending(NOW) == Grouped(0, 0)
    assert list(Member.objects.order_by("report").values_list("report", "story", "copy_of", "why")) == before


def test_one_at_a_time_gives_the_same_stories(newsroom):
    while group_pending(NOW, limit=1).reports:
        pass
    alone = grouping()
    Story.objects.all().delete()
    group_pending(NOW)
    assert grouping() == alone and len(alone) == 2


def test_a_late_report_joins_a_known_story(newsroom):
    group_pending(NOW)
    late = report(
        "Valley", "Kirnstadt flood: weir holds, boats leave Mill Lane", FLOOD_TOO.replace("Two", "Some two"), 20
    )
    assert group_pending(NOW) == Grouped(1, 0)
    assert late.member.story == newsroom[0].member.story
    assert Story.objects.get(pk=late.member.story_id).latest_at == late.published_at


def test_an_original_that_comes_late_turns_the_known_one_into_its_copy():
    copy = report("Echo", "Flood in Kirnstadt", FLOOD, 5)
    group_pending(NOW)
    original = report("Courier", "Alm floods Kirnstadt", FLOOD, 1)
    group_pending(NOW)
    copy.refresh_from_db()
    assert copy.member.copy_of == original and original.member.story == copy.member.story
    assert original.member.copy_of is None and Story.objects.get().title == "Alm floods Kirnstadt"


def test_parts_of_a_series_stay_apart():
    report("Courier", "Harbour Works Day 11: the crane", FLOOD, 0)
    report("Courier", "Harbour Works Day 12: the crane", FLOOD + " Still.", 24)
    assert group_pending(NOW) == Grouped(2, 2)


def test_dated_parts_stay_apart_and_what_titles_say_of_series_is_kept():
    counted = {"Harbour Works Day 11": 0, "Day 12: mud": 2, "Briefing, 8 March 2026": 1, "Briefing, 9 March 2026": 1}
    for n, title in enumerate([*counted, "Of 1 May 2001"]):
        report("Courier", title, FLOOD if n in (2, 3) else f"{BAKER} {n}", 8 * n)
    group_pending(NOW)
    assert dict(Member.objects.values_list("report__title", "counting")) == counted | {"Of 1 May 2001": 0}
    briefings = Member.objects.filter(series="Briefing", number__in=[739683, 739684])
    assert len({member.story_id for member in briefings}) == 2
    assert Member.objects.get(report__title="Of 1 May 2001").number is None, "not about when it was published"


def test_another_worker_has_the_job(newsroom):
    with standing_job("stories", NOW):
        assert group_pending(NOW) == Grouped(0, 0)
    assert group_pending(NOW).reports == 4


def test_only_what_came_since_nothing_waited_is_looked_through(newsroom, monkeypatch):
    monkeypatch.setattr(actions, "LATE", 0)
    assert group_pending(NOW, limit=3).reports == 3
    assert Grouping.objects.get().all_placed_to < newsroom[0].pk
    assert group_pending(NOW).reports == 1 and group_pending(NOW).reports == 0
    assert Grouping.objects.get().all_placed_to == Report.objects.latest("pk").pk
    late = report("Herald", "Harbour opens", "The harbour opens on Sunday.", 2)
    Member.objects.filter(report=newsroom[0]).delete()
    assert group_pending(NOW).reports == 1 and late.member


def test_an_archive_is_walked_once_even_if_something_always_waits(newsroom, monkeypatch):
    monkeypatch.setattr(actions, "LATE", 1)
    assert group_pending(NOW, limit=3).reports == 3
    waits = Report.objects.get(member=None)
    for number in range(3):
        report("Herald", f"Matter {number}", f"A matter of its own, {number * 7919}.", 3)
        assert group_pending(NOW, limit=1).reports == 1
        first = Report.objects.filter(member=None).order_by("pk").first()
        assert first.pk - 2 <= Grouping.objects.get().all_placed_to < first.pk
    assert Grouping.objects.get().all_placed_to >= waits.pk - 1


def test_a_report_that_is_filed_behind_the_newest_is_found(newsroom):
    Grouping.objects.create(pk=1, all_placed_to=Report.objects.latest("pk").pk)
    assert group_pending(NOW).reports == 4


def test_the_task_groups_what_waits(newsroom):
    assert group_stories() == 4


def test_triage_puts_the_most_told_first_and_shows_copies(newsroom):
    group_pending(NOW)
    flood, bread = triage()
    assert flood.lead == newsroom[0] and (flood.outlets, flood.copies) == (2, 1)
    assert [m.outlet for m in flood.members] == ["Courier", "Herald", "Echo"]
    assert flood.members[2].copy_of == newsroom[0].pk and bread.outlets == 1
    assert not flood.all_backlog and not flood.taken
    assert [t.story for t in triage(limit=1)] == [flood.story]


def test_triage_knows_backlog():
    report("Courier", "Old news", BAKER, backlog=True)
    group_pending(NOW)
    assert triage()[0].all_backlog


def test_triage_asks_few_questions(newsroom, django_assert_max_num_queries):
    for number in range(30):
        report(
            "Courier", f"Item {number}: {chr(97 + number)}lpha", f"Entirely separate matter {number * 7919}.", number
        )
    group_pending(NOW)
    with django_assert_max_num_queries(6):
        assert len(triage()) > 20


def test_dismissed_stories_leave_the_list_and_come_back(newsroom):
    group_pending(NOW)
    flood = triage()[0].story
    dismiss(flood.pk, NOW)
    dismiss(flood.pk, NOW + timedelta(hours=1))
    assert flood.pk not in [t.story.pk for t in triage()]
    assert story_view(flood.pk).story.dismissed_at == NOW
    restore(flood.pk)
    assert flood.pk in [t.story.pk for t in triage()]


def test_taken_stories_leave_the_list_unless_asked_for(newsroom):
    from handbill.articles.models import Article

    group_pending(NOW)
    flood = triage()[0].story
    Article(headline="Flood", slug="flood", story=flood).save()
    assert flood.pk not in [t.story.pk for t in triage()]
    assert [t.taken for t in triage(include_taken=True) if t.story == flood] == [True]


def test_topics_are_suggested_from_the_outlets_categories():
    water = Topic.objects.create(name="Water & Weather", slug="water")
    city = Topic.objects.create(name="City", slug="city", position=1)
    Topic.objects.create(name="Old", slug="old", retired=True)
    report("Courier", "Alm floods Kirnstadt", FLOOD, categories=["CITY", "Old", "Water & weather"])
    report("Echo", "Alm floods Kirnstadt", FLOOD, categories=["water & weather", "Nothing"])
    group_pending(NOW)
    assert suggested_topics(Story.objects.get().pk) == [water, city]


def test_no_story_has_that_number():
    with pytest.raises(Story.DoesNotExist):
        story_view(12345)


def test_the_list_goes_on_where_it_was_left():
    for number, text in enumerate((FLOOD, BAKER, "Short and of its own.")):
        report(f"Outlet{number}", text[:40], text, number)
    group_pending(NOW)
    everything = [view.story.pk for view in triage()]
    assert len(everything) == 3 and [view.story.pk for view in triage(limit=2, skip=1)] == everything[1:]
