"""The programs of the demo that are not the newsroom's tree: one worker, and the public site in a thread."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from handbill.kit.settings import Settings
from handbill.ops.child import MARK
from handbill.ops.tree import DRAIN_SECONDS, child_command, worker_command


@contextmanager
def one_worker(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """A Celery worker for the block, drained at its end."""
    environment = {name: value for name, value in os.environ.items() if name != MARK}
    with (settings.run_folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            child_command("worker", worker_command()), env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=DRAIN_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Who reads what is nobody's business."""


@contextmanager
def public_site(port: int) -> Iterator[None]:
    """The public face on loopback, in this process, for the block."""
    from django.utils.module_loading import import_string

    application = import_string("handbill.config.wsgi.public")
    with make_server("127.0.0.1", port, application, server_class=_Server, handler_class=_Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
