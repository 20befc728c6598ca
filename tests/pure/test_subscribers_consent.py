"""What a sign-up, a link and a choice lead to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.subscribers import consent
from handbill.subscribers.consent import Mail, Standing
from handbill.subscribers.wording import consent_words, language_of, words

WHO = "3f6c2c1e-6f0b-4f0e-9a53-0c6f4e0d9b11"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("known", "confirmed", "running", "where", "mail"),
    [
        (False, False, False, Standing.UNKNOWN, Mail.CONFIRMATION),
        (True, False, False, Standing.ASKED, Mail.CONFIRMATION),
        (True, True, True, Standing.READING, Mail.REMINDER),
        (True, True, False, Standing.LEFT, Mail.CONFIRMATION),
    ],
)
def test_where_a_person_stands_and_what_they_are_mailed(known, confirmed, running, where, mail) -> None:
    assert consent.standing(known, confirmed, running) is where
    assert consent.mail_for(where, [], NOW) is mail
    assert consent.mail_for(where, [NOW - timedelta(hours=24)], NOW) is mail
    assert consent.mail_for(where, [NOW - timedelta(hours=23, minutes=59)], NOW) is Mail.NOTHING


def test_an_address_is_mailed_three_times_in_thirty_days_whoever_types_it() -> None:
    two = [NOW - timedelta(days=29, hours=23), NOW - timedelta(days=2)]
    assert consent.may_mail(two, NOW)
    assert not consent.may_mail([*two, NOW - timedelta(days=9)], NOW)
    assert consent.may_mail([NOW - timedelta(days=30), *two], NOW)


def test_every_standing_has_its_mail() -> None:
    assert set(consent.MAIL_FOR) == set(Standing)


def test_the_subject_of_a_confirmation_reads_back() -> None:
    who = uuid4()
    assert consent.read_subject(consent.confirm_subject(who, NOW)) == (who, consent.unix_day(NOW))


@pytest.mark.parametrize("subject", ["", "~", WHO, f"{WHO}~", "x~1", f"{WHO}~1~2"])
def test_another_subject_is_none(subject: str) -> None:
    assert consent.read_subject(subject) is None


@given(st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)), st.integers(0, 200))
def test_a_link_never_works_longer_than_72_hours(asked: datetime, hours: int) -> None:
    asked_at = asked.replace(tzinfo=UTC)
    later = asked_at + timedelta(hours=hours)
    assert consent.still_good(consent.unix_day(asked_at), asked_at, later) is (hours < 72)


def test_an_earlier_link_runs_from_the_start_of_its_day() -> None:
    earlier = consent.unix_day(NOW) - 1
    start = datetime(2026, 11, 21, tzinfo=UTC)
    assert consent.still_good(earlier, NOW, start + timedelta(hours=71))
    assert not consent.still_good(earlier, NOW, start + timedelta(hours=72))


@given(st.frozensets(st.none() | st.integers(1, 9)), st.frozensets(st.integers(1, 9)))
def test_a_change_leads_from_what_runs_to_what_is_wanted(running, wanted) -> None:
    step = consent.change(running, wanted)
    assert (running - step.end) | step.begin == (wanted or {None})
    assert step.end <= running and not step.begin & running


def test_only_gone_and_complaint_end_a_subscription() -> None:
    assert set(consent.ENDED_BY) == {"gone", "complaint"}


@pytest.mark.parametrize("code", ["en", "de", "ar"])
def test_every_language_has_every_word_and_placeholder(code: str) -> None:
    english, other = words("en"), words(code)
    assert language_of(code) == code
    assert set(other) == set(english)
    for key, text in english.items():
        for name in ("paper", "when", "topics", "time", "zone"):
            assert ("{" + name + "}" in text) is ("{" + name + "}" in other[key]), key


def test_a_missing_language_is_english() -> None:
    assert words("de-at", paper="Das Blatt")["ask_title"] == "Das Blatt per Mail"
    assert words("xx") == words("en")


def test_the_evidence_holds_the_words_on_the_button() -> None:
    assert "Subscribe" in consent_words("asked", "en", "The Test Paper")
