"""WebSub: ask a feed's hub to tell us when it changes, ask again before its promise ends, and stop when need ends.

The rows say what is due (ADR-0001). A hub that lies, hangs or is gone costs nothing but itself: polling goes on. What a
hub says back to us is read in ``wire.told``; why it is done so stands in ADR-0029.
"""

from __future__ import annotations

import logging
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from django.conf import settings
from django.db import transaction

from handbill.kit.errors import HandbillError
from handbill.kit.http import FetchLater, Response, post
from handbill.kit.text import shorten
from handbill.kit.urls import AddressRefused, host_name, read_address
from handbill.sources.models import Feed
from handbill.wire.hub import LEASE, PATIENCE, advertised, ask_again_at, may_be_called
from handbill.wire.models import Push
from handbill.wire.records import Reading
from handbill.wire.told import secrets_of, wake_told
from handbill.wire.web import agent, guard
from handbill.work import actions as work

LEASE_SECONDS = 300  # rows of one hub are asked one after another, LIMIT at most
ASK_SECONDS = 10
LIMIT = 20
THREADS = 8
GOODBYES = 3  # so often a hub is asked to stop before we just don't listen any more
SILENT = "{host} took our request but never made sure of it, so it tells us nothing. The feed is polled as ever."
FAILED = "Its hub can't be used, so the feed is polled as ever. {why}"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Said:
    """What came of one question to a hub: ``why`` it failed, or ""; ``retry_after`` in seconds, if the hub said."""

    why: str = ""
    retry_after: int | None = None


Answers: TypeAlias = list[tuple[Push, Said]]


def note_hub(feed: Feed, reading: Reading, answer: Response, now: datetime, *, news: bool) -> bool:
    """Keep the feed's subscription in step with the hub and topic that its document or its ``Link:`` header names.

    Call it in the transaction that files the reading. ``news``: the reading brought something new. True when the hub
    holds a promise and has kept it so far: the feed needs less polling.
    """
    hub, topic = advertised(answer.headers.get("link", ""), answer.url)
    wanted = (hub or reading.hub, topic or reading.topic)
    held = Push.objects.filter(feed=feed, ending=False).first()
    if held and (held.hub, held.topic) == wanted:
        if news and held.told_at and feed.fetched_at and held.told_at < feed.fetched_at:
            Push.objects.filter(pk=held.pk, told_at=held.told_at).update(told_at=None)  # news, and it hadn't told us
            return False
        return bool(held.told_at and held.expires_at and held.expires_at > now)
    if held:
        _end(held, now)
    if _usable(*wanted):
        turn = _turn(held, now) if held else now
        Push.objects.create(feed=feed, hub=wanted[0], topic=wanted[1], token=secrets.token_urlsafe(24), next_at=turn)
    return False


def telling_feeds(feeds: Iterable[Feed], now: datetime) -> frozenset[int]:
    """Keys of those of ``feeds`` whose hub holds a promise and has kept it so far: they need less polling."""
    rows = Push.objects.filter(feed__in=list(feeds), ending=False, expires_at__gt=now, told_at__isnull=False)
    return frozenset(rows.values_list("feed_id", flat=True))


def keep_pushes(now: datetime, limit: int = LIMIT, *, jitter: Callable[[], float] | None = None) -> int:
    """Ask the hubs that are due, and let the feeds that a hub told us of be fetched; gives how many hubs were asked.

    ``jitter`` gives 0 to 1. Repeating it is harmless: each row is leased.
    """
    dice = jitter or _dice
    wake_told(now)
    _end_switched_off(now)
    if not may_be_called(settings.HANDBILL.public_address, settings.HANDBILL.allow_loopback):
        return 0
    leased = work.lease(Push.objects.all(), now, LEASE_SECONDS, limit)
    asking = [push for push in leased if not _settled(push, now, dice)]
    Push.objects.filter(pk__in=[push.pk for push in asking]).update(asked_at=now, next_at=now + PATIENCE)
    by_host: dict[str, list[Push]] = defaultdict(list)
    for push in asking:
        by_host[_host(push)].append(push)
    with ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="hub") as pool:
        for answers in pool.map(_ask_in_turn, by_host.values()):
            for push, said in answers:
                _note_answer(push, said, now, dice)
    return len(asking)


