"""A plan depends on nothing but what is planned: who reads what, told before or not, in which order, and how much."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.digest.errors import PlanError
from handbill.digest.plan import choose, letter_key, of_week, order, plan_letters, reading_list
from handbill.digest.records import (
    AlertTold,
    Candidate,
    Carried,
    Chosen,
    Draft,
    Limits,
    Note,
    ReadingList,
    Selection,
    Tellings,
)
from handbill.subscribers.records import Group
from handbill.subscribers.wishes import Told, leading_among

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NEVER = frozenset[int]()
DEFAULT = Limits()

topics = st.frozensets(st.integers(1, 5), max_size=3)
candidates = st.lists(
    st.builds(
        Candidate,
        id=st.integers(1, 40),
        published_at=st.integers(0, 3).map(lambda hours: NOON + timedelta(hours=hours)),
        topics=topics,
        rank=st.integers(0, 4).map(float),
        outlet=st.sampled_from(["", "Monitor", "Desk"]),
        story=st.none() | st.integers(1, 30),
        place=st.none() | st.integers(0, 3),
    ),
    max_size=25,
    unique_by=lambda one: one.id,
)
groups = st.sets(
    st.builds(
        Group,
        topics,
        st.sampled_from(["", "de"]),
        st.sampled_from(["excerpts", "headlines"]),
        st.booleans(),
        leading=st.lists(st.integers(1, 7), max_size=3, unique=True).map(tuple),
    ),
    max_size=8,
)


def selection(rows, limits: Limits = DEFAULT, **more) -> Selection:
    return Selection(tuple(choose(rows)), (1, 2, 3, 4, 5), limits, **more)


def shown(rows, audience=NEVER, limits: Limits = DEFAULT) -> tuple[int, ...]:
    return reading_list(selection(rows, limits), audience).articles


class TestOrder:
    def test_the_editor_first_then_rank_then_the_newest(self) -> None:
        rows = [
            Candidate(1, NOON, NEVER, 1),
            Candidate(2, NOON + HOUR, NEVER, 1),
            Candidate(3, NOON - 9 * HOUR, NEVER, 4),
            Candidate(4, NOON, NEVER, 1),
            Candidate(5, NOON, NEVER, 0, place=1),
            Candidate(6, NOON, NEVER, 0, place=0),
        ]
        assert [one.id for one in order(rows)] == [6, 5, 3, 2, 1, 4]

    def test_an_article_listed_twice_is_a_bug(self) -> None:
        with pytest.raises(PlanError):
            order([Candidate(1, NOON, NEVER), Candidate(1, NOON, frozenset({1}))])

    def test_without_an_editor_by_rank_alone(self) -> None:
        rows = [Candidate(number, NOON, frozenset({number % 2 + 1}), number) for number in range(6)]
        assert shown(rows) == (5, 4, 3, 2, 1, 0)

    def test_with_one_the_rest_goes_by_topics_as_the_reader_has_them(self) -> None:
        rows = [Candidate(number, NOON, frozenset({number % 2 + 1}), number) for number in range(6)]
        rows.append(Candidate(9, NOON, frozenset({2}), place=0))
        assert shown(rows) == (9, 4, 2, 0, 5, 3, 1)
        assert shown(rows, frozenset({2})) == (9, 5, 3, 1)

    def test_an_article_stands_under_the_first_of_its_topics_that_is_followed(self) -> None:
        rows = [Candidate(1, NOON, frozenset({1, 3}), 5), Candidate(2, NOON, frozenset({2})), Candidate(3, NOON, NEVER)]
        rows.append(Candidate(9, NOON, frozenset({2}), place=0))
        assert shown(rows) == (9, 1, 2, 3)
        assert shown(rows, frozenset({2, 3})) == (9, 2, 1)


class TestLeading:
    """What a reader wants first stands behind what an editor placed, and before the paper's order (ADR-0112)."""

    ROWS = [Candidate(number, NOON, frozenset({number % 3 + 1}), number) for number in range(6)]
    PLACED = [*ROWS, Candidate(9, NOON, frozenset({1}), place=0)]

    def listed(self, rows, *leading: int, audience=NEVER, **more) -> tuple[int, ...]:
        return reading_list(selection(rows, **more), audience, leading=leading).articles

    def test_the_editor_then_the_readers_topics_then_the_papers(self) -> None:
        assert self.listed(self.PLACED) == (9, 3, 0, 4, 1, 5, 2)
        assert self.listed(self.PLACED, 3, 2) == (9, 5, 2, 4, 1, 3, 0)
        assert self.listed(self.PLACED, 2) == (9, 4, 1, 3, 0, 5, 2)

    def test_without_an_editor_the_ranking_alone(self) -> None:
        assert self.listed(self.ROWS, 3, 2) == self.listed(self.ROWS) == (5, 4, 3, 2, 1, 0)
        crowded = [Candidate(number, NOON, frozenset({1, 2 + number % 2}), number) for number in range(8)]
        limits = Limits(12, 0, 3)
        assert self.listed(crowded, 2, 3, limits=limits) == self.listed(crowded, limits=limits)

    def test_in_a_weeks_review_behind_the_lead(self) -> None:
        assert self.listed(self.ROWS, 2, by_topic=True) == (5, 4, 1, 3, 0, 2)

    def test_one_that_is_not_followed_or_is_no_more_is_passed_over(self) -> None:
        assert self.listed(self.PLACED, 99, 2) == self.listed(self.PLACED, 2)
        both = [Candidate(7, NOON, frozenset({2, 3}), 9), *self.PLACED]
        here = frozenset({1, 2})
        assert self.listed(both, 3, 2, audience=here) == self.listed(both, 2, audience=here) == (9, 7, 4, 1, 3, 0)

    def test_an_article_stands_under_the_first_of_its_topics_and_counts_there(self) -> None:
        rows = [Candidate(7, NOON, frozenset({1, 3})), *self.PLACED]
        assert self.listed(rows, 3)[1:4] == (5, 2, 7) and self.listed(rows)[1:4] == (3, 0, 7)

    def test_equal_lists_are_one_letter(self) -> None:
        who = [Group(NEVER), *(Group(NEVER, leading=ahead) for ahead in [(1,), (1, 2), (3,), (3, 1), (5,), (5, 3)])]
        [one, other] = plan_letters(selection(self.PLACED), who, "en").values()
        assert {group.leading for group in one} == {(), (1,), (1, 2), (5,)}
        assert {group.leading for group in other} == {(3,), (3, 1), (5, 3)}
        assert len(plan_letters(selection(self.ROWS), who, "en")) == 1

    @given(candidates, topics, st.permutations([1, 2, 3, 4, 5]))
    def test_what_makes_no_difference_is_no_part_of_a_group(self, rows, audience, leading) -> None:
        ahead = leading_among(leading[:3], audience)
        assert len(ahead) < max(len(audience), 4) and (not audience or audience.issuperset(ahead))
        whole = selection(rows, by_topic=True)
        least = reading_list(whole, audience, leading=ahead)
        assert least == reading_list(whole, audience, leading=tuple(leading[:3]))

    @given(candidates, topics, st.permutations([1, 2, 3, 4, 5]))
    def test_behind_what_was_placed_topics_stand_in_the_readers_order(self, rows, audience, leading) -> None:
        whole = selection(rows, Limits(40, 0, 0))
        found = reading_list(whole, audience, leading=tuple(leading))
        by_id = {one.id: one for one in whole.articles if not one.extra}
        placed = [by_id[pk].placed for pk in found.articles]
        assert placed == sorted(placed, reverse=True)
        if any(placed):
            rest = [by_id[pk].topics & (audience or by_id[pk].topics) for pk in found.articles if not by_id[pk].placed]
            places = [min((leading.index(topic) for topic in some), default=5) for some in rest]
            assert places == sorted(places)


