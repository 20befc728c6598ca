"""A cheap sink for ``bench.send``, compiled from the C beside the project, and a front of TLS for it."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parent.parent.parent / "shared" / "tools" / "csink.c"


def compile_sink(folder: Path) -> Path | None:
    """The program; None where its source or a compiler is missing."""
    if not SOURCE.is_file() or not shutil.which("cc"):
        return None
    program = folder / "csink"
    subprocess.run(["cc", "-O2", "-w", "-o", program, SOURCE], check=True)
    return program


@contextlib.contextmanager
def sink(program: Path, *options: str) -> Iterator[int]:
    """A running sink's port. ``options``: -p offers PIPELINING, -c CHUNKING, -d N answers after N milliseconds."""
    port = _free_port()
    running = subprocess.Popen([program, str(port), *options], stdout=subprocess.DEVNULL)
    try:
        _await(port)
        yield port
    finally:
        running.terminate()
        running.wait()


@contextlib.contextmanager
def secured(port: int, folder: Path) -> Iterator[tuple[int, Path]]:
    """The port of a front that speaks TLS and passes all on to ``port``, and its certificate."""
    pem = folder / "sink.pem"
    if not pem.exists():
        subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
        make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        subprocess.run([*make, *subject, "-keyout", pem, "-out", folder / "cert.pem"], check=True, capture_output=True)
        pem.write_bytes(pem.read_bytes() + (folder / "cert.pem").read_bytes())
    front = subprocess.Popen([sys.executable, __file__, str(port), pem], stdout=subprocess.PIPE, text=True)
    assert front.stdout is not None
    try:
        yield int(front.stdout.readline()), folder / "cert.pem"
    finally:
        front.terminate()
        front.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _await(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise TimeoutError("The sink doesn't answer.")


async def _serve(port: int, pem: str) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        await asyncio.gather(_pipe(reader, behind[1]), _pipe(behind[0], writer), return_exceptions=True)

    server = await asyncio.start_server(pass_on, "127.0.0.1", 0, ssl=context, limit=1 << 20)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _pipe(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(1 << 18):
            target.write(data)
            await target.drain()
    target.close()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), sys.argv[2]))
