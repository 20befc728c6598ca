"""Which relay, when, and for how long not: no budget is exceeded and nobody is starved."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.delivery.shape import (
    LONGEST_LONG_WAIT,
    LONGEST_WAIT,
    Ration,
    State,
    Way,
    closed,
    daily_budget,
    opened,
    portion,
    put_off,
    ranked,
)
from handbill.kit.mail_settings import Relay
from handbill.kit.providers import provider_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PROVIDERS = st.lists(st.sampled_from(["gmail", "gmx", ""]), max_size=60)
WAYS = st.lists(
    st.tuples(st.booleans(), st.integers(0, 500), st.none() | st.integers(0, 90), st.integers(0, 50)),
    min_size=1,
    max_size=4,
)


def relay(name: str = "main", **limits) -> Relay:
    return Relay(name, "mail.example", 25, "smtp", **limits)


def ways(given_ways) -> list[Way]:
    return [
        Way(relay(f"r{n}", share=share), is_open, sent, budget)
        for n, (is_open, sent, budget, share) in enumerate(given_ways)
    ]


@given(WAYS, st.integers(0, 100))
def test_no_budget_is_exceeded_and_no_closed_relay_used(given_ways, count):
    some = ways(given_ways)
    for way in some:
        had = portion(some, way.relay.name, count)
        assert 0 <= had <= count and (way.fit or had == 0)
        assert way.budget is None or had <= way.budget


@given(WAYS, st.integers(1, 100))
def test_as_long_as_one_relay_is_fit_mail_flows(given_ways, count):
    some = ways(given_ways)
    assert any(way.fit for way in some) == any(portion(some, way.relay.name, count) for way in some)


def test_a_standby_gets_its_share_and_takes_over():
    first, standby = relay("a"), relay("b", share=5)
    assert portion([Way(first, True, 95), Way(standby, True, 0)], "b", 20) == 5
    assert portion([Way(first, True, 1000), Way(standby, True, 60)], "b", 20) == 0
    assert portion([Way(first, False, 10), Way(standby, True, 60)], "b", 20) == 20
    assert portion([Way(first, True, budget=0), Way(standby, True)], "b", 20) == 20


def test_relays_stand_by_priority_then_as_written():
    some = [relay("a", priority=2), relay("b"), relay("c")]
    assert [one.name for one in ranked(some)] == ["b", "c", "a"]


@pytest.mark.parametrize(("reason", "most"), [("", LONGEST_WAIT), ("account", LONGEST_LONG_WAIT)])
def test_trouble_keeps_a_way_closed_for_longer_each_time_up_to_a_limit(reason, most):
    state, waits = State(), []
    for _ in range(20):
        state = opened(state, reason, "Why", NOON)
        waits.append(state.until - NOON)
        assert not state.lets_through(NOON) and state.lets_through(state.until)
    assert waits == sorted(waits) and waits[0] < waits[1] and waits[-1] == most
    assert state.calls == (reason == "account") and state.since == NOON
    assert closed(state) == State()


def test_only_the_editor_switches_a_relay_on_again():
    assert not closed(opened(State(off=True), "", "", NOON)).lets_through(NOON + timedelta(days=9))


@given(st.integers(-3, 60), st.integers(0, 100_000))
def test_a_warm_up_grows_day_by_day_within_the_accounts_limit(age, daily):
    begin = date(2026, 3, 1)
    at = lambda days: daily_budget(relay(warm_up=begin, daily=daily), begin + timedelta(days=days))  # noqa: E731
    today, tomorrow = at(age), at(age + 1)
    assert tomorrow is None or (today is not None and tomorrow >= today)
    assert not daily or (today is not None and today <= daily)
    assert at(60) == (daily or None)
    assert age >= 0 or today == 0


@given(PROVIDERS, st.integers(1, 20), st.floats(0, 1e6), st.floats(0, 30))
def test_a_pace_is_kept_and_nobody_waits_for_another_provider(providers, rate, seconds, busy):
    ration = Ration(rate, seconds + busy)
    waits = put_off(providers, {"gmail": ration}, {"gmx": 60.0}, seconds)
    mine = [wait for provider, wait in zip(providers, waits, strict=True) if provider == "gmail"]
    assert mine.count(0.0) <= ration.left(seconds) <= rate
    assert mine == sorted(mine)
    assert all(wait <= busy + len(mine) / rate + 1 for wait in mine)
    for provider, wait in zip(providers, waits, strict=True):
        assert provider == "gmail" or wait == (60.0 if provider == "gmx" else 0.0)


@given(st.integers(1, 50), st.lists(st.floats(0, 3), max_size=50))
def test_over_any_time_a_ration_gives_no_more_than_its_rate(rate, pauses):
    ration, seconds, given_out = Ration(rate), 100.0, 0
    for pause in pauses:
        seconds += pause
        left = ration.left(seconds)
        ration.take(left, seconds)
        given_out += left
    assert given_out <= rate * (seconds - 100.0 + 1) + 1


@pytest.mark.parametrize(
    ("address", "provider"), [("a@gmail.com", "gmail"), ("b@web.de", "gmx"), ("c@mail.example", "")]
)
def test_providers_are_known_by_their_domains(address, provider):
    assert provider_of(address) == provider
