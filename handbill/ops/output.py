"""How commands speak: data on stdout (text or one JSON object), progress on stderr, one exit code per outcome."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from handbill.kit.errors import GiveUp, HandbillError, SettingsError, TryLater

OK, FAILED, USAGE, PARTIAL, TRY_LATER = 0, 1, 2, 3, 75
CODES: dict[type[HandbillError], int] = {SettingsError: USAGE, GiveUp: FAILED, TryLater: TRY_LATER}


def emit(data: dict[str, Any], text: str, as_json: bool) -> None:
    """Write a command's result: ``data`` as one JSON line, or ``text`` for people."""
    if as_json:
        click.echo(json.dumps(data, ensure_ascii=False, default=str))
    elif text:
        click.echo(text)


@contextmanager
def spoken_errors(as_json: bool) -> Iterator[None]:
    """Turn an expected failure into its sentence on stderr and its exit code; a bug keeps its traceback."""
    try:
        yield
    except HandbillError as error:
        if as_json:
            emit({"error": str(error)}, "", True)
        click.echo(f"handbill: {error}", err=True)
        sys.exit(next(code for kind, code in CODES.items() if isinstance(error, kind)))


class Stages:
    """Progress of a run in named stages: a bar each on a terminal, plain lines otherwise. Always on stderr."""

    WIDTH = 24

    def __init__(self, total: int) -> None:
        self.total = total
        self.number = 0
        self.live = sys.stderr.isatty()

    @contextmanager
    def stage(self, title: str) -> Iterator[Stage]:
        self.number += 1
        stage = Stage(f"[{self.number}/{self.total}] {title}", self.live)
        stage.show(0)
        yield stage
        stage.close()


class Stage:
    """One stage: ``show`` a fraction done, ``note`` what came of it."""

    def __init__(self, title: str, live: bool) -> None:
        self.title, self.live, self.outcome, self._shown = title, live, "", -1

    def show(self, fraction: float) -> None:
        """Redraw the bar (terminals only) when it has moved by a step."""
        filled = min(Stages.WIDTH, int(fraction * Stages.WIDTH))
        if self.live and filled != self._shown:
            self._shown = filled
            click.echo(f"\r{self.title:<34} [{'█' * filled}{'·' * (Stages.WIDTH - filled)}]", nl=False, err=True)

    def note(self, outcome: str) -> None:
        self.outcome = outcome

    def close(self) -> None:
        self.show(1)
        click.echo(f" {self.outcome}" if self.live else f"{self.title}: {self.outcome or 'done'}", err=True)
