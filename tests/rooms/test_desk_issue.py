"""The send room: what it tells of the next issue, who may decide, and that two editors at once lose nothing."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from test_desk_delivery import person, text_of
from test_digest_room import publish, reader

from handbill.delivery.models import Body, Delivery
from handbill.desk import issue
from handbill.digest import actions, decisions, room
from handbill.digest.errors import NewAudience, Superseded
from handbill.digest.models import Act, Issue, Place
from handbill.topics.models import Topic

pytestmark = pytest.mark.django_db

EVENING = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
SEVEN = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)  # 07:00 in Berlin


@pytest.fixture
def clock(monkeypatch):
    """The desk's clock, stopped; call it to move it."""

    def at(moment: datetime) -> None:
        monkeypatch.setattr(issue, "now", lambda: moment)

    at(EVENING)
    return at


@pytest.fixture
def ada(clock) -> Client:
    return person("ada", "Editors")


@pytest.fixture
def three():
    river = Topic.objects.create(name="River", slug="river")
    return [publish(name, EVENING - timedelta(hours=n), river) for n, name in enumerate(("One", "Two", "Three"), 1)]


def form(client: Client) -> dict[str, str]:
    """What the page's own forms carry."""
    page = client.get(reverse("desk_issue")).content.decode()
    return {name: re.search(rf'name="{name}" value="([^"]*)"', page)[1] for name in ("seen", "order", "day", "lead")}


def order(client: Client) -> list[str]:
    page = client.get(reverse("desk_issue")).content.decode()
    return re.findall(r'desk-order-title"[^>]*>([^<]+)<', page)


def test_the_issue_fills_and_says_what_it_leaves_out_and_why(ada, three, clock):
    reader("bob")
    publish("Archive find", EVENING - timedelta(hours=4), in_digest=False)
    page = text_of(ada.get(reverse("desk_issue")))
    assert order(ada) == ["One", "Two", "Three"]
    assert "goes by itself at 22 November, 07:00" in page and "1 reader, by when they want it" in page
    assert "Archive find" in page and "not meant for an issue" in page
    assert "every day, 07:00, Europe/Berlin" in page
    assert "The check of the letter found nothing." in page
    assert re.search(r"The letter has \d+\.\d KB; it aims for 40 KB and never passes 100 KB", page)


def test_articles_beyond_the_letters_room_are_put_in_by_hand(ada, three, settings):
    settings.HANDBILL = replace(settings.HANDBILL, digest_articles=2)
    page = text_of(ada.get(reverse("desk_issue")))
    assert order(ada) == ["One", "Two"] and "as many articles as it takes" in page
    ada.post(reverse("desk_issue_order"), form(ada) | {"move": f"in:{three[2].pk}"})
    assert order(ada) == ["One", "Three"]


def test_the_order_is_an_editors_without_javascript_and_goes_into_the_letters(ada, three, clock):
    token = reader("bob")
    assert token
    ada.post(reverse("desk_issue_order"), form(ada) | {"move": f"up:{three[2].pk}"})
    assert order(ada) == ["One", "Three", "Two"]
    ada.post(reverse("desk_issue_order"), form(ada) | {"move": f"first:{three[1].pk}"})
    assert order(ada) == ["Two", "One", "Three"]
    assert list(Act.objects.values_list("who", "what", "why")) == [
        ("ada", "order", "2. Three"),
        ("ada", "order", "1. Two"),
    ]
    actions.send_due(SEVEN)
    assert Body.objects.order_by("-pk")[0].subject == "Two"


def test_of_two_who_order_at_once_the_second_is_told_and_loses_nothing(ada, three):
    ben = person("ben", "Editors")
    hers, his = form(ada), form(ben)
    ada.post(reverse("desk_issue_order"), hers | {"move": f"first:{three[2].pk}"})
    answer = ben.post(reverse("desk_issue_order"), his | {"move": f"first:{three[1].pk}"}, follow=True)
    assert "Somebody changed the issue while you looked at it" in text_of(answer)
    assert order(ben) == ["Three", "One", "Two"] and Act.objects.count() == 1
    script = {"headers": {"X-Requested-With": "fetch"}}
    answer = ben.post(reverse("desk_issue_order"), his | {"moved": str(three[1].pk)}, **script)
    assert answer.status_code == 409 and "Somebody changed" in text_of(answer) and "Three" in text_of(answer)
    for what in ("desk_issue_subject", "desk_issue_approve"):
        ben.post(reverse(what), his | {"subject": "Mine", "lead": str(three[2].pk)})
    assert Act.objects.count() == 1 and not actions.decision(room.next_day(EVENING)).approved_at
    mine = form(ben)
    answer = ben.post(reverse("desk_issue_order"), mine | {"order": ",".join(str(a.pk) for a in three)}, **script)
    assert answer.status_code == 200 and order(ada) == ["One", "Two", "Three"]


