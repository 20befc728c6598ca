"""A newsroom in a process of its own that is told by lines of JSON what to do, and dies where it is told.

Each command runs in a fork, so that one set-up serves many deaths. Time is an argument: ``minutes`` after noon is when
a round begins, ``speed`` is how fast its clock runs, and ``leap`` names a file whose eight bytes are seconds that it is
ahead, so that a process can be paused for as long as a test says.
"""

import dataclasses
import json
import mmap
import os
import resource
import signal
import struct
import sys
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import django

POINTS = ("intents uncommitted", "intents committed", "outcomes uncommitted", "before the dot", "after the dot")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PAGE = 4096 + 24  # bytes of a page in SQLite's write-ahead log


def main() -> None:
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    import handbill.delivery.tasks  # noqa: F401 - once for all forks
    from handbill.ops.schema import load_schema

    if connection.vendor == "sqlite":
        load_schema(Path(connection.settings_dict["NAME"]))
    else:
        for room in ("delivery", "work"):
            call_command("migrate", room, verbosity=0, interactive=False)
    connection.close()
    print("ready", flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        do, waits = command.pop("do"), command.pop("waits", True)
        child = command["pid"] if do == "wait" else os.fork()
        if child == 0:
            run(do, command)
        answer = {"pid": child}
        if waits:
            ended = os.waitpid(child, 0)[1]
            answer |= {"killed": os.WIFSIGNALED(ended), "failed": ended not in (0, signal.SIGKILL)}
        print(json.dumps(answer), flush=True)


def run(do: str, command: dict[str, Any]) -> None:
    """In the fork."""
    status = 1
    try:
        use_relays(command.pop("relays", None))
        COMMANDS[do](**command)
        status = 0
    except Exception:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def use_relays(relays: list[dict[str, Any]] | None) -> None:
    from django.conf import settings

    from handbill.kit.mail_settings import Relay

    if relays:
        made = tuple(Relay(**relay) for relay in relays)
        settings.HANDBILL = dataclasses.replace(settings.HANDBILL, relays=made)


def hand_over(reference: str, count: int, minutes: int = 0, size: int = 0) -> None:
    from handbill.delivery import actions
    from handbill.delivery.records import LetterBody, Recipient

    line = f"<p>{'A line of the news of today. ' * 2}</p>\n"
    letter = LetterBody("main", "news@paper.example", "Today", f"<p>Hi</p>\n{line * (size // len(line))}", "Hi")
    people = (Recipient(f"{n}", f"{reference}-{n}@mail.example", "main") for n in range(count))
    actions.hand_over(reference, "issue", [letter], people, moment(minutes))


def send(
    minutes: float = 0,
    limit: int = 500,
    die: str = "",
    nth: int = 1,
    speed: float = 1,
    leap: str = "",
    patience: float = 0,
    pages: int = -1,
) -> None:
    """A round. ``patience``: seconds until SQLite gives up on a lock; ``pages``: what the disk has room for."""
    from django.db import connection

    from handbill.delivery import actions

    if die:
        _die_at(die, nth)
    if patience and connection.vendor == "sqlite":
        connection.settings_dict["OPTIONS"]["timeout"] = patience
    if pages >= 0:
        _fill_disk(pages)
    actions.send_batch(moment(minutes), limit, clock=clock(speed, leap))


def settle(path: str, minutes: float = 0, speed: float = 1, most: int = 150) -> None:
    """Rounds, each when the next copy or relay is due, until nothing is; what happened goes to ``path``."""
    from django.db.models import Min

    from handbill.delivery import actions
    from handbill.delivery.errors import NoRelay
    from handbill.delivery.models import Breaker, Delivery

    now, ticks, said = moment(minutes), clock(speed), []
    rounds = 0
    while rounds < most and Delivery.objects.filter(next_at__isnull=False).exists():
        rounds, began = rounds + 1, ticks()
        try:
            actions.send_batch(now, 1000, clock=ticks)
        except NoRelay as error:
            said.append(str(error))
        now += timedelta(seconds=ticks() - began)
        due = Delivery.objects.filter(next_at__isnull=False).aggregate(Min("next_at"))["next_at__min"]
        shut = [row.until for row in Breaker.objects.filter(until__gt=now)]
        later = [at for at in (due, min(shut, default=None)) if at and at > now]
        now = max(now + timedelta(seconds=1), min(later)) if later else now + timedelta(minutes=8)
    Path(path).write_text(json.dumps({"rounds": rounds, "said": said[-1:], "until": now.isoformat()}))


def ring(minutes: float) -> None:
    """The task, as the queue runs it, at a time of the machine's clock."""
    from handbill.delivery.tasks import send_waiting
    from handbill.kit import clock

    setattr(clock, "now", lambda: moment(minutes))  # noqa: B010 - the one place that asks what time it is
    send_waiting.run()


def send_with(workers: int) -> None:
    """Several processes at once on the same rows."""
    from django.db import connection

    connection.close()
    children = []
    for _ in range(workers):
        child = os.fork()
        if child == 0:
            send()
            os._exit(0)
        children.append(child)
    assert not any(os.waitpid(child, 0)[1] for child in children)


def report(reference: str, path: str) -> None:
    """A mailing's copies as the journal has them, by address, and its progress."""
    from handbill.delivery.models import Attempt, Delivery
    from handbill.delivery.queries import progress

    mine = Delivery.objects.filter(mailing__reference=reference)
    fields = ("recipient", "state", "tries", "repeats")
    copies = {f"{reference}-{row[0]}@mail.example": row[1:] for row in mine.values_list(*fields)}
    doubts = Attempt.objects.filter(delivery__in=mine, outcome="in doubt").values_list("delivery__recipient", flat=True)
    told = {"copies": copies, "doubts": [f"{reference}-{n}@mail.example" for n in doubts]}
    Path(path).write_text(json.dumps({**dataclasses.asdict(progress(reference)), **told}))


def forget() -> None:
    """What is known of relays and providers."""
    from handbill.delivery.models import Breaker, Suppression

    Breaker.objects.all().delete()
    Suppression.objects.all().delete()


def moment(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def clock(speed: float = 1, leap: str = "") -> Callable[[], float]:
    """Seconds that only grow."""
    zero = time.monotonic()
    if not leap:
        return lambda: zero + (time.monotonic() - zero) * speed
    with Path(leap).open("r+b") as file:
        ahead = mmap.mmap(file.fileno(), 8)
    return lambda: time.monotonic() + struct.unpack("d", ahead[:8])[0]


def _fill_disk(pages: int) -> None:
    """Files can't grow by more than so many pages of the log: each write beyond them fails."""
    from django.conf import settings
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.execute("PRAGMA wal_autocheckpoint = 0")
    log = Path(f"{settings.HANDBILL.home}/handbill.sqlite3-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (log + 32 + pages * PAGE, resource.RLIM_INFINITY))


def _die_at(point: str, nth: int) -> None:
    from handbill.delivery.engine import protocol
    from handbill.delivery.journal import Journal
    from handbill.delivery.send import Dispatch

    if point == "intents uncommitted":
        Journal.claim = _dying(Journal.claim, nth, after=True)
    elif point == "intents committed":
        Dispatch._turn = _dying(Dispatch._turn, nth, after=True)
    elif point == "outcomes uncommitted":
        Journal.write = _dying(Journal.write, nth, after=True)
    elif point == "before the dot":
        protocol._STEPS["body"] = _dying(protocol._STEPS["body"], nth, after=False)
    else:
        Dispatch._settle = _dying(Dispatch._settle, nth, after=False)


def _dying(function: Callable[..., Any], nth: int, after: bool) -> Callable[..., Any]:
    left = [nth]

    def wrapped(*args: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0] == 0 and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*args, **named)
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return wrapped


COMMANDS: dict[str, Callable[..., None]] = {
    "hand over": hand_over,
    "send": send,
    "settle": settle,
    "ring": ring,
    "send with": send_with,
    "report": report,
    "forget": forget,
}

if __name__ == "__main__":
    main()
