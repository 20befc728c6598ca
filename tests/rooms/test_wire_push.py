"""WebSub against hubs on loopback: asked, confirmed, told, asked again, let go; and hubs that lie, hang and fail."""

import dataclasses
import hashlib
import hmac
import logging
import threading
import types
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.client import HTTPConnection
from typing import Any
from urllib.parse import parse_qs, quote, urlencode
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client

from handbill.config.logs import WithoutTokens
from handbill.kit import clock
from handbill.sources import actions as sources
from handbill.sources.models import Feed
from handbill.testing.wire import Answer, LoopbackWire
from handbill.wire import actions, push, told
from handbill.wire.models import Push, Report

pytestmark = pytest.mark.django_db
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def rss(wire: LoopbackWire, *titles: str, hub: str = "/hub", topic: str = "/feed", inside: bool = False) -> Answer:
    """A feed that names its hub and topic in a ``Link:`` header, or ``inside`` the document."""
    named = [(rel, wire.address + path) for rel, path in (("hub", hub), ("self", topic)) if path]
    links = "".join(f'<atom:link rel="{rel}" href="{address}"/>' for rel, address in named) if inside else ""
    header = ", ".join(f'<{address}>; rel="{rel}"' for rel, address in named)
    items = "".join(f"<item><title>{title}</title><guid>{title}</guid></item>" for title in titles)
    head = '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>The Outlet</title>'
    body = f"{head}{links}{items}</channel></rss>".encode()
    headers = {} if inside or not header else {"Link": header}
    return Answer(body=body, content_type="application/xml", etag="", headers=headers)


@pytest.fixture
def wire(settings: Any) -> Iterator[LoopbackWire]:
    """An outlet at /feed and its hub at /hub, which takes every request and does nothing."""
    with LoopbackWire({"/hub": Answer(202)}) as server:
        allowed = frozenset({("127.0.0.1", server.port)})
        settings.HANDBILL = dataclasses.replace(settings.HANDBILL, allow_loopback=allowed)
        server.routes["/feed"] = rss(server, "One")
        yield server


@pytest.fixture
def feed(wire: LoopbackWire) -> Feed:
    """A feed fetched once, so that its hub is known."""
    now = clock.now()
    made = sources.add_source("The Outlet", wire.address + "/feed", now)
    fetch(now)
    wire.requests.clear()
    return made


def fetch(now: datetime) -> None:
    sources.make_all_due(now)
    actions.fetch_due(now, jitter=lambda: 0.0)


def keep(now: datetime) -> int:
    return actions.keep_pushes(now, jitter=lambda: 0.0)


def the_push() -> Push:
    return Push.objects.get()


def asked(wire: LoopbackWire) -> list[dict[str, str]]:
    posts = [request for request in wire.requests if request.method == "POST"]
    return [{name: values[0] for name, values in parse_qs(post.body.decode()).items()} for post in posts]


def public() -> Client:
    return Client(**{"handbill.face": "public"})


def confirm(row: Push, **more: str) -> Any:
    said = {"mode": "subscribe", "topic": row.topic, "challenge": "c-1", "lease_seconds": "864000"} | more
    return public().get(f"/websub/{row.token}/", {f"hub.{name}": value for name, value in said.items()})


def tell(row: Push, body: bytes = b"<rss/>", secret: str = "", method: str = "sha256") -> Any:
    key = secret or told.secrets_of(row.token)[0]
    signature = f"{method}={hmac.new(key.encode(), body, getattr(hashlib, method)).hexdigest()}"
    headers = {"X-Hub-Signature": signature}
    return public().post(f"/websub/{row.token}/", body, content_type="application/rss+xml", headers=headers)


def held(wire: LoopbackWire, now: datetime) -> Push:
    """The subscription, asked for and confirmed."""
    keep(now)
    assert confirm(the_push()).status_code == 200
    wire.requests.clear()
    return the_push()


