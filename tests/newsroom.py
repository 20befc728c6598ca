"""A newsroom of a test's own, in its own folder, used as a person does: by the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from handbill.ops.net import free_port
from handbill.ops.setup import make_folder

SETTINGS = """\
name = "The Test Paper"
time_zone = "Europe/Berlin"
public_address = "http://127.0.0.1:{public}"
desk_address = "http://localhost:{desk}"
public_bind = "127.0.0.1:{public}"
desk_bind = "127.0.0.1:{desk}"
from_address = "The Test Paper <news@paper.example>"
postal_address = "1 Test Street, Testville"
auto_stories = 40

[[relays]]
name = "loopback"
address = "smtp://127.0.0.1:{relay}"
"""


class Newsroom:
    """A fresh newsroom in ``home``. ``environment`` holds overrides such as HANDBILL_DATABASE."""

    def __init__(self, home: Path, *, relay: int = 1, wire: int = 0, **environment: str) -> None:
        self.home = home
        self.public, self.desk = free_port(0), free_port(0)
        make_folder(home, SETTINGS.format(public=self.public, desk=self.desk, relay=relay))
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("HANDBILL_", "DJANGO_"))}
        self.environment.update(environment, HANDBILL_HOME=str(home))
        if wire:
            self.environment["HANDBILL_ALLOW_LOOPBACK"] = f"127.0.0.1:{wire}"
        self.python("from handbill.ops.schema import prepare_database; prepare_database()")

    @property
    def site(self) -> str:
        """The public address."""
        return f"http://127.0.0.1:{self.public}"

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "handbill", *arguments]

    def handbill(self, *arguments: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        return subprocess.run(
            self.command(*arguments), env=self.environment, capture_output=True, text=True, timeout=seconds
        )

    def json(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        """Run one command with ``--json``, expect its exit code, and give back its object."""
        done = self.handbill(*arguments, "--json")
        assert done.returncode == code, f"{arguments} ended with {done.returncode}: {done.stderr}"
        return dict(json.loads(done.stdout))

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command in a session of its own; the caller ends it."""
        return subprocess.Popen(
            self.command(*arguments),
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def python(self, code: str) -> str:
        """Run Python with Django ready on this newsroom; what it printed."""
        setup = "from handbill.ops.cli import open_newsroom; open_newsroom(None)\n"
        return subprocess.run(
            [sys.executable, "-c", setup + code],
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        ).stdout
