"""A newsroom that runs and is killed, and a flood of sign-ups by people who try again until a page says it is noted."""

from __future__ import annotations

import http.client
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import psutil

from handbill.ops.child import MARK
from handbill.ops.net import answers
from tests.newsroom import Newsroom

AWAY = (urllib.error.URLError, http.client.HTTPException, OSError)


def until(condition: Callable[[], object], seconds: float = 150) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def tree(newsroom: Newsroom, program: str = "") -> list[psutil.Process]:
    """The processes of one program of the newsroom's tree, or all."""
    found = []
    for process in psutil.process_iter():
        try:
            name, _, home = process.environ().get(MARK, "").partition("@")
            if home == str(newsroom.home) and program in ("", name):
                found.append(process)
        except psutil.Error:
            continue
    return found


class Running:
    """``handbill run``, which may be killed: a program of it, which comes back by itself, or all of it at once."""

    def __init__(self, newsroom: Newsroom) -> None:
        self.newsroom = newsroom
        self.process = self._start()

    def _start(self) -> subprocess.Popen[str]:
        process = self.newsroom.start("run")
        until(lambda: answers(f"127.0.0.1:{self.newsroom.public}"))
        return process

    def kill(self, program: str) -> None:
        """SIGKILL to one program, or with "" to all of them, which are started again."""
        victims = tree(self.newsroom, program)
        assert victims, f"no {program or 'tree'} to kill"
        if not program:
            self.process.kill()
            self.process.wait()
        for victim in victims:
            try:
                victim.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(victims, timeout=10)
        if not program:
            self.process = self._start()

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=210)
        for left in tree(self.newsroom):
            left.kill()


def sign_up(newsroom: Newsroom, address: str, network: str) -> int:
    """Type it into the form, as from a network behind a proxy; the answer's status."""
    body = urllib.parse.urlencode({"address": address}).encode()
    request = urllib.request.Request(f"{newsroom.site}/subscribe/", body, {"X-Forwarded-For": network})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return int(answer.status)


@contextmanager
def flood(newsroom: Newsroom, people: Iterable[str], connections: int) -> Iterator[list[str]]:
    """Have ``people`` sign up, many at once; who was told so is in the list that is given. At the end all were."""
    noted: list[str] = []
    waiting, lock = iter(people), threading.Lock()

    def come() -> None:
        while True:
            with lock:
                address = next(waiting, None)
            if address is None:
                return
            while not _noted(newsroom, address):
                time.sleep(0.2)
            noted.append(address)

    threads = [threading.Thread(target=come, daemon=True) for _ in range(connections)]
    for thread in threads:
        thread.start()
    yield noted
    for thread in threads:
        thread.join(timeout=150)
        assert not thread.is_alive(), "somebody is not taken"


def _noted(newsroom: Newsroom, address: str) -> bool:
    number = sum(address.encode()) * 7919 % 60_000
    try:
        return sign_up(newsroom, address, f"11.{number >> 8}.{number & 255}.7") == 200
    except AWAY:
        return False
