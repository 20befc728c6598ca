"""The Sign-ups screen: who may see and decide, what that does, the one call of a rush, the form for other sites."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from lxml import html

from handbill.delivery.models import Mailing
from handbill.desk import call
from handbill.desk import signups as screen
from handbill.kit import clock
from handbill.ops import doctor
from handbill.subscribers import brakes, rush, signups
from handbill.subscribers.models import SignUp

pytestmark = pytest.mark.django_db


def person(name: str, *groups: str) -> Client:
    user = get_user_model().objects.create_user(name, email=f"{name}@paper.example")
    user.groups.add(*Group.objects.filter(name__in=groups))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def ada() -> Client:
    return person("ada", "Editors")


@pytest.fixture
def held_up(monkeypatch) -> None:
    monkeypatch.setitem(brakes.LEAST, brakes.HOUR, 2)
    for number in range(9):
        network = "192.0.2.0/24" if number > 3 else f"10.{number}.0.0/24"
        signups.take(f"r{number}@m{number}.example", clock.now(), network=network)
    assert signups.answer(clock.now()) == 2


def text_of(answer) -> str:
    return " ".join(html.fromstring(answer.content).text_content().split())


def test_it_tells_that_nobody_waits(ada: Client) -> None:
    assert "Nobody waits" in text_of(ada.get(reverse("desk_signups")))


def test_a_rush_is_told_at_the_desk_by_doctor_and_in_one_mail_to_each_admin(ada: Client, held_up: None) -> None:
    person("ann", "Admins")
    told = text_of(ada.get(reverse("desk_signups")))
    assert "Sign-ups that wait: 7." in told and "In its busiest hour 9 came; 2 an hour" in told
    assert "More people sign up than usual" in text_of(ada.get(reverse("wagtailadmin_home")))
    found = [line.what for line in doctor._sign_ups(settings.HANDBILL)]
    assert found == ["sign-ups in an hour: 9, where 2 are answered; 7 wait"]
    assert call.call_editors(clock.now()) == 1 and call.call_editors(clock.now()) == 0
    mailing = Mailing.objects.get(kind="call")
    letter = mailing.bodies.get()
    assert "https://desk.paper.example/sign-ups/" in letter.text and "(Sign-ups)" in letter.subject
    ann = get_user_model().objects.get(username="ann")
    assert [row.recipient for row in mailing.deliveries.all()] == [f"staff~{ann.pk}"]


def test_an_editor_lets_them_go(ada: Client, held_up: None) -> None:
    answer = ada.post(reverse("desk_signups_let_go"), follow=True)
    assert "Let go: 7." in text_of(answer) and "ada · 7 let go" in text_of(answer)
    assert signups.answer(clock.now()) == 7


def test_they_are_thrown_away_by_who_is_sure_of_one_network_or_all(ada: Client, held_up: None) -> None:
    address = reverse("desk_signups_throw_away")
    assert "Tick the box first" in text_of(ada.post(address, {"whose": "all"}, follow=True))
    assert SignUp.objects.count() == 7
    assert "Thrown away: 5." in text_of(ada.post(address, {"sure": "1", "whose": "busiest"}, follow=True))
    assert len({row.network for row in SignUp.objects.all()}) == SignUp.objects.count() == 2
    ada.post(address, {"sure": "1", "whose": "all"})
    assert not SignUp.objects.exists() and [act["who"] for act in rush.standing().rush.acts] == ["ada", "ada"]


def test_who_may_not_see_the_sending_sees_and_does_nothing(held_up: None) -> None:
    stranger = person("eve")
    assert stranger.get(reverse("desk_signups")).status_code in (302, 403)
    for name in ("desk_signups_let_go", "desk_signups_throw_away"):
        assert stranger.post(reverse(name), {"sure": "1"}).status_code in (302, 403)
    assert SignUp.objects.filter(let_go=False).count() == 7


def test_the_form_for_other_sites_takes_a_sign_up(ada: Client) -> None:
    shown = html.fromstring(ada.get(reverse("desk_signups")).content).get_element_by_id("elsewhere-form").text
    form = html.fromstring(shown)
    assert shown.strip() == screen.form_for_others() and "<script" not in shown
    assert form.get("action") == "https://paper.example/subscribe/" and form.get("target") == "_top"
    assert [field.get("name") for field in form.iter("input")] == ["address"]
    face = Client(enforce_csrf_checks=True, headers={"host": "paper.example"}, **{"handbill.face": "public"})
    assert face.post("/subscribe/", {"address": "bob@readers.example"}).status_code == 200
    assert SignUp.objects.get().at > clock.now() - timedelta(minutes=1)
