"""Judge a relay's answer: what became of the copy, whose fault it is, and what to do. Pure.

The words are ``phrases``'s, the same as for bounces. A doubtful answer never means gone (ADR-0006): "user unknown"
after the letter itself, without the code of an unknown reader, is a filter's excuse.
Codes: RFC 5321 4.2, RFC 3463, RFC 7505 (null MX).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from handbill.delivery.engine import phrases
from handbill.delivery.engine.phrases import ADDRESS, plain_words, reason_of, reason_of_code, status_in

ACCEPTED, DEFERRED, REFUSED, IN_DOUBT = "accepted", "deferred", "refused", "in doubt"
RELAY = "relay"
"""The relay refuses us, not this reader: nothing was decided about the copy, try it elsewhere or later."""

WAIT, SWITCH, RETRY, GIVE_UP, STOP = (
    "wait",
    "switch relay",
    "retry later",
    "give up on this reader",
    "stop and call the editor",
)
STAGES = ("connect", "hello", "tls", "login", "mail", "rcpt", "data", "dot")
OUR_STAGES = frozenset({"connect", "hello", "tls", "login", "mail"})
REPLY_LIMIT = 500

# What each reason asks for. One such answer may be one server's taste; who counts them is the room.
ACTS = {
    phrases.ACCOUNT: SWITCH, phrases.AUTHENTICATION: SWITCH, phrases.RELAYING: SWITCH, phrases.SENDER: SWITCH,
    phrases.QUOTA: SWITCH, phrases.BLOCKED: SWITCH, phrases.RATE: WAIT, "closing": WAIT,
    phrases.CONTENT: STOP, phrases.POLICY: STOP, phrases.SIZE: STOP,
    phrases.GONE: GIVE_UP, phrases.MOVED: GIVE_UP,
}  # fmt: skip
CALLS = frozenset({phrases.ACCOUNT, phrases.AUTHENTICATION, phrases.RELAYING, phrases.SENDER, phrases.BLOCKED})
"""With these the editor is called besides: no relay mends them by itself."""

_OURS = frozenset({phrases.ACCOUNT, phrases.QUOTA, phrases.AUTHENTICATION, phrases.RELAYING, phrases.SENDER})
_OF_A_RELAY = _OURS | {phrases.RATE, phrases.BLOCKED, phrases.GREYLISTED}
_NOT_WHILE_DEFERRED = frozenset({phrases.GONE, phrases.MOVED, phrases.DOMAIN, phrases.FILTERED})
_LOGIN_CODES = frozenset({530, 534, 535, 538})
_BARE_ACCOUNT = re.compile(
    r"account (is |has been )?(temporarily )?(suspended|disabled|deactivated|locked|inactive|closed)"
)
_DEFINITE = frozenset({"5.1.1", "5.1.6", "5.1.10"})


@dataclass(frozen=True, slots=True)
class Judgement:
    """``state`` is one of the names above; ``reason`` a word of ``phrases``, "closing", "garbled" or "other".

    ``act`` is what to do, "" where the copy is settled. ``calls``: tell the editor as well. ``definite``: a reader
    who is gone needs no second proof.
    """

    state: str
    reason: str = ""
    act: str = ""
    calls: bool = False
    definite: bool = False


def judge(stage: str, code: int, reply: str) -> Judgement:
    """What a reply means. ``stage``: connect, hello, tls, login, mail, rcpt, data or dot (the reply to the last dot).

    A code outside 200 to 599 is no reply at all: in doubt after the last dot, else nothing was taken.
    """
    if 200 <= code < 300:
        return Judgement(ACCEPTED)
    if not 400 <= code < 600:
        return Judgement(IN_DOUBT if stage == "dot" else DEFERRED, "garbled", RETRY)
    reason = _reason(stage, code, reply)
    act = ACTS.get(reason, RETRY)
    calls = act == STOP or reason in CALLS
    if stage in OUR_STAGES or reason in _OURS:
        return Judgement(RELAY, reason, SWITCH if act in (STOP, RETRY) else act, calls)
    if code < 500:
        return Judgement(DEFERRED, reason, WAIT if act == WAIT else RETRY)
    definite = reason == phrases.GONE and stage == "rcpt" and status_in(reply) in _DEFINITE
    return Judgement(REFUSED, reason or "other", act, calls, definite)


def without_addresses(reply: str, to: str = "") -> str:
    """The reply on one line, fit to be stored: no addresses, nor ``to``'s local part alone, at most 500 characters."""
    text = " ".join(reply.split())
    if to:
        text = re.sub(re.escape(to), "…", text, flags=re.IGNORECASE)
    text = ADDRESS.sub("…", text)
    local = to.rpartition("@")[0]
    if local:
        text = re.sub(rf"(?<!\w){re.escape(local)}(?!\w)", "…", text, flags=re.IGNORECASE)
    return "".join(character for character in text if character.isprintable())[:REPLY_LIMIT]


def _reason(stage: str, code: int, reply: str) -> str:
    found = reason_of(reply)
    if stage in OUR_STAGES:
        return _of_a_relay(stage, code, found, reply)
    if code in _LOGIN_CODES and found not in _OURS:
        return phrases.AUTHENTICATION
    if code == 421 and found not in _OURS | {phrases.RATE, phrases.GREYLISTED}:
        return "closing"
    if code < 500 and found in _NOT_WHILE_DEFERRED:
        return ""
    return (
        _of_a_reader(stage, found, reply) or reason_of_code(status_in(reply)) * (code >= 500) or _OF_CODES.get(code, "")
    )


_OF_CODES = {
    452: phrases.FULL,
    552: phrases.FULL,
    551: phrases.MOVED,
    523: phrases.SIZE,
    521: phrases.DOMAIN,
    556: phrases.DOMAIN,
}


def _of_a_relay(stage: str, code: int, found: str, reply: str) -> str:
    """Before any reader is named, an answer speaks of us."""
    if _BARE_ACCOUNT.search(plain_words(reply)):
        return phrases.ACCOUNT
    if found in _OF_A_RELAY:
        return found
    return phrases.AUTHENTICATION if stage == "login" or code in _LOGIN_CODES else phrases.POLICY


def _of_a_reader(stage: str, found: str, reply: str) -> str:
    if found == phrases.GONE and stage != "rcpt" and not status_in(reply).startswith("5.1."):
        return phrases.FILTERED
    return found
