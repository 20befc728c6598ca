"""A round of fetching: lease the feeds that are due, fetch and read them, file what is new, once.

Feeds are made for programs; a page that is a source isn't, so its host's robots.txt is asked first.

The round streams: feeds are leased in small batches as places become free, so its memory doesn't grow with their
number; a large one is done by several processes, a share each (``wire.shares``). Names are looked up, feeds fetched
and read (in a sandbox) in threads that know no database; a thread that waits for a slow host costs next to nothing and
takes no place from a healthy one. The rows are read and written in the caller's thread, in short transactions, each row
fenced by its lease. A process that dies leaves its leases to run out: the feeds are then fetched again, and filing
again changes nothing.
"""

from __future__ import annotations

import logging
import math
import queue
import random
import resource
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias

from django.conf import settings
from django.db import connection, transaction

from handbill.kit.errors import GiveUp, HandbillError
from handbill.kit.http import Allowance, FetchLater, Guard, Loan, Response, fetch, look_up
from handbill.kit.sandbox import Sandbox
from handbill.kit.urls import WebAddress, read_address
from handbill.sources import actions as sources
from handbill.sources.models import Feed
from handbill.sources.records import Visit
from handbill.wire.file import Brought, body_hash, file_readings, known_hashes, known_marks
from handbill.wire.lanes import Lane, Lanes
from handbill.wire.leave import NO_LEAVE, Get, NoLeave, Rules, ask_leave, get_rules, host_of, keep_rules, known_rules
from handbill.wire.politeness import Share, fresh_seconds
from handbill.wire.push import telling_feeds
from handbill.wire.read import read_document
from handbill.wire.records import Mark, Reading, Round
from handbill.wire.robots import MAX_BYTES as MOST_RULES
from handbill.wire.shares import Commission, Done, Part, divide, helped, how_many
from handbill.wire.web import NoTurn, agent, guard, resolver, traffic
from handbill.work import actions as work

JOB = "fetch"
LIMIT = 20_000  # feeds a round
LEASING_SECONDS = 60.0  # then a round begins no more feeds
FETCH_SECONDS = 15.0  # for one feed, with its name, redirects and body
LEASE_SECONDS = 240  # from the round's beginning: outlasts its last fetch and reading
HELP_SECONDS = LEASE_SECONDS - 20  # a helper that isn't done by then is ended
THREADS = 2000
SPARE_FILES = 200  # descriptors that are not the round's
AT_ONCE = 256  # fetches that are not slow yet, and readings
SLOW_SECONDS = 1.0  # a fetch that takes longer only waits, and makes room for another
WAITING = 400  # feeds leased and not begun
BATCH = 100  # rows a transaction
FILED_AT_ONCE = 10  # feeds with news a transaction: others who write wait for it
REST = timedelta(minutes=10)  # for a host that is silent, refuses, or says that it is too much
HOLD = timedelta(minutes=1)  # for a feed whose host or platform has its hands full
LONGEST_REST = timedelta(days=1)
NEVER = "Something in Handbill itself failed on this feed ({kind}). The log says more; report it if it lasts."

log = logging.getLogger(__name__)
sandbox = Sandbox()
allowance = Allowance()


