"""The demo's day: wall time and memory of ``handbill demo --once``, and the static build of its site."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from bench.rows import Row, at_most

MOST_SECONDS, MOST_MIB, MOST_BUILD_SECONDS = 30, 400, 5
BUILD = """
import json
import time
import django
django.setup()
from handbill.kit.clock import now
from handbill.site import actions
began = time.perf_counter(), time.process_time()
built = actions.rebuild_all(now())
print(json.dumps({"pages": built.pages, "wall": time.perf_counter() - began[0], "cpu": time.process_time() - began[1]}))
"""


def run(quick: bool) -> Iterator[Row]:
    """Once when quick, else the median of three days."""
    with tempfile.TemporaryDirectory() as folder:
        days = [_day(Path(folder) / str(number)) for number in range(1 if quick else 3)]
        seconds, mib = sorted(day[0] for day in days), sorted(day[1] for day in days)
        yield at_most("demo day, wall time", seconds[len(days) // 2], "s", MOST_SECONDS)
        yield at_most("demo day, peak memory of the tree (PSS)", mib[len(days) // 2], "MiB", MOST_MIB)
        environment = {
            **os.environ,
            "HANDBILL_HOME": f"{folder}/0",
            "DJANGO_SETTINGS_MODULE": "handbill.config.settings",
        }
        built = json.loads(subprocess.check_output([sys.executable, "-c", BUILD], env=environment))
        yield at_most(
            f"static build of the demo ({built['pages']} pages), wall time", built["wall"], "s", MOST_BUILD_SECONDS
        )
        yield Row("static build of the demo, a page", round(1000 * built["cpu"] / max(1, built["pages"]), 2), "CPU ms")


def _day(home: Path) -> tuple[float, float]:
    """Wall seconds and peak MiB of one day in ``home``; raises when the day did not hold."""
    began, peak = time.perf_counter(), 0.0
    command = [sys.executable, "-m", "handbill", "demo", "--once", "--json", "--home", str(home)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, tree_mib(process.pid))
            time.sleep(0.1)
    if process.returncode:
        raise RuntimeError("the demo's day did not hold: run `handbill demo --once` and see why")
    return time.perf_counter() - began, peak


def tree_mib(pid: int) -> float:
    """Proportional set size of a process and all its descendants, in MiB."""
    total = 0
    try:
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            try:
                total += process.memory_full_info().pss
            except psutil.Error:
                continue
    except psutil.Error:
        return 0.0
    return total / 1024**2
