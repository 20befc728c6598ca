"""The desk's answer to a reader: for admins alone, by POST, with nothing of the address in a URL."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from test_delivery_retention import NOON, bob, mail, settle  # noqa: F401

from handbill.desk import answer
from handbill.subscribers.models import Subscriber

pytestmark = pytest.mark.django_db
PAGE = "/answer/"


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "now", lambda: NOON)


@pytest.fixture
def desk(client: Any) -> Any:
    client.force_login(get_user_model().objects.create_superuser("ada", "ada@paper.example"))
    return client


def test_what_became_of_the_mail_is_shown(desk: Any, bob: Subscriber) -> None:  # noqa: F811
    mail("issue-0", str(bob.pk))
    settle("issue-0")
    reply = desk.post(PAGE, {"address": "Bob@mail.example", "day": ""})
    page = reply.content.decode()
    assert "This person reads the paper." in page and "Tuesday 3 March" in page and "accepted" in page
    assert "no-store" in reply.headers["Cache-Control"]
    assert (
        "No mail of these days"
        in desk.post(PAGE, {"address": "bob@mail.example", "day": "2026-03-01"}).content.decode()
    )
    assert "Nobody has signed up" in desk.post(PAGE, {"address": "cy@mail.example"}).content.decode()


@pytest.mark.parametrize("form", [{}, {"address": "no address"}, {"address": "a@b.example", "day": "yesterday"}])
def test_a_slip_is_said(desk: Any, form: dict[str, str]) -> None:
    assert 'role="alert"' in desk.post(PAGE, form).content.decode()


def test_an_address_in_the_query_is_not_looked_at(desk: Any, bob: Subscriber) -> None:  # noqa: F811
    assert "What is known" not in desk.get(PAGE + "?address=bob@mail.example").content.decode()


def test_editors_may_not_ask(client: Any) -> None:
    cy = get_user_model().objects.create_user("cy", "cy@paper.example")
    cy.groups.add(Group.objects.get(name="Editors"))
    client.force_login(cy)
    assert client.post(PAGE, {"address": "bob@mail.example"}).status_code in (302, 403)
    assert "What is known" not in client.post(PAGE, {"address": "bob@mail.example"}, follow=True).content.decode()