def test_a_feed_that_names_a_hub_is_subscribed(wire: LoopbackWire, feed: Feed) -> None:
    now = clock.now()
    assert keep(now) == 1
    (form,) = asked(wire)
    row = the_push()
    assert form == {
        "hub.mode": "subscribe",
        "hub.topic": f"{wire.address}/feed",
        "hub.callback": f"https://paper.example/websub/{row.token}/",
        "hub.secret": told.secrets_of(row.token)[0],
        "hub.lease_seconds": "864000",
    }
    assert wire.requests[0].headers["user-agent"].startswith("Handbill/")
    assert (row.asked_at, row.expires_at, row.next_at, row.lease_until) == (now, None, now + HOUR, None)
    assert form["hub.secret"] not in "".join(str(value) for value in Push.objects.values_list().get())
    assert keep(now) == 0
    answer = confirm(row, challenge="<b>77</b>", lease_seconds="1000000")
    assert (answer.status_code, answer.content) == (200, b"<b>77</b>")
    assert answer["Content-Type"].startswith("text/plain") and answer["X-Content-Type-Options"] == "nosniff"
    row = the_push()
    assert row.expires_at - row.confirmed_at == timedelta(seconds=1_000_000)
    assert row.next_at - row.confirmed_at == timedelta(seconds=800_000)


def test_the_link_header_wins(wire: LoopbackWire) -> None:
    now = clock.now()
    link = f'<{wire.address}/other-hub>; rel="hub", <{wire.address}/other>; rel="self"'
    inside = rss(wire, "One", inside=True)
    wire.routes["/feed"] = dataclasses.replace(inside, headers={"Link": link})
    wire.routes["/plain"] = inside
    for path in ("/feed", "/plain"):
        sources.add_source(path, wire.address + path, now)
    fetch(now)
    named = {row.feed.source.name: (row.hub, row.topic) for row in Push.objects.all()}
    assert named["/feed"] == (f"{wire.address}/other-hub", f"{wire.address}/other")
    assert named["/plain"] == (f"{wire.address}/hub", f"{wire.address}/feed")


@pytest.mark.parametrize(("hub", "topic"), [("", "/feed"), ("/hub", ""), ("", "")])
def test_without_hub_or_topic_there_is_no_subscription(wire: LoopbackWire, hub: str, topic: str) -> None:
    now = clock.now()
    wire.routes["/feed"] = rss(wire, "One", hub=hub, topic=topic)
    sources.add_source("The Outlet", wire.address + "/feed", now)
    fetch(now)
    assert not Push.objects.exists() and Report.objects.count() == 1


def test_a_newsroom_that_no_hub_can_reach_asks_none(wire: LoopbackWire, feed: Feed, settings: Any) -> None:
    settings.HANDBILL = dataclasses.replace(settings.HANDBILL, public_address="http://127.0.0.1:8100")
    assert keep(clock.now()) == 0
    Push.objects.all().delete()
    fetch(clock.now())
    assert not Push.objects.exists()


