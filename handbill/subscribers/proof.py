"""A proof of work for one sign-up, asked for in a rush only, and never needed. Pure.

A task is a signed token that names the sign-up; its answer is a decimal number for which the SHA-256 of ``TASK:ANSWER``
begins with 16 zero bits: a second or two of a browser, one hash to check, and of no use for another sign-up.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from handbill.kit.crypto import read_token, sign_token
from handbill.kit.keys import Key

BITS = 16
PURPOSE = "proof"
_ANSWER = re.compile(r"[0-9]{1,15}")


def task(key: Key, identity: UUID) -> str:
    """The task for a sign-up."""
    return sign_token(key, PURPOSE, str(identity))


def check(key: Key, given: str, answer: str) -> UUID | None:
    """The sign-up that this proves work for; None where it is no task of ours or the answer is wrong."""
    if not _ANSWER.fullmatch(answer) or not is_solved(given, answer):
        return None
    subject = read_token(key, PURPOSE, given)
    return UUID(subject) if subject else None


def is_solved(given: str, answer: str) -> bool:
    """Whether the hash begins with enough zero bits."""
    digest = hashlib.sha256(f"{given}:{answer}".encode(errors="replace")).digest()
    return int.from_bytes(digest[:4], "big") >> (32 - BITS) == 0


@lru_cache(maxsize=1)
def script() -> str:
    """What a browser does with a task."""
    return Path(__file__).with_name("proof.js").read_text("utf-8")
