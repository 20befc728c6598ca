"""The evidence that two groups of reports tell one event."""

import math
from dataclasses import replace
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.stories.evidence import CROWD, DOUBT, LOUDEST, MOST_EASE, Evidence, bar, ease
from handbill.stories.terms import said


def evidence(*texts):
    return Evidence([said("", text, "en") for text in texts])


QUAKE = "A strong quake shook {} on {} and {} died, said officials in the region near the coast."


def test_rare_words_in_common_speak_for_one_event_and_none_against():
    seen = evidence(
        "Alm floods Kirnstadt cellars", "Cellars in Kirnstadt after Alm rose", "Bread prize for Obertal baker"
    )
    flood, too, bread = (seen.words([n]) for n in range(3))
    for_it, against = seen.weigh(flood, [too, bread])
    assert for_it > 1 > 0 > against
    assert seen.weigh(too, [flood]) == pytest.approx([for_it])
    assert seen.weigh(flood, []) == []


@given(st.lists(st.lists(st.sampled_from(["Alm", "Kirnstadt", "bread", "baker", "weir", "of", "1987"])), min_size=2))
def test_single_reports_weighed_at_once_weigh_the_same(texts):
    seen = evidence(*(" ".join(words) for words in texts))
    pairs = list(combinations(range(len(texts)), 2))
    one_by_one = [seen.weigh(seen.words([a]), [seen.words([b])])[0] for a, b in pairs]
    assert seen.weigh_alone(pairs) == one_by_one
    assert seen.weigh_alone([]) == []


def test_what_most_of_one_group_say_and_none_of_the_other_tells_them_apart():
    here = [QUAKE.format("Aceh", "Tuesday", "Budi Hartono")] * 4
    there = [QUAKE.format("Qeshm", "Sunday", "Reza Karimi")] * 4
    seen = evidence(*here, *there)
    two, same = seen.words([0, 1]), seen.words([2, 3])
    others = seen.words([4, 5, 6, 7])
    mine, theirs = seen.weigh(two, [same, others])
    assert mine > theirs


def test_joined_groups_say_what_their_reports_say():
    seen = evidence(*(f"Storm {n} hits the harbour of Alma" for n in range(600)))
    halves = seen.words(range(300)), seen.words(range(300, 600))
    both, whole = seen.both(*halves), seen.words(range(600))
    assert both.size == 600 and both.loud == LOUDEST / 600
    assert both.counts == pytest.approx(whole.counts) and (both.room, both.weight) == pytest.approx(
        (whole.room, whole.weight)
    )


def test_the_bar_is_lowered_by_how_large_stories_are():
    assert ease([]) == ease([1, 1, 1]) == 0
    assert ease([4, 4]) == pytest.approx(math.log(4)) and ease([4] + [1] * 4) < math.log(4)
    assert ease([100_000]) == MOST_EASE


def test_the_silence_of_a_short_report_says_little():
    long = " ".join(f"Zarn{n}" for n in range(70))
    seen = evidence(long, "Alm Kirnstadt", long.replace("Zarn", "Quem"))
    first, short, other = (seen.words([n]) for n in range(3))
    assert short.room < first.room == other.room == 1
    as_long = replace(short, room=1.0)
    by_room, by_length = seen.weigh(first, [short, as_long])
    assert by_room > by_length


def test_a_large_story_keeps_words_that_tell():
    reports = [f"Alm Kirnstadt cellar boat {n}" for n in range(300)]
    seen = evidence(*reports, *(f"Other matter {n}" for n in range(300)))
    assert seen.has_core(seen.words(range(300)))
    half, rest = seen.words(range(299)), seen.words([299])
    assert seen.weigh(half, [rest])[0] > seen.weigh(seen.words([0, 1]), [rest])[0] > 0


def test_a_chain_has_no_core():
    links = [f"{a} {b}" for a, b in pairwise(f"Zarn{n} Borl{n} Quem{n}" for n in range(8))]
    seen = evidence(*links, *["Other words altogether"] * 40)
    assert seen.has_core(seen.words([0, 1])) and not seen.has_core(seen.words(range(7)))


def test_neighbours_are_within_reach_and_never_the_report_itself():
    seen = evidence(*["Alm floods Kirnstadt cellars again"] * 4, *["Bread prize"] * 40)
    assert seen.neighbours(1, 0, 44) == [0, 2, 3] and seen.neighbours(1, 1, 3) == [2]
    assert evidence("", "").neighbours(0, 0, 2) == []


def test_the_bar_rises_with_the_crowd_and_falls_with_the_groups():
    assert bar(1, 1, 1) == bar(0, 1, 1) == DOUBT
    assert bar(1000, 1, 1) == pytest.approx(DOUBT + CROWD * math.log(1000))
    assert bar(1000, 9, 1) < bar(1000, 1, 1) < bar(10_000, 1, 1)
