"""The desk's screen of newsletters: who may, what waits, what each button does."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from test_wire_inbox import NOW, letter

from handbill.kit import maildir
from handbill.sources import actions as sources
from handbill.sources.models import Feed, Source
from handbill.wire import actions
from handbill.wire.models import HeldMail, Report

pytestmark = pytest.mark.django_db
PAGE = "/sources/newsletters/"
LINK = "https://outlet.example/confirm?token=aB3dE5fG7hJ9kL1mN3pQ5rS7"


@pytest.fixture
def box(tmp_path: Path, settings: Any) -> Path:
    settings.HANDBILL = dataclasses.replace(
        settings.HANDBILL, home=tmp_path, newsletter_maildir=str(tmp_path), newsletter_domain="letters.paper.example"
    )
    maildir.prepare(tmp_path)
    return tmp_path


@pytest.fixture
def desk(client: Any) -> Any:
    ada = get_user_model().objects.create_user("ada", "ada@paper.example")
    ada.groups.add(Group.objects.get(name="Editors"))
    client.force_login(ada)
    return client


def hold(box: Path, *mails: bytes) -> list[HeldMail]:
    for data in mails:
        maildir.deliver(box, data)
    actions.take_in_mails(NOW)
    return list(HeldMail.objects.order_by("pk"))


def said(answer: Any) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def test_adding_one_shows_the_address_to_subscribe_with(desk: Any, box: Path) -> None:
    answer = desk.post(PAGE + "add/", {"name": "The Outlet", "matcher": "Daily <Daily.outlet.example>"}, follow=True)
    feed = Feed.objects.get()
    address = feed.address.removeprefix("newsletter:") + "@letters.paper.example"
    assert address in said(answer) and f'<code class="desk-address">{address}</code>' in answer.content.decode()
    assert (feed.kind, feed.source.name, feed.matcher) == ("newsletter", "The Outlet", "daily.outlet.example")
    desk.post(PAGE + "add/", {"name": " "})
    assert Feed.objects.count() == 1


@pytest.mark.parametrize(("domain", "shown"), [("news+@paper.example", "news+{}@paper.example"), ("", "{}")])
def test_the_address_follows_the_setting(desk: Any, settings: Any, domain: str, shown: str) -> None:
    settings.HANDBILL = dataclasses.replace(settings.HANDBILL, newsletter_domain=domain)
    code = sources.add_newsletter("The Outlet", "", NOW).address.removeprefix("newsletter:")
    page = desk.get(PAGE).content.decode()
    assert f">{shown.format(code)}</code>" in page and "No mail can come in yet" in page


def test_a_held_mail_is_shown_as_text_and_nothing_of_it_is_fetched(desk: Any, box: Path) -> None:
    html = '<p>Hello &lt;b&gt;</p><img src="https://o.example/i.jpg">'
    html += f'<a href="{LINK}">Yes &amp; <b>now</b></a><a href="javascript:x">J</a>'
    hold(box, letter(html=html, Subject="<i>Confirm your subscription</i>", From="<b>B</b> <b@outlet.example>"))
    page = desk.get(PAGE).content.decode()
    assert "&lt;i&gt;Confirm your subscription&lt;/i&gt;" in page and "Hello &lt;b&gt;" in page
    assert f'href="{LINK}" rel="noopener noreferrer nofollow" referrerpolicy="no-referrer"' in page
    assert "i.jpg" not in page and "javascript:x" not in page and "<details open>" in page


def test_saying_whose_a_mail_is_files_it_and_those_like_it(desk: Any, box: Path) -> None:
    held, _ = hold(box, letter(1), letter(2))
    assert "The Outlet" in desk.get(PAGE).content.decode()
    answer = desk.post(f"{PAGE}{held.pk}/assign/", {"name": "the outlet"}, follow=True)
    assert "2 mails of “the outlet” are filed." in said(answer)
    assert Report.objects.count() == 2 and Source.objects.count() == 1 and "There are none." in answer.content.decode()
    assert "settled meanwhile" in said(desk.post(f"{PAGE}{held.pk}/assign/", {"name": "x"}, follow=True))


def test_a_mail_that_can_t_be_read_stays_and_says_so(desk: Any, box: Path) -> None:
    (held,) = hold(box, b"Subject:\r\n\r\n")
    answer = desk.post(f"{PAGE}{held.pk}/assign/", {"name": "The Outlet"}, follow=True)
    assert "waits here still" in said(answer) and "nothing to read" in answer.content.decode()
    desk.post(f"{PAGE}{held.pk}/assign/", {"name": ""})
    assert HeldMail.objects.get().why == "unreadable"


def test_discarding_can_be_undone(desk: Any, box: Path) -> None:
    (held,) = hold(box, letter())
    answer = desk.post(f"{PAGE}{held.pk}/discard/", follow=True)
    assert f"{PAGE}{held.pk}/restore/" in said(answer) and "There are none." in answer.content.decode()
    assert "gone" in said(desk.post(f"{PAGE}{held.pk}/discard/", follow=True))
    for wrong in ("assigned", "x", ""):
        assert "gone" in said(desk.post(f"{PAGE}{held.pk}/restore/", {"why": wrong}, follow=True))
    assert "back in the list" in said(desk.post(f"{PAGE}{held.pk}/restore/", {"why": "unknown"}, follow=True))
    assert HeldMail.objects.get().why == "unknown"


def test_only_who_may_add_sources_sees_them_and_no_get_changes_anything(desk: Any, client: Any, box: Path) -> None:
    (held,) = hold(box, letter())
    for verb in ("assign", "discard", "restore"):
        assert desk.get(f"{PAGE}{held.pk}/{verb}/").status_code == 405
    assert desk.get(PAGE + "add/").status_code == 405
    guest = get_user_model().objects.create_user("guest")
    guest.groups.add(Group.objects.get(name="Moderators"))
    client.force_login(guest)
    for answer in (
        client.get(PAGE),
        client.post(f"{PAGE}{held.pk}/discard/"),
        client.post(PAGE + "add/", {"name": "X"}),
    ):
        assert answer.status_code in (302, 403)
    assert HeldMail.objects.get().why == "unknown" and not Feed.objects.exists()


def test_the_page_costs_the_same_for_many(desk: Any, box: Path, django_assert_max_num_queries: Any) -> None:
    hold(box, *[letter(number) for number in range(12)])
    for number in range(12):
        sources.add_newsletter(f"Outlet {number}", "", NOW)
    with django_assert_max_num_queries(20):
        desk.get(PAGE)
