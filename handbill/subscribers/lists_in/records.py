"""What a list's row says, and what becomes of it. Shapes only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from handbill.subscribers.wishes import Wishes


class State(StrEnum):
    """What the other program held of an address."""

    SUBSCRIBED = "subscribed"
    UNCONFIRMED = "unconfirmed"  # asked there, and never confirmed
    LEFT = "left"
    CLEANED = "cleaned"  # given up: mail bounced
    COMPLAINT = "complaint"


class Row(NamedTuple):
    """One row as its file gives it. ``number``: 1 is the file's first line, as a spreadsheet counts.

    ``joined``: when the program made or began it; ``opted_in``: when it says that the person signed up; ``confirmed``:
    when they confirmed; ``ended``: when they left or were cleaned; all aware, None where it isn't told. ``proof``:
    words that stand for themselves. ``topics``: slugs or names, None where the file knows none; ``leading``: of them,
    those to come first. ``fault``: why the row can't be read, else "".
    """

    number: int
    address: str = ""
    state: State = State.SUBSCRIBED
    joined: datetime | None = None
    opted_in: datetime | None = None
    confirmed: datetime | None = None
    ended: datetime | None = None
    paid: bool = False
    proof: str = ""
    topics: tuple[str, ...] | None = None
    wishes: Wishes | None = None
    paused_until: datetime | None = None
    leading: tuple[str, ...] = ()
    fault: str = ""


class Fate(StrEnum):
    """What becomes of a row. Every row has one, and they add up to the rows of the file."""

    BEGINS = "begins"  # a reader from now on
    HELD = "held"  # kept sealed, gets nothing until they confirm
    KNOWN = "known"  # untouched
    LEFT = "left"  # the list says they left: kept out
    CLEANED = "cleaned"  # the list says their mail bounced, or they complained: kept out
    KEPT_OUT = "kept out"  # we know that they left, or must not be mailed
    REPEATED = "repeated"  # a row above has the same address
    REFUSED = "refused"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A row's fate and the reason in words; no word of it comes from the row."""

    fate: Fate
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What we know of an address. ``audience`` as in Subscriber; ``barred``: why it is kept out, else ""."""

    reader: bool = False
    confirmed: datetime | None = None
    reading: bool = False
    imported: bool = False
    this_import: bool = False  # brought in by a run of the same file that was cut off
    barred: str = ""
    id: UUID | None = None


@dataclass(slots=True)
class Brought:
    """The outcome of an import, or of its dry run."""

    kind: str
    fates: dict[str, int]
    passed_over: list[str] = field(default_factory=list)  # files of an archive that hold no addresses
    ended: int = 0  # of the rows that left: readers whose subscription ended
    dry: bool = False

    @property
    def rows(self) -> int:
        return sum(self.fates.values())


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to read a file. ``program``: its name, or "" to recognise it; ``columns``: our field to the header's name.

    ``states``: words of the state column and what they mean; ``proof``: an editor's word that all consented.
    """

    program: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, State] = field(default_factory=dict)
    proof: str = ""
