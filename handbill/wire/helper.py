"""The helper's side of ``wire.shares``: a process that does one share of a round of fetching, says so, and ends.

``python -m handbill.wire.helper`` with a socket as its standard input, over which it is told what to do. It knows only
the rooms that fetching needs, which costs half the memory of the whole newsroom, and ends as soon as the other end of
the socket is closed, however its parent died.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import sys
import threading

from handbill.kit import cell

ROOMS = ["handbill.wire", "handbill.sources", "handbill.work"]


def main() -> int:
    """Take one commission; the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):  # meant for the parent, which waits for the round to end
        signal.signal(number, signal.SIG_IGN)
    _set_up_django()
    line = socket.socket(fileno=os.dup(0))
    commission = pickle.loads(cell.receive(line))  # noqa: S301 - from our parent
    threading.Thread(target=_end_with, args=(line,), daemon=True).start()
    from handbill.wire.fetch import help_out

    cell.send(line, pickle.dumps(help_out(commission)))
    return 0


def _set_up_django() -> None:
    import django
    from django.conf import settings

    settings.INSTALLED_APPS = ROOMS
    django.setup()


def _end_with(line: socket.socket) -> None:
    line.recv(1)
    os._exit(cell.RETIRED)


if __name__ == "__main__":
    sys.exit(main())
