"""Small questions about this machine's ports."""

from __future__ import annotations

import socket

from handbill.kit.setting_values import parse_host_port


def answers(bind: str, seconds: float = 1) -> bool:
    """Whether something accepts a connection at ``HOST:PORT``."""
    host, port = parse_host_port(bind)
    try:
        with socket.create_connection((host, port), timeout=seconds):
            return True
    except OSError:
        return False


def free_port(preferred: int) -> int:
    """``preferred`` if nothing listens there on loopback, else a port the system offers."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port on 127.0.0.1")
