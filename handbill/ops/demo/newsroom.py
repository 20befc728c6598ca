"""The sample newsroom: its settings, topics, editor and readers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from handbill.kit.clock import now
from handbill.ops.people import add_person

TOPICS = ("City", "Environment", "Economy", "Culture", "Science", "Sport")
EDITOR = "ada@paper.example"
SETTINGS = """\
name = "The Valley Paper"
language = "en"
time_zone = "Europe/Berlin"
public_address = "http://127.0.0.1:{public}"
desk_address = "http://localhost:{desk}"
public_bind = "127.0.0.1:{public}"
desk_bind = "127.0.0.1:{desk}"
from_address = "The Valley Paper <news@paper.example>"
postal_address = "The Valley Paper, 1 Bridge Street, Rivertown"
auto_stories = 12

[[relays]]
name = "outbox"
address = "smtp://127.0.0.1:{relay}"
"""


@dataclass(frozen=True, slots=True)
class SampleReader:
    """Somebody who signs up; no topics is the whole paper."""

    address: str
    topics: tuple[str, ...] = ()


READERS = (
    SampleReader("bob@reader.example"),
    SampleReader("cy@reader.example"),
    SampleReader("dee@reader.example", ("City",)),
    SampleReader("eva@reader.example", ("Environment", "Science")),
    SampleReader("finn@reader.example", ("Environment", "Science")),
)
LEAVES = "cy@reader.example"


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the demo's servers listen on loopback."""

    public: int
    desk: int
    relay: int


def settings_text(ports: Ports) -> str:
    """The demo's ``handbill.toml``."""
    return SETTINGS.format(public=ports.public, desk=ports.desk, relay=ports.relay)


def furnish(opml: bytes) -> str:
    """Add topics, sources and the editor to a fresh newsroom; returns the editor's password."""
    from handbill.sources.actions import import_opml
    from handbill.topics.models import Topic

    with transaction.atomic():
        for position, name in enumerate(TOPICS):
            Topic.objects.get_or_create(name=name, defaults={"slug": name.lower(), "position": position})
    import_opml(opml, now())
    return add_person(EDITOR, "admin")


def make(home: Path, ports: Ports) -> None:
    """Make the folder and its database, and start Django on it."""
    from handbill.ops.cli import open_newsroom
    from handbill.ops.schema import prepare_database
    from handbill.ops.setup import make_folder

    make_folder(home, settings_text(ports))
    open_newsroom(str(home))
    prepare_database()
