"""The child's side of ``kit.sandbox``: a program that takes calls from its socket, one at a time, until it is done.

``python cell.py MEMORY SECONDS PATIENCE``: bytes of address space, seconds of CPU time and of real time a call. Run as
a file, with nothing of Handbill imported: what a call needs is imported when the call comes. It ends by itself when
nobody calls for a while, when it has grown, after many calls, and as soon as the caller's end of the socket is closed,
however the caller died.
"""

from __future__ import annotations

import os
import pickle
import resource
import select
import signal
import socket
import struct
import sys
import traceback
from typing import Any

RETIRED = 75  # exit code: nothing is wrong, and the call that was not answered may be made again
IDLE = 60.0  # seconds without a call
CALLS = 2000  # what a parser leaks stays bounded
GROWN = 256 * 1024 * 1024  # bytes resident: memory that Python keeps is given back by ending

_LENGTH = struct.Struct("!Q")


def send(line: socket.socket, data: bytes) -> None:
    """Send one message."""
    line.sendall(_LENGTH.pack(len(data)))
    line.sendall(data)


def receive(line: socket.socket) -> bytearray:
    """Wait for one message. Raises EOFError when the other side is gone."""
    (length,) = _LENGTH.unpack(_exactly(line, _LENGTH.size))
    return _exactly(line, length)


def _exactly(line: socket.socket, count: int) -> bytearray:
    data = bytearray(count)
    view = memoryview(data)
    while view:
        got = line.recv_into(view)
        if not got:
            raise EOFError
        view = view[got:]
    return data


def main(memory: int, seconds: float, patience: float) -> int:
    """Take calls until it is time to go; the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):  # meant for the caller, which may still need an answer
        signal.signal(number, signal.SIG_IGN)
    for number in (signal.SIGPROF, signal.SIGALRM):  # what is ignored would be inherited
        signal.signal(number, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    line = socket.socket(fileno=os.dup(0))
    try:
        sys.path[:] = pickle.loads(receive(line))  # noqa: S301 - from the caller, as all messages
        for _ in range(CALLS):
            if not select.select([line], [], [], IDLE)[0]:
                break
            call = receive(line)
            _limit_time(seconds, patience)
            answer = _answer(call)
            _limit_time(0, 0)
            send(line, answer)
            if _resident() > GROWN:
                break
    except (EOFError, OSError):
        return 0
    return RETIRED


def _resident() -> int:
    """Bytes in memory now. The most there ever were would count what the caller had when it started this program."""
    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - pathlib would cost more than the call
        return int(file.read().split()[1]) * resource.getpagesize()


def _limit_time(seconds: float, patience: float) -> None:
    """Nobody handles these two signals: the kernel ends the process, whatever it is doing. 0 calls it off."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, patience)


def _answer(call: bytearray) -> bytes:
    """(True, result) or (False, error), pickled."""
    try:
        function, args, kwargs = pickle.loads(call)  # noqa: S301
        return pickle.dumps((True, function(*args, **kwargs)), pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        return pickle.dumps((False, _portable(error)), pickle.HIGHEST_PROTOCOL)


def _portable(error: Exception) -> Exception:
    """The error, if it survives the way; with its traceback as a note, which is lost otherwise."""
    trace = "".join(traceback.format_exception(error))
    error.add_note(f"In the sandbox:\n{trace}")
    try:
        again: Any = pickle.loads(pickle.dumps(error))  # noqa: S301
        return error if type(again) is type(error) else RuntimeError(trace)
    except Exception:
        return RuntimeError(trace)


if __name__ == "__main__":
    import logging

    logging.disable(logging.CRITICAL)  # a stranger's document has no say in the newsroom's log
    sys.exit(main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])))
