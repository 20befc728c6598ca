"""A newsroom in a process of its own that is told by lines of JSON what to do, and dies where it is told.

Each command runs in a fork, so that one set-up serves many deaths. ``die`` names a journal point and its occurrence.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import django

POINTS = ("intents uncommitted", "intents committed", "outcomes uncommitted", "before the dot", "after the dot")


def main() -> None:
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    for room in ("delivery", "work"):
        call_command("migrate", room, verbosity=0, interactive=False)
    connection.close()
    print("ready", flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                COMMANDS[command.pop("do")](**command)
                status = 0
            finally:
                sys.stdout.flush()
                os._exit(status)
        _, ended = os.waitpid(child, 0)
        print(json.dumps({"killed": os.WIFSIGNALED(ended), "failed": ended not in (0, signal.SIGKILL)}), flush=True)


def hand_over(reference: str, count: int) -> None:
    from handbill.delivery import actions
    from handbill.delivery.records import LetterBody, Recipient

    letter = LetterBody("main", "news@paper.example", "Today", "<p>Hi</p>", "Hi")
    people = (Recipient(f"{n}", f"{reference}-{n}@mail.example", "main") for n in range(count))
    actions.hand_over(reference, "issue", [letter], people, moment(0))


def send(minutes: int = 0, limit: int = 500, die: str = "", nth: int = 1) -> None:
    from handbill.delivery import actions

    if die:
        _die_at(die, nth)
    actions.send_batch(moment(minutes), limit)


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
    from dataclasses import asdict
    from pathlib import Path

    from handbill.delivery.queries import progress

    Path(path).write_text(json.dumps(asdict(progress(reference))))


def moment(minutes: int) -> datetime:
    return datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(minutes=minutes)


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
    "send with": send_with,
    "report": report,
}

if __name__ == "__main__":
    main()
