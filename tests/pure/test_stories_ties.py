"""What an editor ruled holds whatever the words say: together is one story, apart never is, not even by a third."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_stories_group import BATCH, FLOOD, NOON, events, told

from handbill.stories.group import Told, group
from handbill.stories.ties import Act, Bundles, numbered, speak_alike, standing

IDS = [report.id for report in BATCH]


def story_of(places):
    return {place.report: (place.story, place.opens) for place in places}


@st.composite
def rulings(draw):
    """What a partition of some reports says of them, as pairs: it can be kept, and it needn't be reasonable."""
    share = draw(st.dictionaries(st.sampled_from(IDS), st.integers(0, 2)))
    pairs = list(combinations(sorted(share), 2))
    together = [pair for pair in pairs if share[pair[0]] == share[pair[1]]]
    return together, [pair for pair in pairs if pair not in together]


@settings(max_examples=40, deadline=None)
@given(rulings(), st.permutations(BATCH))
def test_every_ruling_is_kept_whatever_the_order(ruled, batch):
    together, apart = ruled
    places = group(batch, together=together, apart=apart)
    found = story_of(places)
    assert all(found[a] == found[b] for a, b in together)
    assert all(found[a] != found[b] for a, b in apart)
    assert places == group(BATCH, together=[(b, a) for a, b in together], apart=apart[::-1])


def test_no_ruling_changes_nothing():
    assert group(BATCH, together=(), apart=[(998, 999), (1, 999)]) == group(BATCH)


def test_a_third_report_does_not_bring_two_ruled_apart_together():
    places = group(BATCH[:3], apart=[(1, 2)])
    assert events(places) == {frozenset({1, 3}), frozenset({2})}


def test_two_copies_ruled_apart_are_two_stories():
    copies = [told(number, "Alm floods Kirnstadt", FLOOD, number) for number in (1, 2, 3)]
    assert events(group(copies)) == {frozenset({1, 2, 3})}
    assert events(group(copies, apart=[(2, 3)])) == {frozenset({1, 2}), frozenset({3})}


def test_a_new_report_goes_where_it_was_ruled_to_and_not_where_it_was_ruled_from():
    known = [told(1, *_said(1), story=10), told(4, *_said(4), 4, story=40)]
    new = told(2, *_said(2), 2)
    assert group([new], known)[0].story == 10
    assert group([new], known, apart=[(1, 2)])[0].story is None
    assert group([new], known, together=[(2, 4)])[0].story == 40
    assert group([new], known, together=[(2, 4)], apart=[(1, 2)])[0].story == 40


def test_two_known_stories_stay_two_even_if_somebody_says_together():
    known = [told(1, *_said(1), story=10), told(4, *_said(4), 4, story=40)]
    assert group([told(2, *_said(2), 2)], known, together=[(1, 4)])[0].story == 10


def test_two_languages_are_one_story_by_ruling_alone():
    assert frozenset({1, 2, 3, 6, 7}) not in events(group(BATCH))
    assert frozenset({1, 2, 3, 6, 7}) in events(group(BATCH, together=[(6, 1), (7, 6)]))


def test_far_apart_in_time_is_no_matter_to_an_editor():
    late = Told(50, "Echo", "en", "A year later", "The weir of Kirnstadt stands again.", NOON.replace(year=2027))
    assert frozenset({1, 50}) <= next(e for e in events(group([*BATCH, late], together=[(1, 50)])) if 50 in e)


def _said(number):
    return next((report.title, report.text) for report in BATCH if report.id == number)


def test_bundles():
    bundles = Bundles(4, {0: 7, 3: 8}, [(1, 2)])
    assert bundles.join(0, 1) and bundles.join(1, 0) and not bundles.join(2, 1) and not bundles.join(3, 0)
    assert bundles.join(3, 2) and bundles.of == [0, 0, 2, 2]
    assert [sorted(bundles.holds(n)) for n in (0, 2)] == [[0, 1], [2, 3]]
    assert bundles.barred(0) == {2} and bundles.barred(2) == {1}
    assert numbered([(9, 5), (5, 9), (5, 5), (4, 9)], [5, 9]) == [(0, 1), (1, 0)]


@pytest.mark.parametrize("together", [[], [(1, 2)], [(3, 2), (2, 1)]])
def test_the_language_of_what_is_ruled_together_is_that_of_the_first(together):
    spoken = speak_alike({1: "en", 2: "de", 3: "ar"}, together)
    assert spoken == {1: "en", 2: "en" if together else "de", 3: "en" if len(together) > 1 else "ar"}


def test_of_each_pair_the_newest_ruling_counts():
    acts = [Act(frozenset({1, 2}), frozenset({3})), Act(frozenset({3}), frozenset({4}), frozenset({1, 5}))]
    assert standing(acts, {1, 2, 3, 4, 5}) == ([(1, 2), (2, 3), (3, 4)], [(1, 3), (3, 5)])
    assert standing(reversed(acts), {1}) == ([(1, 2), (1, 3)], [])
    assert standing(acts, ()) == standing([], {1}) == ([], [])
