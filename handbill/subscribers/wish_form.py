"""The form in which readers say how often, when and in what form they want the paper: shown, and read back. Pure.

What a form didn't name stays as it was, so that one button of another page can change one thing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, get_args
from zoneinfo import available_timezones

from babel.dates import get_day_names

from handbill.kit.languages import LETTERS, own_name
from handbill.subscribers.wishes import Cadence, Form, Wishes

LEADING = ("first", "second", "third")
"""The fields that name the topics to come first, in this order."""
_NOT_OF_PEOPLE = ("Etc/", "SystemV/", "US/", "posix/", "right/")


def read_form(form: Mapping[str, str], held: Wishes, topics: Mapping[str, int] | None = None) -> Wishes | None:
    """What is wished; None where a value is none that the form offers. ``topics``: slugs and ids of those it offers.

    A topic that is none of them any more is passed over: it may be gone since the form was shown.
    """
    wanted: dict[str, Any] = {}
    for name, offered in _OFFERED.items():
        if name in form:
            if form[name] not in offered():
                return None
            wanted[name] = form[name]
    for name in ("hour", "weekday"):
        if name in wanted:
            wanted[name] = int(wanted[name]) if wanted[name] else None
    if "form" in wanted:  # an unticked box isn't sent, so it goes with the question before it
        wanted["plain"] = form.get("plain") == "yes"
    if "alerts" in form:  # a field that is always sent goes before the box
        wanted["wants_alerts"] = form["alerts"] == "yes"
    if any(name in form for name in LEADING):
        named = (form.get(name, "") for name in LEADING)
        wanted["leading"] = tuple((topics or {})[slug] for slug in named if slug in (topics or {}))
    found = replace(held, **wanted)
    return found if found.cadence == "weekly" else replace(found, weekday=None)


def shown(held: Wishes, language: str) -> dict[str, Any]:
    """What the form offers, with what is held: lists of value, name and whether it is held."""
    days = get_day_names("wide", "stand-alone", language.replace("-", "_"))
    return {
        "cadences": [(each, each == held.cadence) for each in get_args(Cadence)],
        "weekdays": [(day, days[day - 1], day == (held.weekday or 1)) for day in range(1, 8)],
        "hours": [(hour, f"{hour:02}:00", hour == held.hour) for hour in range(24)],
        "zones": [(name, name.replace("_", " "), name == held.zone) for name in zones()],
        "languages": [(code, own_name(code), code == held.language) for code in LETTERS],
        "forms": [(each, each == held.form) for each in get_args(Form)],
        "plain": held.plain,
        "alerts": held.wants_alerts,
    }


def leading_shown(held: Wishes, topics: Iterable[Mapping[str, Any]]) -> list[tuple[str, list[tuple[str, str, bool]]]]:
    """Each field's name, with the topics it offers: slug, name and whether it is held. None where there is no choice.

    ``topics``: ``pk``, ``slug`` and ``name``.
    """
    offered = list(topics)
    known = {topic["pk"] for topic in offered}
    kept = [pk for pk in held.leading if pk in known]
    if len(offered) < 2:
        return []
    return [
        (name, [(topic["slug"], topic["name"], kept[place : place + 1] == [topic["pk"]]) for topic in offered])
        for place, name in enumerate(LEADING)
    ]


@lru_cache(maxsize=1)
def zones() -> tuple[str, ...]:
    """The zones that people live in, by name."""
    named = (name for name in available_timezones() if "/" in name and not name.startswith(_NOT_OF_PEOPLE))
    return tuple(sorted(named))


_OFFERED = {
    "cadence": lambda: get_args(Cadence),
    "weekday": lambda: ("", *(str(day) for day in range(1, 8))),
    "hour": lambda: ("", *(str(hour) for hour in range(24))),
    "zone": lambda: ("", *zones()),
    "language": lambda: ("", *LETTERS),
    "form": lambda: get_args(Form),
}
