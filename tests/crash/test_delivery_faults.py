"""The database locked, full, cut off; a clock that jumps; a worker paused past its lease: nobody is lost."""

import os
import signal
import sqlite3
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.crash.newsroom import CONNECTIONS, WINDOW, Newsroom, everyone, references, until
from tests.crash.relays import DEFERRALS, Mood, Plan, Sink

COPIES = 200
IN_HAND = CONNECTIONS * WINDOW
YEAR = 365 * 24 * 60  # minutes
LEASE = 8  # minutes: longer than a lease
LATER = 6 * 60  # minutes: longer than a lease after a round whose clock ran fast, however slow the machine
long = pytest.mark.long


@pytest.fixture
def sink(newsroom: Newsroom) -> Iterator[Sink]:
    newsroom("forget")
    with newsroom.relays(Plan(connections=CONNECTIONS)) as (only,):
        yield only


@pytest.fixture
def embedded(newsroom: Newsroom) -> None:
    """Asked for first, so that a test that is skipped leaves no mail waiting for those after it."""
    if not newsroom.embedded:
        pytest.skip("PostgreSQL waits")


@pytest.fixture
def served(newsroom: Newsroom) -> None:
    """As ``embedded``."""
    if newsroom.embedded:
        pytest.skip("SQLite has no server")


@pytest.fixture
def issue(newsroom: Newsroom) -> str:
    newsroom("forget")  # an earlier test's relays have the same names
    reference = next(references)
    newsroom("hand over", reference=reference, count=COPIES)
    return reference


def whole(newsroom: Newsroom, reference: str, most: int = 0) -> dict[str, int]:
    """Everybody has the issue, and at most so many have it twice."""
    copies, found = newsroom.copies(reference), newsroom.report(reference)
    assert sorted(copies) == everyone(reference, COPIES) and found["accepted"] == COPIES
    extra = sum(copies.values()) - COPIES
    assert extra <= most and extra <= found["repeats"]
    return {"copies": COPIES, "lost": 0, "repeats": extra}


@contextmanager
def locked(newsroom: Newsroom) -> Iterator[None]:
    """Another process holds the journal."""
    if newsroom.embedded:
        other = sqlite3.connect(newsroom.home / "handbill.sqlite3", isolation_level=None)
        other.execute("PRAGMA busy_timeout = 20000")
        other.execute("BEGIN EXCLUSIVE")
    else:
        other = psycopg.connect(newsroom.database)
        other.execute("LOCK TABLE delivery_delivery IN ACCESS EXCLUSIVE MODE")
    try:
        yield
    finally:
        other.rollback()
        other.close()


@pytest.mark.parametrize("seconds", [2, pytest.param(60, marks=long)])
def test_a_locked_database_is_waited_for(newsroom: Newsroom, sink: Sink, issue: str, count, seconds: int):
    """In the short run the clock, and SQLite's patience of 20 s, are 30 times as fast."""
    speed = 60 / seconds
    child = newsroom.start("send", relays=[sink.setting], limit=COPIES, speed=speed, patience=20 / speed)
    until(lambda: len(sink.messages) > 30)
    with locked(newsroom):
        time.sleep(seconds)
        taken = len(sink.messages)
    said = newsroom.fails("wait", pid=child)
    assert not said or "The journal of mails can't be written" in said
    assert taken < COPIES, "nothing is sent without its intent"
    newsroom("send", minutes=LATER, relays=[sink.setting])
    count(f"database locked for {seconds} s", **whole(newsroom, issue))


def test_a_database_locked_from_the_start_is_a_clear_error(embedded: None, newsroom: Newsroom, sink: Sink, issue: str):
    with locked(newsroom):
        said = newsroom.fails("send", relays=[sink.setting], speed=100, patience=0.2)
    assert "The journal of mails can't be written (database is locked)" in said and not sink.messages
    newsroom("send", relays=[sink.setting])
    whole(newsroom, issue)


FULL_AT = [0, 1, 5, 13, 34]


@pytest.mark.parametrize("writes", [*FULL_AT, *(pytest.param(n, marks=long) for n in range(90) if n not in FULL_AT)])
def test_a_full_disk_stops_and_goes_on(newsroom: Newsroom, sink: Sink, issue: str, count, writes: int):
    """At any write. SQLite: its log can't grow further, by the kernel's word; PostgreSQL: as it words a full disk."""
    with full(newsroom, writes):
        said = newsroom.fails("send", relays=[sink.setting], speed=200, pages=writes if newsroom.embedded else -1)
    assert not said or "The journal of mails can't be written" in said
    assert said or newsroom.report(issue)["accepted"] == COPIES
    under_way = newsroom.under_way(issue)
    newsroom("send", minutes=LATER, relays=[sink.setting])
    count("disk full at a write", **whole(newsroom, issue, most=IN_HAND), stopped=bool(said))
    assert under_way <= IN_HAND


