"""Judge what a provider's API answered: what became of the copy, and whose fault it is. Pure.

A provider that takes a copy only says that it will try, so nothing here ever says that a reader is gone: it can't know
yet, and its own list of addresses that it won't mail is no proof (ADR-0006). A request that went out and was answered
by nobody, or by a fault of the provider's own, is in doubt.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from handbill.delivery.engine import phrases
from handbill.delivery.engine.judge import ACCEPTED, DEFERRED, IN_DOUBT, REFUSED, RELAY, without_addresses
from handbill.delivery.engine.outcome import UNTOUCHED, Outcome

STAGE = "api"
_OURS = frozenset(
    {phrases.ACCOUNT, phrases.QUOTA, phrases.AUTHENTICATION, phrases.RELAYING, phrases.SENDER, phrases.BLOCKED}
)
_WORDS = (  # what providers call it in their codes
    (phrases.ACCOUNT, re.compile(r"account ?suspended|sending ?paused|account (is )?(temporarily )?disabled", re.I)),
    (phrases.SENDER, re.compile(r"(domain|identity|sender|from\S*) .{0,60}not .{0,20}verified|notverified", re.I)),
    (phrases.SENDER, re.compile(r"domain not found|sender signature|invalid .?from\b|unverified", re.I)),
    (phrases.QUOTA, re.compile(r"limit ?exceeded|not enough credits|quota|daily (sending )?limit", re.I)),
)


class Answer(NamedTuple):
    """``status`` of HTTP, 0 where none came; ``text`` is what the provider said; ``wait`` in seconds, where it asks.

    ``unsent``: there was no connection, so no request went out. ``refused``: it won't mail this reader. ``unmade``: the
    request was not made, for the letter has what this API can't carry.
    """

    status: int = 0
    text: str = ""
    wait: float = 0.0
    unsent: bool = False
    refused: bool = False
    unmade: bool = False


def judge_answer(answer: Answer, to: str) -> Outcome:
    """What became of the copy to ``to``. UNTOUCHED: nobody took it, and it says nothing of the copy."""
    status = answer.status
    said = without_addresses(answer.text, to)
    if answer.unsent or status == 429:
        return Outcome(UNTOUCHED)
    if answer.refused:
        return Outcome(REFUSED, status, said, phrases.SUPPRESSED, stage=STAGE)
    if answer.unmade:
        return Outcome(RELAY, 0, said, "other", True, STAGE)
    if 200 <= status < 300:
        return Outcome(ACCEPTED, status, said, stage=STAGE)
    if status == 503:
        return Outcome(DEFERRED, status, said, "closing", True, STAGE)
    if not 300 <= status < 500:
        return Outcome(IN_DOUBT, status, said, "system" if status else "lost", True, STAGE)
    return _refused(status, answer.text, said)


def _refused(status: int, text: str, said: str) -> Outcome:
    """A refusal before anything was tried is about us, unless it names the letter."""
    reason = next((word for word, pattern in _WORDS if pattern.search(text)), "") or phrases.reason_of(text)
    if status in (401, 402, 403, 407) and reason not in _OURS:
        reason = phrases.ACCOUNT if status == 402 else phrases.AUTHENTICATION
    if status == 413:
        reason = phrases.SIZE
    if reason in (phrases.SIZE, phrases.CONTENT):
        return Outcome(REFUSED, status, said, reason, stage=STAGE)
    return Outcome(RELAY, status, said, reason if reason in _OURS else "other", True, STAGE)
