"""What speaks for a story at triage: outlets, newness, rarity, what is new; and each can be said in hours."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.stories.rank import DOUBLING_HOURS, NEW_HOURS, RARE_HOURS, Teller, rank, usual_rhythm

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def teller(outlet=1, hours=0.0, copy=False, new=False):
    return Teller(outlet, NOON + timedelta(hours=hours), copy, new)


tellers = st.lists(
    st.builds(teller, st.integers(1, 4), st.floats(-99, 99), st.booleans(), st.booleans()), min_size=1, max_size=8
)


def test_a_lone_report_of_a_usual_outlet_has_nothing_but_its_time():
    standing = rank([teller()], {1: 100.0}, 100.0)
    assert (standing.told_hours, standing.rare_hours, standing.new_hours, standing.rare) == (0, 0, 0, None)
    assert standing.place == NOON.timestamp() / 3600 and (standing.reports, standing.outlets) == (1, 1)


def test_more_outlets_speak_for_a_story_and_a_copy_for_a_quarter():
    three = rank([teller(1), teller(2), teller(3)], {}, 0.0)
    assert three.told_hours == pytest.approx(DOUBLING_HOURS) and three.outlets == 3
    assert rank([teller(1), teller(1, 1)], {}, 0.0).told_hours == 0, "one outlet twice is one"
    copied = rank([teller(1), teller(2, copy=True)], {}, 0.0)
    assert 0 < copied.told_hours < rank([teller(1), teller(2)], {}, 0.0).told_hours
    assert (copied.outlets, copied.copies) == (1, 1)


def test_a_story_of_copies_alone_is_told_by_one():
    assert rank([teller(3, copy=True), teller(4, copy=True)], {}, 0.0).outlets == 1


@pytest.mark.parametrize(("a_week", "hours"), [(0.1, 12.0), (2, 12.0), (4, 8.0), (8, 4.0), (16, 0.0), (999, 0.0)])
def test_an_outlet_that_seldom_publishes_weighs_more(a_week, hours):
    assert rank([teller()], {1: a_week}, 32.0).rare_hours == pytest.approx(hours, abs=0.05)


def test_the_rarest_outlet_is_named_and_a_copy_is_not():
    rhythms = {1: 20.0, 2: 3.0, 3: 1.0}
    standing = rank([teller(1), teller(2), teller(3, copy=True), teller(4)], rhythms, 20.0)
    assert (standing.rare, standing.a_week) == (2, 3.0) and 0 < standing.rare_hours < RARE_HOURS


def test_what_is_new_since_the_last_issue_counts_by_its_share():
    assert rank([teller(new=True)], {}, 0.0).new_hours == NEW_HOURS
    standing = rank([teller(), teller(), teller(), teller(new=True)], {}, 0.0)
    assert standing.new == 1 and standing.new_hours == NEW_HOURS / 4


@given(tellers, st.dictionaries(st.integers(1, 4), st.floats(0, 500)))
def test_a_place_is_its_newest_report_and_bounded_hours_whatever_the_order(told, rhythms):
    standing = rank(told, rhythms, usual_rhythm(rhythms))
    hours = standing.place - standing.newest_at.timestamp() / 3600
    assert 0 <= hours < DOUBLING_HOURS * 4 + RARE_HOURS + NEW_HOURS
    turned = rank(told[::-1], rhythms, usual_rhythm(rhythms))
    assert turned.place == pytest.approx(standing.place) or all(each.copy for each in told)


def test_where_all_outlets_publish_alike_none_is_rare():
    rhythms = {outlet: 8.0 + outlet for outlet in range(5)}
    assert usual_rhythm(rhythms) == 10.0 and usual_rhythm({}) == 0.0
    assert all(rank([teller(outlet)], rhythms, 10.0).rare is None for outlet in rhythms)