def _dice() -> float:
    return secrets.randbelow(1001) / 1000


def _usable(hub: str, topic: str) -> bool:
    if not hub or not topic or not may_be_called(settings.HANDBILL.public_address, settings.HANDBILL.allow_loopback):
        return False
    try:
        return bool(read_address(hub) and read_address(topic))
    except AddressRefused:
        return False


def _turn(before: Push, now: datetime) -> datetime:
    """When the hub that follows ``before`` may be asked: a feed that names a new one each time can't send us around."""
    earliest = before.asked_at + PATIENCE if before.asked_at else before.next_at or now
    return max(now, earliest)


def _end(push: Push, now: datetime) -> None:
    """Have the hub asked to stop, if it was told to begin; a row without a promise just goes."""
    if push.expires_at and push.expires_at > now:
        Push.objects.filter(pk=push.pk).update(
            ending=True, next_at=now, lease_token="", lease_until=None, asked_at=None, confirmed_at=None, failures=0
        )
    else:
        push.delete()


def _end_switched_off(now: datetime) -> None:
    for push in Push.objects.filter(ending=False, feed__next_at__isnull=True):
        with transaction.atomic():
            _end(push, now)


def _settled(push: Push, now: datetime, dice: Callable[[], float]) -> bool:
    """Whether the row needs no question now: it has come to its end, or its last question was left open."""
    open_question = push.asked_at and not (push.confirmed_at and push.confirmed_at >= push.asked_at)
    if push.ending:
        over = push.confirmed_at or push.failures >= GOODBYES or not push.expires_at or push.expires_at <= now
        if over:
            push.delete()
        return bool(over)
    if open_question:
        why = SILENT.format(host=_host(push))
        _fail(push, now, why, ask_again_at(now, push.failures + 1, dice()))
    return bool(open_question)


def _ask_in_turn(pushes: list[Push]) -> Answers:
    """One question after another to one hub; once it has failed in passing, the others wait for another time."""
    answers: Answers = []
    for push in pushes:
        last = answers[-1][1] if answers else Said()
        answers.append((push, last if last.retry_after is not None else _ask(push)))
    return answers


def _ask(push: Push) -> Said:
    form = {
        "hub.mode": "unsubscribe" if push.ending else "subscribe",
        "hub.topic": push.topic,
        "hub.callback": f"{settings.HANDBILL.public_address}/websub/{push.token}/",
    }
    if not push.ending:
        form |= {"hub.secret": secrets_of(push.token)[0], "hub.lease_seconds": str(int(LEASE.total_seconds()))}
    try:
        post(push.hub, form, guard=guard(), user_agent=agent(), seconds=ASK_SECONDS)
    except FetchLater as error:
        return Said(str(error), error.retry_after or 0)
    except HandbillError as error:
        return Said(str(error))
    except Exception as error:
        log.exception("The hub of push %s failed unexpectedly", push.pk)
        return Said(f"Something in Handbill itself failed on it ({type(error).__name__}).")
    return Said()


def _note_answer(push: Push, said: Said, now: datetime, dice: Callable[[], float]) -> None:
    """A hub that said yes may have asked back meanwhile: then ``wire.told`` has set when it is due again."""
    if not said.why:
        goodbyes = {"failures": push.failures + 1} if push.ending else {}
        held = Push.objects.filter(pk=push.pk, lease_token=push.lease_token)
        held.update(lease_until=None, lease_token="", **goodbyes)
        return
    again = ask_again_at(now, push.failures + 1, dice(), said.retry_after)
    _fail(push, now, FAILED.format(why=said.why), again)


def _fail(push: Push, now: datetime, why: str, again: datetime) -> None:
    work.finish(push, again, asked_at=None, failures=push.failures + 1, failure=shorten(why, 1000))


def _host(push: Push) -> str:
    return host_name(push.hub)
