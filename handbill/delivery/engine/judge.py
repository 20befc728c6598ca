"""Judge a relay's answer: what became of the copy, and whose fault it is. Pure: a table, read from the top.

The one mistake that can't be mended is to take a block for a reader who left (ADR-0006), so whatever speaks of blocks,
quotas or suspension is read before anything that says "no such user", and a doubtful answer never means gone.
Codes: RFC 5321 4.2, RFC 3463, RFC 7505 (null MX).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

ACCEPTED, DEFERRED, REFUSED, IN_DOUBT = "accepted", "deferred", "refused", "in doubt"
RELAY = "relay"
"""The relay refuses us, not this reader: nothing was decided about the copy, try it elsewhere or later."""

OUR_STAGES = frozenset({"connect", "hello", "tls", "login", "mail"})
REPLY_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Judgement:
    """``state`` is one of the names above; ``reason`` one word: gone, blocked, full, suspended, policy, content, …"""

    state: str
    reason: str = ""


_REASONS: tuple[tuple[str, str], ...] = (
    (
        "login",
        r"\b5\.7\.0 .*authenticat|authentication (is )?required|relay(ing)? (access )?(is )?(denied|not permitted)",
    ),
    ("login", r"unable to relay|not permitted to relay|must authenticate|\b5\.1\.[78]\b|sender (address )?rejected"),
    ("blocked", r"\bblock(ed|ing|list(ed)?)?\b|black-?list|deny-?list|banned|dns ?bl|\brbl\b|spamhaus|reputation"),
    ("blocked", r"\blisted (in|at|on|by)\b|too many (messages|connections|mails)|rate.?limit|throttl|unusual rate"),
    ("suspended", r"\b[45]\.2\.1\b|suspend|disabled|inactive|deactivated|locked|not active|frozen"),
    ("full", r"\b[45]\.2\.2\b|quota|mailbox (is )?full|full mailbox|insufficient (system )?storage|out of space"),
    ("size", r"\b[45]\.(3\.4|2\.3)\b|too (big|large)|size (limit )?exceed|exceeds? .*size"),
    ("policy", r"\b[45]\.7\.\d+\b|policy|spf|dkim|dmarc|not authori[sz]ed|access denied"),
    ("content", r"\b[45]\.6\.\d+\b|spam|virus|malware|phish|content"),
    ("greylisted", r"gr[ae]y-?list"),
    ("gone", r"\b5\.1\.(1|6|10)\b|(user|recipient|mailbox|address|account|addressee) (is |was )?(unknown|not found)"),
    ("gone", r"(unknown|invalid|no such) (local )?(user|recipient|mailbox|address|account|person|addressee)"),
    ("gone", r"(user|recipient|mailbox|address|account|email)( account)?( that you .*)? (does not|doesn't) exist"),
    ("gone", r"no mailbox (here )?by that name|not a known user|no longer (valid|exists|here)|null mx"),
    ("domain", r"\b5\.1\.2\b|domain .*not (found|exist)|host (unknown|not found)|unrouteable"),
)
_COMPILED = tuple((reason, re.compile(pattern)) for reason, pattern in _REASONS)
_NOT_WHILE_DEFERRED = frozenset({"gone", "domain"})

_ADDRESS = re.compile(r"<?[^\s<>()\[\]\"',;:]+(@|%40|=40)[^\s<>()\"',;]+>?")


def judge(stage: str, code: int, reply: str) -> Judgement:
    """What a reply means. ``stage``: connect, hello, tls, login, mail, rcpt, data or dot (the reply to the last dot).

    A code outside 200 to 599 is no reply at all: in doubt after the last dot, else nothing was taken.
    """
    if 200 <= code < 300:
        return Judgement(ACCEPTED)
    if not 400 <= code < 600:
        return Judgement(IN_DOUBT if stage == "dot" else DEFERRED, "garbled")
    if stage in OUR_STAGES:
        return Judgement(RELAY, "login" if stage == "login" or code in (530, 535, 538) else "policy")
    if code == 421:
        return Judgement(DEFERRED, "closing")
    reason = _reason(code, reply)
    if reason == "login":
        return Judgement(RELAY, reason)
    if code < 500:
        return Judgement(DEFERRED, "" if reason in _NOT_WHILE_DEFERRED else reason)
    return Judgement(REFUSED, reason or "other")


def without_addresses(reply: str, to: str = "") -> str:
    """The reply on one line, fit to be stored: no addresses, nor ``to``'s local part alone, at most 500 characters."""
    text = " ".join(reply.split())
    if to:
        text = re.sub(re.escape(to), "…", text, flags=re.IGNORECASE)
    text = _ADDRESS.sub("…", text)
    local = to.rpartition("@")[0]
    if local:
        text = re.sub(rf"(?<!\w){re.escape(local)}(?!\w)", "…", text, flags=re.IGNORECASE)
    return "".join(character for character in text if character.isprintable())[:REPLY_LIMIT]


def _reason(code: int, reply: str) -> str:
    if code in (530, 535, 538):
        return "login"
    text = _ADDRESS.sub("…", reply).lower()
    found = next((reason for reason, pattern in _COMPILED if pattern.search(text)), "")
    return found or {452: "full", 552: "full"}.get(code, "")
