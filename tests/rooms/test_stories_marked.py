"""Copies of what was said long ago: recognised by text and by address, and forgotten with their report."""

from datetime import timedelta

import numpy as np
import pytest
from test_stories_grouping import BAKER, FLOOD, NOW, report

from handbill.stories import actions, loading
from handbill.stories.actions import group_pending
from handbill.stories.copies import ONE_TEXT, Memory, Text, marks, recognise
from handbill.stories.marked import SLICES, SLOT_BITS, Stored, put_away
from handbill.stories.models import Mark, Marked, Member, Shelf, Story
from handbill.stories.queries import story_view
from handbill.wire.models import Report

pytestmark = pytest.mark.django_db

WEEKS = 24 * 30


def filed(outlet, title, text, hours=0, **fields):
    """Grouped in a round of its own."""
    made = report(outlet, title, text, hours, **fields)
    group_pending(NOW)
    return Member.objects.get(report=made)


def test_a_copy_of_weeks_ago_opens_its_own_story_and_says_whose_it_is():
    first = filed("Courier", "Alm floods Kirnstadt", FLOOD, -WEEKS)
    late = filed("Echo", "When the Alm rose", FLOOD + " From our archive.")
    assert late.copy_of_id == first.report_id and late.story_id != first.story_id
    assert ["copy", ["Courier"]] in late.why and ["apart", [WEEKS * 60]] in late.why
    (member,) = story_view(late.story_id).members
    assert (member.copy_of, member.original_outlet) == (first.report_id, "Courier")


def test_a_copy_of_a_copy_is_one_of_the_original():
    first = filed("Courier", "Alm floods Kirnstadt", FLOOD, -WEEKS)
    filed("Herald", "The flood", FLOOD, -WEEKS + 1)
    assert filed("Echo", "When the Alm rose", FLOOD).copy_of_id == first.report_id


def test_one_address_is_one_report_whoever_follows_it_and_however():
    first = filed("Courier", "Alm floods Kirnstadt", FLOOD, -WEEKS, address="https://www.courier.example/alm?id=7")
    late = filed("Echo", "A link", "Worth a look.", address="http://courier.example/alm/?utm_source=echo&id=7#top")
    other = filed("Echo", "Another", "Also worth it.", address="https://courier.example/alm?id=8")
    assert late.copy_of_id == first.report_id and other.copy_of_id is None


def test_few_words_are_a_copy_of_the_very_same_few():
    first = filed("Courier", "Ferry crews vote on the new offer", "", -WEEKS)
    assert filed("Echo", "Ferry crews vote on the new offer", "").copy_of_id == first.report_id
    assert filed("Herald", "Ferry crews vote on the next offer", "").copy_of_id is None


