"""A large round in two processes: each has its share, a host sees one visitor at a time, and a kill loses nothing."""

import dataclasses
import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from django.db import connection

from handbill.kit import cell
from handbill.kit.urls import read_address
from handbill.sources.models import Feed, Source
from handbill.testing.server import Loopback
from handbill.wire import actions, fetch, shares, web
from handbill.wire.models import Report
from handbill.wire.politeness import Books, Share, place_of
from handbill.wire.records import Round
from handbill.wire.shares import Commission, Part, divide

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
HOSTS, FEEDS = 8, 3  # servers, each a host of its own, and feeds at each


class Outlet(Loopback):
    """A host that counts how many visitors it has at once; each is kept for ``seconds``."""

    def __init__(self) -> None:
        self.seconds, self.at_once, self.most = 0.05, 0, 0
        self.asked: Counter[str] = Counter()
        self.met = threading.Event()
        self.lock = threading.Lock()
        super().__init__(_Visit, 0)

    @property
    def host(self) -> tuple[str, int]:
        return ("127.0.0.1", self.port)


class _Visit(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        outlet = self.server.owner
        with outlet.lock:
            outlet.at_once += 1
            outlet.most = max(outlet.most, outlet.at_once)
            outlet.asked[self.path] += 1
        outlet.met.set()
        self.server.pause(outlet.seconds)
        with outlet.lock:
            outlet.at_once -= 1
        body = f"<rss version='2.0'><channel><title>O</title><item><title>News of {outlet.port}{self.path}</title>"
        body += f"<guid>{outlet.port}{self.path}</guid></item></channel></rss>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""


@pytest.fixture
def outlets(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Outlet]]:
    monkeypatch.setattr(fetch, "how_many", lambda due: 2)
    with ExitStack() as stack:
        opened = [stack.enter_context(Outlet()) for _ in range(HOSTS)]
        while not all(of_share(opened, number) for number in (0, 1)):  # by chance all ports fell to one
            opened.append(stack.enter_context(Outlet()))
        settings.HANDBILL = dataclasses.replace(
            settings.HANDBILL, allow_loopback=frozenset(outlet.host for outlet in opened)
        )
        source = Source.objects.create(name="The Outlet", slug="outlet")
        for outlet in opened:
            for path in range(FEEDS):
                Feed.objects.create(source=source, address=f"http://127.0.0.1:{outlet.port}/{path}", next_at=NOW)
        yield opened


def run(at: datetime = NOW) -> Round:
    return actions.fetch_due(at, jitter=lambda: 0.0)


def of_share(outlets: list[Outlet], number: int) -> list[Outlet]:
    here = [read_address(f"http://127.0.0.1:{outlet.port}/") for outlet in outlets]
    return [outlet for outlet, address in zip(outlets, here, strict=True) if Share(number, 2).has(place_of(address))]


@pytest.fixture
def both(outlets: list[Outlet]) -> list[list[Outlet]]:
    """The outlets by their share."""
    return [of_share(outlets, 0), of_share(outlets, 1)]


def test_every_feed_is_fetched_once_and_no_host_has_two_visitors(both: list[list[Outlet]]) -> None:
    feeds = Feed.objects.count()
    assert run() == Round(fetched=feeds, entries=feeds, filed=feeds)
    for outlet in both[0] + both[1]:
        assert outlet.most == 1 and outlet.asked == {f"/{path}": 1 for path in range(FEEDS)}
    assert Report.objects.count() == feeds
    assert not Feed.objects.exclude(lease_token="", next_at__gt=NOW).exists()