REFUSED = {
    "never asked": lambda row: Push.objects.update(asked_at=None),
    "asked long ago": lambda row: Push.objects.update(asked_at=clock.now() - 2 * HOUR),
    "another topic": lambda row: Push.objects.update(topic="https://else.example/"),
    "another mode": lambda row: Push.objects.update(ending=True),
    "no such token": lambda row: Push.objects.update(token="other"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_we_did_not_ask_for_is_not_confirmed(wire: LoopbackWire, feed: Feed, why: str) -> None:
    keep(clock.now())
    row = the_push()
    REFUSED[why](row)
    assert confirm(row).status_code == 404
    assert the_push().expires_at is None and the_push().confirmed_at is None


@pytest.mark.parametrize("challenge", ["", "x" * 501, "a\r\nSet-Cookie: b=c", "é", "\0"])
def test_an_odd_challenge_is_not_echoed(wire: LoopbackWire, feed: Feed, challenge: str) -> None:
    keep(clock.now())
    assert confirm(the_push(), challenge=challenge).status_code == 404
    assert the_push().expires_at is None


def test_only_get_confirms_and_other_methods_change_nothing(wire: LoopbackWire, feed: Feed) -> None:
    keep(clock.now())
    row = the_push()
    query = urlencode({"hub.mode": "subscribe", "hub.topic": row.topic, "hub.challenge": "c"})
    for method in ("head", "put", "delete", "options"):
        assert getattr(public(), method)(f"/websub/{row.token}/?{query}").status_code == 405
    assert the_push().expires_at is None
    assert Client().get(f"/websub/{row.token}/?{query}").status_code in (302, 404)  # the desk has no such address
    assert the_push().expires_at is None


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
def test_a_signed_telling_makes_the_feed_due_and_is_not_read(wire: LoopbackWire, feed: Feed, method: str) -> None:
    now = clock.now()
    row = held(wire, now)
    Feed.objects.update(fetched_at=now - 5 * MINUTE, next_at=now + 3 * HOUR)
    answer = tell(row, b"<rss><item><title>Not read</title></item></rss>", method=method)
    assert (answer.status_code, answer.content) == (202, b"")
    assert Feed.objects.get().next_at <= clock.now() and the_push().told_at
    assert not Report.objects.filter(title="Not read").exists() and not wire.requests


def test_what_is_not_signed_with_our_secret_changes_nothing(wire: LoopbackWire, feed: Feed) -> None:
    now = clock.now()
    row = held(wire, now)
    Feed.objects.update(fetched_at=now - 5 * MINUTE, next_at=now + 3 * HOUR)
    unsigned = public().post(f"/websub/{row.token}/", b"<rss/>", content_type="application/xml")
    for answer in (unsigned, tell(row, secret="wrong"), tell(row, secret=row.token)):
        assert (answer.status_code, answer.content) == (202, b"")
    assert Feed.objects.get().next_at == now + 3 * HOUR and the_push().told_at is None


def test_an_earlier_key_still_signs(wire: LoopbackWire, feed: Feed, settings: Any) -> None:
    now = clock.now()
    row = held(wire, now)
    old = told.secrets_of(row.token)[0]
    key = settings.KEYS.token
    newer = dataclasses.replace(key, current=200, by_id={**key.by_id, 200: b"n" * 32})
    settings.KEYS = types.SimpleNamespace(token=newer)
    assert told.secrets_of(row.token)[0] != old
    tell(row, secret=old)
    assert the_push().told_at


def test_a_hub_that_shouts_wakes_a_feed_once_a_minute(wire: LoopbackWire, feed: Feed) -> None:
    now = clock.now()
    row = held(wire, now)
    Feed.objects.update(fetched_at=now, next_at=now + 3 * HOUR)
    tell(row)
    first = the_push().told_at
    tell(row)
    assert first and the_push().told_at == first  # it waits already
    assert Feed.objects.get().next_at == now + 3 * HOUR
    told.wake_told(now + 59 * timedelta(seconds=1))
    assert Feed.objects.get().next_at == now + 3 * HOUR
    keep(now + MINUTE)  # the tick
    assert Feed.objects.get().next_at == now + MINUTE


def test_a_telling_during_a_visit_is_not_lost(wire: LoopbackWire, feed: Feed) -> None:
    now = clock.now()
    row = held(wire, now)
    begun = now - 2 * MINUTE
    sources.make_all_due(begun)
    (leased,) = sources.lease_due(begun, 120, 1)
    tell(row)
    sources.record([sources.unchanged(leased, begun, jitter=0.0)], begun)
    assert Feed.objects.get().next_at > begun + MINUTE
    told.wake_told(clock.now())
    assert Feed.objects.get().next_at <= clock.now()


def test_a_failing_feed_and_one_switched_off_are_not_woken(wire: LoopbackWire, feed: Feed) -> None:
    now = clock.now()
    row = held(wire, now)
    Feed.objects.update(fetched_at=now - HOUR, next_at=now + HOUR, failures=2)
    tell(row)
    assert Feed.objects.get().next_at == now + HOUR
    Feed.objects.update(failures=0, next_at=None)
    told.wake_told(clock.now())
    assert Feed.objects.get().next_at is None


def test_an_unknown_token_is_gone(wire: LoopbackWire, feed: Feed) -> None:
    row = held(wire, clock.now())
    row.token = "other"
    assert tell(row).status_code == 410
    assert public().get("/websub/other/").status_code == 404
    assert public().post("/websub/a%00b/").status_code == public().post("/websub/").status_code == 404


def test_the_callback_takes_a_feed_and_nothing_else_takes_as_much(wire: LoopbackWire, feed: Feed) -> None:
    row = held(wire, clock.now())
    Feed.objects.update(fetched_at=clock.now() - HOUR)
    assert tell(row, b"x" * (2 * 1024 * 1024)).status_code == 202
    assert the_push().told_at
    assert tell(row, b"x" * (2 * 1024 * 1024 + 1)).status_code == 413
    for path in ("/subscribe/", "/websub/", f"/websub/{row.token}/more/", "/websub/" + "a" * 65 + "/"):
        assert public().post(path, b"x" * 70_000, content_type="text/plain").status_code == 413, path
    endless = {"CONTENT_LENGTH": "18446744073709551615"}
    assert public().generic("POST", f"/websub/{row.token}/", b"", **endless).status_code == 413


def test_a_promise_is_renewed_before_it_ends(wire: LoopbackWire, feed: Feed) -> None:
    row = held(wire, clock.now())
    assert keep(row.next_at - MINUTE) == 0
    assert keep(row.next_at) == 1
    assert asked(wire)[0]["hub.callback"].endswith(f"/{row.token}/")
    assert the_push().expires_at == row.expires_at  # the old promise stands until the hub asks back
    assert told.confirm(row.token, "subscribe", row.topic, "864000", row.next_at + MINUTE)
    assert the_push().expires_at == row.next_at + MINUTE + timedelta(days=10)


def test_a_hub_that_never_asks_back_is_told_of_in_words_and_asked_again(wire: LoopbackWire, feed: Feed) -> None:
    now = clock.now()
    keep(now)
    assert keep(now + HOUR) == 0
    row = the_push()
    assert "never made sure" in row.failure and row.failures == 1
    assert row.next_at == now + 2 * HOUR
    assert keep(now + 2 * HOUR) == 1
    assert told.confirm(row.token, "subscribe", row.topic, "", now + 2 * HOUR)
    assert (the_push().failure, the_push().failures) == ("", 0)


HUBS = {
    "500": (Answer(500), "fault of its own (500)", HOUR),
    "429": (Answer(429, headers={"Retry-After": "7200"}), "less often (429)", 2 * HOUR),
    "404": (Answer(404), "nothing at this address (404)", HOUR),
    "a redirect": (Answer(307, headers={"Location": "http://10.0.0.1/"}), "redirects", HOUR),
    "a flood": (Answer(202, b"x" * 10_000_000), "larger", HOUR),
}


@pytest.mark.parametrize("fault", HUBS)
def test_a_hub_that_fails_is_asked_again_later_and_polling_goes_on(wire: LoopbackWire, feed: Feed, fault: str) -> None:
    answer, word, wait = HUBS[fault]
    wire.routes["/hub"] = answer
    now = clock.now()
    polled = Feed.objects.get().next_at
    keep(now)
    row = the_push()
    assert word in row.failure and row.failures == 1 and "/hub" not in row.failure
    assert row.next_at == now + wait and row.lease_until is None
    assert confirm(row).status_code == 404  # nothing is open
    keep(row.next_at)
    assert the_push().failures == 2 and the_push().next_at == row.next_at + 2 * HOUR
    assert Feed.objects.get().next_at == polled and Feed.objects.get().failure == ""


def test_a_hub_that_hangs_is_left_and_its_other_feeds_wait(
    wire: LoopbackWire, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "ASK_SECONDS", 0.2)
    wire.routes["/hub"] = Answer(202, delay_seconds=30)
    wire.routes["/second"] = rss(wire, "Two", topic="/second")
    now = clock.now()
    sources.add_source("Another", wire.address + "/second", now)
    fetch(now)
    wire.requests.clear()
    assert keep(now) == 2
    assert len(asked(wire)) == 1
    assert all("too slow" in row.failure and row.next_at == now + HOUR for row in Push.objects.all())


def test_a_hub_inside_our_own_walls_is_not_asked(wire: LoopbackWire, feed: Feed) -> None:
    for hub in ("http://127.0.0.1:1/", "http://169.254.169.254/latest", "http://[::1]/", "https://10.0.0.1/"):
        Push.objects.update(hub=hub, next_at=clock.now(), asked_at=None, failure="")
        keep(clock.now())
        assert "can't be used" in the_push().failure, hub
    assert not asked(wire)


def test_a_hub_that_refuses_is_written_down(wire: LoopbackWire, feed: Feed) -> None:
    row = held(wire, clock.now())
    query = {"hub.mode": "denied", "hub.topic": row.topic, "hub.reason": "<script>quota\0</script>\u202e" + "x" * 5000}
    assert public().get(f"/websub/{row.token}/", query | {"hub.topic": "https://else.example/"}).status_code == 404
    assert the_push().expires_at == row.expires_at
    answer = public().get(f"/websub/{row.token}/", query)
    assert (answer.status_code, answer.content) == (200, b"")
    row = the_push()
    assert row.expires_at is None and "refuses" in row.failure and len(row.failure) < 300
    assert "\0" not in row.failure and "\u202e" not in row.failure
    assert row.next_at > clock.now() + 23 * HOUR


def test_a_feed_switched_off_is_unsubscribed_and_the_row_goes(wire: LoopbackWire, feed: Feed) -> None:
    now = clock.now()
    row = held(wire, now)
    Feed.objects.update(next_at=None)
    assert keep(now) == 1
    (form,) = asked(wire)
    assert form["hub.mode"] == "unsubscribe" and "hub.secret" not in form
    assert the_push().ending
    assert confirm(row).status_code == 404  # it would begin again
    assert confirm(row, mode="unsubscribe").content == b"c-1"
    assert keep(clock.now()) == 0 and not Push.objects.exists()


def test_a_hub_that_does_not_let_go_is_asked_three_times_and_then_ignored(wire: LoopbackWire, feed: Feed) -> None:
    now = clock.now()
    row = held(wire, now)
    Feed.objects.update(next_at=None)
    assert [keep(now + hours * HOUR) for hours in range(4)] == [1, 1, 1, 0]
    assert not Push.objects.exists() and tell(row).status_code == 410


def test_a_promise_that_ran_out_while_its_feed_was_off_just_goes(wire: LoopbackWire, feed: Feed) -> None:
    row = held(wire, clock.now())
    Feed.objects.update(next_at=None)
    assert keep(row.expires_at + MINUTE) == 0
    assert not Push.objects.exists() and not asked(wire)


def test_another_hub_takes_the_place_of_the_old_one(wire: LoopbackWire, feed: Feed) -> None:
    now = clock.now()
    held(wire, now)
    wire.routes["/feed"] = rss(wire, "One", "Two", hub="/hub2")
    wire.routes["/hub2"] = Answer(202)
    fetch(now + MINUTE)
    old, new = Push.objects.order_by("pk")
    assert old.ending and not new.ending and new.hub.endswith("/hub2") and old.token != new.token
    assert new.next_at == now + HOUR  # hubs are not changed more than once an hour
    keep(now + HOUR)
    sent = [(request.path, "unsubscribe" in request.body.decode()) for request in wire.requests if request.body]
    assert sorted(sent) == [("/hub", True), ("/hub2", False)]


def test_a_feed_that_names_a_new_hub_each_time_does_not_make_us_call_each(wire: LoopbackWire, feed: Feed) -> None:
    now = clock.now()
    keep(now)
    for number in range(5):
        wire.routes["/feed"] = rss(wire, f"Item {number}", hub=f"/hub{number}")
        fetch(now + number * MINUTE)
        keep(now + number * MINUTE)
    assert len(asked(wire)) == 1 and Push.objects.count() == 1


def test_a_feed_that_names_no_hub_any_more_is_let_go(wire: LoopbackWire, feed: Feed) -> None:
    held(wire, clock.now())
    wire.routes["/feed"] = rss(wire, "One", "Two", hub="")
    fetch(clock.now())
    assert the_push().ending


def test_only_a_hub_that_keeps_its_promise_slows_the_polling(wire: LoopbackWire, feed: Feed) -> None:
    now = clock.now()
    row = held(wire, now)
    assert push.telling_feeds([feed], now) == frozenset()  # it has told nothing yet
    Push.objects.update(told_at=now)
    assert push.telling_feeds([feed], now) == {feed.pk}
    assert push.telling_feeds([feed], row.expires_at) == frozenset()
    wire.routes["/feed"] = rss(wire, "One", "Two")
    Feed.objects.update(fetched_at=now - MINUTE)
    fetch(now + MINUTE)  # told, so the news is no surprise
    assert push.telling_feeds([feed], now) == {feed.pk}
    wire.routes["/feed"] = rss(wire, "One", "Two", "Three")
    fetch(now + HOUR)  # not told of it
    assert push.telling_feeds([feed], now) == frozenset()


def test_a_feed_that_is_told_of_is_polled_four_times_less(wire: LoopbackWire, feed: Feed) -> None:
    now = clock.now()
    held(wire, now)
    Feed.objects.update(gap_minutes=60, newest_at=now)
    fetch(now)
    assert Feed.objects.get().next_at == now + 30 * MINUTE
    Push.objects.update(told_at=now)
    fetch(now)
    assert Feed.objects.get().next_at == now + 2 * HOUR
    Feed.objects.update(interval_minutes=15)
    fetch(now)
    assert Feed.objects.get().next_at == now + 15 * MINUTE  # a person's choice stands


def test_a_deleted_feed_takes_its_subscription_with_it(wire: LoopbackWire, feed: Feed) -> None:
    row = held(wire, clock.now())
    Report.objects.all().delete()
    Feed.objects.get().delete()
    assert tell(row).status_code == 410


def test_the_token_is_not_logged() -> None:
    record = logging.LogRecord("x", 30, "", 0, "Not Found: %s", ("/websub/abc-_123/",), None)
    WithoutTokens().filter(record)
    assert record.getMessage() == "Not Found: /websub/…/"


class _Hub(threading.Thread):
    """A hub that does as it should: it asks back at the callback's own server, and tells with a signature."""

    def __init__(self, port: int, form: dict[str, str]) -> None:
        super().__init__()
        self.port, self.form = port, form
        self.path = form["hub.callback"].split(f":{port}", 1)[1]
        self.answers: list[tuple[int, bytes]] = []

    def run(self) -> None:
        asked = f"hub.mode=subscribe&hub.topic={quote(self.form['hub.topic'])}&hub.challenge=xyz&hub.lease_seconds=900"
        self._call("GET", f"{self.path}?{asked}", b"", {})
        body = b"<rss>news</rss>"
        mac = hmac.new(self.form["hub.secret"].encode(), body, "sha512").hexdigest()
        self._call("POST", self.path, body, {"X-Hub-Signature": f"sha512={mac}"})

    def _call(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> None:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        self.answers.append((answer.status, answer.read()))
        connection.close()


class _Quiet(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        """Nothing."""


@pytest.mark.django_db(transaction=True)
def test_the_whole_way_with_a_live_public_server(wire: LoopbackWire, settings: Any) -> None:
    django = WSGIHandler()
    server = make_server(
        "127.0.0.1", 0, lambda env, start: django({**env, "handbill.face": "public"}, start), handler_class=_Quiet
    )
    settings.HANDBILL = dataclasses.replace(
        settings.HANDBILL,
        public_address=f"http://127.0.0.1:{server.server_port}",
        allow_loopback=frozenset({("127.0.0.1", wire.port), ("127.0.0.1", server.server_port)}),
    )
    now = clock.now()
    sources.add_source("The Outlet", wire.address + "/feed", now)
    fetch(now - 5 * MINUTE)
    wire.requests.clear()
    keep(now)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    hub = _Hub(server.server_port, asked(wire)[0])
    hub.start()
    hub.join(20)
    server.shutdown()
    server.server_close()
    assert hub.answers == [(200, b"xyz"), (202, b"")]
    assert Feed.objects.get().next_at <= clock.now()
    wire.routes["/feed"] = rss(wire, "One", "Two")
    assert actions.fetch_due(clock.now(), jitter=lambda: 0.0).filed == 1
