"""A reader says how often, when and in what form: what is kept, and the page."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
import time_machine
from django.test import Client

from handbill.delivery.models import Body
from handbill.subscribers import actions, queries
from handbill.subscribers.lists_in.own import read_wishes
from handbill.subscribers.models import Subscriber
from handbill.subscribers.wish_form import read_form
from handbill.subscribers.wishes import Slot, Told, Wishes

pytestmark = pytest.mark.django_db

BEGUN = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
NOON = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)  # a Sunday, 12:00 in Berlin


@pytest.fixture
def token() -> str:
    actions.ask("bob@readers.example", BEGUN)
    confirm = re.search(r"/confirm/([^/]+)/", Body.objects.order_by("-pk")[0].text)[1]
    return actions.confirm(confirm, BEGUN).token


@pytest.fixture
def public() -> Client:
    return Client(enforce_csrf_checks=True, headers={"host": "paper.example"}, **{"handbill.face": "public"})


def posted(public: Client, path: str, **form: str):
    with time_machine.travel(NOON, tick=False):
        return public.post(path, form)


class TestAct:
    def test_a_later_hour_begins_the_day_after_the_last_issue(self, token: str) -> None:
        due = actions.wish(token, Wishes(hour=18), NOON)
        assert due.isoformat() == "2026-11-23T18:00:00+01:00"
        row = Subscriber.objects.get()
        assert queries.told_of(row) == Told(
            "daily", date(2026, 11, 22), datetime(2026, 11, 22, 6, tzinfo=UTC), due.date()
        )

    def test_back_again_before_the_first_issue_nothing_is_lost(self, token: str) -> None:
        actions.wish(token, Wishes(hour=18), NOON)
        assert actions.wish(token, Wishes(), NOON).isoformat() == "2026-11-23T07:00:00+01:00"
        assert queries.told_of(Subscriber.objects.get()).by == "daily"

    def test_who_had_no_issue_yet_just_begins_there(self, token: str) -> None:
        assert actions.wish(token, Wishes(hour=18), BEGUN).isoformat() == "2026-11-20T18:00:00+01:00"
        told = queries.told_of(Subscriber.objects.get())
        assert (told.by, told.until, told.first) == ("", BEGUN, date(2026, 11, 20)), "told by no slot"

    def test_form_and_language_move_nobody(self, token: str) -> None:
        actions.wish(token, Wishes(form="headlines", language="de", plain=True), NOON)
        row = Subscriber.objects.get()
        assert (row.form, row.language, row.plain, row.told_by) == ("headlines", "de", True, None)
        [(group, count)] = queries.groups(Slot(), date(2026, 11, 23), NOON).items()
        assert (group.form, group.language, group.plain, count) == ("headlines", "de", True, 1)


class TestPage:
    def test_it_shows_what_is_held_and_saves_what_is_chosen(self, public: Client, token: str) -> None:
        html = public.get(f"/preferences/{token}/").content.decode()
        assert 'value="daily" checked' in html and "<select" in html and "<script" not in html
        answer = posted(
            public,
            f"/wishes/{token}/",
            cadence="weekly",
            weekday="5",
            hour="18",
            zone="Asia/Kathmandu",
            form="headlines",
        )
        said = answer.content.decode()
        assert answer.status_code == 200 and "Next issue: " in said and "18:00 (Kathmandu time)" in said
        assert "Nov. 27, 2026" in said and 'value="weekly" checked' in said
        row = Subscriber.objects.get()
        assert (row.cadence, row.weekday, row.hour, row.zone, row.form) == (
            "weekly",
            5,
            18,
            "Asia/Kathmandu",
            "headlines",
        )

    def test_once_a_week_instead_of_leaving(self, public: Client, token: str) -> None:
        assert 'name="cadence" value="weekly"' in public.get(f"/unsubscribe/{token}/").content.decode()
        posted(public, f"/wishes/{token}/", cadence="weekly")
        row = Subscriber.objects.get()
        assert (row.cadence, row.hour, row.form) == ("weekly", None, "excerpts")
        assert 'name="cadence" value="weekly"' not in public.get(f"/unsubscribe/{token}/").content.decode()

    @pytest.mark.parametrize(
        "form",
        [
            {"hour": "24"},
            {"zone": "Europe/Atlantis"},
            {"zone": "../etc/passwd"},
            {"cadence": "hourly"},
            {"weekday": "\0"},
        ],
    )
    def test_what_is_not_offered_changes_nothing(self, public: Client, token: str, form: dict[str, str]) -> None:
        answer = posted(public, f"/wishes/{token}/", **form)
        assert answer.status_code == 400 and "nothing was changed" in answer.content.decode()
        assert queries.wishes_of(Subscriber.objects.get()) == Wishes()

    def test_who_left_has_nothing_to_choose(self, public: Client, token: str) -> None:
        actions.leave(token, NOON)
        assert posted(public, f"/wishes/{token}/", cadence="weekly").status_code == 409


def test_a_box_that_is_not_ticked_is_not_sent() -> None:
    held = Wishes(plain=True, weekday=3, cadence="weekly")
    assert read_form({"form": "excerpts"}, held) == Wishes("weekly", 3)
    assert read_form({"cadence": "daily"}, held) == Wishes(plain=True)
    assert read_form({}, held) == held
    assert read_form({"alerts": "no"}, held) == replace(held, no_alerts=True)
    assert read_form({"alerts": "yes"}, replace(held, no_alerts=True)) == held


@pytest.mark.django_db
def test_alerts_are_done_without_by_one_box_and_the_list_that_is_taken_out_says_so(public: Client, token: str) -> None:
    page = public.get(f"/preferences/{token}/").content.decode()
    assert re.search(r'name="alerts" value="no">[^>]*>[^>]*>[^>]*>.*name="alerts" value="yes" checked', page)
    posted(public, f"/wishes/{token}/", cadence="daily", alerts="no")
    assert Subscriber.objects.get().no_alerts
    assert 'name="alerts" value="yes" aria' in public.get(f"/preferences/{token}/").content.decode()
    assert read_wishes({"no_alerts": "true"}) == Wishes(no_alerts=True)
    posted(public, f"/wishes/{token}/", cadence="daily", alerts="yes")
    assert not Subscriber.objects.get().no_alerts
