"""Our own list's format, as it is taken out and brought in again: a table (CSV), or an object a line (JSON). Pure.

Both hold the same columns. In CSV an empty cell is none and topics are joined by ``;``; a cell that a spreadsheet would
run begins with an apostrophe.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_args
from zoneinfo import ZoneInfo

from handbill.subscribers.lists_in.records import Row, State
from handbill.subscribers.lists_in.times import moment, reader_of_times
from handbill.subscribers.wishes import MOST_LEADING, Cadence, Form, Wishes

COLUMNS = (
    *("address", "state", "joined", "confirmed", "left", "topics", "cadence", "weekday", "hour", "zone", "language"),
    *("form", "plain", "wants_alerts", "leading", "paused_until", "proof"),
)
STATES = {
    "reading": State.SUBSCRIBED,
    "held": State.SUBSCRIBED,  # without a proof: so it is held again
    "unconfirmed": State.UNCONFIRMED,
    "left": State.LEFT,
    "gone": State.CLEANED,
    "complaint": State.COMPLAINT,
}
MOST_TOPICS = 200
MOST_PROOF = 2000  # characters
RUNS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What makes a spreadsheet run a cell (OWASP, CSV injection)."""


def defused(cell: str) -> str:
    """A cell that no spreadsheet runs. Addresses may begin with + or -."""
    return f"'{cell}" if cell.startswith((*RUNS, "'")) else cell


def undefused(cell: str) -> str:
    """What ``defused`` was given."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith((*RUNS, "'")) else cell


def read_line(line: str, number: int, now: datetime) -> Row:
    """The row of a line of JSON; one with a ``fault`` for a line that is none."""
    if not line.strip():
        return Row(number)
    try:
        told = json.loads(line)
        address, state = told["address"].strip(), STATES[told["state"]]
        topics, leading = told.get("topics"), told.get("leading")
        cells = {name: _text(told.get(name)) for name in COLUMNS}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Row(number, fault="The line is no JSON object with an address and a state of ours.")
    more = more_of(cells)
    more["topics"] = tuple(map(str, topics[:MOST_TOPICS])) if isinstance(topics, list) else None
    more["leading"] = tuple(map(str, leading[:MOST_LEADING])) if isinstance(leading, list) else ()
    read = reader_of_times(now)
    joined, confirmed, left = (read(cells[name]) for name in ("joined", "confirmed", "left"))
    return Row(number, address or "?", state, joined, None, confirmed, left, **more)


def more_of(cells: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a Row that only our own list, or a column named by hand, tells."""
    return {
        "proof": cells.get("proof", "")[:MOST_PROOF],
        "topics": _names(cells["topics"])[:MOST_TOPICS] if "topics" in cells else None,
        "wishes": read_wishes(cells),
        "paused_until": moment(cells.get("paused_until", "")),
        "leading": _names(cells.get("leading", ""))[:MOST_LEADING],
    }


def read_wishes(cells: Mapping[str, str]) -> Wishes | None:
    """How often, when and in what form; what isn't understood is the paper's own. None where nothing is told."""
    cadence, form, zone = cells.get("cadence", ""), cells.get("form", ""), cells.get("zone", "")
    language, plain = cells.get("language", ""), cells.get("plain", "").lower() == "true"
    found = Wishes(
        cadence=cadence if cadence in get_args(Cadence) else "daily",  # type: ignore[arg-type]
        weekday=_whole(cells.get("weekday", ""), 1, 7),
        hour=_whole(cells.get("hour", ""), 0, 23),
        zone=zone if _is_zone(zone) else "",
        language=language if language.replace("-", "").isascii() and len(language) <= 20 else "",
        form=form if form in get_args(Form) else "excerpts",  # type: ignore[arg-type]
        plain=plain,
        wants_alerts=cells.get("wants_alerts", "").lower() == "true",
    )
    return None if found == Wishes() else found


def _names(cell: str) -> tuple[str, ...]:
    return tuple(filter(None, (part.strip() for part in cell.split(";"))))


def _whole(text: str, least: int, most: int) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 3 and least <= int(text) <= most else None


def _is_zone(name: str) -> bool:
    try:
        return bool(name) and bool(ZoneInfo(name)) and len(name) <= 64
    except (ValueError, OSError, KeyError):
        return False


def _text(value: object) -> str:
    return "" if value is None or isinstance(value, list | dict) else str(value)