class TestCaps:
    def test_a_letter_holds_twelve_and_knows_the_rest(self) -> None:
        rows = [Candidate(number, NOON + timedelta(minutes=number), frozenset({1})) for number in range(1, 16)]
        listed = reading_list(selection(rows), frozenset({1}))
        assert listed.articles == tuple(range(15, 3, -1)) and listed.more == 3
        assert not reading_list(selection(rows), frozenset({2}))

    def test_no_outlet_takes_more_than_its_share_and_ones_own_take_what_they_need(self) -> None:
        rows = [Candidate(number, NOON, NEVER, 50 - number, "Monitor" if number < 8 else "") for number in range(16)]
        listed = reading_list(selection(rows, Limits(12, 3, 0)), NEVER)
        assert listed.articles == (0, 1, 2, *range(8, 16)) and listed.more == 5
        assert len(shown(rows, limits=Limits(12, 0, 0))) == 12

    def test_no_topic_crowds_out_another_but_it_may_fill_a_letter_of_its_own(self) -> None:
        rows = [Candidate(number, NOON, frozenset({1}), 50 - number) for number in range(9)]
        assert len(shown(rows, limits=Limits(12, 0, 4))) == 9
        rows.append(Candidate(9, NOON, frozenset({2})))
        assert shown(rows, limits=Limits(12, 0, 4)) == (0, 1, 2, 3, 9)
        assert len(shown(rows, frozenset({1}), Limits(12, 0, 4))) == 9

    def test_what_an_editor_placed_stays(self) -> None:
        rows = [Candidate(number, NOON, NEVER, 0, "Monitor", place=number) for number in range(5)]
        assert shown(rows, limits=Limits(12, 2, 0)) == (0, 1, 2, 3, 4)


