"""What other tools may ask: as described, by a token with scopes; no address out, nobody revived, each use noted."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import schemathesis
import time_machine
from django.http import HttpResponse
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.core import NotSet
from test_subscribers_room import BOB, CY, NOW, begin

from handbill.delivery.models import Body
from handbill.kit.errors import GiveUp
from handbill.subscribers import actions, queries, signups
from handbill.subscribers.api import tokens
from handbill.subscribers.api.urls import urlpatterns
from handbill.subscribers.api.views import DESCRIPTION
from handbill.subscribers.models import ApiToken, ApiUse, Consent, SignUp, Subscriber
from handbill.topics.models import Topic

pytestmark = pytest.mark.django_db
ALL = tuple(tokens.SCOPES)


@pytest.fixture(autouse=True)
def _at_noon():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def river() -> Topic:
    return Topic.objects.create(name="River", slug="river")


class Tool:
    """Another program. Each answer is held to the description."""

    def __init__(self, *scopes: str, name: str = "shop") -> None:
        self.token = tokens.make(name, scopes, "Ada", NOW)
        self.client = Client(enforce_csrf_checks=True, headers={"host": "paper.example"}, **{"handbill.face": "public"})

    def ask(self, method: str, path: str, body: Any = None, described: Any = None) -> HttpResponse:
        given = {
            "content_type": "application/json",
            "data": body if isinstance(body, str | bytes) else json.dumps(body),
        }
        auth = {"authorization": f"Bearer {self.token}"}
        said = self.client.generic(method, f"/api/v1{path}", headers=auth, **(given if body is not None else {}))
        check(method, path, said, described)
        return said


def check(method: str, path: str, said: HttpResponse, described: Any = None) -> None:
    """Whether an answer is one of those that its operation (``described``, or the path's own) describes."""
    assert said["Cache-Control"] == "no-store"
    schema = {"$ref": "#/components/schemas/Problem", "components": DESCRIPTION["components"]}
    if said.status_code < 400:
        plain = re.sub(r"/subscribers/[0-9a-f-]{36}", "/subscribers/{reader}", path.partition("?")[0])
        answers = (described or DESCRIPTION["paths"][plain])[method.lower()]["responses"]
        schema |= answers[str(said.status_code)]["content"]["application/json"]["schema"]
    else:
        assert said["Content-Type"] == "application/problem+json" and said.json()["status"] == said.status_code
        if described and said.status_code != 405:
            assert str(said.status_code) in described[method.lower()]["responses"]
    Draft202012Validator(schema).validate(said.json())


def test_the_description_is_whole() -> None:
    said = Client(headers={"host": "paper.example"}, **{"handbill.face": "public"}).get("/api/v1/openapi.json")
    assert said.json() == DESCRIPTION
    for schema in DESCRIPTION["components"]["schemas"].values():
        Draft202012Validator(schema | {"components": DESCRIPTION["components"]})
    routes = {re.sub(r"<uuid:(\w+)>", r"{\1}", f"/{one.pattern}") for one in urlpatterns[:-1]}
    assert routes == {*DESCRIPTION["paths"], "/openapi.json"}
    named = [one["operationId"] for path in DESCRIPTION["paths"].values() for one in path.values()]
    assert len(named) == len(set(named)) == 7


def test_topics_are_told(river: Topic) -> None:
    Topic.objects.create(name="Old", slug="old", retired=True)
    assert Tool("topics:read").ask("GET", "/topics").json() == {"topics": [{"slug": "river", "name": "River"}]}


def test_who_is_added_is_asked_and_begins_by_their_own_word_alone(river: Topic) -> None:
    tool = Tool(*ALL)
    said = tool.ask("POST", "/subscribers", {"address": BOB, "topics": ["river"], "wording": "I want the paper"})
    assert (said.status_code, said.json()) == (202, {"state": "asked"})
    assert not Subscriber.objects.exists() and SignUp.objects.get().wording == "I want the paper"
    signups.answer(NOW)
    bob = tool.ask("POST", "/subscribers/lookup", {"address": BOB.upper()}).json()
    assert (bob["state"], bob["topics"], bob["confirmed"]) == ("unconfirmed", [], None)
    actions.confirm(re.search(r"/confirm/([^/]+)/", Body.objects.get().text)[1], NOW)
    bob = tool.ask("GET", f"/subscribers/{bob['id']}").json()
    assert (bob["state"], bob["topics"]) == ("reading", ["river"])
    assert Consent.objects.filter(how="asked").get().version == "api"


def test_the_answer_is_the_same_whoever_they_are() -> None:
    actions.leave(begin(CY), NOW)
    begin(BOB)
    tool = Tool(*ALL)
    answers = [tool.ask("POST", "/subscribers", {"address": one}) for one in (BOB, CY, "new@readers.example")]
    assert {(one.status_code, one.content, str(one.headers)) for one in answers} == {
        (202, answers[0].content, str(answers[0].headers))
    }


def test_nobody_who_left_is_revived(river: Topic) -> None:
    token = begin(CY)
    actions.leave(token, NOW)
    tool, cy = Tool(*ALL), queries.reader_id(token)
    said = tool.ask("PUT", f"/subscribers/{cy}/topics", {"topics": ["river"]})
    assert (said.status_code, said.json()["type"]) == (409, "urn:handbill:problem:not-reading")
    assert tool.ask("POST", f"/subscribers/{cy}/leave").json()["state"] == "left"
    tool.ask("POST", "/subscribers", {"address": CY})
    signups.answer(NOW + timedelta(days=2))
    assert Subscriber.objects.get().audience is None


def test_topics_change_and_leaving_acts_at_once(river: Topic) -> None:
    bob, tool = queries.reader_id(begin(BOB)), Tool(*ALL)
    assert tool.ask("PUT", f"/subscribers/{bob}/topics", {"topics": ["river"]}).json()["topics"] == ["river"]
    said = tool.ask("PUT", f"/subscribers/{bob}/topics", {"topics": ["river", "nowhere"]})
    assert (said.status_code, said.json()["members"]) == (422, ["nowhere"])
    assert tool.ask("GET", f"/subscribers/{bob}").json()["topics"] == ["river"]
    assert tool.ask("PUT", f"/subscribers/{bob}/topics", {"topics": []}).json()["topics"] == []
    for _ in range(2):
        assert tool.ask("POST", f"/subscribers/{bob}/leave").json()["state"] == "left"


def test_readers_are_listed_page_by_page_without_their_addresses() -> None:
    everybody = {str(queries.reader_id(begin(f"r{n}@readers.example"))) for n in range(5)}
    tool, seen, after = Tool("subscribers:read"), [], ""
    while after is not None:
        page = tool.ask("GET", f"/subscribers?limit=2&after={after}")
        assert "readers.example" not in page.content.decode()
        seen += [one["id"] for one in page.json()["subscribers"]]
        after = page.json()["next"]
    assert len(seen) == 5 and set(seen) == everybody
    for wrong in ("limit=0", "limit=501", "limit=x", "limit=-1", "after=x", "after=x.y", "limit=%D9%A3"):
        assert tool.ask("GET", f"/subscribers?{wrong}").status_code == 400, wrong


def test_a_topic_that_is_gone_is_not_told_and_breaks_no_page(river: Topic) -> None:
    token, tool = begin(BOB), Tool("subscribers:read")
    actions.choose(token, ["river"], NOW)
    Subscriber.objects.update(audience=f"{river.pk},{river.pk + 1}")
    [told] = tool.ask("GET", "/subscribers").json()["subscribers"]
    assert told["topics"] == ["river"] and told["state"] == "reading"
    assert tool.ask("GET", f"/subscribers/{told['id']}").json() == told


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ("no json", 400, "json"),
        (b"\xff{}", 400, "json"),
        ("[" * 60_000, 400, "json"),
        pytest.param("x" * 70_000, 413, "size", id="too much"),
        ([], 422, "body"),
        ({}, 422, "body"),
        ({"address": 1}, 422, "body"),
        ({"address": None}, 422, "body"),
        ({"address": BOB, "more": 1}, 422, "body"),
        ({"address": BOB, "topics": "river"}, 422, "body"),
        ({"address": BOB, "topics": [1]}, 422, "body"),
        ({"address": BOB, "topics": ["nowhere"]}, 422, "topics"),
        ({"address": BOB, "sure": "yes"}, 422, "body"),
        ({"address": BOB, "wording": "a\0b"}, 422, "body"),
        ({"address": BOB, "wording": "x" * 2001}, 422, "body"),
        ('{"address": "\\ud800@readers.example"}', 422, "body"),
        ({"address": "no address"}, 422, "address"),
        ({"address": "a@b.example\r\nBcc: x@y.example"}, 422, "address"),
        ({"address": "bob@gmial.com"}, 409, "slip"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(body: Any, status: int, kind: str) -> None:
    said = Tool(*ALL).ask("POST", "/subscribers", body)
    assert (said.status_code, said.json()["type"]) == (status, f"urn:handbill:problem:{kind}")
    uses = list(ApiUse.objects.values_list("status", flat=True))
    assert not SignUp.objects.exists() and uses == ([] if status == 413 else [status])  # too much isn't read at all


def test_a_slip_is_asked_about_and_taken_when_it_is_none() -> None:
    tool = Tool(*ALL)
    assert tool.ask("POST", "/subscribers", {"address": "bob@gmial.com"}).json()["meant"] == "bob@gmail.com"
    assert tool.ask("POST", "/subscribers", {"address": "bob@gmial.com", "sure": True}).status_code == 202


def test_only_json_is_read() -> None:
    tool = Tool(*ALL)
    said = tool.client.post("/api/v1/subscribers", {"address": BOB}, headers={"authorization": f"Bearer {tool.token}"})
    assert said.status_code == 415 and not SignUp.objects.exists()


class TestTokens:
    def test_each_operation_needs_its_scope(self) -> None:
        bob = queries.reader_id(begin(BOB))
        for path, methods in DESCRIPTION["paths"].items():
            for method, operation in methods.items():
                scope = operation["description"].removeprefix("Scope: ").rstrip(".")
                tool = Tool(*set(ALL) - {scope}, name=operation["operationId"])
                body = None if method == "get" else {}
                said = tool.ask(method.upper(), path.replace("{reader}", str(bob)), body)
                assert (said.status_code, said.json()["type"]) == (403, "urn:handbill:problem:scope"), operation
        assert Subscriber.objects.get().audience == ""

    def test_without_a_good_one_nothing_is_told(self) -> None:
        tool = Tool(*ALL)
        for wrong in ("x", f"{tool.token}x", tool.token[:-1], tool.token.upper(), "\ud800"):
            said = tool.client.get("/api/v1/topics", headers={"authorization": f"Bearer {wrong}"})
            assert said.status_code == 401 and said["WWW-Authenticate"] == "Bearer"
        for headers in ({}, {"authorization": tool.token}, {"authorization": f"Basic {tool.token}"}, {"cookie": "a=b"}):
            assert tool.client.get("/api/v1/topics", headers=headers).status_code == 401
        assert tool.client.get(f"/api/v1/topics?token={tool.token}").status_code == 401
        assert not ApiUse.objects.exists()

    def test_one_that_is_withdrawn_opens_nothing_and_its_name_is_not_used_again(self) -> None:
        tool = Tool(*ALL)
        tokens.withdraw("shop", "Ada", NOW)
        assert tool.ask("GET", "/topics").status_code == 401
        with pytest.raises(GiveUp):
            tokens.withdraw("shop", "Ada", NOW)
        with pytest.raises(GiveUp, match="before"):
            Tool(*ALL)

    def test_only_a_digest_is_kept(self) -> None:
        tool = Tool(*ALL)
        kept = str(ApiToken.objects.values().get())
        assert tool.token not in kept and tool.token.removeprefix(tokens.PREFIX) not in kept

    @pytest.mark.parametrize(
        ("name", "scopes"), [("", ALL), ("a@b.example", ALL), ("x" * 61, ALL), ("a", ()), ("a", ("all",))]
    )
    def test_a_name_or_scope_that_is_none_is_refused(self, name: str, scopes: tuple[str, ...]) -> None:
        with pytest.raises(GiveUp):
            tokens.make(name, scopes, "Ada", NOW)

    def test_each_use_is_noted_by_the_tokens_name_without_an_address(self) -> None:
        tool = Tool(*ALL)
        tool.ask("POST", "/subscribers", {"address": BOB})
        tool.ask("POST", "/subscribers/lookup", {"address": BOB})
        uses = list(ApiUse.objects.order_by("pk").values_list("token__name", "what", "status"))
        assert uses == [("shop", "addSubscriber", 202), ("shop", "lookUpSubscriber", 404)]
        assert tokens.tokens()[0][1] == NOW

    def test_a_token_is_answered_so_often_a_minute(self, monkeypatch) -> None:
        monkeypatch.setattr(tokens, "A_MINUTE", 3)
        tool, other = Tool(*ALL), Tool(*ALL, name="other")
        assert [tool.ask("GET", "/topics").status_code for _ in range(5)] == [200, 200, 200, 429, 429]
        assert tool.ask("GET", "/topics")["Retry-After"] == "60" and other.ask("GET", "/topics").status_code == 200
        with time_machine.travel(NOW + timedelta(minutes=1), tick=False):
            assert tool.ask("GET", "/topics").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("DELETE", "/topics", 405),
        ("PATCH", "/subscribers", 405),
        ("GET", "/nowhere", 404),
        ("GET", "/subscribers/x", 404),
    ],
)
def test_there_is_no_other_address_and_no_other_method(method: str, path: str, status: int) -> None:
    assert Tool(*ALL).ask(method, path).status_code == status


