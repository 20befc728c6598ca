"""Run a pure function on a stranger's bytes in a child process, within a memory and a time limit.

A document that stalls, swells or crashes its reader costs one child, which is replaced; the caller gets an error in
words. The child is ``kit.cell``; ADR-0025 says why it is one of our own.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from handbill.kit import cell
from handbill.kit.errors import GiveUp

MEMORY = 1024 * 1024 * 1024  # bytes of address space in a child
SECONDS = 10.0  # of CPU time a call
PATIENCE = 3  # times as long may pass by the clock, on a machine with other work
MOST_WORKERS = 4
TIMED_OUT = frozenset({-signal.SIGPROF, -signal.SIGALRM})
CELL = Path(cell.__file__)
ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")  # what a child is told: no secret

P = ParamSpec("P")
T = TypeVar("T")


class SandboxError(GiveUp):
    """The document could not be read within the limits."""


class Sandbox:
    """Child processes that read strangers' documents. Share one between all threads of a process, but not over a fork.

    At most ``workers`` children (by default one a processor, four at most) with ``memory`` bytes of address space each.
    They start when first needed, and end by themselves after a minute without work or when this process is gone.
    """

    def __init__(self, workers: int = 0, memory: int = MEMORY, seconds: float = SECONDS) -> None:
        self._limits = (memory, seconds)
        self._turns = threading.BoundedSemaphore(workers or min(os.cpu_count() or 1, MOST_WORKERS))
        self._lock = threading.Lock()
        self._idle: list[_Child] = []  # the last one used is used next, so that a spare one gets to end

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``function(*args, **kwargs)`` in a child; all three must be picklable, the function by its name.

        Waits for a free child, which doesn't count as time. What the function raises is raised here. Raises
        SandboxError when the child ran out of time or memory, or crashed.
        """
        call = pickle.dumps((function, args, kwargs), pickle.HIGHEST_PROTOCOL)
        with self._turns:
            well, result = pickle.loads(self._ask(call))  # noqa: S301 - from our own child
        if well:
            return result  # type: ignore[no-any-return]
        if isinstance(result, MemoryError):
            raise SandboxError("This document takes more memory to read than it may. Ask the outlet to mend it.")
        raise result

    def keep_to(self, workers: int) -> None:
        """At most so many children, where other processes have theirs; call it before the first ``run``."""
        self._turns = threading.BoundedSemaphore(workers)

    def close(self) -> None:
        """End the children that are not at work; harmless to repeat. The next ``run`` starts new ones."""
        with self._lock:
            idle, self._idle = self._idle, []
        for child in idle:
            child.end()

    def _ask(self, call: bytes) -> bytearray:
        while True:
            child = self._take()
            try:
                answer = child.ask(call)
            except (OSError, EOFError):
                self._explain(child.end())  # returns when the child had retired: another one is asked
            except BaseException:  # an interrupt between question and answer: nobody may get that answer
                child.end()
                raise
            else:
                with self._lock:
                    self._idle.append(child)
                return answer

    def _take(self) -> _Child:
        with self._lock:
            gone = [child for child in self._idle if not child.alive]
            self._idle = [child for child in self._idle if child.alive]
            child = self._idle.pop() if self._idle else None
        for other in gone:
            other.end()
        return child or _Child(*self._limits)

    def _explain(self, code: int) -> None:
        if code in TIMED_OUT:
            raise SandboxError(
                f"This document took more than {self._limits[1]:g} seconds to read. Ask the outlet to mend it."
            )
        if code != cell.RETIRED:
            raise SandboxError(
                f"This document crashed the program that reads it ({code}). Ask the outlet to mend it, and report it."
            )


class _Child:
    """One child and the line to it."""

    def __init__(self, memory: int, seconds: float) -> None:
        self._line, theirs = socket.socketpair()
        patience = PATIENCE * seconds
        limits = [str(memory), str(seconds), str(patience)]
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-W", "ignore", str(CELL), *limits],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
            )
        self._line.settimeout(patience + 5)  # its own limits end it sooner, unless it was stopped
        self._greeted = False

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, call: bytes) -> bytearray:
        """Raises EOFError or OSError when the child gives no answer."""
        if not self._greeted:
            cell.send(self._line, pickle.dumps(sys.path))
            self._greeted = True
        cell.send(self._line, call)
        return cell.receive(self._line)

    def end(self) -> int:
        """Close the line and see the child off; its exit code, negative for a signal."""
        self._line.close()
        try:
            return self._process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return -signal.SIGALRM  # it gave no answer in time
