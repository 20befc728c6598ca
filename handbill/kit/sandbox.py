"""Run a pure function on a stranger's bytes in a child process, within a memory and a time limit.

A document that stalls or swells its reader costs one child, which is replaced; the caller gets an error in words.
"""

from __future__ import annotations

import multiprocessing
import resource
import threading
from collections.abc import Callable
from concurrent.futures import TimeoutError as TooLong
from typing import ParamSpec, TypeVar

from pebble import ProcessExpired, ProcessPool

from handbill.kit.errors import GiveUp

MEMORY = 1024 * 1024 * 1024  # bytes of address space in a child
SECONDS = 10.0
TASKS = 2000  # after which a child is replaced: what a parser leaks stays bounded

P = ParamSpec("P")
T = TypeVar("T")


class SandboxError(GiveUp):
    """The document could not be read within the limits."""


class Sandbox:
    """Child processes that read strangers' documents. Safe to share between threads; children start when first needed.

    ``workers`` children at most, each with ``memory`` bytes of address space.
    """

    def __init__(self, workers: int = 1, memory: int = MEMORY) -> None:
        self._workers, self._memory = workers, memory
        self._pool: ProcessPool | None = None
        self._lock = threading.Lock()

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``function(*args, **kwargs)`` in a child, within SECONDS; both must be picklable.

        What the function raises is raised here. Raises SandboxError when the child ran out of time or memory.
        """
        future = self._running().schedule(function, args=args, kwargs=kwargs, timeout=SECONDS)
        try:
            result: T = future.result()
        except TooLong:
            raise SandboxError(
                f"This document took more than {SECONDS:g} seconds to read. Ask the outlet to mend it."
            ) from None
        except (ProcessExpired, MemoryError):
            raise SandboxError(
                "This document takes more memory to read than it may. Ask the outlet to mend it."
            ) from None
        return result

    def close(self) -> None:
        """End the children; harmless to repeat. The next ``run`` starts new ones."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.stop()  # type: ignore[no-untyped-call]
            pool.join()

    def _running(self) -> ProcessPool:
        with self._lock:
            if self._pool is None or not self._pool.active:
                self._pool = ProcessPool(
                    max_workers=self._workers,
                    max_tasks=TASKS,
                    initializer=_limit,
                    initargs=(self._memory,),
                    context=multiprocessing.get_context("spawn"),
                )
            return self._pool


def _limit(memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
