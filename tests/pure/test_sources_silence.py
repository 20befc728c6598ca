"""Whether a silence is unusual, and how spans and rhythms are said."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handbill.sources.silence import rhythm_words, silence, span_words

WEDNESDAY = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
FRIDAY_EVENING = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def test_a_feed_of_every_three_hours_may_rest_two_days_and_no_longer():
    assert not silence(WEDNESDAY, WEDNESDAY - timedelta(days=2), 180).unusual
    found = silence(WEDNESDAY, WEDNESDAY - timedelta(days=2, minutes=1), 180)
    assert found.unusual
    assert found.sentence == "It has given nothing new for 2 days, which is unusual: usually every 3 hours."


def test_a_slow_feed_may_rest_five_of_its_gaps():
    week = 7 * 24 * 60
    assert not silence(WEDNESDAY, WEDNESDAY - timedelta(days=35), week).unusual
    assert silence(WEDNESDAY, WEDNESDAY - timedelta(days=50), week).unusual


@pytest.mark.parametrize("start", [FRIDAY_EVENING, FRIDAY_EVENING - timedelta(days=1)])
def test_a_weekend_is_not_unusual(start):
    """From Friday, or from Thursday where Friday and Saturday are the weekend, to the morning after."""
    back = MONDAY - (FRIDAY_EVENING - start)
    assert not silence(back, start, 60).unusual and silence(back + timedelta(days=2), start, 60).unusual


def test_a_feed_without_a_known_rhythm_is_given_a_month():
    month = timedelta(days=30)
    assert silence(WEDNESDAY, WEDNESDAY - month, None).sentence == "It last gave something 30 days ago."
    assert silence(WEDNESDAY, WEDNESDAY - month * 2, None).sentence == "It has given nothing new for 60 days."


def test_a_moment_in_the_future_is_no_silence():
    assert silence(WEDNESDAY, WEDNESDAY + timedelta(hours=1), 60).sentence == (
        "It last gave something a moment ago; usually every hour."
    )


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0, "every minute"),
        (1, "every minute"),
        (45, "every 45 minutes"),
        (59, "every 59 minutes"),
        (60, "every hour"),
        (100, "every 2 hours"),
        (60 * 24 - 1, "every 24 hours"),
        (60 * 24, "every day"),
        (60 * 24 * 7, "every 7 days"),
    ],
)
def test_rhythms_are_said_roughly(minutes, words):
    assert rhythm_words(minutes) == words


def test_spans_are_said_roughly():
    spans = [timedelta(seconds=-5), timedelta(seconds=70), timedelta(hours=1, minutes=40), timedelta(days=2.6)]
    assert [span_words(span) for span in spans] == ["a moment", "1 minute", "2 hours", "3 days"]


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 10**5))
def test_what_is_unusual_stays_so(minutes, more, gap):
    start = WEDNESDAY - timedelta(minutes=minutes)
    first, later = silence(WEDNESDAY, start, gap), silence(WEDNESDAY + timedelta(minutes=more), start, gap)
    assert later.unusual >= first.unusual