def all_put_away():
    """After three days; how many marks were left out. The minutes of slices without marks are passed over."""
    now = int(NOW.timestamp() // 60)
    minutes = {((use >> 51) - now) % SLICES for use in kept()}
    return sum(put_away(NOW + timedelta(minutes=n)) for n in minutes)


def kept():
    """What lies on all shelves, and the newest."""
    lying = np.frombuffer(b"".join(Shelf.objects.values_list("uses", flat=True)), "<i8").tolist()
    return sorted([*lying, *Mark.objects.values_list("use", flat=True)])


@pytest.mark.parametrize("days", [0, 3])
def test_the_database_finds_what_memory_finds(days):
    made = [report(f"Outlet{n % 3}", "x", text) for n, text in enumerate([FLOOD, BAKER, FLOOD + " More.", BAKER] * 3)]
    texts = [Text(one.pk, one.source_id, marks(one.text)) for one in made]
    stored, memory = Stored(), Memory()
    for batch in (texts[:5], texts[5:6], texts[6:]):
        assert recognise(batch, stored) == recognise(batch, memory)
        if days:
            assert all_put_away() == 0 == Mark.objects.count()
    assert recognise(texts[:2], stored) == recognise(texts[:2], memory)
    assert kept() == sorted(h << 28 | text.id for text in texts for h in text.marks.hashes.tolist())


def test_a_slice_is_put_away_once_a_minute(monkeypatch):
    minutes = []
    monkeypatch.setattr(actions, "put_away", minutes.append)
    for seconds in (0, 10, 50, 60, 70, 3_600):
        group_pending(NOW + timedelta(seconds=seconds))
    assert minutes == [NOW, NOW + timedelta(seconds=60), NOW + timedelta(seconds=3_600)]


def test_a_shelf_holds_the_marks_of_its_slot_in_order():
    ends = [0, (1 << SLOT_BITS) - 1, 1 << SLOT_BITS, (1 << 63) - 1]
    one = report("Courier", "Alm", FLOOD)
    Mark.objects.bulk_create(Mark(use & ~ONE_TEXT | one.pk) for use in ends)
    all_put_away()
    assert list(Shelf.objects.order_by("slot").values_list("slot", flat=True)) == [0, 1, 2**20 - 1]
    hashes = np.array([0, (1 << SLOT_BITS - 28) - 1, 1 << SLOT_BITS - 28, (1 << 35) - 1])
    assert sorted(Stored().uses(hashes).tolist()) == [use & ~ONE_TEXT | one.pk for use in ends]
    assert not len(Stored().uses(hashes[1:3] + np.array([-1, 1])))


@pytest.mark.parametrize("days", [0, 3])
def test_marks_go_with_their_report(days):
    gone, other = filed("Courier", "Alm", FLOOD).report, filed("Echo", "Bread", BAKER).report
    if days:
        all_put_away()
    assert Marked.objects.count() == 2
    Story.objects.all().delete()
    gone.delete()
    assert Marked.objects.get().report == other and filed("Herald", "Alm", FLOOD).copy_of_id is None
    before = len(kept())
    cleared = all_put_away()
    assert cleared == before - len(kept()) > 40
    assert not [use for use in kept() if use & ONE_TEXT == gone.pk]


def test_what_a_process_remembers_is_what_the_rows_say(monkeypatch):
    def rounds(forgetful):
        Story.objects.all().delete()
        Mark.objects.all().delete()
        Shelf.objects.all().delete()
        Marked.objects.all().delete()
        while group_pending(NOW, limit=1).reports:
            if forgetful:
                loading._remembered.clear()
        return {frozenset(Member.objects.filter(story=s).values_list("report", "copy_of")) for s in Story.objects.all()}

    for n, text in enumerate([FLOOD, BAKER, FLOOD + " More.", FLOOD.replace("Monday", "that"), BAKER[:150]]):
        report(f"Outlet{n}", text[:40], text, n)
    assert rounds(forgetful=False) == rounds(forgetful=True)
    monkeypatch.setattr(loading, "MOST_REMEMBERED", 1)
    assert rounds(forgetful=False) == rounds(forgetful=True)


def test_a_report_that_is_rewritten_is_read_again():
    first = filed("Courier", "Alm floods Kirnstadt", FLOOD)
    filed("Echo", "Bread", BAKER)
    Report.objects.filter(pk=first.report_id).update(title="Bread in Obertal", text=BAKER, alterations=1)
    [told] = loading.load_known(Report.objects.filter(pk=first.report_id))
    assert set(told.gist.said.titled) <= set(told.gist.said.codes) and len(told.gist.said.codes) > 20
    again = loading._remembered[first.report_id]
    loading._remembered.clear()
    [fresh] = loading.load_known(Report.objects.filter(pk=first.report_id))
    assert fresh.gist.said.packed.tolist() == again[1].packed.tolist()


def test_bad_texts_are_filed_alone():
    odd = ["", "word " * 200_000, "😀" * 4_000, "\u202eabc \x85 Повінь 東京 فيضان " * 50, "a b c d e f g h"]
    for n, text in enumerate(odd):
        report(f"Outlet{n}", "" if n else "\U0001f600", text, hours=-24 * 3650 if n == 3 else n)
    assert group_pending(NOW).stories == len(odd)
