"""A process to be killed: changes the newsroom's keys as ``handbill keys rotate`` does, but waits a tenth as long.

Three seconds is still longer than a process takes to look at its keys (``kit.keys.LOOK_EVERY``).
"""

from __future__ import annotations

import time

import django

django.setup()

from handbill.kit.clock import now  # noqa: E402
from handbill.ops.rotate import rotate  # noqa: E402

if __name__ == "__main__":
    print(rotate(now().date(), lambda seconds: time.sleep(seconds / 10), lambda line: print(line, flush=True)))
