"""Mails that real systems sent back, where the corpus stands beside the project: what must hold for each of them."""

import json
from pathlib import Path

import pytest

from handbill.delivery.engine.inspect import inspect_bounce

FOLDER = Path(__file__).parents[3] / "shared" / "corpus" / "bounces"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the collection of bounces is not beside the project")


def test_nobody_is_called_gone_who_is_not():
    expected = json.loads((FOLDER / "expected.json").read_text("utf-8")) if FOLDER.is_dir() else {}
    for name, rows in expected.items():
        told = [one for message in inspect_bounce((FOLDER / name).read_bytes()) for one in message["recipients"]]
        wrongly = [row for row, one in zip(rows, told, strict=False) if one["reader_gone"] and not row["hard"]]
        assert not wrongly, name


def test_every_complaint_and_no_ordinary_mail():
    for path in FOLDER.glob("arf-*.eml"):
        assert [message["kind"] for message in inspect_bounce(path.read_bytes())] == ["complaint"], path.name
    for path in (FOLDER / "not-bounces").glob("*.eml"):
        assert "bounce" not in {message["kind"] for message in inspect_bounce(path.read_bytes())}, path.name


def test_a_file_is_split_only_where_messages_meet():
    counts = {path.name: len(inspect_bounce(path.read_bytes())) for path in FOLDER.glob("**/*.eml")}
    assert {name for name, count in counts.items() if count != 1} == {"rfc3464-28.eml"}
