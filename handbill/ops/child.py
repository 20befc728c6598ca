"""Start one program of the process tree so that none outlives it: ``python -m handbill.ops.child NAME COMMAND…``.

Ends what an earlier, killed instance left behind (it would hold the port), asks the kernel to end this one when its
parent dies, then becomes the command.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

import psutil

MARK = "HANDBILL_PROGRAM"
_PR_SET_PDEATHSIG = 1


def mark(program: str, home: str) -> str:
    """The value of the environment variable by which a program's processes are known."""
    return f"{program}@{home}"


def end_leftovers(value: str) -> int:
    """Kill every process that carries ``value`` as its mark, but not this one or its parents; returns how many."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    leftovers = [p for p in psutil.process_iter() if p.pid not in own and _mark_of(p) == value]
    for process in leftovers:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(leftovers, timeout=10)
    return len(leftovers)


def _mark_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARK)
    except (psutil.Error, OSError):
        return None


def main() -> None:
    name, command = sys.argv[1], sys.argv[2:]
    value = mark(name, os.environ["HANDBILL_HOME"])
    end_leftovers(value)
    os.environ[MARK] = value
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