def test_the_desk_has_no_api() -> None:
    said = Client(headers={"host": "desk.paper.example"}).get("/api/v1/openapi.json", follow=True)
    assert b"openapi" not in said.content or b"<html" in said.content


OPERATIONS = [one.ok() for one in schemathesis.openapi.from_dict(DESCRIPTION).get_all_operations()]


@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.label)
def test_whatever_is_sent_the_answer_is_as_described(operation: Any, mode: GenerationMode, river: Topic) -> None:
    """schemathesis makes requests as described and others: each is answered as described, and never by a fault."""
    bob, tool = str(queries.reader_id(begin(BOB))), Tool(*ALL)

    @given(operation.as_strategy(generation_mode=mode), st.booleans())
    @settings(
        max_examples=6, phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    def ask(case: Any, known: bool) -> None:
        if known and mode is GenerationMode.POSITIVE and case.path_parameters:
            case.path_parameters["reader"] = bob
        path = f"{case.formatted_path}?{urlencode(case.query or {}, doseq=True)}"
        body = None if isinstance(case.body, NotSet) else case.body
        said = tool.ask(case.method, path, body, described=DESCRIPTION["paths"][case.operation.path])
        assert mode is GenerationMode.NEGATIVE or said.status_code not in (405, 415)
        ApiUse.objects.all().delete()  # or it would be told to wait

    ask()
