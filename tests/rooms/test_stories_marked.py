"""Copies of what was said long ago: recognised by text and by address, and forgotten with their report."""

from datetime import timedelta

import pytest
from test_stories_grouping import BAKER, FLOOD, NOW, report

from handbill.stories import loading
from handbill.stories.actions import group_pending
from handbill.stories.copies import ONE_TEXT, Memory, Text, marks, recognise
from handbill.stories.marked import SLICES, Stored, forget
from handbill.stories.models import Mark, Marked, Member, Story
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


def test_the_database_finds_what_memory_finds():
    made = [report(f"Outlet{n % 3}", "x", text) for n, text in enumerate([FLOOD, BAKER, FLOOD + " More.", BAKER] * 3)]
    texts = [Text(one.pk, one.source_id, marks(one.text)) for one in made]
    stored, memory = Stored(), Memory()
    for batch in (texts[:5], texts[5:6], texts[6:]):
        assert recognise(batch, stored) == recognise(batch, memory)
    assert recognise(texts[:2], stored) == recognise(texts[:2], memory)
    assert sorted(Mark.objects.values_list("use", flat=True)) == sorted(
        h << 28 | text.id for text in texts for h in text.marks.hashes.tolist()
    )


def test_marks_go_with_their_report():
    gone, kept = filed("Courier", "Alm", FLOOD).report, filed("Echo", "Bread", BAKER).report
    assert Marked.objects.count() == 2
    Story.objects.all().delete()
    gone.delete()
    assert Marked.objects.get().report == kept and filed("Herald", "Alm", FLOOD).copy_of_id is None
    before = Mark.objects.count()
    cleared = sum(forget(NOW + timedelta(minutes=n)) for n in range(SLICES))
    assert cleared == before - Mark.objects.count() > 40
    assert not [use for use in Mark.objects.values_list("use", flat=True) if use & ONE_TEXT == gone.pk]


def test_what_a_process_remembers_is_what_the_rows_say(monkeypatch):
    def rounds(forgetful):
        Story.objects.all().delete()
        Mark.objects.all().delete()
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