def test_by_rank_again(ada, three):
    ada.post(reverse("desk_issue_order"), form(ada) | {"move": f"first:{three[2].pk}"})
    ada.post(reverse("desk_issue_order"), form(ada) | {"rank": "1"})
    assert order(ada) == ["One", "Two", "Three"] and not Place.objects.exists()


@pytest.mark.parametrize("wrong", ["x", "9" * 30, "-1", "1;drop", "0,0,0", "٣"])
def test_a_forged_order_changes_nothing(ada, three, wrong):
    before = order(ada)
    answer = ada.post(reverse("desk_issue_order"), {"seen": wrong, "order": wrong, "move": f"up:{wrong}"})
    assert answer.status_code == 302 and order(ada) == before


@given(st.permutations(range(6)), st.sampled_from(["up", "down", "first", "in"]), st.integers(0, 5), st.integers(1, 9))
def test_a_move_loses_no_article(given, how, which, most):
    after = issue.moved(given, how, which, most)
    assert sorted(after) == sorted(given)
    assert [pk for pk in after if pk != which] == [pk for pk in given if pk != which]


def test_a_subject_is_for_the_letters_that_its_article_leads(ada, three, clock):
    reader("bob")
    ada.post(reverse("desk_issue_subject"), form(ada) | {"subject": " The ferry\r\nBcc: all@paper.example is back "})
    page = text_of(ada.get(reverse("desk_issue")))
    assert "The ferry Bcc: all@paper.example is back" in page
    ada.post(reverse("desk_issue_order"), form(ada) | {"move": f"first:{three[1].pk}"})
    assert room.filling(EVENING).letter.subject == "Two"
    ada.post(reverse("desk_issue_order"), form(ada) | {"move": f"first:{three[0].pk}"})
    assert room.filling(EVENING).letter.subject == "The ferry Bcc: all@paper.example is back"
    ada.post(reverse("desk_issue_subject"), form(ada) | {"subject": "  "})
    assert room.filling(EVENING).letter.subject == "One"


def test_an_approval_is_undone_whole_for_ten_minutes_and_no_longer(ada, three, clock):
    reader("bob")
    last = SEVEN - timedelta(minutes=1)
    clock(last)
    ada.post(reverse("desk_issue_approve"), form(ada))
    page = text_of(ada.get(reverse("desk_issue")))
    assert "Approved by ada, 06:59. Until 07:09:00, Undo stops it whole. It goes at 22 November, 07:09." in page
    assert not actions.send_due(SEVEN).readers
    assert not Delivery.objects.filter(mailing__reference="issue:2026-11-22").exists()
    clock(SEVEN + timedelta(minutes=1))
    ada.post(reverse("desk_issue_undo"), form(ada))
    assert "Open" in text_of(ada.get(reverse("desk_issue")))
    ada.post(reverse("desk_issue_approve"), form(ada))
    clock(SEVEN + timedelta(minutes=12))
    answer = ada.post(reverse("desk_issue_undo"), form(ada), follow=True)
    assert "too late to undo" in text_of(answer)
    assert actions.send_due(SEVEN + timedelta(minutes=12)).readers == 1
    assert [each.what for each in Act.objects.order_by("pk")] == ["approve", "undo", "approve"]
    page = text_of(ada.get(reverse("desk_issue")))
    assert "Issue of 23 November 2026" in page
    assert "Handed over last: issue of" in page and reverse("desk_delivery") in page