@dataclass(slots=True, eq=False)
class Job:
    """One leased feed on its way through the round; ``answer`` is there once it is fetched.

    For a page, ``rules`` are the hosts' that were known before it began, ``met`` those that were fetched for it.
    """

    feed: Feed
    address: WebAddress
    loan: Loan
    rules: Mapping[str, Rules] = field(default_factory=dict)
    met: dict[str, Rules] = field(default_factory=dict)
    lane: Lane[Job] | None = None
    answer: Response | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The network addresses of a host."""

    answers: list[str]


@dataclass(frozen=True, slots=True)
class Answered:
    """What an outlet said, and the hash of it."""

    answer: Response
    hash: str


Outcome: TypeAlias = Found | Answered | Reading | Exception


def fetch_due(now: datetime, limit: int = LIMIT, *, jitter: Callable[[], float] | None = None) -> Round:
    """Fetch up to ``limit`` feeds that are due and file their new entries as Reports.

    Nothing raised for one feed stops the others: it is written down at its feed, in words. ``jitter`` gives 0 to 1. One
    round runs at a time in the newsroom, so that its politeness holds; while one does, this does nothing. It ends
    within LEASING_SECONDS, the time limit of a fetch and the reading of what came last.
    """
    with work.standing_job(JOB, now, LEASE_SECONDS) as held:
        if not held:
            return Round(busy=True)
        return _round(now, limit, jitter or _dice)


def help_out(commission: Commission) -> Done:
    """Do one share of a round that another process began; this one is its helper and does nothing else."""
    settings.HANDBILL = commission.newsroom
    connection.settings_dict.update(commission.database)
    sandbox.keep_to(1)
    traffic.take_over(commission.part.share, commission.books)
    return Done(_Gathering(commission.part, _dice).run(), traffic.books())


def _round(now: datetime, limit: int, dice: Callable[[], float]) -> Round:
    part = Part(now, time.monotonic(), FETCH_SECONDS, limit)
    due = sources.due_addresses(now, limit)
    shares = how_many(len(due))
    if shares == 1:
        return _Gathering(part, dice).run()
    parts = [
        replace(part, share=Share(number, shares), feeds=feeds) for number, feeds in enumerate(divide(due, shares))
    ]
    with helped(parts, traffic, part.began + HELP_SECONDS) as others:
        mine = _Gathering(parts[0], dice).run()
    return sum((told.round for told in others), mine)


class _Gathering:
    """The state of one round. Everything here runs in the caller's thread but ``_step``."""

    def __init__(self, part: Part, dice: Callable[[], float]) -> None:
        self._now, self._left, self._began, self._dice = part.now, part.limit, part.began, dice
        self._feeds = None if part.feeds is None else deque(part.feeds)
        self._seconds, self._places = part.seconds, max(_places() // part.share.of, 16)
        self._pool = ThreadPoolExecutor(max_workers=self._places, thread_name_prefix="fetch")
        self._lanes: Lanes[Job] = Lanes(traffic)
        self._landed: queue.SimpleQueue[tuple[Job, Outcome]] = queue.SimpleQueue()
        self._young: OrderedDict[Job, float] = OrderedDict()  # by when their fetch began
        self._loans: set[Loan] = set()
        self._under_way = self._reading = 0
        self._agent, self._guard = agent(), guard()
        self._total = Round()

    def run(self) -> Round:
        """Until nothing is under way and nothing more may begin.

        Where it breaks off (the database is gone), hosts and turns of this process are free again all the same.
        """
        try:
            with self._pool:
                self._stream()
        finally:
            free, held = self._lanes.clear(time.monotonic())
            for loan in self._loans:
                loan.end()
        sources.give_back([job.feed for job in free])
        sources.give_back([job.feed for job in held], self._now + HOLD)
        return self._total

    def _stream(self) -> None:
        while True:
            if self._in_time():
                self._lease()
                self._begin()
            if not self._under_way:
                break
            self._settle(self._next_landed())

    def _in_time(self) -> bool:
        return time.monotonic() - self._began < LEASING_SECONDS

    def _lease(self) -> None:
        while self._left and len(self._lanes) <= WAITING - BATCH:
            feeds = self._next_feeds(min(BATCH, self._left))
            jobs = [Job(feed, read_address(feed.address), allowance.loan()) for feed in feeds]
            full = [job.feed for job in jobs if not self._lanes.join(job.address, job)]
            if full:
                sources.give_back(full, self._now + HOLD)

    def _next_feeds(self, wanted: int) -> list[Feed]:
        """Of all that are due, or the next of this share that still are."""
        if self._feeds is None:
            feeds = sources.lease_due(self._now, LEASE_SECONDS, wanted)
            self._left = self._left - len(feeds) if len(feeds) == wanted else 0
            return feeds
        keys = [self._feeds.popleft() for _ in range(min(wanted, len(self._feeds)))]
        self._left = len(self._feeds)
        return sources.lease_due(self._now, LEASE_SECONDS, wanted, keys)

    def _begin(self) -> None:
        while self._under_way < self._places and self._busy() < AT_ONCE:
            moment = time.monotonic()
            taken = self._lanes.take(moment)
            if taken is None:
                return
            job = taken[1]
            job.lane, self._young[job] = taken[0], moment
            self._loans.add(job.loan)
            if job.lane.answers or job.address.is_number:
                if job.feed.kind == Feed.Kind.PAGE:
                    job.rules = known_rules([job.feed.address, job.feed.moved_to], self._now)
                self._submit(job, partial(_ask, job, self._guard, self._agent, self._seconds))
            else:
                self._submit(job, partial(_look_up, job.address, self._seconds))

    def _busy(self) -> int:
        """Fetches that are not slow yet, and readings."""
        since = time.monotonic() - SLOW_SECONDS
        while self._young and next(iter(self._young.values())) < since:
            self._young.popitem(last=False)
        return len(self._young) + self._reading

    def _submit(self, job: Job, step: Callable[[], Outcome]) -> None:
        self._under_way += 1
        try:
            self._pool.submit(self._step, job, step)
        except RuntimeError:  # the system gives no more threads: the step is queued all the same, for one that is there
            if self._under_way == 1:
                raise
            self._places = self._under_way

    def _step(self, job: Job, step: Callable[[], Outcome]) -> None:
        try:
            outcome = step()
        except Exception as error:
            outcome = error
        self._landed.put((job, outcome))

    def _next_landed(self) -> list[tuple[Job, Outcome]]:
        """What has come back, up to a batch; waits for the first a moment, since slow ones make room by waiting."""
        landed: list[tuple[Job, Outcome]] = []
        try:
            landed.append(self._landed.get(timeout=SLOW_SECONDS / 4))
            while len(landed) < BATCH:
                landed.append(self._landed.get_nowait())
        except queue.Empty:
            pass
        self._under_way -= len(landed)
        for job, _ in landed:
            self._young.pop(job, None)
        return landed

    def _settle(self, landed: list[tuple[Job, Outcome]]) -> None:
        answered: list[tuple[Job, str]] = []
        read: list[tuple[Job, Reading]] = []
        failed: list[tuple[Job, Exception]] = []
        for job, outcome in landed:
            if isinstance(outcome, Found):
                self._lanes.found(_lane(job), job, job.address, outcome.answers)
                continue
            self._leave(job)
            if job.met:
                keep_rules(job.met, self._now)
                job.met = {}
            if isinstance(outcome, NoTurn):
                self._end_loan(job)
                sources.give_back([job.feed], self._now + HOLD)
            elif isinstance(outcome, Answered):
                job.answer = outcome.answer
                answered.append((job, outcome.hash))
            elif isinstance(outcome, Reading):
                read.append((job, outcome))
            else:
                failed.append((job, outcome))
        self._write(self._unchanged(answered), failed)
        for begin in range(0, len(read), FILED_AT_ONCE):
            self._file(read[begin : begin + FILED_AT_ONCE])

    def _leave(self, job: Job) -> None:
        """One step of the job is over: of its reading if it has its answer, else of its fetching."""
        if job.answer is None:
            self._lanes.free(_lane(job))
        else:
            self._reading -= 1

    def _end_loan(self, job: Job) -> None:
        job.loan.end()
        self._loans.discard(job.loan)

    def _unchanged(self, answered: list[tuple[Job, str]]) -> list[Job]:
        """Those that gave nothing or the same bytes again; the others are sent to be read."""
        given = [job.feed for job, hash_now in answered if hash_now]
        hashes = known_hashes(given) if given else {}
        others = [job for job, hash_now in answered if hash_now and hashes.get(job.feed.pk) != hash_now]
        known = known_marks([job.feed for job in others]) if others else {}
        for job in others:
            self._reading += 1
            self._submit(job, partial(_read, job, known.get(job.feed.pk, frozenset())))
        return [job for job, _ in answered if job not in others]

    def _write(self, unchanged: list[Job], failed: list[tuple[Job, Exception]]) -> None:
        if not unchanged and not failed:
            return
        told = telling_feeds([job.feed for job in unchanged], self._now) if unchanged else frozenset()
        visits = [self._unchanged_visit(job, job.feed.pk in told) for job in unchanged]
        sources.record(visits + [self._failed_visit(*each) for each in failed], self._now)
        with transaction.atomic():
            for job, error in failed:
                self._rest(job, error)
        quiet = sum(job.answer is not None and job.answer.status == 304 for job in unchanged)
        self._add(Round(fetched=len(unchanged), not_modified=quiet, failed=len(failed)))

    def _unchanged_visit(self, job: Job, told: bool) -> Visit:
        self._end_loan(job)
        answer = _answer(job)
        return sources.unchanged(
            job.feed,
            self._now,
            jitter=self._dice(),
            etag=answer.headers.get("etag", ""),
            last_modified=answer.headers.get("last-modified", ""),
            fresh_seconds=fresh_seconds(answer.headers, self._now),
            moved_to=answer.moved_to,
            told=told,
        )

    def _failed_visit(self, job: Job, error: Exception) -> Visit:
        self._end_loan(job)
        if not isinstance(error, HandbillError):
            log.error("Feed %s failed unexpectedly", job.feed.pk, exc_info=error)
        sentence = str(error) if isinstance(error, HandbillError) else NEVER.format(kind=type(error).__name__)
        return sources.failed(job.feed, self._now, sentence, jitter=self._dice(), retry_after=self._asked(error))

    def _asked(self, error: Exception) -> int | None:
        """The seconds of rest it was asked for, from the round's beginning: its own moment was later."""
        asked = error.retry_after if isinstance(error, FetchLater) else None
        return None if asked is None else asked + math.ceil(time.monotonic() - self._began)

    def _rest(self, job: Job, error: Exception) -> None:
        """Leave the other feeds of a host in trouble alone: this round's for a while, all for as long as it asks."""
        place = _lane(job).place
        if not isinstance(error, FetchLater) or not error.host or not place.platforms:
            return
        host, asked = error.host, self._asked(error)
        waiting = self._lanes.rest(place.host if host == job.address.host else host)
        until = self._now + min(max(REST, timedelta(seconds=asked or 0)), LONGEST_REST)
        sources.give_back([other.feed for other in waiting], until)
        if asked is not None:
            sources.rest_host(host, until)

    def _file(self, read: list[tuple[Job, Reading]]) -> None:
        brought = [Brought(job.feed, reading, _answer(job), self._dice()) for job, reading in read]
        failed: list[tuple[Job, Exception]] = []
        for (job, _), filed in zip(read, file_readings(brought, self._now), strict=True):
            if isinstance(filed, Exception):
                failed.append((job, filed))
            else:
                self._add(filed)
                self._end_loan(job)
        self._write([], failed)

    def _add(self, more: Round) -> None:
        self._total = self._total + more


def _places() -> int:
    """How many threads may wait for the network: as many as there are descriptors for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = THREADS + SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return THREADS if soft == resource.RLIM_INFINITY else max(min(THREADS, soft - SPARE_FILES), 16)


def _dice() -> float:
    return random.random()  # noqa: S311 - spreads visits, hides nothing


def _look_up(address: WebAddress, seconds: float) -> Found:
    return Found(look_up(address, seconds))


def _ask(job: Job, guard: Guard, agent: str, seconds: float) -> Answered:
    resolve = resolver(job.address.host, _lane(job).answers)
    get = partial(fetch, guard=guard, user_agent=agent, seconds=seconds, resolve=resolve)
    is_page = job.feed.kind == Feed.Kind.PAGE
    if is_page:
        _ask_leave(job, job.feed.address, partial(get, max_bytes=MOST_RULES, truncate=True))
    answer = get(job.feed.address, etag=job.feed.etag, last_modified=job.feed.last_modified, loan=job.loan)
    if is_page and host_of(answer.url) != host_of(job.feed.address):
        _ask_leave(job, answer.url, get_rules)
    return Answered(answer, "" if answer.status == 304 else body_hash(job.feed, answer.body))


def _ask_leave(job: Job, address: str, get: Get) -> None:
    try:
        ask_leave(address, job.rules, job.met, get)
    except NoLeave:
        raise GiveUp(NO_LEAVE) from None


def _read(job: Job, known: frozenset[Mark]) -> Reading:
    answer = _answer(job)
    return sandbox.run(
        read_document,
        answer.body,
        address=answer.url,
        content_type=answer.headers.get("content-type", ""),
        page=job.feed.kind == Feed.Kind.PAGE,
        selector=job.feed.selector,
        known=known,
        trust=job.feed.trust,
    )


def _lane(job: Job) -> Lane[Job]:
    if job.lane is None:
        raise AssertionError("A job has its lane before it begins.")
    return job.lane


def _answer(job: Job) -> Response:
    if job.answer is None:
        raise AssertionError("A job has its answer before it is read.")
    return job.answer
