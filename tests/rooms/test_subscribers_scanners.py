"""Whatever follows links of our mails before their reader does changes nothing: every link of every kind of mail."""

from __future__ import annotations

import html
import inspect
import io
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client
from test_subscribers_room import BOB, CY, NOW, begin

from handbill.articles.models import Article
from handbill.delivery.models import Delivery
from handbill.delivery.records import READER_SLOT
from handbill.digest import actions as digest
from handbill.subscribers import actions, lists_out, mails, own_data, queries, silence
from handbill.subscribers.lists_in import asking
from handbill.subscribers.lists_in.actions import bring_in
from handbill.subscribers.lists_in.records import Wanted
from handbill.topics.models import Topic

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
DEE, EVE, FAY, GUS = (f"{name}@readers.example" for name in ("dee", "eve", "fay", "gus"))
PAPER = "https://paper.example"
PAGES = {"confirm", "moved", "preferences", "unsubscribe", "pause", "still", "subscribe"}
"""The first part of the address of each page that some mail of ours leads to."""


def mail_everything() -> None:
    """One mail of every kind, the last ones within the hour of NOW, so that their links work."""
    bob = begin(BOB, NOW - 200 * DAY)
    silence.heed_silence(NOW - 19 * DAY)
    begin(CY, NOW - 18 * DAY)
    own_data.ask_move(bob, DEE, NOW - 9 * DAY)
    own_data.confirm_move(re.search(r"/moved/([^/\s]+)/", newest().text)[1], NOW - 9 * DAY)
    get_user_model().objects.create_user("eve", email=EVE).groups.add(Group.objects.get(name="Admins"))
    lists_out.take_out(io.StringIO(), "csv", "Ada", NOW)
    publish()
    digest.send_now(NOW)
    digest.send_test(EVE, NOW)
    actions.ask(DEE, NOW)  # they read already
    own_data.ask_move(bob, CY, NOW)  # so do they there
    own_data.ask_move(bob, GUS, NOW)
    bring_in(io.BytesIO(f"email\n{FAY}\n".encode()), "list.csv", Wanted(), "Ada", NOW)
    asking.begin_asking(9, NOW)
    asking.ask_held(NOW)
    actions.ask("hal@readers.example", NOW)


def publish() -> None:
    article = Article(headline="Ferry returns", slug="ferry-returns", excerpt="News.", live=True)
    article.published_at = NOW - timedelta(hours=1)
    article.topics = [Topic.objects.create(name="River", slug="river")]
    article.save()


def newest():
    return Delivery.objects.order_by("-pk")[0].body


def mailed_links() -> set[str]:
    """Paths of all links to the paper in all mails, with each recipient's own token in them."""
    found = set()
    for copy in Delivery.objects.select_related("body"):
        whole = f"{html.unescape(copy.body.html)}\n{copy.body.text}\n{copy.body.one_click}\n"
        stamped = whole.replace(READER_SLOT, queries.reader_token(copy.recipient))
        found |= set(re.findall(rf"{re.escape(PAPER)}(/[^\s\"'<>)]*)", stamped))
    return found


def everything() -> list[tuple[str, list[tuple]]]:
    return [
        (model._meta.label, list(model._default_manager.order_by("pk").values_list())) for model in apps.get_models()
    ]


def follow(face: Client, paths: set[str]) -> Iterator[tuple[str, int]]:
    """GET and HEAD each path, and whatever the pages found there link to."""
    seen, ahead = set(), sorted(paths)
    while ahead:
        path = ahead.pop()
        if path in seen:
            continue
        seen.add(path)
        answer = face.get(path, headers={"purpose": "prefetch", "user-agent": "Link scanner"})
        yield path, answer.status_code
        yield path, face.head(path).status_code
        if "text/html" in answer.get("Content-Type", ""):
            links = re.findall(r'href="([^"]+)"', answer.content.decode())
            ahead += [html.unescape(link).removeprefix(PAPER).partition("#")[0] for link in links if link[0] != "#"]
        ahead = [one for one in ahead if one.startswith("/")]


def test_no_link_of_any_mail_changes_anything_by_being_followed(monkeypatch) -> None:
    made = {
        name: make
        for name, make in inspect.getmembers(mails, inspect.isfunction)
        if make.__module__ == mails.__name__ and not name.startswith("_")
    }
    kinds: set[str] = set()
    for name, make in made.items():
        monkeypatch.setattr(mails, name, lambda *given, name=name, make=make: kinds.add(name) or make(*given))
    with time_machine.travel(NOW, tick=False):
        mail_everything()
        assert kinds == made.keys(), "every kind of mail must be looked at here"
        assert Delivery.objects.filter(mailing__kind="issue").count() == 2
        links = mailed_links()
        assert {path.split("/")[1] for path in links} >= PAGES
        face = Client(headers={"host": "paper.example"}, **{"handbill.face": "public"})
        before = everything()
        answers = dict(follow(face, links))
        assert everything() == before
    ours = [(path.split("/")[1], status) for path, status in answers.items() if path.split("/")[1] in PAGES]
    assert {page for page, status in ours if status == 200} == PAGES
    assert {page for page, status in ours if status == 410} == {"confirm", "moved"}  # of mails months ago
    assert {status for _, status in ours} == {200, 410}
