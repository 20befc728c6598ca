"""SIGKILL at each step of a change of keys, again and again, while readers sign up, look and leave: no page fails."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path

import pytest

from tests.crash.floods import AWAY, Running, sign_up
from tests.crash.newsroom import database_of
from tests.newsroom import Newsroom

DRIVER = Path(__file__).with_name("keys_driver.py")
READERS, LEFT = 30_000, 500
KILLS = ((1, 0.1), (2, 0.1), (3, 0.1), (3, 3.2), (3, 3.5), (3, 3.8), (4, 0.1))
"""After which line that it says, and how many seconds: 3 is waited after each, and rows are renewed after the third."""
TOKENS = """
import json
from handbill.subscribers.models import Subscriber
from handbill.subscribers.queries import reader_token
print(json.dumps([reader_token(pk) for pk in Subscriber.objects.order_by("pk").values_list("pk", flat=True)[:9000]]))
"""
LOOK = """
import json
from django.conf import settings
from handbill.delivery.address import all_hashes
from handbill.kit.clock import now
from handbill.kit.lookup import ending
from handbill.subscribers.models import SignUp, Subscriber
from handbill.subscribers.queries import readers
from handbill.subscribers.renew import TABLES
current = ending(settings.KEYS.lookup.current)
print(json.dumps({
    "old": sum(one.model.objects.exclude(**{one.hash: ""}).exclude(**{one.hash + "__endswith": current}).count()
               for one in TABLES),
    "sealed": sorted({bytes(one)[0] for table in TABLES if table.sealed
                      for one in table.model.objects.values_list(table.sealed, flat=True) if one}),
    "reading": sorted(reader.address for reader in readers(now())),
    "unknown": [one for one in json.loads(@SIGNED@)
                if not SignUp.objects.filter(address_hash__in=all_hashes(one)).exists()
                and not Subscriber.objects.filter(address_hash__in=all_hashes(one)).exists()],
}))
"""


@pytest.mark.long
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_keys_change_without_a_page_that_fails(tmp_path: Path, kind: str) -> None:
    with database_of(kind) as database:
        newsroom = Newsroom(tmp_path / "newsroom", HANDBILL_DATABASE=database)
        table, leavers = tmp_path / "list.csv", tmp_path / "left.csv"
        table.write_text("email,confirmed\n" + "".join(f"r{n}@mail.example,2020-01-02\n" for n in range(READERS)))
        leavers.write_text("email,unsubscribed_at\n" + "".join(f"l{n}@mail.example,2020-01-02\n" for n in range(LEFT)))
        for path in (table, leavers):
            newsroom.json("import", "subscribers", str(path))
        tokens, running = json.loads(newsroom.python(TOKENS)), Running(newsroom)
        try:
            with life(newsroom, tokens) as lived:
                killed = sum(1 for _ in takewhile(lambda when: kill_while_changing(newsroom, *when), KILLS))
                assert killed >= 5, "too few processes were killed before they had finished"
                if killed == len(KILLS):
                    assert "continued=True" in change(newsroom).communicate(timeout=120)[0]
        finally:
            running.end()
        assert lived.faults == [] and min(lived.done.values()) > 10, lived
        seen = json.loads(newsroom.python(LOOK.replace("@SIGNED@", repr(json.dumps(lived.signed)))))
        assert (seen["old"], seen["sealed"], seen["unknown"]) == (0, [2], [])
        assert len(seen["reading"]) == READERS - lived.done["leave"]
        assert set(seen["reading"]) < {f"r{n}@mail.example" for n in range(READERS)}
        again = newsroom.json("import", "subscribers", str(table))
        assert again["fates"] == {"known": READERS - lived.done["leave"], "kept out": lived.done["leave"]}
        late = tmp_path / "late.csv"
        late.write_text(leavers.read_text().replace("unsubscribed_at", "confirmed"))
        assert newsroom.json("import", "subscribers", str(late))["fates"] == {"kept out": LEFT}


class Lived:
    """What was done meanwhile, how often; who signed up; and every answer that was not what it should be."""

    def __init__(self) -> None:
        self.done: Counter[str] = Counter()
        self.signed: list[str] = []
        self.faults: list[str] = []

    def __repr__(self) -> str:
        return f"{dict(self.done)}, {self.faults[:5]}"


@contextmanager
def life(newsroom: Newsroom, tokens: list[str]) -> Iterator[Lived]:
    """Somebody signs up, looks at their preferences, and leaves, one after the other, until the block ends."""
    lived, over = Lived(), threading.Event()

    def live() -> None:
        dice = random.Random(56)
        leaving = iter(tokens)
        while not over.wait(dice.uniform(0.05, 0.3)):
            what = dice.choice(("sign up", "look", "leave"))
            try:
                status = act(newsroom, what, len(lived.signed), leaving, tokens[-1], lived)
            except AWAY as error:
                status = repr(error)
            lived.done[what] += 1
            if status != 200:
                lived.faults.append(f"{what}: {status}")

    thread = threading.Thread(target=live, daemon=True)
    thread.start()
    yield lived
    assert thread.is_alive(), "life ended too early"
    over.set()
    thread.join(timeout=60)


def act(newsroom: Newsroom, what: str, number: int, leaving: Iterator[str], staying: str, lived: Lived) -> int:
    if what == "sign up":
        lived.signed.append(f"new{number}@mail.example")
        return sign_up(newsroom, lived.signed[-1], f"11.0.{number % 250}.7")
    page = f"preferences/{staying}" if what == "look" else f"unsubscribe/{next(leaving)}"
    with urllib.request.urlopen(f"{newsroom.site}/{page}/", None if what == "look" else b"", timeout=60) as answer:
        return int(answer.status)


def kill_while_changing(newsroom: Newsroom, line: int, seconds: float) -> bool:
    """Kill it so many seconds after a line; whether it had not finished."""
    process = change(newsroom)
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(line)]
    time.sleep(seconds)
    process.kill()
    rest = process.communicate()[0]
    return all(said) and "Rotated(" not in rest


def change(newsroom: Newsroom) -> subprocess.Popen[str]:
    root = str(Path(__file__).parents[2])
    environment = {**newsroom.environment, "DJANGO_SETTINGS_MODULE": "handbill.config.settings", "PYTHONPATH": root}
    return subprocess.Popen([sys.executable, str(DRIVER)], env=environment, stdout=subprocess.PIPE, text=True)
