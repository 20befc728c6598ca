"""The Delivery screen: what it tells, who may do what, and that each act is written down with who did it."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from handbill.delivery import actions, standing
from handbill.delivery.engine.outcome import Outcome
from handbill.delivery.journal import Journal, Tried
from handbill.delivery.models import Act, Breaker, Delivery, Mailing, Suppression
from handbill.delivery.records import LetterBody, Progress, Recipient
from handbill.desk.delivery import WIDTH, parts
from handbill.kit import clock

LETTER = LetterBody("main", "news@paper.example", "Today", "<p>Hi</p>", "Hi")
ISSUE = "issue:2026-03-01"
pytestmark = pytest.mark.django_db


def person(name: str, *groups: str) -> Client:
    user = get_user_model().objects.create_user(name)
    user.groups.add(*Group.objects.filter(name__in=groups))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def ada() -> Client:
    return person("ada", "Editors")


def hand_over(*domains: str) -> None:
    people = [Recipient(f"{n}", f"reader{n}@{domain}", "main") for n, domain in enumerate(domains)]
    actions.hand_over(ISSUE, "issue", [LETTER], people, clock.now())


def settle(outcomes: dict[str, Outcome]) -> None:
    journal = Journal()
    rows = {row.recipient: row for row in journal.claim(clock.now(), 60, 100)}
    journal.write([Tried(rows[key], outcome, "main") for key, outcome in outcomes.items()], clock.now())
    journal.give_back([row for key, row in rows.items() if key not in outcomes])


def text_of(answer) -> str:
    return " ".join(answer.content.decode().split())


def test_it_tells_how_far_the_issue_is_and_why_copies_are_held(ada):
    hand_over("gmail.com", "gmail.com", "gmail.com", "mail.example", "mail.example")
    settle(
        {
            "0": Outcome("accepted", 250, "Ok"),
            "1": Outcome("deferred", 452, "4.2.2 mailbox full", "full", stage="rcpt"),
            "3": Outcome("in doubt", 0, "", "lost", stage="dot"),
            "4": Outcome("refused", 550, "5.1.1 no such user", "gone", stage="rcpt"),
        }
    )
    Breaker.objects.create(
        about="provider gmail", failures=1, since=clock.now(), until=clock.now() + timedelta(hours=1), reason="rate"
    )
    (one,) = standing.mailing_standings(clock.now(), 5)
    gmail, other = one.providers
    assert (gmail.progress.accepted, gmail.progress.waiting, gmail.progress.deferred) == (1, 1, 1)
    assert [(held.state, held.reason, held.count) for held in other.held] == [
        ("in doubt", "lost", 1),
        ("refused", "gone", 1),
    ]
    assert all(held.since for each in one.providers for held in each.held)
    shown = text_of(ada.get(reverse("desk_delivery")))
    for sentence in ("1 deferred: the mailbox is full", "1 refused: there is no such reader", "5 readers", "Gmail"):
        assert sentence in shown
    assert "It asks for less mail at a time. In trouble since" in shown and "@mail.example" not in shown
    assert "1 deferred" in text_of(ada.get(reverse("desk_delivery_now")))


def test_each_act_is_written_down_with_who_did_it(ada):
    hand_over("mail.example", "mail.example")
    boss = person("boss", "Admins")
    ada.post(reverse("desk_hold"), {"mailing": ISSUE, "why": "A wrong\r\n headline"})
    assert Mailing.objects.get().held_by == "ada"
    assert "Held by ada" in text_of(boss.get(reverse("desk_delivery")))
    ada.post(reverse("desk_go_on"), {"mailing": ISSUE})
    ada.post(reverse("desk_go_on"), {"mailing": ISSUE})
    ada.post(reverse("desk_switch"), {"relay": "local", "to": "off"})
    boss.post(reverse("desk_stop"), {"mailing": ISSUE, "why": "Too late"})
    assert Delivery.objects.filter(state="waiting").count() == 2, "stopped without the box"
    boss.post(reverse("desk_stop"), {"mailing": ISSUE, "why": "Too late", "sure": "1"})
    assert Delivery.objects.filter(state="suppressed").count() == 2
    assert list(Act.objects.order_by("pk").values_list("who", "what", "about", "why")) == [
        ("ada", "hold", ISSUE, "A wrong headline"),
        ("ada", "go on", ISSUE, ""),
        ("ada", "off", "relay local", ""),
        ("boss", "stop", ISSUE, "Too late"),
    ]
    shown = text_of(boss.get(reverse("desk_delivery")))
    assert "switched off" in shown and "stopped for good" in shown


def test_an_editor_stops_nothing_for_good(ada):
    hand_over("mail.example")
    assert "desk/stop" not in text_of(ada.get(reverse("desk_delivery"))) and reverse("desk_stop") not in text_of(
        ada.get(reverse("desk_delivery"))
    )
    answer = ada.post(reverse("desk_stop"), {"mailing": ISSUE, "sure": "1"})
    assert answer.status_code == 403 or answer["Location"] == "/"
    assert Mailing.objects.get().held_at is None and not Act.objects.exists()


def test_a_relay_that_is_none_of_ours_is_not_switched(ada):
    assert ada.post(reverse("desk_switch"), {"relay": "other", "to": "off"}).status_code == 404
    assert not Breaker.objects.exists()


def test_what_needs_a_person_is_on_the_home_screen(ada):
    hand_over("mail.example")
    assert not standing.calls()
    Breaker.objects.create(
        about="relay local", failures=1, since=clock.now(), until=clock.now(), reason="account", calls=True
    )
    Mailing.objects.update(held_at=clock.now(), why="20 readers' providers refused the letter itself.")
    shown = text_of(ada.get("/"))
    assert "Relay local" in shown and "The account is suspended or closed." in shown
    assert "refused the letter for what it says" in shown
    ada.post(reverse("desk_switch"), {"relay": "local", "to": "on"})
    ada.post(reverse("desk_go_on"), {"mailing": ISSUE})
    assert "needs you" not in text_of(ada.get("/"))


@given(st.builds(Progress, *[st.integers(0, 10**6)] * 8), st.booleans())
def test_the_stretches_of_a_bar_fill_it_and_each_is_seen(progress, held):
    found = parts(progress, held=held)
    assert all(part.width >= WIDTH // 100 for part in found)
    assert sum(part.width for part in found) == (WIDTH if found else 0)
    assert [part.start for part in found] == [sum(p.width for p in found[:n]) for n in range(len(found))]


def surge(count: int) -> None:
    """So many readers of Gmail are said not to exist, in one issue."""
    hand_over(*["gmail.com"] * count)
    for turn in range(0, count, 100):
        gone = Outcome("refused", 550, "5.1.1 no such user", "gone", stage="rcpt")
        settle({str(n): gone for n in range(turn, min(count, turn + 100))})


def test_a_surge_is_told_with_what_to_do_and_its_readers_are_kept(ada):
    surge(200)
    (call,) = standing.calls()
    assert (call.about, call.reason) == ("provider gmail", "surge")
    page = text_of(ada.get(reverse("desk_delivery")))
    assert "Held readers: Gmail" in page and "150 readers were said not to exist since" in page
    assert "Keep these readers" in page and "I know that they get no more mail" not in page  # ending is an admin's
    ada.post(reverse("desk_end"), {"provider": "gmail", "sure": "1"})
    assert Suppression.objects.count() == 50 and not Act.objects.exists()
    answer = ada.post(reverse("desk_keep"), {"provider": "gmail"}, follow=True)
    assert "They are kept." in text_of(answer) and "Held readers" not in text_of(answer)
    assert not Suppression.objects.exists() and not standing.calls()
    assert "ada</bdi> · <bdi>Gmail</bdi>: held readers kept" in text_of(answer)
    assert "somebody decided already" in text_of(ada.post(reverse("desk_keep"), {"provider": "gmail"}, follow=True))
    assert Act.objects.count() == 1


def test_held_readers_end_only_by_an_admin_who_is_sure():
    boss = person("boss", "Admins")
    surge(200)
    assert "Tick the box first" in text_of(boss.post(reverse("desk_end"), {"provider": "gmail"}, follow=True))
    assert Suppression.objects.count() == 50
    for wrong in ("", "yahoo", "gmail\x00"):
        boss.post(reverse("desk_end"), {"provider": wrong, "sure": "1"})
    answer = text_of(boss.post(reverse("desk_end"), {"provider": "gmail", "sure": "1"}, follow=True))
    assert "150 subscriptions are ended." in answer and "Held readers" not in answer
    assert "subscriptions ended (150)" in answer
    assert Suppression.objects.count() == 200
    assert list(Act.objects.values_list("who", "what", "about", "count")) == [("boss", "end", "provider gmail", 150)]


def test_every_mailing_with_copies_left_has_its_buttons_however_old():
    boss = person("boss", "Admins")
    people = [Recipient("1", "reader@mail.example", "main")]
    for n in range(1, 9):
        actions.hand_over(f"issue:2026-03-0{n}", "issue", [LETTER], people if n in (1, 5) else [], clock.now())
    actions.hand_over("issue:2026-03-08:weekly-5:18:Asia/Kathmandu", "issue", [LETTER], [], clock.now())
    actions.hold("issue:2026-03-01", "Wrong name", clock.now(), "boss")
    page = text_of(boss.get(reverse("desk_delivery")))
    assert "Issue of 8 March 2026 (once a week (Friday), 18:00, Asia/Kathmandu)" in page
    assert "Issue of 1 March 2026" in page and "Issue of 2 March 2026" not in page
    assert "Held by boss" in page and "Go on: Issue of 1 March 2026" in page and "Hold: Issue of 5 March 2026" in page
    assert page.count("I know that this can't be undone") == 2
    boss.post(reverse("desk_stop"), {"mailing": "issue:2026-03-01", "sure": "1"})
    assert "Issue of 1 March 2026</h3>" not in text_of(boss.get(reverse("desk_delivery")))
