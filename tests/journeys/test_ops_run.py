"""`handbill run`: one tree a folder, drained by SIGTERM, whole again after kill -9 of any of its processes."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator

import psutil
import pytest

from handbill.ops.child import MARK
from handbill.ops.net import answers
from tests.newsroom import Newsroom


def until(condition, seconds=60):
    """Wait for ``condition`` and give back what it said."""
    end = time.monotonic() + seconds
    while not (said := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)
    return said


def processes(newsroom: Newsroom) -> dict[str, psutil.Process]:
    """The tree's programs by name: of each, the process that supervisor started."""
    found = {}
    for process in psutil.process_iter():
        try:
            name, _, home = process.environ().get(MARK, "").partition("@")
            if home == str(newsroom.home) and process.status() != psutil.STATUS_ZOMBIE and name not in found:
                found[name] = process
        except psutil.Error:
            continue
    return found


def up(newsroom: Newsroom) -> bool:
    return answers(f"127.0.0.1:{newsroom.public}") and answers(f"127.0.0.1:{newsroom.desk}")


@pytest.fixture
def newsroom(tmp_path) -> Newsroom:
    return Newsroom(tmp_path / "newsroom")


@pytest.fixture
def running(newsroom) -> Iterator[subprocess.Popen[str]]:
    process = newsroom.start("run")
    try:
        until(lambda: up(newsroom) or process.poll() is not None)
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(timeout=210)
        for left in processes(newsroom).values():
            left.kill()


def test_the_second_refuses_and_sigterm_ends_everything(newsroom, running):
    second = newsroom.handbill("run")
    assert second.returncode == 1
    assert "is being run already" in second.stderr
    assert set(until(lambda: len(processes(newsroom)) == 5 and processes(newsroom))) == {
        "supervisor", "public", "desk", "worker", "beat",
    }  # fmt: skip
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=210) == 0
    assert not processes(newsroom)
    assert not up(newsroom)


@pytest.mark.parametrize("name", ["public", "worker", "beat"])
def test_a_killed_program_comes_back(newsroom, running, name):
    victim = until(lambda: processes(newsroom).get(name))
    victim.kill()
    until(lambda: (new := processes(newsroom).get(name)) and new.pid != victim.pid)
    until(lambda: up(newsroom))


def test_a_killed_tree_leaves_nothing_in_the_way_of_the_next(newsroom, running):
    until(lambda: len(processes(newsroom)) == 5)
    until(lambda: processes(newsroom).get("supervisor")).kill()
    os.kill(running.pid, signal.SIGKILL)
    running.wait(timeout=10)
    again = newsroom.start("run")
    try:
        until(lambda: up(newsroom) and len(processes(newsroom)) == 5)
        assert again.poll() is None
    finally:
        again.terminate()
        assert again.wait(timeout=210) == 0
    assert not processes(newsroom)