def test_the_helper_does_its_share_by_itself(both: list[list[Outlet]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch._Gathering, "run", lambda self: Round())
    theirs = len(both[1]) * FEEDS
    assert run() == Round(fetched=theirs, entries=theirs, filed=theirs)
    assert not any(outlet.asked for outlet in both[0])


def test_other_fetches_leave_the_helpers_hosts_alone_meanwhile(
    both: list[list[Outlet]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page for full text waits for another time; the round by hand says that one is running."""
    said: list[object] = []
    gather = fetch._Gathering.run

    def meanwhile(self: Any) -> Round:
        with pytest.raises(web.NoTurn):
            web.fetch_politely(f"http://127.0.0.1:{both[1][0].port}/page", patience=0)
        said.append(web.fetch_politely(f"http://127.0.0.1:{both[0][0].port}/page").status)
        said.append(actions.fetch_due(NOW))
        return gather(self)

    monkeypatch.setattr(fetch._Gathering, "run", meanwhile)
    assert run().fetched == Feed.objects.count()
    assert said == [200, Round(busy=True)]
    assert web.fetch_politely(f"http://127.0.0.1:{both[1][0].port}/page").status == 200
    assert max(outlet.most for outlet in both[0] + both[1]) == 1


def kill_at_work(met: threading.Event, started: list[subprocess.Popen[bytes]]) -> threading.Thread:
    def kill() -> None:
        met.wait(60)
        os.kill(started[0].pid, signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The helpers that were started."""
    found: list[subprocess.Popen[bytes]] = []
    start: Callable[..., subprocess.Popen[bytes]] = subprocess.Popen

    def noted(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        process = start(command, **options)
        if command == shares.COMMAND:
            found.append(process)
        return process

    monkeypatch.setattr(shares.subprocess, "Popen", noted)
    return found


def test_a_killed_helper_loses_nothing(both: list[list[Outlet]], started: list[subprocess.Popen[bytes]]) -> None:
    for outlet in both[1]:
        outlet.seconds = 5
    killer = kill_at_work(both[1][0].met, started)
    mine = len(both[0]) * FEEDS
    assert run() == Round(fetched=mine, entries=mine, filed=mine)
    killer.join()
    assert Feed.objects.exclude(lease_token="").exists(), "it died with leases in its hands"
    for outlet in both[1]:
        outlet.seconds = 0
    later = NOW + timedelta(seconds=fetch.LEASE_SECONDS)
    assert run(later).failed == 0
    assert set(Report.objects.values_list("title", flat=True)) == {
        f"News of {outlet.port}/{path}" for outlet in both[0] + both[1] for path in range(FEEDS)
    }
    assert Report.objects.count() == Feed.objects.count()
    assert not Feed.objects.exclude(lease_token="").exists()


def test_a_helper_ends_with_its_parent(
    both: list[list[Outlet]], started: list[subprocess.Popen[bytes]], settings: Any
) -> None:
    for outlet in both[1]:
        outlet.seconds = 30
    due = tuple(Feed.objects.values_list("pk", flat=True))
    part = Part(NOW, time.monotonic(), 15.0, len(due), Share(1, 2), due)
    helper = shares._Helper(Commission(part, Books(), settings.HANDBILL, connection.settings_dict))
    assert both[1][0].met.wait(60)
    started[0].send_signal(signal.SIGTERM)  # as supervisor sends to the whole group: its parent still waits for it
    with pytest.raises(subprocess.TimeoutExpired):
        started[0].wait(0.5)
    helper._line.close()  # as the kernel does when the parent dies
    assert started[0].wait(10) == cell.RETIRED
    helper.end()


def test_a_helper_that_cannot_start_leaves_its_share_to_the_next_round(
    both: list[list[Outlet]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "COMMAND", ["/bin/false"])
    assert run().fetched == len(both[0]) * FEEDS
    assert Feed.objects.filter(next_at=NOW, lease_token="").count() == len(both[1]) * FEEDS


def test_the_feeds_of_a_domain_are_of_one_share_and_keep_their_order() -> None:
    due = [(n, f"https://{'abc'[n % 3]}.paper-{n % 7}.example/{n}") for n in range(100)]
    parts = divide(due, 3)
    assert sorted(key for part in parts for key in part) == list(range(100))
    assert all(list(part) == sorted(part) for part in parts)
    for domain in range(7):
        assert len({number for number, part in enumerate(parts) for key in part if key % 7 == domain}) == 1


def test_small_rounds_need_no_help() -> None:
    assert shares.how_many(shares.MANY) == 1
    assert shares.how_many(shares.MANY + 1) == min(os.cpu_count() or 1, shares.MOST_SHARES)