class TestToldBefore:
    """The slot told of article 1 yesterday."""

    YESTERDAY = {1: Tellings(NOON - DAY, NOON - DAY)}

    def chosen(self, *notes: Note, told=None, **more) -> list[Chosen]:
        rows = [Candidate(1, NOON - 30 * HOUR, NEVER, story=7), Candidate(2, NOON, NEVER)]
        return [one for one in choose(rows, notes, told or self.YESTERDAY, **more) if not one.extra]

    def test_it_is_not_told_again(self) -> None:
        assert [one.id for one in self.chosen()] == [2]

    def test_but_with_what_is_new(self) -> None:
        again = self.chosen(Note(11, 1, NOON - 2 * HOUR), Note(12, 1, NOON - HOUR))
        assert [(one.id, one.note) for one in again] == [(2, None), (1, 12)]

    def test_what_was_new_before_it_was_told_is_no_news(self) -> None:
        assert [one.id for one in self.chosen(Note(11, 1, NOON - DAY - HOUR))] == [2]
        before = {1: Tellings(NOON - DAY, NOON - DAY, frozenset({11}))}
        assert [one.id for one in self.chosen(Note(11, 1, NOON - HOUR), told=before)] == [2]

    def test_a_note_of_what_was_never_told_says_nothing(self) -> None:
        assert [(one.id, one.note) for one in self.chosen(Note(11, 2, NOON))] == [(2, None)]

    def test_another_article_of_a_story_that_was_told_is_left_out(self) -> None:
        rows = [
            Candidate(3, NOON, NEVER, story=7),
            Candidate(4, NOON, NEVER, story=8),
            Candidate(5, NOON, NEVER, story=8),
        ]
        chosen = [one.id for one in choose(rows, stories=frozenset({7})) if not one.extra]
        assert chosen == [4]

    def test_a_correction_stands_last_and_is_no_article(self) -> None:
        chosen = self.chosen(Note(11, 1, NOON - HOUR, correction=True))
        assert [(one.id, one.correction) for one in chosen] == [(2, False), (1, True)]
        listed = reading_list(Selection(tuple(chosen)), NEVER)
        assert (listed.articles, listed.corrections) == ((2,), (11,))

    def test_a_correction_of_what_was_never_told_is_none(self) -> None:
        assert [one.id for one in self.chosen(Note(11, 2, NOON, correction=True))] == [2]

    def test_a_correction_alone_is_mailed_but_not_to_who_wishes_news_only(self) -> None:
        only = Selection((Chosen(1, NEVER, note=11, correction=True),))
        assert plan_letters(only, [Group(NEVER)], "en")
        assert not plan_letters(replace(only, news_only=True), [Group(NEVER)], "en")


