"""Ring for a round of fetching at once. An unheard bell costs nothing: the next tick finds the same rows (ADR-0001)."""

from __future__ import annotations

import contextlib

from kombu.exceptions import OperationalError

EXPIRES = 20  # seconds; by then the tick has rung twice


def ring_fetch() -> None:
    """Have the workers look for feeds that are due, now. Returns at once, whether or not anybody hears it."""
    from handbill.wire.tasks import fetch_batch  # which asks the actions that this is one of

    with contextlib.suppress(OperationalError, OSError):
        fetch_batch.apply_async(expires=EXPIRES, retry=False)
