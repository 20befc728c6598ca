"""The week's review: what a weekly reader's letter is made of, in which order, and how it tells the days apart."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from test_digest_slots import got, publish, reader, text, who

from handbill.delivery.models import Body
from handbill.digest import actions, queries, reader_feed
from handbill.subscribers import feeds
from handbill.subscribers.wishes import Wishes
from handbill.topics.models import Topic

pytestmark = pytest.mark.django_db

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SEVEN = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)  # a Sunday, 07:00 in Berlin
SUNDAY = date(2026, 11, 22)
WEEKLY = Wishes("weekly", 7)


@pytest.fixture
def topics() -> list[Topic]:
    return [Topic.objects.create(name=name, slug=name.lower(), position=n) for n, name in enumerate(("Roads", "River"))]


def order(token: str) -> list[str]:
    """Headlines of a reader's last letter, as its text part has them."""
    return re.findall(r"^(?:Lead|Story) [^\[]+(?= \[\d)", text(token), re.MULTILINE)


def week_of_issues(*leads: str) -> None:
    """A daily issue from Monday to Saturday, each led by one story and followed by two."""
    for back in range(6, 0, -1):
        for n in range(3):
            publish(f"{'Lead' if n == 0 else 'Story'} {7 - back}{'abc'[n]}", SEVEN - back * DAY - HOUR - n * HOUR)
        actions.send_due(SEVEN - back * DAY)


def test_every_days_lead_stands_before_what_stood_second_on_any(settings) -> None:
    settings.HANDBILL = replace(settings.HANDBILL, weekly_articles=8)
    reader("ada")
    weekly = reader("bob", WEEKLY)
    week_of_issues()
    actions.send_due(SEVEN)
    shown = order(weekly)
    assert len(shown) == 8 and sum(each.startswith("Lead") for each in shown) == 6
    assert {each[-1] for each in shown if each.startswith("Story")} == {"b"}
    assert "10 more stories this week" in text(weekly)


def test_what_editors_placed_that_week_leads_and_today_is_no_better_than_monday(settings) -> None:
    settings.HANDBILL = replace(settings.HANDBILL, weekly_articles=3)
    reader("ada")
    weekly = reader("bob", WEEKLY)
    chosen = publish("Story chosen", SEVEN - 5 * DAY - 9 * HOUR)
    actions.arrange([chosen.pk], SUNDAY, SEVEN - 6 * DAY, "ada")
    week_of_issues()
    today = [publish(f"Story today {n}", SEVEN - n * HOUR) for n in (1, 2, 3)]
    actions.arrange([one.pk for one in reversed(today)], SUNDAY, SEVEN - HOUR, "ada")
    actions.send_due(SEVEN)
    shown = order(weekly)
    assert set(shown[:2]) == {"Story chosen", "Story today 3"} and shown[2] == "Story today 2"


def test_behind_the_lead_it_goes_by_topics_and_every_article_has_its_day(topics) -> None:
    roads, river = topics
    weekly = reader("bob", WEEKLY)
    for n, topic in enumerate((river, roads, river, roads, river)):
        publish(f"Story {n}", SEVEN - (n + 1) * DAY, topic)
    actions.send_due(SEVEN)
    letter = text(weekly)
    lead, *rest = (topic for topic in re.findall(r"· (Roads|River)\n", letter))
    assert lead and rest == sorted(rest, key=["Roads", "River"].index)
    assert "Sat 21 Nov · River" in letter and "Tue 17 Nov · River" in letter
    assert "15–22 Nov 2026" in letter and got(weekly)[0].startswith("The week: Story")
    html = Body.objects.filter(mailing__kind="issue").get(deliveries__recipient=who(weekly)).html
    assert "Sat 21 Nov" in html and "15–22 Nov 2026" in html


def test_the_days_are_those_of_the_readers_clock_and_in_their_language() -> None:
    weekly = reader("bob", Wishes("weekly", 7, zone="Asia/Tokyo", language="de"))
    publish("Story late", datetime(2026, 11, 20, 20, tzinfo=UTC))  # Saturday in Tokyo
    actions.send_due(datetime(2026, 11, 21, 22, tzinfo=UTC))
    assert "Sa., 21. Nov." in text(weekly) and got(weekly) == ["Die Woche: Story late"]


def test_a_daily_letter_says_nothing_of_the_kind(topics) -> None:
    daily = reader("ada")
    publish("Story", SEVEN - HOUR, topics[0])
    actions.send_due(SEVEN)
    assert "Sun 22 Nov" not in text(daily) and "Sunday, 22 November 2026" in text(daily) and got(daily) == ["Story"]


def test_an_editor_sees_it_before_it_goes() -> None:
    reader("bob", WEEKLY)
    publish("Story", SEVEN - 4 * DAY)
    found = queries.dry_run_for("bob@readers.example", SEVEN - 2 * DAY, SUNDAY)
    assert found.letter.subject == "The week: Story" and "15–22 Nov 2026" in found.letter.html


def test_an_order_given_after_it_was_written_weighs_as_any_days(topics) -> None:
    weekly = reader("bob", WEEKLY)
    made = [publish(f"Story {n}", SEVEN - n * DAY) for n in (1, 2, 3)]
    actions.hold(SUNDAY, "", SEVEN - HOUR, "ada")
    actions.send_due(SEVEN)
    actions.arrange([made[2].pk], SUNDAY, SEVEN, "ada")
    actions.release(SUNDAY, SEVEN, "ada")
    actions.send_due(SEVEN + HOUR)
    assert order(weekly)[0] == "Story 3" and len(order(weekly)) == 3


def test_a_private_feed_has_the_review_that_was_mailed() -> None:
    weekly = reader("bob", WEEKLY)
    feeds.begin(weekly, SEVEN - 8 * DAY)
    for n in (1, 2, 3):
        publish(f"Story {n}", SEVEN - n * DAY)
    actions.send_due(SEVEN)
    (entry,) = reader_feed.read(feeds.standing(weekly, SEVEN).token).entries
    mailed = Body.objects.filter(mailing__kind="issue").get(deliveries__recipient=who(weekly))
    assert entry.subject == mailed.subject and entry.html in mailed.html and "Sat 21 Nov" in entry.html
