"""The embedded queue: every message arrives whole and once, whoever writes and reads at the same time."""

from contextlib import suppress
from queue import Empty
from threading import Thread

import pytest
from kombu import Connection

from handbill.config import queue

MESSAGES = 200


@pytest.fixture
def folders(tmp_path):
    for name in ("messages", "control", "taken"):
        (tmp_path / name).mkdir()
    return {
        "data_folder_in": str(tmp_path / "messages"),
        "data_folder_out": str(tmp_path / "messages"),
        "control_folder": str(tmp_path / "control"),
        "processed_folder": str(tmp_path / "taken"),
    }


def connect(folders):
    return Connection(f"{queue.SCHEME}://localhost//", transport_options=folders)


def test_writers_and_readers_at_once_lose_and_tear_nothing(folders):
    taken: list[int] = []

    def write(first: int) -> None:
        with connect(folders) as connection:
            for number in range(first, first + MESSAGES):
                connection.default_channel._put("busy", {"number": number, "filling": "x" * 50_000})

    def read() -> None:
        with connect(folders) as connection:
            while any(writer.is_alive() for writer in writers) or connection.default_channel._size("busy"):
                with suppress(Empty):
                    taken.append(connection.default_channel._get("busy")["number"])

    writers = [Thread(target=write, args=(first,)) for first in (0, MESSAGES)]
    threads = [*writers, Thread(target=read), Thread(target=read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(2 * MESSAGES))


def test_a_message_is_not_there_before_it_is_whole(folders, tmp_path):
    seen = []

    class Written:
        def __json__(self):
            seen.append(list((tmp_path / "messages").glob("*.msg")))
            return "ding"

    with connect(folders) as connection:
        connection.default_channel._put("slow", Written())
        assert seen == [[]]
        assert connection.default_channel._get("slow") == "ding"


def test_a_message_goes_its_way_and_leaves_nothing_behind(folders, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.gettempdir", lambda: "/nowhere/at/all")
    with connect(folders) as connection:
        box = connection.SimpleQueue("quiet")
        box.put("ding")
        message = box.get(timeout=5)
        assert message.payload == "ding"
        message.ack()
    assert not list((tmp_path / "messages").iterdir())
    assert not list((tmp_path / "taken").iterdir())


def test_the_settings_use_it():
    from handbill.config.celery import app

    assert app.conf.broker_url.startswith(f"{queue.SCHEME}://")
    with app.connection() as connection:
        assert isinstance(connection.transport, queue.Transport)
