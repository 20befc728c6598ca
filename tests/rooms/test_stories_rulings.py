"""The editor's word: merge, split, move, not the same. It is final, repeating is harmless, and undo takes it back."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner
from django.db import IntegrityError, transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from test_stories_grouping import BAKER, FLOOD, FLOOD_TOO, NOW, report

from handbill.articles.actions import take_story
from handbill.articles.models import Article
from handbill.ops.cli import cli
from handbill.ops.commands import imports  # noqa: F401 -- the commands are read when they are called
from handbill.stories import actions
from handbill.stories.errors import ChangedSince
from handbill.stories.models import Grouping, Member, Ruled, Ruling, Story
from handbill.stories.queries import triage
from handbill.stories.rulings import pairs_about
from handbill.wire.models import Report

pytestmark = pytest.mark.django_db


def placed(count, *, size=2):
    """``count`` stories of ``size`` reports each, that nothing but this test put there."""
    stories = []
    for number in range(count):
        story = Story.objects.create(title=f"S{number}", opened_at=NOW + timedelta(hours=number), latest_at=NOW)
        for _ in range(size):
            Member.objects.create(report=report("Courier", f"S{number}", f"Text {number}", number), story=story)
        stories.append(story)
    actions.sum_up([story.pk for story in stories])
    return stories


def partition():
    found = {}
    for story, one in Member.objects.values_list("story", "report"):
        found.setdefault(story, set()).add(one)
    return {frozenset(reports) for reports in found.values()}


def reports_of(story):
    return list(Member.objects.filter(story=story).order_by("report").values_list("report", flat=True))


def regroup():
    """Forget every place, as if the reports were new, and group again."""
    Member.objects.all().delete()
    Story.objects.all().delete()
    while actions.group_pending(NOW).reports:
        pass


def test_merging_moves_all_into_the_story_that_was_first_and_repeating_is_harmless():
    first, second, third = placed(3)
    everything = reports_of(first) + reports_of(second)
    ruling = actions.merge([second.pk, first.pk], NOW)
    assert reports_of(first) == everything and reports_of(second) == [] and len(reports_of(third)) == 2
    assert actions.merge([second.pk, first.pk], NOW) is None and Ruling.objects.get() == ruling
    second.refresh_from_db()
    assert second.outlets == 0 and second.pk not in [view.story.pk for view in triage()]


def test_splitting_makes_a_story_of_its_own_and_repeating_is_refused():
    (story,) = placed(1, size=3)
    out, *rest = reports_of(story)
    actions.split(story.pk, [out], NOW)
    assert partition() == {frozenset([out]), frozenset(rest)}
    with pytest.raises(ChangedSince):
        actions.split(story.pk, [out], NOW)
    assert actions.split(story.pk, rest, NOW) is None and Ruling.objects.count() == 1


def test_moving_rules_both_ways():
    first, second = placed(2)
    out, stays = reports_of(first)
    there = reports_of(second)
    actions.move(first.pk, [out], second.pk, NOW)
    together, apart = pairs_about([out])
    assert apart == [(out, stays)] and {other for pair in together for other in pair} == {out, *there}
    with pytest.raises(ChangedSince):
        actions.move(first.pk, [out], second.pk, NOW)
    with pytest.raises(ChangedSince):
        actions.move(first.pk, [stays], 99_999, NOW)


def test_not_the_same_is_said_once():
    first, second = placed(2)
    before = partition()
    assert actions.keep_apart(first.pk, second.pk, NOW) is not None
    assert actions.keep_apart(second.pk, first.pk, NOW) is None
    assert actions.keep_apart(first.pk, first.pk, NOW) is None
    assert partition() == before and len(pairs_about(reports_of(first))[1]) == 4


def test_the_word_outlives_the_places():
    flood = report("Courier", "Alm floods Kirnstadt, residents leave Mill Lane by boat", FLOOD, 0)
    boats = report("Herald", "Boats in Mill Lane as Kirnstadt floods", FLOOD_TOO, 2)
    copy = report("Echo", "Flood in Kirnstadt: boats carry residents", FLOOD + " More to follow.", 3)
    bread = report("Courier", "Obertal baker takes bread prize again", BAKER, 4)
    actions.group_pending(NOW)
    assert partition() == {frozenset({flood.pk, boats.pk, copy.pk}), frozenset({bread.pk})}
    actions.split(flood.member.story_id, [copy.pk], NOW)
    actions.merge([boats.member.story_id, Member.objects.get(report=bread).story_id], NOW)
    ruled = {frozenset({flood.pk, boats.pk, bread.pk}), frozenset({copy.pk})}
    assert partition() == ruled
    regroup()
    assert partition() == ruled
    Member.objects.filter(report=bread).delete()
    actions.group_pending(NOW)
    assert partition() == ruled, "one report grouped again finds the others of its story"


def test_a_newer_word_counts_and_an_undone_one_does_not():
    first, second = placed(2, size=1)
    one, other = reports_of(first) + reports_of(second)
    merged = actions.merge([first.pk, second.pk], NOW)
    parted = actions.split(first.pk, [other], NOW)
    assert pairs_about([one]) == ([], [(one, other)])
    with pytest.raises(ChangedSince):
        actions.undo(merged.pk, NOW)
    assert actions.undo(parted.pk, NOW) and not actions.undo(parted.pk, NOW)
    assert pairs_about([one]) == ([(one, other)], []) and partition() == {frozenset({one, other})}
    assert actions.undo(merged.pk, NOW) and pairs_about([one]) == ([], [])
    assert Ruling.objects.filter(undone_at=NOW).count() == 2, "undone rulings are kept"


def test_a_report_is_on_one_side_of_a_ruling():
    first, second = placed(2)
    ruling = actions.merge([first.pk, second.pk], NOW)
    twice = Ruled(ruling=ruling, report_id=reports_of(first)[0], side=Ruled.Side.WITHOUT)
    with pytest.raises(IntegrityError), transaction.atomic():
        twice.save()
    with pytest.raises(IntegrityError), transaction.atomic():
        Grouping.objects.create(pk=2)


def test_a_round_that_an_editor_overtook_saves_nothing(monkeypatch):
    flood = report("Courier", "Alm floods Kirnstadt, residents leave Mill Lane by boat", FLOOD, 0)
    bread = report("Courier", "Obertal baker takes bread prize again", BAKER, 4)
    actions.group_pending(NOW)
    late = report("Herald", "Boats in Mill Lane as Kirnstadt floods", FLOOD_TOO, 2)
    decide = actions.group

    def meanwhile(*args, **kwargs):
        monkeypatch.setattr(actions, "group", decide)
        actions.merge([flood.member.story_id, bread.member.story_id], NOW)
        return decide(*args, **kwargs)

    monkeypatch.setattr(actions, "group", meanwhile)
    assert actions.group_pending(NOW).reports == 0 and not Member.objects.filter(report=late).exists()
    assert actions.group_pending(NOW).reports == 1
    assert partition() == {frozenset({flood.pk, bread.pk, late.pk})}


def test_strictness_is_one_of_the_choices_and_reaches_the_grouping(monkeypatch):
    asked, decide = [], actions.group

    def noted(*args, strictness, **kwargs):
        asked.append(strictness)
        return decide(*args, strictness=strictness, **kwargs)

    monkeypatch.setattr(actions, "group", noted)
    with pytest.raises(ValueError):
        actions.set_strictness(7)
    for strictness in (Grouping.Strictness.STRICT, Grouping.Strictness.EVEN, Grouping.Strictness.RATHER_LOOSE):
        actions.set_strictness(strictness)
        report("Courier", "Alm floods Kirnstadt", FLOOD, 0)
        actions.group_pending(NOW)
    assert asked == [10, 0, -5] and str(Grouping.objects.get()) == "rather loose"


def test_an_article_stays_with_its_report():
    first, second = placed(2)
    article = take_story(first.pk, NOW)
    other = next(one for one in reports_of(first) if one != article.report_id)
    actions.split(first.pk, [other], NOW)
    assert _story(article) == first.pk
    ruling = actions.move(first.pk, [article.report_id], second.pk, NOW)
    assert _story(article) == second.pk
    actions.undo(ruling.pk, NOW)
    assert _story(article) == first.pk
    actions.merge([second.pk, first.pk], NOW)
    assert _story(article) == first.pk and len(reports_of(first)) == 3, "the story with the article stays"


def test_two_articles_never_meet_in_one_story():
    first, second = placed(2)
    kept, met = take_story(first.pk, NOW), take_story(second.pk, NOW)
    ruling = actions.merge([first.pk, second.pk], NOW)
    assert (_story(kept), _story(met)) == (first.pk, None)
    actions.undo(ruling.pk, NOW)
    assert (_story(kept), _story(met)) == (first.pk, second.pk)


def test_rulings_are_taken_out_as_lines_and_undone_ones_say_so():
    first, second = placed(2)
    mine, theirs = reports_of(first), reports_of(second)
    actions.undo(actions.merge([first.pk, second.pk], NOW).pk, NOW)
    actions.move(first.pk, mine[:1], second.pk, NOW)
    done = CliRunner().invoke(cli, ["export", "rulings"])
    merged, moved = map(json.loads, done.stdout.splitlines())
    sides = [[one["id"] for one in moved[side]] for side in ("moved", "with", "without")]
    assert sides == [mine[:1], theirs, mine[1:]]
    assert merged["undone"] == NOW.isoformat() and moved["undone"] is None
    assert moved["moved"][0]["outlet"] == "Courier" and moved["moved"][0]["url"].startswith("https://courier.example/")


def _story(article):
    return Article.objects.get(pk=article.pk).story_id


class AnyActs(TestCase):
    """Whatever an editor does, in whatever order: all of it agrees, and all of it can be taken back."""

    @settings(max_examples=25, deadline=None)
    @given(st.lists(st.tuples(st.sampled_from("msvk"), st.integers(0, 7), st.integers(0, 7)), max_size=6))
    def test_what_holds_agrees_with_where_the_reports_are_and_undo_restores(self, acts):
        placed(4)
        states, rulings = [partition()], []
        for act, a, b in acts:
            if (ruling := self._act(act, a, b)) is not None:
                rulings.append(ruling)
                states.append(partition())
        self._agrees()
        for ruling in reversed(rulings):
            assert partition() == states.pop()
            assert actions.undo(ruling.pk, NOW)
            self._agrees()
        assert partition() == states.pop() and states == []

    def _act(self, act, a, b):
        reports = list(Report.objects.order_by("pk").values_list("pk", flat=True))
        one, other = (Member.objects.get(report=reports[n]) for n in (a, b))
        if act == "m":
            return actions.merge([one.story_id, other.story_id], NOW)
        if act == "s":
            return actions.split(one.story_id, [one.report_id], NOW)
        if act == "v":
            return actions.move(one.story_id, [one.report_id], other.story_id, NOW)
        return actions.keep_apart(one.story_id, other.story_id, NOW)

    def _agrees(self):
        place = dict(Member.objects.values_list("report", "story"))
        together, apart = pairs_about(list(place))
        assert all(place[a] == place[b] for a, b in together) and all(place[a] != place[b] for a, b in apart)
        assert {row.pk for row in Story.objects.filter(outlets__gt=0)} == set(place.values())
