"""The process tree of ``handbill run``: two web servers, the worker, the beat, and who takes mail in; under supervisor.

One newsroom runs once: the folder's lock is held by the starting process, and by nothing that could outlive it.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from handbill.kit.errors import GiveUp, TryLater
from handbill.kit.setting_values import parse_host_port
from handbill.kit.settings import Settings
from handbill.ops.child import MARK, end_leftovers, mark
from handbill.ops.net import answers

DRAIN_SECONDS = 240
"""What the worker may take to end: a window of mails (60 s), the slowest last reply (120 s), time to spare."""
QUIT_SECONDS = 20
"""What the other programs may take; they hold nothing that would be lost."""
PROGRAM = """\
[program:{name}]
command={command}
directory={home}
stopsignal=TERM
stopwaitsecs={drain}
stopasgroup=true
killasgroup=true
autorestart=true
startsecs=2
startretries=1000000
stdout_logfile={home}/run/{name}.log
stdout_logfile_maxbytes=5MB
stdout_logfile_backups=2
redirect_stderr=true

"""


def web_command(face: str, bind: str, settings: Settings) -> list[str]:
    """granian with one face of the program; the desk's own styles come from its static mount."""
    host, port = parse_host_port(bind)
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port)]
    command += ["--workers", "1", "--blocking-threads", "4", "--log-level", "warning", "--respawn-failed-workers"]
    if face == "desk":
        command += ["--static-path-route", "/static", "--static-path-mount", str(settings.static_folder)]
    return [*command, f"handbill.config.wsgi:{face}"]


def worker_command() -> list[str]:
    """The Celery worker: threads, and none of the chatter that the embedded queue can't carry."""
    flags = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"]
    return [sys.executable, "-m", "celery", "-A", "handbill.config.celery", "worker", *flags]


def beat_command() -> list[str]:
    """The clock that rings the tick; a process of its own, since ``worker -B`` leaves an orphan."""
    return [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "handbill.config.celery",
        "beat",
        "--pidfile=",
        "--loglevel",
        "WARNING",
    ]


def inbox_command() -> list[str]:
    """The program that mail is handed to by LMTP."""
    return [sys.executable, "-m", "handbill", "inbox"]


def programs(settings: Settings) -> dict[str, list[str]]:
    """Every program of the tree by name."""
    mail = {"inbox": inbox_command()} if settings.newsletter_listen else {}
    return {
        "public": web_command("public", settings.public_bind, settings),
        "desk": web_command("desk", settings.desk_bind, settings),
        "worker": worker_command(),
        "beat": beat_command(),
        **mail,
    }


def supervisor_configuration(settings: Settings) -> str:
    """The configuration file of supervisor, with ``%`` escaped as it asks for."""
    home = str(settings.home).replace("%", "%%")
    head = f"[supervisord]\nnodaemon=true\nsilent=true\nlogfile={home}/run/supervisor.log\n"
    head += f"pidfile={home}/run/supervisor.pid\nchildlogdir={home}/run\n\n"
    head += f"[group:newsroom]\nprograms={','.join(programs(settings))}\n\n"  # of one group, all are stopped at once
    return head + "".join(
        PROGRAM.format(
            name=name,
            home=home,
            drain=DRAIN_SECONDS if name == "worker" else QUIT_SECONDS,
            command=_line(child_command(name, command)),
        )
        for name, command in programs(settings).items()
    )


def child_command(name: str, command: list[str]) -> list[str]:
    """``command`` under the wrapper that keeps it from outliving its parent."""
    return [sys.executable, "-m", "handbill.ops.child", name, *command]


def _line(command: list[str]) -> str:
    return shlex.join(command).replace("%", "%%")


@contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Hold the folder's lock. Raises GiveUp when another ``handbill run`` holds it."""
    settings.run_folder.mkdir(parents=True, exist_ok=True)
    with (settings.run_folder / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise GiveUp(
                f"{settings.home} is being run already (process {file.read().strip() or 'unknown'})."
                " Stop that one first; two would send every mail twice."
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


class Tree:
    """A running process tree. Make it inside ``only_one``."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start every program, ending first what a killed tree left behind."""
        for name in ("supervisor", *programs(self.settings)):
            end_leftovers(mark(name, str(self.settings.home)))
        self._refuse_taken_ports()
        path = self.settings.run_folder / "supervisord.conf"
        path.write_text(supervisor_configuration(self.settings))
        command = child_command("supervisor", [sys.executable, "-m", "supervisor.supervisord", "-c", str(path)])
        environment = {name: value for name, value in os.environ.items() if name != MARK}
        environment["HANDBILL_HOME"] = str(self.settings.home)
        self.process = subprocess.Popen(command, env=environment, start_new_session=True)

    def _refuse_taken_ports(self) -> None:
        for name in ("public_bind", "desk_bind", "newsletter_listen"):
            value = getattr(self.settings, name)
            if value and not value.startswith("/") and answers(value):
                raise GiveUp(f"{name} = {value!r}: another program answers there. Stop it or write another port.")

    def wait_until_up(self, seconds: float = 60) -> None:
        """Return once both web servers answer. Raises TryLater when they don't in time."""
        end = time.monotonic() + seconds
        while not all(answers(bind) for bind in (self.settings.public_bind, self.settings.desk_bind)):
            if time.monotonic() > end or self.process is None or self.process.poll() is not None:
                raise TryLater(f"The web servers did not start. See {self.settings.run_folder}/*.log.")
            time.sleep(0.1)

    def wait(self) -> int:
        """Block until the tree has ended; its exit code."""
        return self.process.wait() if self.process else 0

    def stop(self) -> None:
        """Let every program finish what it holds, then end. Harmless to repeat."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=DRAIN_SECONDS + 15)


@contextmanager
def stopped_by_signals(tree: Tree) -> Iterator[None]:
    """SIGTERM and SIGINT drain the tree while the block runs."""

    def stop(signum: int, frame: object) -> None:
        if tree.process is not None and tree.process.poll() is None:
            tree.process.send_signal(signal.SIGTERM)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
