"""Bounces: how many are recognised, and how many readers are rightly called gone, against what others call so.

On a collection that lies beside the project: mails of some seventy mail systems, 277 of them with what they mean.
"Hard" there is our "gone". Peers: flufl.bounce (Mailman's), and the rules that listmonk documents, in a few lines.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes
from pathlib import Path
from typing import Any

from bench.rows import Row, at_most
from handbill.delivery.engine.feedback import Feedback, read_feedback
from handbill.delivery.engine.mailbox import messages_in

FOLDER = Path(__file__).parent.parent.parent / "shared" / "corpus" / "bounces"
AUTOMATIC = frozenset({"vacation"})
Gone = Callable[[bytes], list[bool] | bool]  # for each recipient, or for all of them at once


def run(quick: bool) -> Iterator[Row]:
    """Nothing where the collection is missing."""
    if not FOLDER.is_dir():
        return
    mails = {path.name: path.read_bytes() for path in sorted(FOLDER.glob("*.eml"))}
    expected = json.loads((FOLDER / "expected.json").read_text("utf-8"))
    read = {name: [read_feedback(message) for message in messages_in(data)] for name, data in mails.items()}
    yield from _kinds(read, expected)
    yield from _gone(mails, expected)
    yield from _speed(list(mails.values()), 1 if quick else 5)


def _kinds(read: dict[str, list[Feedback]], expected: dict[str, Any]) -> Iterator[Row]:
    """A provider's complaint in a form of its own lies among the bounces: it is none."""
    complaints = [name for name in read if name.startswith("arf")]
    answers = [name for name, rows in expected.items() if rows[0]["reason"] in AUTOMATIC]
    bounces = [name for name in read if name not in {*complaints, *answers}]
    yield _least("bounces recognised", *_share(read, bounces, "bounce"), 0.99)
    yield _least("complaints recognised", *_share(read, complaints, "complaint"), 1.0)
    wrong = [name for name in answers if any(told.kind == "bounce" for told in read[name])]
    ordinary = [path.read_bytes() for path in sorted((FOLDER / "not-bounces").glob("*.eml"))]
    taken = len(wrong) + sum(read_feedback(data).kind == "bounce" for data in ordinary)
    yield at_most(f"of {len(answers) + len(ordinary)} auto-replies and other mails taken for bounces", taken, "", 0)


def _share(read: dict[str, list[Feedback]], names: list[str], kind: str) -> tuple[int, int]:
    return sum(all(told.kind == kind for told in read[name]) for name in names), len(names)


def _least(name: str, right: int, of: int, limit: float) -> Row:
    return Row(f"{name} of {of}", round(right / of, 4), "", f"≥ {limit:g}", right >= limit * of)


def _gone(mails: dict[str, bytes], expected: dict[str, Any]) -> Iterator[Row]:
    peers: dict[str, Gone] = {"Handbill": ours, "flufl.bounce": flufl, "listmonk's rules": listmonk}
    for name, peer in peers.items():
        right = wrongly = soft = total = 0
        for file, rows in expected.items():
            if rows[0]["reason"] in AUTOMATIC:
                continue
            told = peer(mails[file])
            for place, row in enumerate(rows):
                gone = told if isinstance(told, bool) else place < len(told) and told[place]
                total, right = total + 1, right + (gone == row["hard"])
                soft, wrongly = soft + (not row["hard"]), wrongly + (gone and not row["hard"])
        target = ("≥ 0.97", right >= 0.97 * total) if name == "Handbill" else ("", None)
        yield Row(f"{name}: gone or not, right of {total}", round(right / total, 4), "", *target)
        target = ("≤ 0.005", wrongly <= 0.005 * soft) if name == "Handbill" else ("", None)
        yield Row(f"{name}: of {soft} that are not gone, called gone", round(wrongly / soft, 4), "", *target)


def ours(data: bytes) -> list[bool]:
    """Handbill's verdicts."""
    return [told.reader_gone for message in messages_in(data) for told in read_feedback(message).recipients]


def flufl(data: bytes) -> bool:
    """Whether flufl.bounce finds a permanent failure."""
    from flufl.bounce import all_failures

    return bool(all_failures(message_from_bytes(data))[1])


def listmonk(data: bytes) -> bool:
    """Hard by the first status of 5, or else by one of a few phrases, as listmonk's scanner of mailboxes does."""
    text = data.decode("latin-1").lower()
    status = re.search(r"(?:status|diagnostic-code):[^\n]{0,80}?\b([245])\.\d{1,3}\.\d{1,3}", text)
    if status:
        return status[1] == "5"
    smtp = re.search(r"\b([45])\d\d[ -]", text)
    phrases = r"user unknown|unknown user|does not exist|no such user|mailbox not found|invalid recipient|undeliverable"
    return bool(re.search(phrases, text)) or bool(smtp and smtp[1] == "5")


def _speed(mails: list[bytes], times: int) -> Iterator[Row]:
    began = time.process_time()
    for _ in range(times):
        for data in mails:
            read_feedback(data)
    spent = time.process_time() - began
    yield Row("a mail read", round(1000 * spent / len(mails) / times, 2), "CPU ms")
