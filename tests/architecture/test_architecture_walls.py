"""The walls: imports and foreign keys go down the list of rooms, never up, and never where a room is barred."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.apps import apps

ROOT = Path(__file__).parent.parent.parent
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
LEVELS = [level.replace("handbill.", "").split(" | ") for level in CONTRACTS[0]["layers"]]
LEVEL = {room: number for number, level in enumerate(LEVELS) for room in level}


def barred(room: str) -> set[str]:
    """Rooms that the contracts forbid to ``room`` beyond the layers."""
    names = (c for c in CONTRACTS if c["type"] == "forbidden" and f"handbill.{room}" in c["source_modules"])
    return {name.removeprefix("handbill.") for c in names for name in c["forbidden_modules"]}


def foreign_keys() -> list[tuple[str, str, str]]:
    """(room, field, room it points at) for every relation between tables of rooms."""
    return [
        (model._meta.app_label, f"{model.__name__}.{field.name}", field.related_model._meta.app_label)
        for model in apps.get_models(include_auto_created=True)
        for field in [*model._meta.local_fields, *model._meta.local_many_to_many]
        if field.related_model is not None
        and model._meta.app_label in LEVEL
        and field.related_model._meta.app_label in LEVEL
    ]


def test_imports_keep_the_contracts():
    """In a process of its own: it sets up logging anew for whoever calls it."""
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout


def test_there_are_foreign_keys_to_look_at():
    assert ("wire", "Report.source", "sources") in foreign_keys()


@pytest.mark.parametrize(("room", "field", "target"), foreign_keys())
def test_a_foreign_key_points_down_or_inside(room, field, target):
    same = room == target
    assert same or LEVEL[target] > LEVEL[room], f"{field} of {room} points up at {target}"
    assert target not in barred(room), f"{field} of {room} points at {target}, which is barred to it"


def test_every_room_is_on_the_list():
    folders = {path.parent.name for path in (ROOT / "handbill").glob("*/__init__.py")}
    assert folders - {"testing"} == set(LEVEL)