@contextmanager
def full(newsroom: Newsroom, writes: int) -> Iterator[None]:
    """PostgreSQL: every statement but the first so many fails."""
    if newsroom.embedded:
        yield
        return
    with psycopg.connect(newsroom.database, autocommit=True) as other:
        other.execute("CREATE SEQUENCE written")
        other.execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF nextval('written') > {writes} THEN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100';"
            " END IF; RETURN NULL; END $$".encode()
        )
        tables = ("delivery_delivery", "delivery_tally", "delivery_attempt")
        for table in tables:
            other.execute(
                f"CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON {table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION full_disk()".encode()
            )
        try:
            yield
        finally:
            other.execute("DROP FUNCTION full_disk CASCADE")
            other.execute("DROP SEQUENCE written")


@pytest.mark.parametrize("nth", [1, 3, *(pytest.param(n, marks=long) for n in range(4, 24))])
def test_a_server_that_ends_our_connections(served: None, newsroom: Newsroom, sink: Sink, issue: str, count, nth: int):
    """As at its restart: the connection is cut, and for a while no other is let in."""
    child = newsroom.start("send", relays=[sink.setting], limit=COPIES, speed=10)
    until(lambda: len(sink.messages) > nth * 8)
    name = newsroom.database.rpartition("/")[2]
    server = newsroom.database.rpartition("/")[0] + "/postgres"
    with psycopg.connect(server, autocommit=True) as other:
        other.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        time.sleep(0.3 * (nth % 3))
        other.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())
    said = newsroom.fails("wait", pid=child)
    assert not said or "The journal of mails can't be written" in said
    newsroom("send", minutes=LATER, relays=[sink.setting])
    count("connections to the database cut", **whole(newsroom, issue))


@pytest.mark.parametrize("years", [1, -1])
def test_a_clock_that_jumps_a_year_while_mail_is_sent(newsroom: Newsroom, sink: Sink, issue: str, count, years: int):
    """It jumps after a worker was killed and others were put off, and is set right an hour later."""
    sink.plan.moods = [Mood("storm", "rcpt", DEFERRALS[1], every=2)]
    child = newsroom.start("ring", minutes=years * YEAR, relays=[sink.setting])
    until(lambda: len(sink.messages) > 20)
    os.kill(child, signal.SIGKILL)
    newsroom("wait", pid=child)
    for minutes in (0, LEASE, 2 * LEASE):
        newsroom("ring", minutes=years * YEAR + minutes, relays=[sink.setting])
    sink.plan.moods.clear()
    for minutes in (30, 40, 60, 100):
        newsroom("ring", minutes=minutes, relays=[sink.setting])
    count("clock jumped a year", **whole(newsroom, issue, most=IN_HAND))


@pytest.mark.parametrize("mode", ["pipelined", "chunked"])
@pytest.mark.parametrize("cut", [False, True])
def test_a_worker_paused_past_its_lease(newsroom: Newsroom, issue: str, count, mode: str, cut: bool):
    """What was on its wire may go twice; what wasn't, does not, also when its connections are gone by then."""
    leap = newsroom.home / "leap"
    leap.write_bytes(struct.pack("d", 0.0))
    with newsroom.relays(Plan(mode, connections=CONNECTIONS), Plan()) as (first, second):
        go_on = threading.Event()
        decide = first.decide
        first.script = lambda moment: (len(first.messages) > 40 and go_on.wait(30), decide(moment))[1]
        child = newsroom.start("send", relays=[first.setting], limit=COPIES, leap=str(leap))
        until(lambda: len(first.messages) > 40)
        os.kill(child, signal.SIGSTOP)
        go_on.set()
        time.sleep(0.2)  # what is on the wire arrives
        if cut:
            first.cut()
        leap.write_bytes(struct.pack("d", LEASE * 60.0))
        newsroom("send", minutes=LEASE, relays=[second.setting])
        assert sorted(newsroom.copies(issue)) == everyone(issue, COPIES)
        before = len(first.messages)
        os.kill(child, signal.SIGCONT)
        newsroom.fails("wait", pid=child)
    assert len(first.messages) - before <= CONNECTIONS * WINDOW // 2, "only half of what is in hand is on a wire"
    count("paused past the lease", **whole(newsroom, issue, most=IN_HAND))
