"""A reader says how often, when and in what form: what is kept, and the page."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
import time_machine
from django.test import Client

from handbill.delivery.models import Body
from handbill.subscribers import actions, own_data, queries
from handbill.subscribers.lists_in.own import read_wishes
from handbill.subscribers.models import Subscriber
from handbill.subscribers.wish_form import LEADING, read_form
from handbill.subscribers.wishes import Slot, Told, Wishes
from handbill.topics.models import Topic

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


def posted(public: Client, path: str, **form: str | bytes):
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


class TestLeading:
    """Which topics come first: asked where there is a choice, kept as ids, in groups only where it matters."""

    @pytest.fixture
    def ids(self) -> dict[str, int]:
        names = {"river": "River", "schools": "Schools", "roads": '<b>Roads & "more"', "old": "Old"}
        return {
            slug: Topic.objects.create(slug=slug, name=name, retired=slug == "old").pk for slug, name in names.items()
        }

    def test_it_is_saved_and_shown_as_it_was_chosen(self, public: Client, token: str, ids: dict[str, int]) -> None:
        html = public.get(f"/preferences/{token}/").content.decode()
        asked = html.partition("Which topics come first")[2].partition("</fieldset>")[0]
        assert asked.count("<select") == 3 and asked.count('value="roads"') == 3 and "selected" not in asked
        assert "&lt;b&gt;Roads &amp; &quot;more&quot;" in asked and "<b>" not in asked and "Old" not in asked
        said = posted(public, f"/wishes/{token}/", first="roads", second="river", third="").content.decode()
        assert Subscriber.objects.get().leading == f"{ids['roads']},{ids['river']}"
        assert re.findall(r'value="(\w+)" selected>[^<]', said)[-2:] == ["roads", "river"]
        posted(public, f"/wishes/{token}/", cadence="weekdays")
        assert Subscriber.objects.get().leading, "another page's button changes one thing"
        posted(public, f"/wishes/{token}/", first="", second="", third="")
        assert Subscriber.objects.get().leading == ""

    def test_what_is_repeated_unknown_retired_or_not_followed_is_dropped(
        self, public: Client, token: str, ids: dict[str, int]
    ) -> None:
        for named in (
            ("river", "river", "old"),
            ("nowhere", "river", "\0"),
            ("", "\udcff".encode(errors="surrogateescape"), "river"),
        ):
            answer = posted(public, f"/wishes/{token}/", **dict(zip(LEADING, named, strict=True)))
            assert answer.status_code == 200 and Subscriber.objects.get().leading == str(ids["river"])
        actions.choose(token, ["river", "schools"], NOON)
        posted(public, f"/wishes/{token}/", first="roads", second="schools")
        assert Subscriber.objects.get().leading == str(ids["schools"])

    def test_with_one_topic_there_is_nothing_to_ask(self, public: Client, token: str, ids: dict[str, int]) -> None:
        actions.wish(token, Wishes(leading=(ids["river"],)), NOON)
        actions.choose(token, ["river"], NOON)
        assert 'name="first"' not in public.get(f"/preferences/{token}/").content.decode()
        posted(public, f"/wishes/{token}/", cadence="daily", form="headlines")
        assert Subscriber.objects.get().leading == str(ids["river"])

    def test_groups_have_what_makes_a_difference(self, token: str, ids: dict[str, int]) -> None:
        river, schools, roads = (ids[slug] for slug in ("river", "schools", "roads"))
        actions.wish(token, Wishes(leading=(roads, river, schools)), NOON)
        for chosen, ahead in (
            ([], (roads, river, schools)),
            (["river"], ()),
            (["river", "schools"], (river,)),
            (["river", "schools", "roads"], (roads, river)),
        ):
            actions.choose(token, chosen, NOON)
            [group] = queries.groups(Slot(), date(2026, 11, 23), NOON)
            assert group.leading == ahead
            asked = {Slot(): (date(2026, 11, 23), None)}
            assert list(queries.groups_of_slots(asked, NOON)[Slot()]) == [group]
            assert [one.group for one in queries.readers(NOON, Slot(), date(2026, 11, 23))] == [group]
            assert [one.group.leading for one in queries.readers(NOON)] == [()], "of no issue"

    def test_alerts_don_t_part_by_it(self, token: str, ids: dict[str, int]) -> None:
        actions.ask("cy@readers.example", BEGUN)
        confirm = re.search(r"/confirm/([^/]+)/", Body.objects.order_by("-pk")[0].text)[1]
        other = actions.confirm(confirm, BEGUN).token
        actions.wish(token, Wishes(leading=(ids["roads"],), wants_alerts=True), NOON)
        actions.wish(other, Wishes(leading=(ids["river"], ids["roads"]), wants_alerts=True), NOON)
        actions.give_alert(7, lambda: lambda _: True, (), NOON)
        assert list(queries.alerted_groups(7, NOON).values()) == [2] and list(queries.reachable(NOON).values()) == [2]

    def test_own_data_names_them_in_order(self, token: str, ids: dict[str, int]) -> None:
        actions.wish(token, Wishes(leading=(ids["schools"], ids["river"])), NOON)
        assert own_data.own_data(token, NOON)["wishes"]["leading"] == ["Schools", "River"]


def test_a_box_that_is_not_ticked_is_not_sent() -> None:
    held = Wishes(plain=True, weekday=3, cadence="weekly")
    assert read_form({"form": "excerpts"}, held) == Wishes("weekly", 3)
    assert read_form({"cadence": "daily"}, held) == Wishes(plain=True)
    assert read_form({}, held) == held
    assert read_form({"alerts": "yes"}, held) == replace(held, wants_alerts=True)
    assert read_form({"alerts": "no"}, replace(held, wants_alerts=True)) == held


@pytest.mark.django_db
def test_alerts_come_by_one_box_that_nobody_ticked_before_and_the_list_that_is_taken_out_says_so(
    public: Client, token: str
) -> None:
    assert 'name="alerts" value="yes" aria' in public.get(f"/preferences/{token}/").content.decode()
    posted(public, f"/wishes/{token}/", cadence="daily", alerts="yes")
    assert Subscriber.objects.get().wants_alerts
    page = public.get(f"/preferences/{token}/").content.decode()
    assert re.search(r'name="alerts" value="no">[^>]*>[^>]*>[^>]*>.*name="alerts" value="yes" checked', page)
    assert read_wishes({"wants_alerts": "true"}) == Wishes(wants_alerts=True)
    posted(public, f"/wishes/{token}/", cadence="daily", alerts="no")
    assert not Subscriber.objects.get().wants_alerts