def test_a_held_day_waits_and_the_others_see_why(ada, three, clock):
    ben = person("ben", "Editors")
    reader("bob")
    ada.post(reverse("desk_issue_hold"), form(ada) | {"why": "A wrong\r\nname"})
    assert "Held by ada" in text_of(ben.get(reverse("desk_issue_now")))
    assert "<q>A wrong name</q>" in text_of(ben.get(reverse("desk_issue_now")))
    answer = ben.post(reverse("desk_issue_hold"), form(ben), follow=True)
    assert "Somebody decided already" in text_of(answer)
    actions.send_due(SEVEN)
    assert not Delivery.objects.filter(mailing__reference="issue:2026-11-22").exists()
    clock(SEVEN)
    ben.post(reverse("desk_issue_release"), form(ben))
    assert actions.send_due(SEVEN + timedelta(minutes=1)).readers == 1


def test_an_order_or_a_subject_given_after_the_letters_were_written_goes_into_them(ada, three, clock):
    reader("bob")
    ada.post(reverse("desk_issue_hold"), form(ada))
    actions.send_due(SEVEN)
    assert Issue.objects.get().state == "composed"
    clock(SEVEN + timedelta(minutes=5))
    ada.post(reverse("desk_issue_order"), form(ada) | {"move": f"first:{three[2].pk}"})
    ada.post(reverse("desk_issue_subject"), form(ada) | {"subject": "At last"})
    assert order(ada) == ["Three", "One", "Two"]
    ada.post(reverse("desk_issue_release"), form(ada))
    assert actions.send_due(SEVEN + timedelta(minutes=6)).readers == 1
    (copy,) = Delivery.objects.filter(mailing__reference="issue:2026-11-22")
    assert copy.body.subject == "At last" and copy.body.text.index("Three") < copy.body.text.index("One")
    assert Body.objects.filter(mailing__reference="issue:2026-11-22").count() == 1


def test_why_an_issue_could_not_be_sent_is_told_until_it_could(ada, three, monkeypatch):
    reader("bob")
    with monkeypatch.context() as patch:
        patch.setattr(actions, "_compose", lambda *args: (_ for _ in ()).throw(NewAudience("Readers chose <others>.")))
        with pytest.raises(NewAudience):
            actions.send_due(SEVEN)
        page = text_of(ada.get(reverse("desk_issue")))
    assert "An issue could not be sent" in page and "Readers chose &lt;others&gt;." in page
    assert actions.send_due(SEVEN + timedelta(minutes=5)).readers == 1
    assert "could not be sent" not in text_of(ada.get(reverse("desk_issue")))


class TestStandstill:
    """It ends at the desk, by who saw it, with what readers were told of."""

    WHY = "Restored from a backup of 20 November."

    @pytest.fixture(autouse=True)
    def still(self, ada, three):
        reader("bob")
        actions.stand_still(self.WHY, EVENING - timedelta(minutes=5))

    def end(self, client: Client, **fields: str) -> str:
        page = client.get(reverse("desk_issue")).content.decode()
        seen = re.search(r'still-head.*?name="seen" value="(\d+)"', page, re.DOTALL)
        given = {"seen": seen[1] if seen else "", **fields}
        return text_of(client.post(reverse("desk_issue_go_on"), given, follow=True))

    def test_it_is_told_and_ended_with_nothing_told(self, ada):
        page = text_of(ada.get(reverse("desk_issue")))
        assert "The digest stands still" in page and f"<q>{self.WHY}</q>" in page and "Since 21 November, 20:55" in page
        assert actions.send_due(SEVEN) is None
        assert "It goes on" in self.end(ada, told="nothing")
        assert "stands still" not in text_of(ada.get(reverse("desk_issue")))
        assert Act.objects.get().what == "go on" and Act.objects.get().why == self.WHY
        assert actions.send_due(SEVEN).articles == 3

    def test_what_was_told_is_not_mailed_again(self, ada):
        self.end(ada, told="until", until="2026-11-21T18:30")  # in Berlin: between Two and Three
        assert order(ada) == ["One", "Two"]
        assert actions.send_due(SEVEN).articles == 2

    @pytest.mark.parametrize(
        ("told", "until"),
        [("", ""), ("all", ""), *(("until", each) for each in ("", "x", "2027-01-01T07:00", "2026-02-31T07:00"))],
    )
    def test_without_saying_until_when_it_stands_still(self, ada, told, until):
        assert "until when readers were told" in self.end(ada, told=told, until=until)
        assert actions.standstill() == self.WHY and not Act.objects.exists()

    def test_a_later_standstill_is_not_ended_by_who_saw_an_earlier(self, ada):
        page = ada.get(reverse("desk_issue")).content.decode()
        seen = re.search(r'still-head.*?name="seen" value="(\d+)"', page, re.DOTALL)[1]
        actions.stand_still("Another one.", EVENING)
        ada.post(reverse("desk_issue_go_on"), {"seen": seen, "told": "nothing"})
        assert actions.standstill() == "Another one." and not Act.objects.exists()


