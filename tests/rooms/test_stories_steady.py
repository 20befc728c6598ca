"""The same stories however the reports come: in one batch or more, fetched again, after a restart, beside an editor."""

from datetime import timedelta
from importlib import import_module
from threading import Event, Thread

import pytest
from django.apps import apps
from django.db import connection
from test_stories_grouping import BAKER, FLOOD, FLOOD_TOO, NOW, report
from test_stories_rulings import partition, placed, regroup
from test_wire_file import item, make_feed, visit

from handbill.stories import actions, dated, gist, loading, series, terms
from handbill.stories.models import Member, Ruling, Story
from handbill.wire.models import Report

SERIES = import_module("handbill.stories.migrations.0005_series_of_members")
WITHOUT_A_NAME = import_module("handbill.stories.migrations.0007_dated_and_unnamed_series")

TOLD = [
    ("Courier", "Alm floods Kirnstadt, residents leave Mill Lane by boat", FLOOD),
    ("Courier", "Obertal baker takes bread prize again", BAKER),
    ("Herald", "Boats in Mill Lane as Kirnstadt floods", FLOOD_TOO),
    ("Echo", "Flood in Kirnstadt: boats carry residents", FLOOD + " More to follow."),
    ("Valley", "Bread prize: Obertal baker wins", BAKER.replace("has won", "won")),
    ("Herald", "Ferry crews vote on the new offer", "The crews of the ferries vote on Friday. The yard waits."),
]


def told_until(count, since=0):
    return [report(*TOLD[number], hours=number) for number in range(since, count)]


def story_count():
    return len(partition())


@pytest.mark.django_db
@pytest.mark.parametrize("first", range(1, len(TOLD)))
def test_two_batches_give_the_stories_of_one(first):
    told_until(first)
    actions.group_pending(NOW)
    told_until(len(TOLD), since=first)
    actions.group_pending(NOW)
    apart = partition()
    regroup()
    assert partition() == apart and len(apart) == 3


@pytest.mark.django_db
def test_what_is_fetched_again_changes_nothing():
    feed = make_feed()
    entries = [item(1), item(2, title="Another matter"), item(3, title="A third one")]
    visit(feed, *entries)
    actions.group_pending(NOW)
    before = list(Member.objects.order_by("report_id").values_list("report", "story", "copy_of", "why"))
    visit(feed, *reversed(entries), at=NOW + timedelta(hours=1))
    assert actions.group_pending(NOW).reports == 0
    assert list(Member.objects.order_by("report_id").values_list("report", "story", "copy_of", "why")) == before != []


@pytest.mark.django_db
def test_a_process_that_knows_nothing_yet_gives_the_same_stories():
    def restart():
        loading._remembered.clear()
        for memory in (gist.gist, series.series_of, dated.dated_of, terms._read, terms._stems):
            memory.cache_clear()

    def one_by_one(between):
        Story.objects.all().delete()
        while actions.group_pending(NOW, limit=1).reports:
            between()
        return set(Member.objects.values_list("report", "copy_of")), partition()

    told_until(len(TOLD))
    assert one_by_one(restart) == one_by_one(lambda: None)


@pytest.mark.django_db
def test_merged_and_split_again_all_is_as_before():
    one, other = placed(2)
    before, moved = partition(), list(Member.objects.filter(story=other).values_list("report", flat=True))
    assert actions.merge([one.pk, other.pk], NOW) and story_count() == 1
    assert actions.split(one.pk, moved, NOW)
    assert partition() == before
    regroup()
    assert all(not event & set(moved) or event == set(moved) for event in partition())


BAD = {
    "nothing": ("", ""),
    "five megabytes": ("Long", " ".join(f"word{n}" for n in range(600_000))),
    "one word a million times": ("Again", "word " * 1_000_000),
    "mixed scripts": ("Повінь 東京 فيضان flood", "\u202eabc \x85 Повінь 東京 فيضان " * 50),
    "emoji": ("\U0001f600", "\U0001f600 " * 4_000),
}


@pytest.mark.django_db
@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("years", [0, -10, 10])
def test_bad_input_is_filed_alone_and_harms_nobody(kind, years):
    flood, bread, boats = (one.pk for one in told_until(3))
    bad = report("Odd", *BAD[kind], hours=years * 365 * 24)
    assert actions.group_pending(NOW).reports == 4
    assert partition() == {frozenset({flood, boats}), frozenset({bread}), frozenset({bad.pk})}


def both(first, second):
    """Run both at once; each ends its own connection."""

    def closing(work):
        try:
            work()
        finally:
            connection.close()

    threads = [Thread(target=closing, args=(work,)) for work in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)


@pytest.mark.django_db(transaction=True)
def test_an_act_at_the_moment_of_saving_waits_and_nothing_is_lost(monkeypatch):
    told_until(2)
    actions.group_pending(NOW)
    flood, bread = (one.member.story_id for one in Report.objects.order_by("pk"))
    [late] = told_until(3, since=2)
    saving, acting, order, save = Event(), Event(), [], actions._saved

    def slow(*values):
        saving.set()
        acting.wait(10)
        acting.clear()
        acting.wait(0.5)  # the act asks for the lock meanwhile
        order.append("saved")
        return save(*values)

    def act():
        saving.wait(10)
        acting.set()
        actions.merge([flood, bread], NOW)
        order.append("merged")

    monkeypatch.setattr(actions, "_saved", slow)
    both(lambda: actions.group_pending(NOW), act)
    assert order == ["saved", "merged"]
    assert partition() == {frozenset(Report.objects.values_list("pk", flat=True))}
    assert late.pk in Ruling.objects.get().reports.values_list("report", flat=True)


@pytest.mark.django_db(transaction=True)
def test_two_editors_merge_the_same_stories_once():
    one, other = (story.pk for story in placed(2))
    made = []
    both(lambda: made.append(actions.merge([one, other], NOW)), lambda: made.append(actions.merge([one, other], NOW)))
    assert [bool(ruling) for ruling in made].count(True) == 1 == Ruling.objects.count()
    assert story_count() == 1


@pytest.mark.django_db
def test_members_from_before_get_their_series_and_others_stay():
    dated = f"Morning briefing, {NOW:%d %B %Y}"
    for title in ("Harbour Works Day 11: the crane", "Part 3", dated, "Bread"):
        report("Courier", title, title)
    actions.group_pending(NOW)
    said = Member.objects.order_by("report_id").values_list("counting", "series", "number")
    wanted = list(said)
    Member.objects.update(series="", number=None, counting=Member.Counting.NUMBERED)
    SERIES.tell_series(apps, connection.schema_editor())
    assert list(said.all()) == [(0, "Harbour Works", 11), (0, "", None), (0, "", None), (0, "", None)]
    WITHOUT_A_NAME.tell_series(apps, connection.schema_editor())
    assert list(said.all()) == wanted
    assert wanted == [
        (Member.Counting.NUMBERED, "Harbour Works", 11),
        (Member.Counting.UNNAMED, "part …", 3),
        (Member.Counting.DATED, "Morning briefing", NOW.toordinal()),
        (Member.Counting.NUMBERED, "", None),
    ]