class TestMovedHere:
    """A reader came from another slot, which told them of article 1 and not of 2; this one told of both."""

    TOLD = Told("daily 18", date(2026, 11, 21), NOON - 18 * HOUR, date(2026, 11, 23))

    def listed(self, rows: tuple[Chosen, ...], told: Told | None) -> ReadingList:
        return reading_list(Selection(rows, told={self.TOLD: frozenset({1})}), NEVER, told)

    def test_they_get_what_nobody_told_them(self) -> None:
        rows = (Chosen(1, NEVER), Chosen(2, NEVER, extra=True, published_at=NOON), Chosen(3, NEVER))
        assert self.listed(rows, self.TOLD).articles == (2, 3)
        assert self.listed(rows, None).articles == (1, 3)

    def test_they_are_told_what_is_new_about_what_they_know_and_the_whole_of_what_they_don_t(self) -> None:
        rows = tuple(
            one
            for pk in (1, 2)
            for one in (Chosen(pk, NEVER, note=pk + 10), Chosen(pk, NEVER, extra=True, published_at=NOON))
        )
        listed = self.listed(rows, self.TOLD)
        assert (listed.articles, listed.updates) == ((1, 2), (11,))

    def test_nothing_old_comes_back(self) -> None:
        rows = (Chosen(2, NEVER, extra=True, published_at=NOON - 5 * DAY), Chosen(3, NEVER))
        assert self.listed(rows, self.TOLD).articles == (3,)


@given(candidates, groups, st.randoms())
def test_the_order_of_arguments_changes_nothing(rows, who, random) -> None:
    shuffled, crowd = list(rows), list(who)
    random.shuffle(shuffled)
    random.shuffle(crowd)
    one, other = plan_letters(selection(shuffled), crowd, "en"), plan_letters(selection(rows), who, "en")
    assert one == other
    assert {letter_key(draft): draft.listed.more for draft in one} == {
        letter_key(draft): draft.listed.more for draft in other
    }


@given(candidates, groups)
def test_each_group_is_in_one_letter_or_has_nothing_to_read(rows, who) -> None:
    whole, limits = selection(rows), Limits()
    plan = plan_letters(whole, who, "en")
    placed = [group for crowd in plan.values() for group in crowd]
    assert len(placed) == len(set(placed))
    by_id = {one.id: one for one in whole.articles if not one.extra}
    for group in who - set(placed):
        assert not [one for one in by_id.values() if not group.audience or one.topics & group.audience]
    for draft, crowd in plan.items():
        listed = draft.listed.articles
        assert 0 < len(listed) <= limits.articles and len(set(listed)) == len(listed)
        for group in crowd:
            assert all(not group.audience or by_id[pk].topics & group.audience for pk in listed)
            assert (draft.language, draft.form, draft.plain) == (group.language or "en", group.form, group.plain)
        for outlet in ("Monitor", "Desk"):
            taken = [pk for pk in listed if by_id[pk].outlet == outlet]
            assert len(taken) <= limits.outlet or any(by_id[pk].placed for pk in taken)


@given(candidates, groups)
def test_a_letter_is_what_its_readers_would_have_alone(rows, who) -> None:
    whole = selection(rows)
    for draft, crowd in plan_letters(whole, who, "en").items():
        for group in crowd:
            assert draft.listed == reading_list(whole, group.audience, leading=group.leading)


