"""Strangers' documents that stall, swell and crash their reader: each costs one child and says so in words."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
import sandboxed

from handbill.kit.http import FetchLater
from handbill.kit.sandbox import Sandbox, SandboxError
from handbill.wire.errors import FeedError
from handbill.wire.read import read_document

FEED = b"<rss version='2.0'><channel><title>Alder</title><item><title>One</title></item></channel></rss>"
DRIVER = """
import os, sys, threading
from handbill.kit.sandbox import Sandbox
sandbox = Sandbox(workers=2, seconds=1)
print(sandbox.run(os.getpid), flush=True)
if sys.argv[1] == "busy":
    threading.Thread(target=sandbox.run, args=(sum, range(10**12))).start()
if sys.argv[1] != "end":
    sys.stdin.read()
"""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    box = Sandbox(workers=1, seconds=2)
    yield box
    box.close()


def test_the_answer_and_what_the_function_raises_come_back(sandbox):
    assert sandbox.run(read_document, FEED, address="https://alder.example/").title == "Alder"
    with pytest.raises(FeedError):
        sandbox.run(read_document, b"nothing", address="https://alder.example/")
    with pytest.raises(FetchLater, match="tomorrow") as caught:
        sandbox.run(sandboxed.ask_again)
    assert caught.value.retry_after == 86_400
    assert "ask_again" in caught.value.__notes__[0]
    with pytest.raises(RuntimeError, match="two numbers"):  # it can't be unpickled: told as text
        sandbox.run(sandboxed.raise_unportable)


@pytest.mark.parametrize(
    ("function", "argument", "said"),
    [
        (sum, range(10**12), "more than 0.3 seconds"),
        (time.sleep, 100, "more than 0.3 seconds"),
        (bytearray, 2 << 30, "more memory"),
        (os._exit, 0, "crashed"),
        (sys.exit, 3, "crashed"),
        (ctypes.string_at, 0, "crashed"),
    ],
    ids=["spins", "sleeps", "swells", "leaves", "exits", "crashes"],
)
def test_a_document_that_does_harm_costs_one_child(function, argument, said):
    sandbox = Sandbox(workers=1, seconds=0.3)
    with pytest.raises(SandboxError, match=said):
        sandbox.run(function, argument)
    assert sandbox.run(len, "abc") == 3
    sandbox.close()


def test_many_threads_share_two_children():
    sandbox = Sandbox(workers=2)
    with ThreadPoolExecutor(100) as pool:
        pids = list(pool.map(lambda _: sandbox.run(os.getpid), range(400)))
    sandbox.close()
    assert len(set(pids)) <= 2
    assert os.getpid() not in pids
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert sandbox.run(os.getpid) not in pids
    sandbox.close()


def test_a_child_is_light_until_a_page_is_read(sandbox):
    assert sandbox.run(sandboxed.loaded).isdisjoint({"django", "celery", "lxml", "trafilatura"})
    sandbox.run(read_document, FEED, address="https://alder.example/")
    assert sandbox.run(sandboxed.loaded).isdisjoint({"django", "celery", "trafilatura", "readability"})


def test_a_child_that_has_grown_or_died_idle_is_replaced(sandbox):
    first = sandbox.run(os.getpid)
    sandbox.run(sandboxed.grow)
    second = sandbox.run(os.getpid)
    assert second != first
    os.kill(second, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(second)], timeout=10)
    assert sandbox.run(os.getpid) not in (first, second)


def test_signals_for_the_caller_leave_the_child_to_its_work(sandbox):
    child = sandbox.run(os.getpid)
    os.kill(child, signal.SIGTERM)
    os.kill(child, signal.SIGINT)
    assert sandbox.run(os.getpid) == child


def ended(process: psutil.Process) -> bool:
    """Wait for it; a process that only waits for its parent to notice counts."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize(("how", "number"), [("idle", 9), ("busy", 9), ("idle", 15), ("end", 0)])
def test_no_child_outlives_its_caller(how, number):
    command = [sys.executable, "-c", DRIVER, how]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as driver:
        child = psutil.Process(int(driver.stdout.readline()))
        if how == "busy":
            while child.cpu_times().user < 0.2:
                time.sleep(0.01)
        driver.send_signal(number)
        driver.wait(timeout=10)
        assert ended(child)
