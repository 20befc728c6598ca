"""Weigh what is known of one failure: why it failed, whether the reader is gone, and how sure that is. Pure.

The reader is gone only if the address or its domain is unknown, moved or closed. "User unknown" is believed with a
code of 5.1.x, as the answer to that reader's name, or from a mail system that looked into its own book. After the
letter itself it is a filter's excuse (the server had taken that name before), and beside a full or sleeping mailbox it
says less than the mailbox does (ADR-0032).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from handbill.delivery.engine.phrases import (
    ACCOUNT,
    BLOCKED,
    CONTENT,
    DOMAIN,
    EXPIRED,
    FILTERED,
    FULL,
    GONE,
    MOVED,
    NETWORK,
    POLICY,
    QUOTA,
    RATE,
    SENDER,
    SUSPENDED,
    SYSTEM,
    reason_of,
    reason_of_code,
    status_in,
)

OTHER = "other"
GONE_REASONS = frozenset({GONE, MOVED, DOMAIN})
_UNKNOWN_CODES = ("5.1.1", "5.1.6", "5.1.10")
_SPEAKS_AGAINST = frozenset({FULL, SUSPENDED, BLOCKED, POLICY, CONTENT, RATE, QUOTA, ACCOUNT})
_BEFORE_THE_READER = frozenset({"connect", "hello", "mail"})

_STAGES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (stage, re.compile(pattern, re.IGNORECASE))
    for stage, pattern in (
        (
            "rcpt",
            r"in reply to rcpt|after rcpt|following rcpt|\(state 14\)|\[rcpt_to\]|\bour rcpt|smtp:rcpt"
            r"|does not like recipient"
            r"|after \S*rcpt to",
        ),
        ("data", r"in reply to (end of )?data|after end of data|after i sent the message|\bour data|for text command"),
        (
            "data",
            r"\(state 1[5-8]\)|smtp command\s+data|after data|5\.3\.0 - other mail system problem|response to data"
            r"|smtp:data"
            r"|after end-of-data|_data\b",
        ),
        (
            "mail",
            r"in reply to mail|after mail|\bour mail\b(?! system)|smtp:mail|does not like (your |the )?sender"
            r"|\[mail_from\]",
        ),
        ("hello", r"in reply to (ehlo|helo)|after (ehlo|helo)|\bour (ehlo|helo)"),
        (
            "connect",
            r"initial connection|after connect|while talking.{0,60}greeting|connected to \S+ but greeting failed",
        ),
        ("rcpt", r">>> ?rcpt|rcpt to:"),
        ("mail", r">>> ?mail from"),
    )
)
_REPLY_ENDS = re.compile(r"\n\s*\n|\n\s*(?:>>>|<<<)")
_GATEWAY = re.compile(r"5\.\d\.\d - [^\d']{1,60}(?=[45]\d\d-')")  # AsyncOS's own class before the server's answer
_OWN_DIRECTORY = re.compile(  # a mail system looked into its own book: the answer needs no code
    r"not listed in|name is not recogni[sz]ed|000c05a6|^\W*unknown user:|invalid final delivery userid"
    r"|no valid recipients for this"
    r"|recip(ient)?notfound|invalid recipient|^5\d\d (5\.1\.1 )?<?[^\s<>@]+@[^\s<>]+\.\.\. user unknown",
    re.IGNORECASE | re.MULTILINE,
)
_REPLY = re.compile(r"(?<![\d.:-])([45]\d\d)(?:[\s-]|: |$)(?!\d{3}\.)")


@dataclass(frozen=True, slots=True)
class Evidence:
    """``said`` is the refusing server's own answer; ``told`` what the mail says of this recipient besides.

    ``status`` and ``action`` are the report's (RFC 3464), ``local`` whether a program on the last machine failed.
    """

    said: str = ""
    told: str = ""
    status: str = ""
    action: str = ""
    stage: str = ""
    local: bool = False
    vouched: bool = False  # the report's own category says: a bad mailbox


@dataclass(frozen=True, slots=True)
class Verdict:
    """``definite``: one such answer is enough; otherwise ``gone`` wants to be proven twice."""

    reason: str
    status: str = ""
    gone: bool = False
    definite: bool = False


def weigh(evidence: Evidence) -> Verdict:
    """The verdict on one recipient."""
    reason = _doubted(_reason(evidence), evidence)
    status = _status(evidence)
    gone = reason in GONE_REASONS
    return Verdict(reason, status, gone, gone and reason == GONE and _is_definite(status, evidence))


def stage_of(text: str) -> str:
    """At which command the server refused, or ""."""
    return next((stage for stage, pattern in _STAGES if pattern.search(text)), "")


def replies_in(text: str) -> str:
    """The text from the first SMTP reply on, or ""."""
    match = _REPLY.search(text)
    return text[match.start() :] if match else ""


def _first_reply(text: str) -> str:
    """The first SMTP reply alone: up to an empty line or the next line of the conversation."""
    return _REPLY_ENDS.split(replies_in(text), maxsplit=1)[0]


def _reason(evidence: Evidence) -> str:
    said = reason_of(_GATEWAY.sub("", evidence.said))
    if said in (NETWORK, EXPIRED, SYSTEM, ""):  # a relay that gives up says so last, the reason stands before
        better = reason_of(replies_in(evidence.told)) or reason_of(evidence.told)
        said = better if better not in ("", EXPIRED) else said
    return said or reason_of_code(_status(evidence)) or OTHER


def _doubted(reason: str, evidence: Evidence) -> str:
    """The reason, unless the rest of the evidence speaks against a reader who is gone."""
    if reason not in GONE_REASONS:
        return reason
    stage = _stage(evidence)
    if stage in _BEFORE_THE_READER and reason != DOMAIN:
        return SENDER
    if evidence.local:
        return SYSTEM
    if reason == DOMAIN and stage == "data":
        return SENDER  # the server had taken the reader's domain for its own
    if reason == GONE and not evidence.vouched:
        return _excused(stage, evidence) or reason
    return reason


def _stage(evidence: Evidence) -> str:
    return evidence.stage or stage_of(evidence.said) or stage_of(evidence.told)


def _excused(stage: str, evidence: Evidence) -> str:
    """Why "user unknown" is not believed, or ""."""
    status = _status(evidence)
    if status.startswith("4") or evidence.action == "delayed":
        return "deferred"
    proven = status.startswith("5.1.") or (status == "5.4.1" and stage != "data") or stage == "rcpt"
    if not proven and not _OWN_DIRECTORY.search(f"{evidence.said}\n{evidence.told}"):
        return FILTERED
    if (beside := reason_of(_first_reply(evidence.told))) in _SPEAKS_AGAINST:
        return beside
    if (beside := reason_of(evidence.told)) in (FULL, SUSPENDED):
        return beside
    return ""


def _status(evidence: Evidence) -> str:
    """The most telling code: that of the answer, else that of the report."""
    said = status_in(_GATEWAY.sub("", evidence.said))
    candidates = (said, evidence.status, status_in(evidence.told))
    return next((code for code in candidates if code and not code.endswith(".0.0")), evidence.status or said)


def _is_definite(status: str, evidence: Evidence) -> bool:
    """A definite code, from the server that is asked for this very reader."""
    stage = _stage(evidence)
    return status in _UNKNOWN_CODES and stage in ("rcpt", "") and evidence.action in ("failed", "")