@given(candidates, groups)
def test_the_same_letter_has_one_name_and_different_ones_differ(rows, who) -> None:
    plan = plan_letters(selection(rows), who, "en")
    assert len({letter_key(draft) for draft in plan}) == len(plan)


def test_language_form_and_text_alone_are_letters_of_their_own() -> None:
    listed = ReadingList((1,))
    drafts = [
        Draft(listed, "en"),
        Draft(listed, "de"),
        Draft(listed, "en", "headlines"),
        Draft(listed, "en", plain=True),
    ]
    assert len({letter_key(draft) for draft in drafts}) == 4
    assert letter_key(Draft(replace(listed, more=9), "en")) == letter_key(drafts[0])


class TestWeek:
    @given(candidates, st.dictionaries(st.integers(1, 40), st.builds(Carried, st.integers(0, 30), st.booleans())))
    def test_of_a_week_nothing_is_lost_and_what_was_placed_leads_by_its_place(self, rows, carried) -> None:
        found = order(of_week(rows, carried))
        assert sorted(one.id for one in found) == sorted(one.id for one in rows)
        placed = [carried[one.id].position for one in found if one.id in carried and carried[one.id].placed]
        assert placed == sorted(placed)
        assert all(one.id in carried and carried[one.id].placed for one in found[: len(placed)])

    @given(candidates, st.integers(1, 20))
    def test_it_shows_the_same_articles_whether_or_not_they_are_grouped(self, rows, most) -> None:
        plain = selection(rows, Limits(most, 0, 0))
        grouped = reading_list(replace(plain, by_topic=True), NEVER)
        assert set(grouped.articles) == set(reading_list(plain, NEVER).articles)
        assert grouped.articles[:1] == reading_list(plain, NEVER).articles[:1]

    def test_a_days_age_is_nothing_in_a_week(self) -> None:
        hours = NOON.timestamp() / 3600
        rows = [Candidate(1, NOON, NEVER, hours + 1), Candidate(2, NOON - 5 * DAY, NEVER, hours - 120 + 9)]
        assert [one.id for one in order(rows)] == [1, 2] and [one.id for one in order(of_week(rows, {}))] == [2, 1]


class TestAlerted:
    """Who was alerted knows the article and its story; the others are told as ever (ADR-0102)."""

    ROWS = (Chosen(1, NEVER, story=5, note=9, alert=True), Chosen(1, NEVER, story=5), Chosen(2, NEVER, story=5))
    GIVEN = Selection((*ROWS, Chosen(3, NEVER)), alerted={7: AlertTold(1, 5)})

    @pytest.mark.parametrize("told", [None, Told("daily", date(2026, 11, 20), NOON - 9 * DAY, date(2026, 11, 21))])
    def test_they_get_what_is_new_and_nothing_twice(self, told) -> None:
        knows = reading_list(self.GIVEN, NEVER, told, frozenset({7, 99}))
        assert (knows.articles, knows.updates) == ((1, 3), (9,))
        other = reading_list(self.GIVEN, NEVER, told)
        assert (set(other.articles), other.updates) == ({1, 2, 3}, ())

    def test_a_note_of_an_alert_alone_is_for_who_had_it(self) -> None:
        rows = [Candidate(1, NOON, NEVER)]
        since = Tellings(NOON + HOUR, NOON + HOUR)
        note = [Note(9, 1, NOON + 2 * HOUR), Note(10, 1, NOON + 2 * HOUR, correction=True)]
        chosen = choose(rows, note, alerted={1: since})
        assert [(one.note, one.alert, one.correction) for one in chosen] == [
            (9, True, False), (None, False, False), (10, True, True),
        ]  # fmt: skip
        both = choose(rows, note, {1: since}, alerted={1: since})
        assert [(one.note, one.alert, one.extra) for one in both] == [
            (9, False, False), (None, False, True), (10, False, False),
        ]  # fmt: skip
        assert [
            one.note for one in choose(rows, note, alerted={1: Tellings(NOON, NOON + 3 * HOUR, frozenset({10}))})
        ] == [None]