def test_a_form_of_yesterday_decides_nothing(ada, three, clock):
    old = form(ada) | {"day": "2026-11-21"}
    for what in ("approve", "undo", "hold", "release"):
        ada.post(reverse(f"desk_issue_{what}"), old)
    assert not Act.objects.exists()


def test_a_test_goes_to_who_asks(ada, three, django_user_model):
    answer = ada.post(reverse("desk_issue_test"), follow=True)
    assert "no email address" in text_of(answer) and not Act.objects.exists()
    django_user_model.objects.update(email="ada@paper.example")
    assert "on its way to ada@paper.example" in text_of(ada.post(reverse("desk_issue_test"), follow=True))
    assert Body.objects.get().subject.startswith("[Test]") and Act.objects.get().what == "test"


def test_the_letter_is_shown_in_a_frame_in_which_nothing_runs(ada, three, settings):
    answer = ada.get(reverse("desk_issue_letter"))
    assert answer["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    html = answer.content.decode()
    assert '<base target="_blank">' in html and "prefers-color-scheme: dark" not in html and "(max-width: 0)" in html
    assert "(min-width: 0)" in ada.get(reverse("desk_issue_letter") + "?dark").content.decode()
    assert "img-src 'none'" in ada.get(reverse("desk_issue_letter") + "?bare")["Content-Security-Policy"]
    assert "white-space:pre-wrap" in ada.get(reverse("desk_issue_letter") + "?text").content.decode()
    page = ada.get(reverse("desk_issue") + "?width=700&dark").content.decode()
    assert 'width="700"' in page and 'sandbox=""' in page and "issue/letter/?dark" in page


def test_who_may_only_look_decides_nothing_and_who_may_not_sees_nothing(ada, three, django_user_model):
    right = Permission.objects.get(codename="access_admin")
    looks, writes = person("lea"), person("moe")
    for user in django_user_model.objects.filter(username__in=["lea", "moe"]):
        user.user_permissions.add(right)
    django_user_model.objects.get(username="lea").user_permissions.add(Permission.objects.get(codename="view_issue"))
    page = text_of(looks.get(reverse("desk_issue")))
    assert "One" in page and 'id="approve"' not in page and "draggable" not in page
    for name in ("desk_issue", "desk_issue_now", "desk_issue_letter"):
        assert writes.get(reverse(name)).status_code in (302, 403)
    given = form(ada) | {"move": f"up:{three[1].pk}", "subject": "Mine", "why": "Mine"}
    actions.stand_still("Restored.", EVENING)
    given |= {"told": "nothing"}
    for name in ("order", "subject", "test", "hold", "release", "approve", "undo", "go_on"):
        looks.post(reverse(f"desk_issue_{name}"), given)
        writes.post(reverse(f"desk_issue_{name}"), given)
    assert not Act.objects.exists() and actions.standstill()
    assert "told-nothing" not in looks.get(reverse("desk_issue")).content.decode()


def test_of_two_at_the_same_moment_the_database_takes_one(ada, three, monkeypatch):
    day = room.next_day(EVENING)
    actions.arrange([three[2].pk], day, EVENING, "ben")
    monkeypatch.setattr(decisions, "arranged", lambda: 0)  # both had looked before either wrote
    with pytest.raises(Superseded):
        actions.arrange([three[1].pk], day, EVENING, "ada", 0)
    assert [row.article_id for row in Place.objects.all()] == [three[2].pk] and Act.objects.count() == 1


def test_after_an_issue_that_was_sent_by_hand_the_next_days_is_shown(three, clock):
    reader("bob")
    early = SEVEN - timedelta(hours=1)
    assert room.next_day(early) == SEVEN.date()
    assert actions.send_now(early).readers == 1
    assert room.next_day(early) == SEVEN.date() + timedelta(days=1)


def test_with_nothing_to_read_it_says_so(ada):
    page = text_of(ada.get(reverse("desk_issue")))
    assert "No article waits for this issue yet" in page and "disabled" in page
    assert ada.get(reverse("desk_issue_letter")).status_code == 200
