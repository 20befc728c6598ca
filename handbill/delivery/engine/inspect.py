"""What is inside feedback mails and SMTP replies, as plain values for ``handbill inspect``. Pure."""

from __future__ import annotations

import re
from typing import Any

from handbill.delivery.engine.feedback import read_feedback
from handbill.delivery.engine.judge import STAGES, judge
from handbill.delivery.engine.mailbox import messages_in

MAX_MESSAGES = 100_000
_REPLY = re.compile(r"\s*(?:(?P<stage>[a-z]+)[\s:]+)?(?P<code>\d{3})(?P<rest>[\s-].*|)$", re.IGNORECASE | re.DOTALL)


def inspect_bounce(data: bytes) -> list[dict[str, Any]]:
    """For each message of a mail or mailbox file its ``kind`` and ``recipients``, in order."""
    return [_told(message) for _, message in zip(range(MAX_MESSAGES), messages_in(data), strict=False)]


def inspect_reply(line: str) -> dict[str, Any]:
    """The judgement on one reply; the stage of the conversation may stand before the code, else it is rcpt."""
    match = _REPLY.match(line)
    stage = ((match["stage"] if match else "") or "rcpt").lower()
    if not match or stage not in STAGES:
        return {
            "reply": line,
            "error": "This is no reply. Write a code of three digits and a text, such as: rcpt 550 no",
        }
    found = judge(stage, int(match["code"]), match["rest"].strip(" -"))
    return {
        "reply": line,
        "stage": stage,
        "state": found.state,
        "reason": found.reason,
        "act": found.act,
        "calls_editor": found.calls,
        "reader_gone": found.act == "give up on this reader",
    }


def _told(message: bytes) -> dict[str, Any]:
    feedback = read_feedback(message)
    keys = ("address", "status", "reason", "reader_gone")
    return {
        "kind": feedback.kind,
        "recipients": [{key: getattr(told, key) for key in keys} for told in feedback.recipients],
    }
