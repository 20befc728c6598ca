"""The embedded queue: kombu's filesystem transport, with files that appear whole or not at all.

The original opens, locks, then writes, so that a reader may meet half a message or an empty table, and its worker dies
of it. It also passes messages through the machine's shared temporary folder; here they stay in the newsroom's
(ADR-0022).
"""

from __future__ import annotations

import contextlib
import os
import uuid
from pathlib import Path
from queue import Empty
from time import monotonic_ns
from typing import Any

from kombu import transport
from kombu.transport import filesystem
from kombu.utils.json import dumps, loads

SCHEME = "newsroom"
"""Of the broker's address: ``newsroom://localhost//``."""


class Channel(filesystem.Channel):
    """One connection's view of the folders given as transport options."""

    def _put(self, queue: str, payload: Any, **options: Any) -> None:  # type: ignore[override]
        name = f"{monotonic_ns():020d}_{uuid.uuid4()}.{queue}.msg"
        _write(Path(self.data_folder_out) / name, dumps(payload))

    def _get(self, queue: str, timeout: Any = None) -> Any:
        folder = Path(self.data_folder_in)
        for name in sorted(name for name in os.listdir(folder) if name.endswith(f".{queue}.msg")):  # noqa: PTH208
            mine = Path(self.processed_folder) / name
            with contextlib.suppress(FileNotFoundError):  # another worker was quicker
                (folder / name).rename(mine)
                payload = mine.read_text("utf-8")
                mine.unlink()
                return loads(payload)
        raise Empty

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        bound = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        table = self.get_table(exchange)
        if bound not in table:
            _write(self._exchange_file(exchange), dumps([bound, *table]))


class Transport(filesystem.Transport):
    """``kombu.transport.filesystem`` with the channel above."""

    Channel = Channel


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f"{uuid.uuid4()}.new")
    draft.write_text(text, "utf-8")
    draft.replace(path)


transport.TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"
