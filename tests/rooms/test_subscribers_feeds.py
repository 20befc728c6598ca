"""The reader's page of their private feed: made, renewed and ended by buttons, offered where it is needed."""

from __future__ import annotations

import re

import pytest
import time_machine
from django.test import Client
from test_subscribers_room import BOB, NOW, begin, confirm_token, everything

from handbill.delivery.actions import hand_over
from handbill.delivery.models import Delivery
from handbill.delivery.records import LetterBody, Recipient
from handbill.subscribers import actions, feeds, own_data, queries
from handbill.subscribers.models import Subscriber
from handbill.subscribers.wording import words

pytestmark = pytest.mark.django_db


@pytest.fixture
def face() -> Client:
    return Client(enforce_csrf_checks=True, headers={"host": "paper.example"}, **{"handbill.face": "public"})


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False):
        yield


def acted(face: Client, token: str, act: str) -> str:
    answer = face.post(f"/by-feed/{token}/", {"act": act})
    assert answer.status_code == 200
    return answer.content.decode()


def addresses(html: str) -> list[str]:
    return re.findall(r'value="(https://paper\.example/private-feed/[^"]+)"', html)


def test_looking_makes_nothing(face: Client) -> None:
    token = begin(BOB)
    before = everything()
    html = face.get(f"/by-feed/{token}/").content.decode()
    assert addresses(html) == [] and "Make me a feed" in html and everything() == before
    assert face.get(f"/by-feed/{token}/")["Cache-Control"] == "no-store"


def test_made_renewed_and_ended_by_buttons(face: Client) -> None:
    token = begin(BOB)
    first = acted(face, token, "begin")
    assert "mail comes besides" in first
    assert [one.rpartition("/")[2] for one in addresses(first)] == ["rss.xml", "atom.xml", "feed.json"]
    assert addresses(acted(face, token, "begin")) == addresses(first), "who has one keeps it"
    renewed = acted(face, token, "renew")
    assert "opens nothing any more" in renewed and not set(addresses(renewed)) & set(addresses(first))
    ended = acted(face, token, "end")
    assert addresses(ended) == [] and "The feed has ended" in ended
    assert not set(addresses(acted(face, token, "begin"))) & {*addresses(first), *addresses(renewed)}


def test_instead_of_mail_from_the_page_for_leaving_and_back(face: Client) -> None:
    token = begin(BOB)
    assert 'name="act" value="instead"' in face.get(f"/unsubscribe/{token}/").content.decode()
    html = acted(face, token, "instead")
    assert "no mail comes" in html and len(addresses(html)) == 3 and 'value="end"' not in html
    assert queries.audiences(NOW) == {} and queries.preferences(token).reading
    assert "You read by feed; no mail comes." in face.get(f"/preferences/{token}/").content.decode()
    assert face.post(f"/resume/{token}/").status_code == 200
    assert queries.audiences(NOW) == {frozenset(): 1} and feeds.standing(token, NOW).token


def test_what_waits_to_be_mailed_is_called_off(face: Client) -> None:
    token = begin(BOB)
    letter = LetterBody("main", "news@paper.example", "Today", "<p>Hi</p>", "Hi")
    people = [Recipient(one.id, one.address, "main") for one in queries.readers(NOW)]
    hand_over("issue:2026-11-22", "issue", [letter], people, NOW)
    acted(face, token, "instead")
    assert Delivery.objects.get(mailing__kind="issue").state == "suppressed"


def test_it_is_offered_after_signing_up_and_among_what_they_get(face: Client) -> None:
    actions.ask(BOB, NOW)
    welcome = face.post(f"/confirm/{confirm_token()}/").content.decode()
    token = re.search(r"/by-feed/([^/]+)/", welcome)[1]
    assert f'href="/by-feed/{token}/"' in face.get(f"/preferences/{token}/").content.decode()


def test_who_left_or_holds_another_link_gets_none(face: Client) -> None:
    token = begin(BOB)
    actions.leave(token, NOW)
    assert face.get(f"/by-feed/{token}/").status_code == 409
    assert face.post(f"/by-feed/{token}/", {"act": "begin"}).status_code == 409
    assert face.get("/by-feed/none.of-ours/").status_code == 404


def test_an_unknown_act_changes_nothing(face: Client) -> None:
    token = begin(BOB)
    before = everything()
    for form in ({}, {"act": "drop"}):
        assert face.post(f"/by-feed/{token}/", form).status_code == 400
    assert everything() == before


def test_signing_up_again_begins_by_mail(face: Client) -> None:
    """Also where the subscription was ended for a reader by feed alone, as by a list that was brought in."""
    token = begin(BOB)
    acted(face, token, "instead")
    actions.leave(token, NOW)
    Subscriber.objects.update(paused_until="9999-01-01T00:00Z", feed_since=NOW)
    begin(BOB, NOW.replace(day=25))
    assert queries.audiences(NOW) == {frozenset(): 1} and feeds.standing(token, NOW).token == ""


def test_it_is_told_in_their_own_data() -> None:
    token = begin(BOB)
    feeds.begin(token, NOW)
    assert own_data.own_data(token, NOW)["feed"] == {"since": NOW.isoformat(), "addresses": 1}


def test_every_language_has_its_words() -> None:
    english = {key: text for key, text in words("en").items() if key.startswith("feed_")}
    assert len(english) >= 12
    for code in ("de", "ar"):
        said = words(code)
        assert all(said[key] != text for key, text in english.items()), code
